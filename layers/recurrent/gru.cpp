#include <utility>

#include "layers/recurrent/recurrent_layer.hpp"
#include "layers/support/factories.hpp"

namespace keratin::layers {

namespace {

class GRUCellImpl final : public KerasCell {
 public:
  GRUCellImpl() = default;

  GRUCellImpl(std::int64_t units, const GRUCellOptions& options)
      : KerasCell(options), units_(units), options_(options) {
    settle();
  }

  std::string class_name() const override { return "GRUCell"; }

  void fields(FieldVisitor& visit) override {
    KerasCell::fields(visit);
    visit("units", units_, {.required = true, .minimum = 1});
    visit("activation", options_.activation);
    visit("recurrent_activation", options_.recurrent_activation);
    visit_weights(visit, options_);
    visit_penalties(visit, options_);
    visit_constraints(visit, options_);
    visit("reset_after", options_.reset_after);
    visit("seed", options_.seed);
    visit(
        "implementation",
        options_.implementation,
        {.minimum = 0, .maximum = 2});
  }

  Config get_config() const override {
    Config config = KerasCell::get_config();
    config.erase("implementation");  // Keras writes none
    return config;
  }

  void build(const std::vector<Shape>& inputs) override {
    expect_rank({inputs[0]}, 2);
    in_ = known_dim(inputs[0], -1);
    weights_.kernel =
        add_weight("kernel", {in_, 3 * units_}, kernel_options(options_));
    weights_.recurrent = add_weight(
        "recurrent_kernel", {units_, 3 * units_}, recurrent_options(options_));
    if (options_.use_bias) {
      const Shape shape =
          options_.reset_after ? Shape{2, 3 * units_} : Shape{3 * units_};
      weights_.bias = add_weight("bias", shape, bias_options(options_));
    }
    if (options_.dropout > 0 || options_.recurrent_dropout > 0) {
      seed_ = add_seed_generator(options_.seed);
    }
  }

  std::vector<Shape> state_shapes() const override { return {{units_}}; }

  std::optional<std::size_t> output_state() const override { return 0; }

  CellRun start(CallContext& ctx, std::int64_t batch) override {
    // As in Keras, a rate of 1 drops nothing.
    const auto rate = [](double given) { return given < 1 ? given : 0; };
    const bool per_gate =
        options_.implementation < 2 || options_.recurrent_dropout > 0;
    const auto dropped = dropout_masks(
        ctx, seed_, {batch, in_}, rate(options_.dropout), per_gate ? 3 : 1);
    const auto recurrent_dropped = dropout_masks(
        ctx, seed_, {batch, units_}, rate(options_.recurrent_dropout), 3);
    const Value kernel = ctx.read(weights_.kernel);
    const Value recurrent = ctx.read(weights_.recurrent);
    Value bias;
    Value recurrent_bias;
    if (weights_.bias) {
      bias = ctx.read(weights_.bias);
      if (options_.reset_after) {
        recurrent_bias = ops::squeeze(ops::slice_axis(bias, 0, 1, 2), {0});
        bias = ops::squeeze(ops::slice_axis(bias, 0, 0, 1), {0});
      }
    }
    const auto project = [=](const Value& x) {
      const Value y = masked_product(x, kernel, dropped);
      return bias ? y + bias : y;
    };
    if (options_.reset_after) {
      return {
          project, [=, this](const Value& x, const std::vector<Value>& states) {
            Value inner =
                masked_product(states[0], recurrent, recurrent_dropped);
            if (recurrent_bias) inner = inner + recurrent_bias;
            const Value r = squash(gate(x, 1, 3) + gate(inner, 1, 3));
            return next(
                states[0],
                squash(gate(x, 0, 3) + gate(inner, 0, 3)),
                gate(x, 2, 3) + r * gate(inner, 2, 3));
          }};
    }
    // Read once, outside of the loop.
    const Value gates = ops::slice_axis(recurrent, -1, 0, 2 * units_);
    const Value candidate =
        ops::slice_axis(recurrent, -1, 2 * units_, 3 * units_);
    std::vector<Value> gates_dropped;
    if (!recurrent_dropped.empty()) {
      gates_dropped = {recurrent_dropped[0], recurrent_dropped[1]};
    }
    return {
        project, [=, this](const Value& x, const std::vector<Value>& states) {
          const Value inner = masked_product(states[0], gates, gates_dropped);
          const Value r = squash(gate(x, 1, 3) + gate(inner, 1, 2));
          Value h = states[0];
          if (!recurrent_dropped.empty()) h = h * recurrent_dropped[2];
          return next(
              states[0],
              squash(gate(x, 0, 3) + gate(inner, 0, 2)),
              gate(x, 2, 3) + ops::matmul(r * h, candidate));
        }};
  }

