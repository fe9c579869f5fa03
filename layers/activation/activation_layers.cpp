// ReLU, LeakyReLU, ELU, PReLU and Softmax.

#include <utility>

#include <keratin/layers/activation.hpp>

#include "layers/functions/activation_functions.hpp"
#include "layers/support/factories.hpp"
#include "layers/support/keras_layer.hpp"
#include "src/core/format.hpp"

namespace keratin::layers {

namespace {

class ReLUImpl final : public KerasLayer {
 public:
  ReLUImpl() = default;

  explicit ReLUImpl(ReLUOptions options)
      : KerasLayer(options), o_(std::move(options)) {
    settle();
  }

  std::string class_name() const override { return "ReLU"; }

  bool supports_masking() const override { return true; }

  void fields(FieldVisitor& visit) override {
    KerasLayer::fields(visit);
    visit("max_value", o_.max_value, {.minimum = 0});
    visit("negative_slope", o_.negative_slope, {.minimum = 0});
    visit("threshold", o_.threshold, {.minimum = 0});
  }

  Value call(CallContext& ctx, const Value& x) override {
    (void)ctx;
    return activation_functions::relu(
        x, o_.negative_slope, o_.max_value, o_.threshold);
  }

 private:
  ReLUOptions o_;
};

class LeakyReLUImpl final : public KerasLayer {
 public:
  LeakyReLUImpl() = default;

  explicit LeakyReLUImpl(LeakyReLUOptions options)
      : KerasLayer(options), o_(std::move(options)) {
    settle();
  }

  std::string class_name() const override { return "LeakyReLU"; }

  bool supports_masking() const override { return true; }

  void fields(FieldVisitor& visit) override {
    KerasLayer::fields(visit);
    visit("negative_slope", o_.negative_slope, {.minimum = 0});
  }

  /// Keras 2 called the slope alpha.
  void from_config(const Config& config, const std::string& where) override {
    Config known = config;
    if (const Config* alpha = config.find("alpha")) {
      if (!config.contains("negative_slope")) known["negative_slope"] = *alpha;
      known.erase("alpha");
    }
    KerasLayer::from_config(known, where);
  }

  Value call(CallContext& ctx, const Value& x) override {
    (void)ctx;
    return activation_functions::leaky_relu(x, o_.negative_slope);
  }

 private:
  LeakyReLUOptions o_;
};

class ELUImpl final : public KerasLayer {
 public:
  ELUImpl() = default;

  explicit ELUImpl(ELUOptions options)
      : KerasLayer(options), o_(std::move(options)) {
    settle();
  }

  std::string class_name() const override { return "ELU"; }

  bool supports_masking() const override { return true; }

  void fields(FieldVisitor& visit) override {
    KerasLayer::fields(visit);
    visit("alpha", o_.alpha);
  }

  Value call(CallContext& ctx, const Value& x) override {
    (void)ctx;
    return activation_functions::elu(x, o_.alpha);
  }

 private:
  ELUOptions o_;
};

class PReLUImpl final : public KerasLayer {
 public:
  PReLUImpl() = default;

  explicit PReLUImpl(PReLUOptions options)
      : KerasLayer(options), o_(std::move(options)) {
    settle();
  }

  std::string class_name() const override { return "PReLU"; }

  bool supports_masking() const override { return true; }

  void fields(FieldVisitor& visit) override {
    KerasLayer::fields(visit);
    visit("alpha_initializer", o_.alpha_initializer);
    visit("alpha_regularizer", o_.alpha_regularizer);
    visit("alpha_constraint", o_.alpha_constraint);
    visit("shared_axes", o_.shared_axes);
  }

