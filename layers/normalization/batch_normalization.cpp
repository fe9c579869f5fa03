#include <cmath>
#include <optional>
#include <utility>

#include <keratin/layers/normalization.hpp>

#include "layers/support/factories.hpp"
#include "layers/support/keras_layer.hpp"
#include "src/core/format.hpp"

namespace keratin::layers {

namespace {

constexpr double kEpsilon = 1e-7;  // Keras's backend.epsilon()

struct Moments {
  Value mean;
  Value variance;
};

/// Statistics of the elements that the mask leaves. x: [batch, ..., c],
/// mask: [batch, ...] -> [c] each.
Moments masked_moments(const Value& x, const Value& mask) {
  ops::Axes axes;
  for (std::size_t i = 0; i + 1 < x.rank(); ++i) {
    axes.push_back(static_cast<std::int64_t>(i));
  }
  const Value kept = ops::expand_dims(mask, -1);
  const Value zero = ops::zeros_like(x);
  const Value count =
      ops::sum(ops::cast(kept, x.dtype()), axes, false) + kEpsilon;
  const Value mean = ops::sum(ops::where(kept, x, zero), axes) / count;
  const Value square = ops::square(ops::where(kept, x - mean, zero));
  return {mean, ops::sum(square, axes) / count};
}

class BatchNormalizationImpl final : public KerasLayer {
 public:
  BatchNormalizationImpl() = default;

  explicit BatchNormalizationImpl(BatchNormalizationOptions options)
      : KerasLayer(options), o_(std::move(options)) {
    const RenormClipping& clip = o_.renorm_clipping;
    for (const auto& [name, bound] :
         {std::pair{"rmax", clip.rmax},
          std::pair{"rmin", clip.rmin},
          std::pair{"dmax", clip.dmax}}) {
      if (bound) renorm_clipping_[name] = *bound;
    }
    settle();
  }

  std::string class_name() const override { return "BatchNormalization"; }

  bool supports_masking() const override { return true; }

  bool takes_mask() const override { return true; }

  void fields(FieldVisitor& visit) override {
    KerasLayer::fields(visit);
    visit("axis", o_.axis);
    visit("momentum", o_.momentum, {.minimum = 0, .maximum = 1});
    visit("epsilon", o_.epsilon, {.minimum = 0});
    visit("center", o_.center);
    visit("scale", o_.scale);
    visit("beta_initializer", o_.beta_initializer);
    visit("gamma_initializer", o_.gamma_initializer);
    visit("moving_mean_initializer", o_.moving_mean_initializer);
    visit("moving_variance_initializer", o_.moving_variance_initializer);
    visit("beta_regularizer", o_.beta_regularizer);
    visit("gamma_regularizer", o_.gamma_regularizer);
    visit("beta_constraint", o_.beta_constraint);
    visit("gamma_constraint", o_.gamma_constraint);
    visit("synchronized", o_.synchronized);
    visit("renorm", o_.renorm);
    visit("renorm_clipping", renorm_clipping_);
    visit("renorm_momentum", o_.renorm_momentum, {.minimum = 0, .maximum = 1});
  }

  /// Keras 2 kept a list of one axis.
  void from_config(const Config& config, const std::string& where) override {
    const Config* axis = config.find("axis");
    if (axis == nullptr || !axis->is_array() || axis->size() != 1) {
      KerasLayer::from_config(config, where);
      return;
    }
    Config known = config;
    known["axis"] = axis->as_array()[0];
    KerasLayer::from_config(known, where);
  }

  void build(const std::vector<Shape>& inputs) override {
    expect_min_rank(inputs, 2);
    const Shape shape = {known_dim(inputs[0], o_.axis)};
    if (o_.scale) {
      gamma_ = add_weight(
          "gamma",
          shape,
          {.initializer = o_.gamma_initializer,
           .regularizer = o_.gamma_regularizer,
           .constraint = o_.gamma_constraint});
    }
    if (o_.center) {
      beta_ = add_weight(
          "beta",
          shape,
          {.initializer = o_.beta_initializer,
           .regularizer = o_.beta_regularizer,
           .constraint = o_.beta_constraint});
    }
    mean_ = add_weight(
        "moving_mean",
        shape,
        {.initializer = o_.moving_mean_initializer, .trainable = false});
    variance_ = add_weight(
        "moving_variance",
        shape,
        {.initializer = o_.moving_variance_initializer, .trainable = false});
    if (o_.renorm) build_renorm(shape);
  }