 private:
  Value squash(const Value& x) const {
    return options_.recurrent_activation(x);
  }

  /// h' = z * h + (1 - z) * activation(candidate)
  std::vector<Value> next(
      const Value& h, const Value& z, const Value& candidate) const {
    const Value y = z * h + (1.0 - z) * options_.activation(candidate);
    return {y, y};
  }

  std::int64_t units_ = 0;
  GRUCellOptions options_;
  std::int64_t in_ = 0;
  CellWeights weights_;
  Variable seed_;
};

class GRUImpl final : public RecurrentImpl {
 public:
  GRUImpl() = default;

  GRUImpl(std::int64_t units, const GRUOptions& options)
      : RecurrentImpl(options), units_(units), options_(options) {
    settle();
  }

  std::string class_name() const override { return "GRU"; }

  void fields(FieldVisitor& visit) override {
    LayerImpl::fields(visit);
    visit_loop(visit);
    visit("units", units_, {.required = true, .minimum = 1});
    visit("activation", options_.activation);
    visit("recurrent_activation", options_.recurrent_activation);
    visit_weights(visit, options_);
    visit_penalties(visit, options_);
    visit("activity_regularizer", activity_regularizer_);
    visit_constraints(visit, options_);
    visit("reset_after", options_.reset_after);
    visit("seed", options_.seed);
    visit("use_cudnn", options_.use_cudnn);
    visit(
        "implementation",
        options_.implementation,
        {.minimum = 0, .maximum = 2});
  }

  Config get_config() const override {
    Config config = RecurrentImpl::get_config();
    for (const char* key : {"use_cudnn", "implementation"}) config.erase(key);
    return config;
  }

 protected:
  bool writes_activity_regularizer() const override { return true; }

  void settle() override {
    KerasLayer::settle();
    const std::string problem = cudnn_problem(
        {options_.use_cudnn,
         options_.activation,
         options_.recurrent_activation,
         loop().unroll,
         options_.use_bias,
         options_.reset_after,
         options_.recurrent_dropout});
    if (!problem.empty()) fail(problem);
    auto cell = cell_options<GRUCellOptions>(options_);
    cell.recurrent_activation = options_.recurrent_activation;
    cell.reset_after = options_.reset_after;
    cell.implementation = options_.implementation;
    cell.name = "gru_cell";
    cell.dtype = dtype_policy();
    cell.trainable = trainable();
    set_cell(GRUCell(units_, std::move(cell)));
  }

 private:
  std::int64_t units_ = 0;
  GRUOptions options_;
};

}  // namespace

std::shared_ptr<LayerImpl> make_gru_cell() {
  return std::make_shared<GRUCellImpl>();
}

std::shared_ptr<LayerImpl> make_gru() {
  return std::make_shared<GRUImpl>();
}

GRUCell::GRUCell(std::int64_t units, GRUCellOptions options)
    : Layer(std::make_shared<GRUCellImpl>(units, options)) {}

GRU::GRU(std::int64_t units, GRUOptions options)
    : RecurrentLayer(std::make_shared<GRUImpl>(units, options)) {}

}  // namespace keratin::layers
