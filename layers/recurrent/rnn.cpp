// RNN and StackedRNNCells.

#include <map>
#include <string>
#include <utility>

#include "layers/base/naming.hpp"
#include "layers/recurrent/recurrent_layer.hpp"
#include "layers/support/factories.hpp"
#include "src/core/format.hpp"

namespace keratin::layers {

namespace {

class StackedRNNCellsImpl final : public KerasCell {
 public:
  StackedRNNCellsImpl() = default;

  StackedRNNCellsImpl(
      std::vector<Layer> cells, const StackedRNNCellsOptions& options)
      : KerasCell(options) {
    set_cells(std::move(cells));
    settle();
  }

  std::string class_name() const override { return "StackedRNNCells"; }

  void fields(FieldVisitor& visit) override {
    KerasCell::fields(visit);
    visit("cells", config_, {.required = true});
  }

  Config get_config() const override {
    Config config = KerasCell::get_config();
    Config cells = Config::array();
    for (const Layer& cell : cells_) cells.push_back(serialize(cell.impl()));
    config["cells"] = std::move(cells);
    return config;
  }

  void from_config(const Config& config, const std::string& where) override {
    KerasCell::from_config(config, where);
    if (!config_.is_array()) {
      fail(format("expected cells to be a list, got {}", config_.kind()));
    }
    std::vector<Layer> cells;
    for (std::size_t i = 0; i < config_.size(); ++i) {
      cells.push_back(deserialize_layer(
          config_.as_array()[i], format("{}.cells[{}]", where, i)));
    }
    set_cells(std::move(cells));
  }

  void build(const std::vector<Shape>& inputs) override {
    expect_min_rank({inputs[0]}, 2);
    Shape step = inputs[0];
    for (const Layer& cell : cells_) {
      cell.impl().ensure_built({step});
      step = Shape{inputs[0][0], width_of(cell)};
    }
  }

  std::vector<Shape> state_shapes() const override {
    std::vector<Shape> shapes;
    for (const Layer& cell : cells_) {
      for (const Shape& shape : layers::state_shapes(cell)) {
        shapes.push_back(shape);
      }
    }
    return shapes;
  }

  std::optional<std::size_t> output_state() const override {
    const std::optional<std::size_t> last = layers::output_state(cells_.back());
    if (!last) return {};
    return state_shapes().size() - layers::state_shapes(cells_.back()).size() +
           *last;
  }

  std::vector<std::size_t> state_groups() const override {
    std::vector<std::size_t> counts;
    for (const Layer& cell : cells_) {
      counts.push_back(layers::state_shapes(cell).size());
    }
    return counts;
  }

  std::vector<Value> initial_state(
      CallContext& ctx, std::int64_t batch) override {
    std::vector<Value> states;
    for (const Layer& cell : cells_) {
      for (const Value& state : layers::initial_state(ctx, cell, batch)) {
        states.push_back(state);
      }
    }
    return states;
  }

  CellRun start(CallContext& ctx, std::int64_t batch) override {
    std::vector<CellRun> runs;
    std::vector<std::size_t> counts;
    for (const Layer& cell : cells_) {
      runs.push_back(start_cell(ctx, cell, batch));
      counts.push_back(layers::state_shapes(cell).size());
    }
    const auto step = [runs, counts](
                          const Value& projected,
                          const std::vector<Value>& states) {
      std::vector<Value> next = {Value()};
      Value x = projected;
      auto own = states.begin();
      for (std::size_t i = 0; i < runs.size(); ++i) {
        const auto end = own + static_cast<std::ptrdiff_t>(counts[i]);
        const std::vector<Value> results =
            runs[i].step(i == 0 ? x : runs[i].project(x), {own, end});
        x = results[0];
        next.insert(next.end(), results.begin() + 1, results.end());
        own = end;
      }
      next[0] = x;
      return next;
    };
    return {runs[0].project, step};
  }

 private:
  void set_cells(std::vector<Layer> cells) {
    if (cells.empty()) fail("expected at least one cell, got none");
    for (const Layer& cell : cells) {
      if (is_cell(cell)) continue;
      fail(format(
          "expected cells, got {}; derive one of your own from CellImpl",
          cell ? cell.impl().who() : std::string("none")));
    }
    cells_ = std::move(cells);
    config_ = Config::array();
    clear_sublayers();
    // Keras keeps the items of a list under the names of their classes.
    std::map<std::string, int> used;
    for (const Layer& cell : cells_) {
      config_.push_back(serialize(cell.impl()));
      std::string name = to_snake_case(cell.class_name());
      if (const int count = used[name]++; count > 0) {
        name += format("_{}", count);
      }
      add_sublayer("cells/" + name, cell);
    }
  }

  /// Features of a cell's output: Keras takes the first state's for granted.
  static std::int64_t width_of(const Layer& cell) {
    const std::vector<Shape> shapes = layers::state_shapes(cell);
    const std::size_t index = layers::output_state(cell).value_or(0);
    if (shapes.empty() || shapes[index].rank() == 0) return kUnknown;
    return shapes[index].back();
  }

  std::vector<Layer> cells_;
  Config config_;
};

class RNNImpl final : public RecurrentImpl {
 public:
  RNNImpl() = default;

  RNNImpl(const Layer& cell, const RNNOptions& options)
      : RecurrentImpl(options) {
    set_cell(cell);
    config_ = serialize(cell.impl());
    settle();
  }

  std::string class_name() const override { return "RNN"; }

  void fields(FieldVisitor& visit) override {
    LayerImpl::fields(visit);
    visit("activity_regularizer", activity_regularizer_);
    visit_loop(visit);
    visit("cell", config_, {.required = true});
  }

  Config get_config() const override {
    Config config = RecurrentImpl::get_config();
    if (cell()) config["cell"] = serialize(cell().impl());
    return config;
  }

  void from_config(const Config& config, const std::string& where) override {
    RecurrentImpl::from_config(config, where);
    set_cell(deserialize_layer(config_, where + ".cell"));
  }

 protected:
  std::size_t sequence_rank() const override { return 0; }

 private:
  Config config_;
};

}  // namespace

std::shared_ptr<LayerImpl> make_stacked_rnn_cells() {
  return std::make_shared<StackedRNNCellsImpl>();
}

std::shared_ptr<LayerImpl> make_rnn() {
  return std::make_shared<RNNImpl>();
}

StackedRNNCells::StackedRNNCells(
    std::vector<Layer> cells, StackedRNNCellsOptions options)
    : Layer(std::make_shared<StackedRNNCellsImpl>(std::move(cells), options)) {}

RNN::RNN(Layer cell, RNNOptions options)
    : RecurrentLayer(std::make_shared<RNNImpl>(cell, options)) {}

RNN::RNN(std::vector<Layer> cells, RNNOptions options)
    : RNN(StackedRNNCells(std::move(cells)), std::move(options)) {}

}  // namespace keratin::layers
