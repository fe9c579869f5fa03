// LayerNormalization and GroupNormalization.

#include <algorithm>
#include <utility>

#include <keratin/layers/normalization.hpp>

#include "layers/support/factories.hpp"
#include "layers/support/keras_layer.hpp"
#include "src/core/format.hpp"

namespace keratin::layers {

namespace {

Value as_dtype(const Value& x, DType dtype) {
  return x.dtype() == dtype ? x : ops::cast(x, dtype);
}

/// What both share: gamma and beta.
template <class Options>
class AffineNormalization : public KerasLayer {
 public:
  AffineNormalization() = default;

  explicit AffineNormalization(Options options)
      : KerasLayer(options), o_(std::move(options)) {}

  bool supports_masking() const override { return true; }

 protected:
  void visit_affine(FieldVisitor& visit) {
    visit("beta_initializer", o_.beta_initializer);
    visit("gamma_initializer", o_.gamma_initializer);
    visit("beta_regularizer", o_.beta_regularizer);
    visit("gamma_regularizer", o_.gamma_regularizer);
    visit("beta_constraint", o_.beta_constraint);
    visit("gamma_constraint", o_.gamma_constraint);
  }

  void build_gamma(const Shape& shape) {
    gamma_ = add_weight(
        "gamma",
        shape,
        {.initializer = o_.gamma_initializer,
         .regularizer = o_.gamma_regularizer,
         .constraint = o_.gamma_constraint});
  }

  void build_beta(const Shape& shape) {
    beta_ = add_weight(
        "beta",
        shape,
        {.initializer = o_.beta_initializer,
         .regularizer = o_.beta_regularizer,
         .constraint = o_.beta_constraint});
  }

  /// The weight in a dtype, or `otherwise` of `shape`.
  static Value weight(
      CallContext& ctx,
      const Variable& variable,
      const Shape& shape,
      DType dtype,
      double otherwise) {
    if (!variable) return ops::full(ctx.graph(), shape, otherwise, dtype);
    return ops::reshape(as_dtype(ctx.read_uncast(variable), dtype), shape);
  }