  void build(const std::vector<Shape>& inputs) override {
    expect_min_rank(inputs, 2);
    Shape shape(
        std::vector<std::int64_t>(inputs[0].begin() + 1, inputs[0].end()));
    for (const std::int64_t axis : o_.shared_axes.values()) {
      const std::size_t at = axis_of(inputs[0], axis);
      if (at == 0) fail("expected shared_axes without the batch axis, 0");
      shape[at - 1] = 1;
    }
    for (std::size_t i = 0; i < shape.rank(); ++i) {
      if (shape[i] != kUnknown) continue;
      fail(format(
          "expected a known extent of axis {}, got {}; share it with "
          "shared_axes",
          i + 1,
          inputs[0]));
    }
    alpha_ = add_weight(
        "alpha",
        shape,
        {.initializer = o_.alpha_initializer,
         .regularizer = o_.alpha_regularizer,
         .constraint = o_.alpha_constraint});
  }

  Value call(CallContext& ctx, const Value& x) override {
    return ops::relu(x) - ctx.read(alpha_) * ops::relu(-x);
  }

 protected:
  void settle() override {
    // Keras keeps a list.
    if (o_.shared_axes.given()) o_.shared_axes = o_.shared_axes.values();
    KerasLayer::settle();
  }

 private:
  PReLUOptions o_;
  Variable alpha_;
};

class SoftmaxImpl final : public KerasLayer {
 public:
  SoftmaxImpl() = default;

  explicit SoftmaxImpl(SoftmaxOptions options)
      : KerasLayer(options), o_(std::move(options)) {
    settle();
  }

  std::string class_name() const override { return "Softmax"; }

  bool supports_masking() const override { return true; }

  bool takes_mask() const override { return true; }

  void fields(FieldVisitor& visit) override {
    KerasLayer::fields(visit);
    visit("axis", o_.axis);
  }

  void build(const std::vector<Shape>& inputs) override {
    expect_min_rank(inputs, 1);
    sorted_axes(inputs[0], o_.axis.values(), who());  // only checks
  }

  std::vector<Value> call_many(
      CallContext& ctx, const CallInputs& inputs) override {
    const Value& x = inputs.inputs()[0];
    Value mask = call_mask(ctx, inputs);
    if (!mask) return {softmax(x)};
    if (mask.dtype() != DType::boolean) {
      mask = ops::greater(mask, is_floating(mask.dtype()) ? 0.5 : 0.0);
    }
    const double low = x.dtype() == DType::f16 ? -3e4 : -1e9;
    const Value y = softmax(ops::where(mask, x, ops::full_like(x, low)));
    return {ops::where(mask, y, ops::zeros_like(y))};
  }

 protected:
  void settle() override {
    KerasLayer::settle();
    if (!o_.axis.given()) fail("expected an axis or several, got none");
  }

 private:
  Value softmax(const Value& x) const {
    const std::vector<std::int64_t>& axes = o_.axis.values();
    if (axes.size() == 1) return ops::softmax(x, axes[0]);
    return ops::exp(x - ops::logsumexp(x, axes, true));
  }

  SoftmaxOptions o_;
};

}  // namespace

std::shared_ptr<LayerImpl> make_relu() {
  return std::make_shared<ReLUImpl>();
}

std::shared_ptr<LayerImpl> make_leaky_relu() {
  return std::make_shared<LeakyReLUImpl>();
}

std::shared_ptr<LayerImpl> make_elu() {
  return std::make_shared<ELUImpl>();
}

std::shared_ptr<LayerImpl> make_prelu() {
  return std::make_shared<PReLUImpl>();
}

std::shared_ptr<LayerImpl> make_softmax() {
  return std::make_shared<SoftmaxImpl>();
}

ReLU::ReLU(ReLUOptions options)
    : Layer(std::make_shared<ReLUImpl>(std::move(options))) {}

LeakyReLU::LeakyReLU(LeakyReLUOptions options)
    : Layer(std::make_shared<LeakyReLUImpl>(std::move(options))) {}

ELU::ELU(ELUOptions options)
    : Layer(std::make_shared<ELUImpl>(std::move(options))) {}

PReLU::PReLU(PReLUOptions options)
    : Layer(std::make_shared<PReLUImpl>(std::move(options))) {}

Softmax::Softmax(SoftmaxOptions options)
    : Layer(std::make_shared<SoftmaxImpl>(std::move(options))) {}

}  // namespace keratin::layers
