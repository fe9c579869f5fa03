// Identity, Activation and Masking.

#include <utility>

#include <keratin/layers/core.hpp>

#include "layers/support/factories.hpp"
#include "layers/support/keras_layer.hpp"

namespace keratin::layers {

namespace {

class IdentityImpl final : public KerasLayer {
 public:
  IdentityImpl() = default;

  explicit IdentityImpl(const LayerOptions& options) : KerasLayer(options) {
    settle();
  }

  std::string class_name() const override { return "Identity"; }

  bool supports_masking() const override { return true; }

  Value call(CallContext& ctx, const Value& x) override {
    (void)ctx;
    return x;
  }
};

class ActivationImpl final : public KerasLayer {
 public:
  ActivationImpl() = default;

  ActivationImpl(keratin::Activation activation, const LayerOptions& options)
      : KerasLayer(options), activation_(std::move(activation)) {
    settle();
  }

  std::string class_name() const override { return "Activation"; }

  bool supports_masking() const override { return true; }

  void fields(FieldVisitor& visit) override {
    KerasLayer::fields(visit);
    visit("activation", activation_, {.required = true});
  }

  Value call(CallContext& ctx, const Value& x) override {
    (void)ctx;
    return activation_(x);
  }

 private:
  keratin::Activation activation_;
};

class MaskingImpl final : public KerasLayer {
 public:
  MaskingImpl() = default;

  explicit MaskingImpl(MaskingOptions options)
      : KerasLayer(options), o_(std::move(options)) {
    settle();
  }

  std::string class_name() const override { return "Masking"; }

  bool supports_masking() const override { return true; }

  void fields(FieldVisitor& visit) override {
    KerasLayer::fields(visit);
    visit("mask_value", o_.mask_value);
  }

  void build(const std::vector<Shape>& inputs) override {
    expect_min_rank(inputs, 2);
  }

  Value call(CallContext& ctx, const Value& x) override {
    (void)ctx;
    return ops::where(kept(x, true), x, ops::zeros_like(x));
  }

  std::vector<Value> compute_masks(
      CallContext& ctx,
      const CallInputs& inputs,
      const std::vector<Value>& outputs) override {
    (void)ctx;
    (void)outputs;
    return {kept(inputs.inputs()[0], false)};
  }

 private:
  Value kept(const Value& x, bool keepdims) const {
    return ops::any(ops::not_equal(x, o_.mask_value), {-1}, keepdims);
  }

  MaskingOptions o_;
};

}  // namespace

std::shared_ptr<LayerImpl> make_identity() {
  return std::make_shared<IdentityImpl>();
}

std::shared_ptr<LayerImpl> make_activation() {
  return std::make_shared<ActivationImpl>();
}

std::shared_ptr<LayerImpl> make_masking() {
  return std::make_shared<MaskingImpl>();
}

Identity::Identity(LayerOptions options)
    : Layer(std::make_shared<IdentityImpl>(options)) {}

Activation::Activation(keratin::Activation activation, LayerOptions options)
    : Layer(std::make_shared<ActivationImpl>(std::move(activation), options)) {}

Masking::Masking(MaskingOptions options)
    : Layer(std::make_shared<MaskingImpl>(std::move(options))) {}

}  // namespace keratin::layers