  Options o_;
  Variable gamma_;
  Variable beta_;
};

class LayerNormalizationImpl final
    : public AffineNormalization<LayerNormalizationOptions> {
 public:
  LayerNormalizationImpl() = default;

  explicit LayerNormalizationImpl(LayerNormalizationOptions options)
      : AffineNormalization(std::move(options)) {
    settle();
  }

  std::string class_name() const override { return "LayerNormalization"; }

  void fields(FieldVisitor& visit) override {
    KerasLayer::fields(visit);
    visit("axis", o_.axis);
    visit("epsilon", o_.epsilon, {.minimum = 0});
    visit("center", o_.center);
    visit("scale", o_.scale);
    visit("rms_scaling", rms_scaling_);
    visit_affine(visit);
  }

  void build(const std::vector<Shape>& inputs) override {
    expect_min_rank(inputs, 1);
    sorted_axes(inputs[0], o_.axis.values(), who());  // only checks
    // As Keras does when it builds: a list, sorted as given, negative axes
    // first, which is the order of the weights' axes.
    std::vector<std::int64_t> axes = o_.axis.values();
    std::sort(axes.begin(), axes.end());
    o_.axis = axes;
    Shape shape;
    for (const std::int64_t axis : axes) {
      shape.push_back(known_dim(inputs[0], axis));
    }
    if (o_.scale || rms_scaling_) build_gamma(shape);
    if (o_.center && !rms_scaling_) build_beta(shape);
  }

  Value call(CallContext& ctx, const Value& input) override {
    const DType dtype = wide_dtype(input.dtype());
    const Value x = as_dtype(input, dtype);
    const auto axes = sorted_axes(x.shape(), o_.axis.values(), who());
    const auto last = static_cast<std::int64_t>(x.rank()) - 1;
    Shape shape(std::vector<std::int64_t>(x.rank(), 1));
    for (const std::int64_t axis : axes) {
      const auto at = static_cast<std::size_t>(axis);
      shape[at] = x.shape()[at];
    }
    Value y;
    if (!rms_scaling_ && axes == std::vector<std::int64_t>{last}) {
      const Shape width = {x.shape().back()};
      y = ops::layer_norm(
          x,
          weight(ctx, gamma_, width, dtype, 1),
          weight(ctx, beta_, width, dtype, 0),
          o_.epsilon);
    } else {
      // rms_scaling scales by the variance but does not centre: Keras's name.
      const Value variance = ops::var(x, axes, true);
      const Value factor = ops::rsqrt(variance + o_.epsilon) *
                           weight(ctx, gamma_, shape, dtype, 1);
      const Value centred = rms_scaling_ ? x : x - ops::mean(x, axes, true);
      y = centred * factor + weight(ctx, beta_, shape, dtype, 0);
    }
    return as_dtype(y, compute_dtype());
  }

 private:
  bool rms_scaling_ = false;  // deprecated in Keras, but in its files
};

class GroupNormalizationImpl final
    : public AffineNormalization<GroupNormalizationOptions> {
 public:
  GroupNormalizationImpl() = default;

  explicit GroupNormalizationImpl(GroupNormalizationOptions options)
      : AffineNormalization(std::move(options)) {
    settle();
  }

  std::string class_name() const override { return "GroupNormalization"; }

  void fields(FieldVisitor& visit) override {
    KerasLayer::fields(visit);
    visit("groups", o_.groups, {.minimum = -1});
    visit("axis", o_.axis);
    visit("epsilon", o_.epsilon, {.minimum = 0});
    visit("center", o_.center);
    visit("scale", o_.scale);
    visit_affine(visit);
  }

  void build(const std::vector<Shape>& inputs) override {
    expect_min_rank(inputs, 2);
    if (axis_of(inputs[0], o_.axis) == 0) {
      fail("expected the axis of the channels, got the batch axis");
    }
    channels_ = known_dim(inputs[0], o_.axis);
    if (o_.groups == -1) o_.groups = channels_;  // as Keras does
    if (o_.groups == 0 || channels_ % o_.groups != 0) {
      fail(format(
          "expected groups that divide the {} channels of the input {}, got "
          "{}",
          channels_,
          inputs[0],
          o_.groups));
    }
    if (o_.scale) build_gamma({channels_});
    if (o_.center) build_beta({channels_});
  }

  Value call(CallContext& ctx, const Value& input) override {
    expect_dim(input, o_.axis, channels_);
    const DType dtype = wide_dtype(input.dtype());
    const std::size_t axis = axis_of(input.shape(), o_.axis);
    const Value x = axis_to_last(as_dtype(input, dtype), axis);
    // [batch, positions, groups, channels of a group]
    const std::int64_t width = channels_ / o_.groups;
    const std::int64_t batch = x.shape()[0];
    std::int64_t positions = 1;
    for (std::size_t i = 1; i + 1 < x.rank(); ++i) positions *= x.shape()[i];
    const Value grouped = ops::reshape(x, {batch, positions, o_.groups, width});
    const Value mean = ops::mean(grouped, {1, 3}, true);
    const Value variance = ops::var(grouped, {1, 3}, true);
    const Shape weights = {o_.groups, width};
    const Value y =
        (grouped - mean) * (ops::rsqrt(variance + o_.epsilon) *
                            weight(ctx, gamma_, weights, dtype, 1)) +
        weight(ctx, beta_, weights, dtype, 0);
    return as_dtype(
        axis_from_last(ops::reshape(y, x.shape()), axis), compute_dtype());
  }

 private:
  std::int64_t channels_ = 0;
};

}  // namespace

std::shared_ptr<LayerImpl> make_layer_normalization() {
  return std::make_shared<LayerNormalizationImpl>();
}

std::shared_ptr<LayerImpl> make_group_normalization() {
  return std::make_shared<GroupNormalizationImpl>();
}

LayerNormalization::LayerNormalization(LayerNormalizationOptions options)
    : Layer(std::make_shared<LayerNormalizationImpl>(std::move(options))) {}

GroupNormalization::GroupNormalization(GroupNormalizationOptions options)
    : Layer(std::make_shared<GroupNormalizationImpl>(std::move(options))) {}

}  // namespace keratin::layers
