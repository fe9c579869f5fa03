// RMSNormalization and UnitNormalization.

#include <algorithm>
#include <utility>

#include <keratin/layers/normalization.hpp>

#include "layers/support/factories.hpp"
#include "layers/support/keras_layer.hpp"

namespace keratin::layers {

namespace {

class RMSNormalizationImpl final : public KerasLayer {
 public:
  RMSNormalizationImpl() = default;

  explicit RMSNormalizationImpl(RMSNormalizationOptions options)
      : KerasLayer(options), o_(std::move(options)) {
    settle();
  }

  std::string class_name() const override { return "RMSNormalization"; }

  void fields(FieldVisitor& visit) override {
    KerasLayer::fields(visit);
    visit("axis", o_.axis);
    visit("epsilon", o_.epsilon, {.minimum = 0});
  }

  void build(const std::vector<Shape>& inputs) override {
    expect_min_rank(inputs, 1);
    sorted_axes(inputs[0], o_.axis.values(), who());  // only checks
    // As Keras does when it builds.
    std::vector<std::int64_t> axes = o_.axis.values();
    std::sort(axes.begin(), axes.end());
    o_.axis = axes;
    Shape shape;
    for (const std::int64_t axis : axes) {
      shape.push_back(known_dim(inputs[0], axis));
    }
    scale_ = add_weight("scale", shape, {.initializer = "ones"});
  }

  Value call(CallContext& ctx, const Value& input) override {
    const DType dtype = wide_dtype(input.dtype());
    const Value x = ops::cast(input, dtype);
    const auto axes = sorted_axes(x.shape(), o_.axis.values(), who());
    Shape shape(std::vector<std::int64_t>(x.rank(), 1));
    for (const std::int64_t axis : axes) {
      const auto at = static_cast<std::size_t>(axis);
      shape[at] = x.shape()[at];
    }
    const Value scale = ops::reshape(ops::cast(ctx.read(scale_), dtype), shape);
    const Value factor =
        ops::rsqrt(ops::mean(ops::square(x), axes, true) + o_.epsilon);
    return ops::cast(x * factor * scale, input.dtype());
  }

 private:
  RMSNormalizationOptions o_;
  Variable scale_;
};

class UnitNormalizationImpl final : public KerasLayer {
 public:
  UnitNormalizationImpl() = default;

  explicit UnitNormalizationImpl(UnitNormalizationOptions options)
      : KerasLayer(options), o_(std::move(options)) {
    settle();
  }

  std::string class_name() const override { return "UnitNormalization"; }

  bool supports_masking() const override { return true; }

  void fields(FieldVisitor& visit) override {
    KerasLayer::fields(visit);
    visit("axis", o_.axis);
  }

  void build(const std::vector<Shape>& inputs) override {
    expect_min_rank(inputs, 1);
    sorted_axes(inputs[0], o_.axis.values(), who());  // only checks
  }

  Value call(CallContext& ctx, const Value& input) override {
    (void)ctx;
    const Value x = ops::cast(input, wide_dtype(input.dtype()));
    // Keras bounds the inverse norm by 1e12; bounding the sum keeps the
    // gradient finite at zero.
    const Value sum = ops::sum(
        ops::square(x), sorted_axes(x.shape(), o_.axis.values(), who()), true);
    return ops::cast(x * ops::rsqrt(ops::maximum(sum, 1e-24)), input.dtype());
  }

 private:
  UnitNormalizationOptions o_;
};

}  // namespace

std::shared_ptr<LayerImpl> make_rms_normalization() {
  return std::make_shared<RMSNormalizationImpl>();
}

std::shared_ptr<LayerImpl> make_unit_normalization() {
  return std::make_shared<UnitNormalizationImpl>();
}

RMSNormalization::RMSNormalization(RMSNormalizationOptions options)
    : Layer(std::make_shared<RMSNormalizationImpl>(std::move(options))) {}

UnitNormalization::UnitNormalization(UnitNormalizationOptions options)
    : Layer(std::make_shared<UnitNormalizationImpl>(std::move(options))) {}

}  // namespace keratin::layers