  std::vector<Value> call_many(
      CallContext& ctx, const CallInputs& inputs) override {
    const Value& input = inputs.inputs()[0];
    expect_dim(input, o_.axis, mean_.shape()[0]);
    const std::size_t axis = axis_of(input.shape(), o_.axis);
    const DType dtype = wide_dtype(input.dtype());
    const Value x = axis_to_last(
        input.dtype() == dtype ? input : ops::cast(input, dtype), axis);
    const Value y = normalize(ctx, x, mask_of(ctx, inputs), dtype);
    const Value out = axis_from_last(y, axis);
    return {
        out.dtype() == compute_dtype() ? out : ops::cast(out, compute_dtype())};
  }

 protected:
  void settle() override {
    KerasLayer::settle();
    settle_clipping();
  }

 private:
  Value mask_of(CallContext& ctx, const CallInputs& inputs) const {
    const Value mask = call_mask(ctx, inputs);
    if (!mask || !uses_batch(ctx)) return {};
    const Value& x = inputs.inputs()[0];
    if (mask.rank() + 1 != x.rank()) {
      fail(format(
          "expected a mask of one axis less than the input {}, got {}",
          x.shape(),
          mask.shape()));
    }
    return ops::cast(mask, DType::boolean);
  }

  bool uses_batch(const CallContext& ctx) const {
    return ctx.training() && trainable();
  }

  Value weight(
      CallContext& ctx,
      const Variable& variable,
      DType dtype,
      double otherwise) const {
    if (!variable) {
      return ops::full(ctx.graph(), mean_.shape(), otherwise, dtype);
    }
    const Value value = ctx.read_uncast(variable);
    return value.dtype() == dtype ? value : ops::cast(value, dtype);
  }

  /// x: [batch, ..., c]
  Value normalize(
      CallContext& ctx, const Value& x, const Value& mask, DType dtype) {
    const Value gamma = weight(ctx, gamma_, dtype, 1);
    const Value beta = weight(ctx, beta_, dtype, 0);
    const Value moving_mean = weight(ctx, mean_, dtype, 0);
    const Value moving_variance = weight(ctx, variance_, dtype, 1);
    if (!uses_batch(ctx)) {
      return ops::batch_norm_inference(
          x, gamma, beta, moving_mean, moving_variance, o_.epsilon);
    }
    Moments moments;
    Value y;
    if (o_.renorm) {
      return renormalize(ctx, x, mask, gamma, beta, moving_mean, dtype);
    }
    if (mask) {
      moments = masked_moments(x, mask);
      y = (x - moments.mean) *
              (ops::rsqrt(moments.variance + o_.epsilon) * gamma) +
          beta;
    } else {
      const ops::BatchNormResult result =
          ops::batch_norm_training(x, gamma, beta, o_.epsilon);
      moments = {result.mean, result.variance};
      y = result.y;
    }
    move(ctx, mean_, moving_mean, moments.mean);
    move(ctx, variance_, moving_variance, moments.variance);
    return y;
  }

  void build_renorm(const Shape& shape) {
    const auto root = [&](const Shape& wanted, DType dtype) {
      Tensor variance =
          o_.moving_variance_initializer(wanted, dtype).cast(DType::f64);
      for (double& value : variance.mutable_data<double>()) {
        value = std::sqrt(value);
      }
      return variance.cast(dtype);
    };
    const Initializer deviation(root);
    stddev_ = add_weight(
        "moving_stddev", shape, {.initializer = deviation, .trainable = false});
    renorm_mean_ = add_weight(
        "renorm_mean",
        shape,
        {.initializer = o_.moving_mean_initializer, .trainable = false});
    renorm_stddev_ = add_weight(
        "renorm_stddev", shape, {.initializer = deviation, .trainable = false});
  }

