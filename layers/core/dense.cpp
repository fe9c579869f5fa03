#include <utility>

#include <keratin/layers/core.hpp>

#include "layers/support/factories.hpp"
#include "layers/support/keras_layer.hpp"
#include "src/core/format.hpp"

namespace keratin::layers {

namespace {

class DenseImpl final : public KerasLayer {
 public:
  DenseImpl() = default;

  DenseImpl(std::int64_t units, DenseOptions options)
      : KerasLayer(options),
        units_(units),
        o_(std::move(options)),
        lora_(o_.lora_rank, o_.lora_alpha) {
    activity_regularizer_ = o_.activity_regularizer;
    settle();
  }

  std::string class_name() const override { return "Dense"; }

  bool supports_masking() const override { return true; }

  void fields(FieldVisitor& visit) override {
    KerasLayer::fields(visit);
    visit("units", units_, {.required = true, .minimum = 1});
    visit("activation", o_.activation);
    visit("use_bias", o_.use_bias);
    visit("kernel_initializer", o_.kernel_initializer);
    visit("bias_initializer", o_.bias_initializer);
    visit("kernel_regularizer", o_.kernel_regularizer);
    visit("bias_regularizer", o_.bias_regularizer);
    visit("kernel_constraint", o_.kernel_constraint);
    visit("bias_constraint", o_.bias_constraint);
    lora_.fields(visit);
  }

  const Lora* lora() const override { return &lora_; }

  Config get_config() const override {
    Config config = KerasLayer::get_config();
    config["quantization_config"] = nullptr;
    lora_.write(config);
    return config;
  }

  void build(const std::vector<Shape>& inputs) override {
    expect_min_rank(inputs, 2);
    const std::int64_t depth = known_dim(inputs[0], -1);
    kernel_ = add_weight(
        "kernel",
        {depth, units_},
        {.initializer = o_.kernel_initializer,
         .regularizer = o_.kernel_regularizer,
         .constraint = o_.kernel_constraint});
    if (o_.use_bias) {
      bias_ = add_weight(
          "bias",
          {units_},
          {.initializer = o_.bias_initializer,
           .regularizer = o_.bias_regularizer,
           .constraint = o_.bias_constraint});
    }
    build_lora(lora_, kernel_, "lora_kernel", o_.kernel_regularizer);
  }

  Value call(CallContext& ctx, const Value& x) override {
    if (x.rank() < 2) {
      fail(format("expected input rank >= 2, got {}", x.shape()));
    }
    expect_dim(x, -1, kernel_.shape()[0]);
    const Value kernel = lora_.apply(ctx, ctx.read(kernel_));
    // One product of matrices for any number of axes: its gradient by the
    // kernel then is one too.
    const bool flatten = x.rank() > 2;
    Value y = flatten ? ops::reshape(x, {kUnknown, kernel_.shape()[0]}) : x;
    y = ops::matmul(y, kernel);
    if (bias_) y = y + ctx.read(bias_);
    if (flatten) {
      Shape shape = x.shape();
      shape[shape.rank() - 1] = units_;
      y = ops::reshape(y, shape);
    }
    return o_.activation(y);
  }

 protected:
  void settle() override {
    KerasLayer::settle();
    if (lora_ && o_.kernel_constraint) fail_lora_constraint();
  }

 private:
  std::int64_t units_ = 0;
  DenseOptions o_;
  Lora lora_;
  Variable kernel_;
  Variable bias_;
};

}  // namespace

std::shared_ptr<LayerImpl> make_dense() {
  return std::make_shared<DenseImpl>();
}

Dense::Dense(std::int64_t units, DenseOptions options)
    : Layer(std::make_shared<DenseImpl>(units, std::move(options))) {}

}  // namespace keratin::layers
