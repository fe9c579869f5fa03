// Mean, Sum and averages of functions.

#include <keratin/dtype_policy.hpp>
#include <keratin/ops.hpp>

#include "losses/functions.hpp"
#include "losses/reduce.hpp"
#include "src/train/metrics/mean_metric.hpp"
#include "src/train/metrics/registry.hpp"

namespace keratin::metrics {

Value as_floating(const Value& y_pred, DType dtype) {
  const bool wide =
      is_floating(y_pred.dtype()) &&
      (!is_floating(dtype) || size_of(y_pred.dtype()) >= size_of(dtype));
  if (wide) return y_pred;
  return ops::cast(y_pred, is_floating(dtype) ? dtype : floatx());
}

SamplewiseValues reduce_to_samplewise_values(
    const Value& values, const Value& sample_weight, DType dtype, bool mean) {
  const auto reduce_from = [mean](const Value& x, std::size_t first) {
    ops::Axes axes;
    for (std::size_t i = first; i < x.rank(); ++i) {
      axes.push_back(static_cast<std::int64_t>(i));
    }
    if (axes.empty()) return x;
    return mean ? ops::mean(x, axes) : ops::sum(x, axes);
  };
  Value v = ops::cast(values, dtype);
  Value w;
  if (sample_weight) {
    const auto aligned = losses::squeeze_or_expand_to_same_rank(
        v, ops::cast(sample_weight, dtype));
    w = aligned.y_pred;
    v = reduce_from(aligned.y_true, w.rank());
    w = ops::broadcast_to(w, v.shape());
    v = v * w;
    w = reduce_from(w, 1);
  }
  return {reduce_from(v, 1), w};
}

void MeanMetric::build(const Shape& y_true, const Shape& y_pred) {
  (void)y_true;
  (void)y_pred;
  total_ = add_variable("total", Shape{});
  count_ = add_variable("count", Shape{});
}

void MeanMetric::add(
    CallContext& ctx, const Value& values, const Value& sample_weight) {
  ensure_built(values.shape(), values.shape());
  const auto [v, w] =
      reduce_to_samplewise_values(values, sample_weight, dtype(), true);
  ctx.assign(total_, ctx.read_uncast(total_) + ops::sum(v));
  const Value count = ctx.read_uncast(count_);
  if (w) {
    ctx.assign(count_, count + ops::sum(w));
  } else {
    const std::int64_t samples = v.rank() == 0 ? 1 : v.shape()[0];
    ctx.assign(count_, count + static_cast<double>(samples));
  }
}

Value MeanMetric::result(CallContext& ctx) const {
  return losses::divide_no_nan(
      ctx.read_uncast(total_), ctx.read_uncast(count_));
}

Value MeanOfFunction::values_mask(
    const Value& y_true, const Value& values) const {
  (void)y_true;
  (void)values;
  return {};
}

void MeanOfFunction::update_state(
    CallContext& ctx,
    const Value& y_true,
    const Value& y_pred,
    const Value& sample_weight) {
  const Value v = values(y_true, y_pred);
  Value weight =
      losses::apply_mask(sample_weight, ctx.mask(y_pred), dtype(), "sum");
  if (weight) {
    if (const Value counts = values_mask(y_true, v)) {
      weight = losses::apply_mask(weight, counts, dtype(), "sum");
    }
  }
  add(ctx, v, weight);
}

namespace {

class MeanImpl final : public MeanMetric {
 public:
  explicit MeanImpl(MetricOptions o = {})
      : MeanMetric(or_default(o.name, "mean"), o.dtype) {}

  std::string class_name() const override { return "Mean"; }

  void update_state(
      CallContext& ctx,
      const Value& y_true,
      const Value& y_pred,
      const Value& sample_weight) override {
    (void)y_true;
    add(ctx, y_pred, sample_weight);
  }
};

class SumImpl final : public MetricImpl {
 public:
  explicit SumImpl(MetricOptions o = {})
      : MetricImpl(or_default(o.name, "sum"), o.dtype) {}

  std::string class_name() const override { return "Sum"; }

  std::string module() const override { return "keras.metrics"; }

  void build(const Shape& y_true, const Shape& y_pred) override {
    (void)y_true;
    (void)y_pred;
    total_ = add_variable("total", Shape{});
  }

  void update_state(
      CallContext& ctx,
      const Value& y_true,
      const Value& y_pred,
      const Value& sample_weight) override {
    ensure_built(y_true.shape(), y_pred.shape());
    const Value values =
        reduce_to_samplewise_values(y_pred, sample_weight, dtype(), false)
            .values;
    ctx.assign(total_, ctx.read_uncast(total_) + ops::sum(values));
  }

  Value result(CallContext& ctx) const override {
    return ctx.read_uncast(total_);
  }

 private:
  Variable total_;
};

}  // namespace

Metric Mean(MetricOptions options) {
  return make_metric<MeanImpl>(options);
}

Metric Sum(MetricOptions options) {
  return make_metric<SumImpl>(options);
}

std::shared_ptr<MetricImpl> make_mean() {
  return make_default<MeanImpl>();
}

std::shared_ptr<MetricImpl> make_sum() {
  return make_default<SumImpl>();
}

}  // namespace keratin::metrics
