// Metrics of numbers that are no average of a loss.

#include <array>
#include <cmath>
#include <utility>

#include <keratin/error.hpp>
#include <keratin/ops.hpp>

#include "losses/functions.hpp"
#include "src/core/format.hpp"
#include "src/train/metrics/mean_metric.hpp"
#include "src/train/metrics/registry.hpp"

namespace keratin::metrics {

namespace {

/// Aligned and of one dtype. Throws unless the shapes are one.
losses::Pair aligned(
    const Value& y_true, const Value& y_pred, DType dtype, const char* who) {
  const Value p = as_floating(y_pred, dtype);
  const losses::Pair pair =
      losses::squeeze_or_expand_to_same_rank(ops::cast(y_true, p.dtype()), p);
  if (pair.y_true.shape() == pair.y_pred.shape()) return pair;
  throw InvalidArgument(format(
      "[{}] expected y_true and y_pred of one shape, got {} and {}",
      who,
      y_true.shape(),
      y_pred.shape()));
}

/// A function along an axis.
class AlongAxis final : public MeanOfFunction {
 public:
  using Function = Value (*)(const losses::Pair&, std::int64_t axis);

  AlongAxis(
      const char* class_name,
      const char* name,
      bool saves_axis,
      Function function,
      const AxisOptions& o = {})
      : MeanOfFunction(or_default(o.name, name), o.dtype, true),
        class_name_(class_name),
        saves_axis_(saves_axis),
        function_(function),
        axis_(o.axis) {}

  std::string class_name() const override { return class_name_; }

  void fields(FieldVisitor& visit) override {
    MetricImpl::fields(visit);
    visit("axis", axis_);
  }

  Config get_config() const override {
    // Keras forgets the axis of CosineSimilarity. It reads it, though.
    Config config = MetricImpl::get_config();
    if (!saves_axis_ && axis_ == -1) config.erase("axis");
    return config;
  }

 protected:
  Value values(const Value& y_true, const Value& y_pred) const override {
    return function_(aligned(y_true, y_pred, dtype(), class_name_), axis_);
  }

 private:
  const char* class_name_;
  bool saves_axis_;
  Function function_;
  std::int64_t axis_;
};

Value cosine(const losses::Pair& pair, std::int64_t axis) {
  return -losses::cosine_similarity(pair.y_true, pair.y_pred, axis);
}

Value pearson(const losses::Pair& pair, std::int64_t axis) {
  const auto standard = [axis](const Value& x) {
    const Value centered = x - ops::mean(x, {axis}, true);
    return centered / ops::sqrt(ops::var(centered, {axis}, true));
  };
  return ops::mean(standard(pair.y_true) * standard(pair.y_pred), {axis});
}

Value concordance(const losses::Pair& pair, std::int64_t axis) {
  const Value y_mean = ops::mean(pair.y_true, {axis}, true);
  const Value p_mean = ops::mean(pair.y_pred, {axis}, true);
  const Value y_var = ops::var(pair.y_true - y_mean, {axis}, true);
  const Value p_var = ops::var(pair.y_pred - p_mean, {axis}, true);
  // The mean of p twice, as Keras has it: what it adds averages out.
  const Value covariance = (pair.y_true - p_mean) * (pair.y_pred - p_mean);
  const Value norm = y_var + p_var + ops::square(y_mean - p_mean);
  return ops::mean(2.0 * covariance / (norm + losses::kEpsilon), {axis});
}

class RootMeanSquaredErrorImpl final : public MeanMetric {
 public:
  explicit RootMeanSquaredErrorImpl(MetricOptions o = {})
      : MeanMetric(or_default(o.name, "root_mean_squared_error"), o.dtype) {}

  std::string class_name() const override { return "RootMeanSquaredError"; }

  std::optional<bool> higher_is_better() const override { return false; }

  void update_state(
      CallContext& ctx,
      const Value& y_true,
      const Value& y_pred,
      const Value& sample_weight) override {
    const auto [y, p] =
        aligned(y_true, y_pred, dtype(), "root_mean_squared_error");
    add(ctx, ops::square(p - y), sample_weight);
  }

  Value result(CallContext& ctx) const override {
    return ops::sqrt(MeanMetric::result(ctx));
  }
};

constexpr std::array<std::string_view, 2> kAggregations = {
    "uniform_average", "variance_weighted_average"};

class R2ScoreImpl final : public MetricImpl {
 public:
  explicit R2ScoreImpl(R2ScoreOptions o = {})
      : MetricImpl(or_default(o.name, "r2_score"), o.dtype),
        aggregation_(std::move(o.class_aggregation)),
        regressors_(o.num_regressors) {
    if (aggregation_ && *aggregation_ != kAggregations[0] &&
        *aggregation_ != kAggregations[1]) {
      throw InvalidArgument(format(
          "[R2Score] expected a class_aggregation of uniform_average or "
          "variance_weighted_average, or none, got '{}'",
          *aggregation_));
    }
    if (regressors_ < 0) {
      throw InvalidArgument(format(
          "[R2Score] expected num_regressors >= 0, got {}", regressors_));
    }
  }

  std::string class_name() const override { return "R2Score"; }

  std::string module() const override { return "keras.metrics"; }

