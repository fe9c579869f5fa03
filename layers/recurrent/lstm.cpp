#include <utility>

#include "layers/recurrent/recurrent_layer.hpp"
#include "layers/support/factories.hpp"
#include "src/core/format.hpp"

namespace keratin::layers {

namespace {

class LSTMCellImpl final : public KerasCell {
 public:
  LSTMCellImpl() = default;

  LSTMCellImpl(std::int64_t units, const LSTMCellOptions& options)
      : KerasCell(options), units_(units), options_(options) {
    settle();
  }

  std::string class_name() const override { return "LSTMCell"; }

  void fields(FieldVisitor& visit) override {
    KerasCell::fields(visit);
    visit("units", units_, {.required = true, .minimum = 1});
    visit("activation", options_.activation);
    visit("recurrent_activation", options_.recurrent_activation);
    visit("unit_forget_bias", options_.unit_forget_bias);
    visit_weights(visit, options_);
    visit_penalties(visit, options_);
    visit_constraints(visit, options_);
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
        add_weight("kernel", {in_, 4 * units_}, kernel_options(options_));
    weights_.recurrent = add_weight(
        "recurrent_kernel", {units_, 4 * units_}, recurrent_options(options_));
    if (options_.use_bias) {
      WeightOptions bias = bias_options(options_);
      if (options_.unit_forget_bias) {
        bias.initializer = forget_bias(bias.initializer);
      }
      weights_.bias = add_weight("bias", {4 * units_}, bias);
    }
    if (options_.dropout > 0 || options_.recurrent_dropout > 0) {
      seed_ = add_seed_generator(options_.seed);
    }
  }

  std::vector<Shape> state_shapes() const override {
    return {{units_}, {units_}};
  }

  std::optional<std::size_t> output_state() const override { return 0; }

  CellRun start(CallContext& ctx, std::int64_t batch) override {
    // As in Keras, a rate of 1 drops nothing.
    const auto rate = [](double given) { return given < 1 ? given : 0; };
    const bool per_gate =
        options_.implementation < 2 || options_.recurrent_dropout > 0;
    const auto dropped = dropout_masks(
        ctx, seed_, {batch, in_}, rate(options_.dropout), per_gate ? 4 : 1);
    const auto recurrent_dropped = dropout_masks(
        ctx, seed_, {batch, units_}, rate(options_.recurrent_dropout), 4);
    const Value kernel = ctx.read(weights_.kernel);
    const Value recurrent = ctx.read(weights_.recurrent);
    const Value bias = weights_.bias ? ctx.read(weights_.bias) : Value();
    const auto project = [=](const Value& x) {
      const Value y = masked_product(x, kernel, dropped);
      return bias ? y + bias : y;
    };
    const auto step = [=, this](
                          const Value& x, const std::vector<Value>& states) {
      const keratin::Activation& squash = options_.recurrent_activation;
      const Value z =
          x + masked_product(states[0], recurrent, recurrent_dropped);
      const Value i = squash(gate(z, 0, 4));
      const Value f = squash(gate(z, 1, 4));
      const Value c = f * states[1] + i * options_.activation(gate(z, 2, 4));
      const Value o = squash(gate(z, 3, 4));
      const Value h = o * options_.activation(c);
      return std::vector<Value>{h, h, c};
    };
    return {project, step};
  }

 private:
  std::int64_t units_ = 0;
  LSTMCellOptions options_;
  std::int64_t in_ = 0;
  CellWeights weights_;
  Variable seed_;
};

class LSTMImpl final : public RecurrentImpl {
 public:
  LSTMImpl() = default;

  LSTMImpl(std::int64_t units, const LSTMOptions& options)
      : RecurrentImpl(options), units_(units), options_(options) {
    settle();
  }

  std::string class_name() const override { return "LSTM"; }

  void fields(FieldVisitor& visit) override {
    LayerImpl::fields(visit);
    visit_loop(visit);
    visit("units", units_, {.required = true, .minimum = 1});
    visit("activation", options_.activation);
    visit("recurrent_activation", options_.recurrent_activation);
    visit_weights(visit, options_);
    visit("unit_forget_bias", options_.unit_forget_bias);
    visit_penalties(visit, options_);
    visit("activity_regularizer", activity_regularizer_);
    visit_constraints(visit, options_);
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
         true,
         options_.recurrent_dropout});
    if (!problem.empty()) fail(problem);
    auto cell = cell_options<LSTMCellOptions>(options_);
    cell.recurrent_activation = options_.recurrent_activation;
    cell.unit_forget_bias = options_.unit_forget_bias;
    cell.implementation = options_.implementation;
    cell.name = "lstm_cell";
    cell.dtype = dtype_policy();
    cell.trainable = trainable();
    set_cell(LSTMCell(units_, std::move(cell)));
  }

 private:
  std::int64_t units_ = 0;
  LSTMOptions options_;
};

}  // namespace

std::shared_ptr<LayerImpl> make_lstm_cell() {
  return std::make_shared<LSTMCellImpl>();
}

std::shared_ptr<LayerImpl> make_lstm() {
  return std::make_shared<LSTMImpl>();
}

LSTMCell::LSTMCell(std::int64_t units, LSTMCellOptions options)
    : Layer(std::make_shared<LSTMCellImpl>(units, options)) {}

LSTM::LSTM(std::int64_t units, LSTMOptions options)
    : RecurrentLayer(std::make_shared<LSTMImpl>(units, options)) {}

}  // namespace keratin::layers