  void settle_clipping() {
    if (o_.renorm && renorm_clipping_.is_null()) {
      renorm_clipping_ = Config::object();
    }
    if (renorm_clipping_.is_null()) return;
    if (!renorm_clipping_.is_object()) {
      fail(format(
          "expected renorm_clipping with rmax, rmin and dmax, got {}",
          renorm_clipping_.kind()));
    }
    RenormClipping clip;
    for (const auto& [name, bound] : renorm_clipping_.as_object()) {
      std::optional<double>* place = name == "rmax"   ? &clip.rmax
                                     : name == "rmin" ? &clip.rmin
                                     : name == "dmax" ? &clip.dmax
                                                      : nullptr;
      if (place == nullptr) {
        fail(format(
            "expected renorm_clipping of rmax, rmin and dmax, got '{}'", name));
      }
      if (!bound.is_null()) *place = bound.as_number();
    }
    if (clip.rmax && clip.rmin && *clip.rmax < *clip.rmin) {
      fail(format(
          "expected rmax >= rmin in renorm_clipping, got {} and {}",
          *clip.rmax,
          *clip.rmin));
    }
    if (clip.dmax && *clip.dmax < 0) {
      fail(format("expected dmax >= 0 in renorm_clipping, got {}", *clip.dmax));
    }
    o_.renorm_clipping = clip;
  }

  /// (x - mean) / stddev * r + d, with r and d taken as numbers, is
  /// (x - renorm_mean) / renorm_stddev where nothing is clipped.
  Value renormalize(
      CallContext& ctx,
      const Value& x,
      const Value& mask,
      const Value& gamma,
      const Value& beta,
      const Value& moving_mean,
      DType dtype) {
    Moments moments;
    Value plain;
    if (mask) {
      moments = masked_moments(x, mask);
      plain = (x - moments.mean) * ops::rsqrt(moments.variance + o_.epsilon);
    } else {
      const ops::BatchNormResult result = ops::batch_norm_training(
          x, ops::ones_like(gamma), ops::zeros_like(beta), o_.epsilon);
      moments = {result.mean, result.variance};
      plain = result.y;
    }
    const Value stddev = ops::sqrt(moments.variance + o_.epsilon);
    const Value renorm_mean = weight(ctx, renorm_mean_, dtype, 0);
    const Value renorm_stddev = weight(ctx, renorm_stddev_, dtype, 1);
    const Value floor = ops::maximum(renorm_stddev, std::sqrt(o_.epsilon));
    Value r = stddev / floor;
    Value d = (moments.mean - renorm_mean) / floor;
    const RenormClipping& clip = o_.renorm_clipping;
    if (clip.rmin) r = ops::maximum(r, *clip.rmin);
    if (clip.rmax) r = ops::minimum(r, *clip.rmax);
    if (clip.dmax) d = ops::clip(d, -*clip.dmax, *clip.dmax);
    r = ops::stop_gradient(r);
    d = ops::stop_gradient(d);
    const auto blend = [&](const Value& old, const Value& now, double keep) {
      return old * keep + now * (1 - keep);
    };
    ctx.assign(
        renorm_mean_, blend(renorm_mean, moments.mean, o_.renorm_momentum));
    ctx.assign(
        renorm_stddev_, blend(renorm_stddev, stddev, o_.renorm_momentum));
    move(ctx, mean_, moving_mean, moments.mean);
    const Value moved =
        blend(weight(ctx, stddev_, dtype, 1), stddev, o_.momentum);
    ctx.assign(stddev_, moved);
    ctx.assign(variance_, ops::relu(ops::square(moved) - o_.epsilon));
    return plain * (r * gamma) + (d * gamma + beta);
  }

  void move(
      CallContext& ctx,
      const Variable& variable,
      const Value& moving,
      const Value& batch) const {
    ctx.assign(variable, moving * o_.momentum + batch * (1 - o_.momentum));
  }

  BatchNormalizationOptions o_;
  Config renorm_clipping_;
  Variable gamma_;
  Variable beta_;
  Variable mean_;
  Variable variance_;
  Variable stddev_;  // these three with renorm only
  Variable renorm_mean_;
  Variable renorm_stddev_;
};

}  // namespace

std::shared_ptr<LayerImpl> make_batch_normalization() {
  return std::make_shared<BatchNormalizationImpl>();
}

BatchNormalization::BatchNormalization(BatchNormalizationOptions options)
    : Layer(std::make_shared<BatchNormalizationImpl>(std::move(options))) {}

}  // namespace keratin::layers