  std::optional<bool> higher_is_better() const override { return true; }

  void fields(FieldVisitor& visit) override {
    MetricImpl::fields(visit);
    visit(
        "class_aggregation",
        aggregation_,
        {.choices = {kAggregations.begin(), kAggregations.end()}});
    visit("num_regressors", regressors_, {.minimum = 0});
  }

  void build(const Shape& y_true, const Shape& y_pred) override {
    // One output without an axis of its own is as one with an axis of 1.
    if ((y_true.rank() != 2 && y_pred.rank() != 2) || y_pred.rank() > 2 ||
        y_true.rank() > 2) {
      throw InvalidArgument(format(
          "[{}] expected y_true and y_pred of shape [batch, outputs], got {} "
          "and {}",
          name(),
          y_true,
          y_pred));
    }
    const Shape outputs = {y_pred.rank() == 2 ? y_pred[1] : y_true[1]};
    samples_ = add_variable("num_samples", Shape{});
    squares_ = add_variable("squared_sum", outputs);
    sums_ = add_variable("sum", outputs);
    residuals_ = add_variable("residual", outputs);
    counts_ = add_variable("count", outputs);
  }

  void update_state(
      CallContext& ctx,
      const Value& y_true,
      const Value& y_pred,
      const Value& sample_weight) override {
    ensure_built(y_true.shape(), y_pred.shape());
    const auto [y, p] = losses::squeeze_or_expand_to_same_rank(
        ops::cast(y_true, dtype()), ops::cast(y_pred, dtype()));
    Value w = ops::ones_like(y);
    if (sample_weight) {
      w = ops::cast(sample_weight, dtype());
      if (w.rank() == 1) w = ops::expand_dims(w, 1);
      w = ops::broadcast_to(w, y.shape());
    }
    const auto grow = [&ctx](const Variable& variable, const Value& x) {
      ctx.assign(variable, ctx.read_uncast(variable) + ops::sum(x, {0}));
    };
    grow(sums_, y * w);
    grow(squares_, y * y * w);
    grow(residuals_, ops::square(y - p) * w);
    grow(counts_, w);
    ctx.assign(
        samples_,
        ctx.read_uncast(samples_) + static_cast<double>(y.shape().size()));
  }

  Value result(CallContext& ctx) const override {
    const Value sum = ctx.read_uncast(sums_);
    const Value mean = sum / ctx.read_uncast(counts_);
    const Value total = ctx.read_uncast(squares_) - sum * mean;
    Value scores = 1.0 - ctx.read_uncast(residuals_) / total;
    const Value infinite = ops::logical_not(
        ops::logical_or(ops::isfinite(scores), ops::isnan(scores)));
    scores = ops::where(infinite, ops::zeros_like(scores), scores);
    if (aggregation_ == kAggregations[0]) {
      scores = ops::mean(scores);
    } else if (aggregation_) {
      scores = ops::sum(total * scores) / ops::sum(total);
    }
    if (regressors_ == 0) return scores;
    // Adjusted, as long as there are enough samples for it.
    const Value samples = ctx.read_uncast(samples_);
    const Value left = samples - static_cast<double>(regressors_) - 1.0;
    const Value adjusted = 1.0 - (1.0 - scores) * (samples - 1.0) / left;
    return ops::where(ops::greater(left, 0.0), adjusted, scores);
  }

 private:
  std::optional<std::string> aggregation_;
  std::int64_t regressors_;
  Variable samples_;
  Variable squares_;
  Variable sums_;
  Variable residuals_;
  Variable counts_;
};

}  // namespace

std::shared_ptr<MetricImpl> make_cosine_similarity() {
  return std::make_shared<AlongAxis>(
      "CosineSimilarity", "cosine_similarity", false, &cosine);
}

Metric CosineSimilarity(AxisOptions options) {
  return make_metric<AlongAxis>(
      "CosineSimilarity", "cosine_similarity", false, &cosine, options);
}

std::shared_ptr<MetricImpl> make_pearson_correlation() {
  return std::make_shared<AlongAxis>(
      "PearsonCorrelation", "pearson_correlation", true, &pearson);
}

Metric PearsonCorrelation(AxisOptions options) {
  return make_metric<AlongAxis>(
      "PearsonCorrelation", "pearson_correlation", true, &pearson, options);
}

std::shared_ptr<MetricImpl> make_concordance_correlation() {
  return std::make_shared<AlongAxis>(
      "ConcordanceCorrelation", "concordance_correlation", true, &concordance);
}

Metric ConcordanceCorrelation(AxisOptions options) {
  return make_metric<AlongAxis>(
      "ConcordanceCorrelation",
      "concordance_correlation",
      true,
      &concordance,
      options);
}

std::shared_ptr<MetricImpl> make_root_mean_squared_error() {
  return make_default<RootMeanSquaredErrorImpl>();
}

Metric RootMeanSquaredError(MetricOptions options) {
  return make_metric<RootMeanSquaredErrorImpl>(options);
}

std::shared_ptr<MetricImpl> make_r2_score() {
  return make_default<R2ScoreImpl>();
}

Metric R2Score(R2ScoreOptions options) {
  return make_metric<R2ScoreImpl>(std::move(options));
}

}  // namespace keratin::metrics
