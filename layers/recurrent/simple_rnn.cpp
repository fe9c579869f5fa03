#include <utility>

#include "layers/recurrent/recurrent_layer.hpp"
#include "layers/support/factories.hpp"

namespace keratin::layers {

namespace {

class SimpleRNNCellImpl final : public KerasCell {
 public:
  SimpleRNNCellImpl() = default;

  SimpleRNNCellImpl(std::int64_t units, const SimpleRNNCellOptions& options)
      : KerasCell(options), units_(units), options_(options) {
    settle();
  }

  std::string class_name() const override { return "SimpleRNNCell"; }

  void fields(FieldVisitor& visit) override {
    KerasCell::fields(visit);
    visit("units", units_, {.required = true, .minimum = 1});
    visit("activation", options_.activation);
    visit_weights(visit, options_);
    visit_penalties(visit, options_);
    visit_constraints(visit, options_);
    visit("seed", options_.seed);
  }

  void build(const std::vector<Shape>& inputs) override {
    expect_rank({inputs[0]}, 2);
    in_ = known_dim(inputs[0], -1);
    weights_.kernel =
        add_weight("kernel", {in_, units_}, kernel_options(options_));
    weights_.recurrent = add_weight(
        "recurrent_kernel", {units_, units_}, recurrent_options(options_));
    if (options_.use_bias) {
      weights_.bias = add_weight("bias", {units_}, bias_options(options_));
    }
    if (options_.dropout > 0 || options_.recurrent_dropout > 0) {
      seed_ = add_seed_generator(options_.seed);
    }
  }

  std::vector<Shape> state_shapes() const override { return {{units_}}; }

  std::optional<std::size_t> output_state() const override { return 0; }

  CellRun start(CallContext& ctx, std::int64_t batch) override {
    const auto dropped =
        dropout_masks(ctx, seed_, {batch, in_}, options_.dropout, 1);
    const auto recurrent_dropped = dropout_masks(
        ctx, seed_, {batch, units_}, options_.recurrent_dropout, 1);
    const Value kernel = ctx.read(weights_.kernel);
    const Value recurrent = ctx.read(weights_.recurrent);
    const Value bias = weights_.bias ? ctx.read(weights_.bias) : Value();
    const auto project = [=](const Value& x) {
      const Value y = masked_product(x, kernel, dropped);
      return bias ? y + bias : y;
    };
    const auto step = [=, this](
                          const Value& x, const std::vector<Value>& states) {
      const Value h = options_.activation(
          x + masked_product(states[0], recurrent, recurrent_dropped));
      return std::vector<Value>{h, h};
    };
    return {project, step};
  }

 private:
  std::int64_t units_ = 0;
  SimpleRNNCellOptions options_;
  std::int64_t in_ = 0;
  CellWeights weights_;
  Variable seed_;
};

class SimpleRNNImpl final : public RecurrentImpl {
 public:
  SimpleRNNImpl() = default;

  SimpleRNNImpl(std::int64_t units, const SimpleRNNOptions& options)
      : RecurrentImpl(options), units_(units), options_(options) {
    settle();
  }

  std::string class_name() const override { return "SimpleRNN"; }

  void fields(FieldVisitor& visit) override {
    LayerImpl::fields(visit);
    visit_loop(visit);
    visit("units", units_, {.required = true, .minimum = 1});
    visit("activation", options_.activation);
    visit_weights(visit, options_);
    visit_penalties(visit, options_);
    visit("activity_regularizer", activity_regularizer_);
    visit_constraints(visit, options_);
    visit("seed", options_.seed);
  }

  Config get_config() const override {
    Config config = RecurrentImpl::get_config();
    if (!options_.seed) config.erase("seed");  // Keras never writes it
    return config;
  }

 protected:
  bool writes_activity_regularizer() const override { return true; }

  void settle() override {
    KerasLayer::settle();
    auto cell = cell_options<SimpleRNNCellOptions>(options_);
    cell.name = "simple_rnn_cell";
    cell.dtype = dtype_policy();
    cell.trainable = trainable();
    set_cell(SimpleRNNCell(units_, std::move(cell)));
  }

 private:
  std::int64_t units_ = 0;
  SimpleRNNOptions options_;
};

}  // namespace

std::shared_ptr<LayerImpl> make_simple_rnn_cell() {
  return std::make_shared<SimpleRNNCellImpl>();
}

std::shared_ptr<LayerImpl> make_simple_rnn() {
  return std::make_shared<SimpleRNNImpl>();
}

SimpleRNNCell::SimpleRNNCell(std::int64_t units, SimpleRNNCellOptions options)
    : Layer(std::make_shared<SimpleRNNCellImpl>(units, options)) {}

SimpleRNN::SimpleRNN(std::int64_t units, SimpleRNNOptions options)
    : RecurrentLayer(std::make_shared<SimpleRNNImpl>(units, options)) {}

}  // namespace keratin::layers
