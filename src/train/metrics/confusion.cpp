#include "src/train/metrics/confusion.hpp"

#include <cmath>
#include <utility>

#include <keratin/error.hpp>
#include <keratin/ops.hpp>

#include "losses/functions.hpp"
#include "src/core/format.hpp"

namespace keratin::metrics {

namespace {

constexpr double kNever = -1e10;  // below every prediction

Value flat(const Value& x) {
  return ops::reshape(x, {x.shape().size()});
}

Value numbers(Graph& graph, const std::vector<double>& values, DType dtype) {
  return ops::constant(graph, Tensor(values).cast(dtype));
}

/// Predictions that are not among the k largest of the last axis never count
/// as positive.
Value filter_top_k(const Value& x, std::int64_t k) {
  const std::int64_t classes = x.shape().back();
  const Value indices = ops::top_k(x, std::min(k, classes)).indices;
  const Value among = ops::sum(ops::one_hot(indices, classes, x.dtype()), {-2});
  return x * among + kNever * (1.0 - among);
}

Value only_class(const Value& x, std::int64_t id) {
  return ops::slice_axis(x, -1, id, id == -1 ? x.shape().back() : id + 1);
}

/// Positives at evenly spaced thresholds: one bucket per threshold, and sums
/// from each to the last.
Value positives(
    const Value& weights,
    const Value& buckets,
    std::int64_t thresholds,
    bool multi_label) {
  if (!multi_label) {
    const Value counts = ops::scatter_add(buckets, weights, {thresholds}, 0);
    return ops::cumsum(counts, 0, false, /*reverse=*/true);
  }
  const std::int64_t labels = weights.shape()[1];
  const Value label =
      ops::iota(weights.graph(), buckets.shape(), 1, buckets.dtype());
  const Value at = buckets * static_cast<double>(labels) + label;
  const Value counts = ops::reshape(
      ops::scatter_add(flat(at), flat(weights), {thresholds * labels}, 0),
      {thresholds, labels});
  return ops::cumsum(counts, 0, false, /*reverse=*/true);
}

Confusion in_buckets(
    const Value& labels,
    const Value& predictions,
    const Value& weights,
    const ConfusionOptions& options) {
  const auto count = static_cast<std::int64_t>(options.thresholds.size());
  const Value p = ops::clip(predictions, 0, 1);
  // Bucket i: above threshold i, not above the next. Without room below 0, a
  // prediction of 0 is above none.
  Value bucket = ops::ceil(p * static_cast<double>(count - 1)) - 1.0;
  if (options.thresholds.front() < 0) bucket = ops::relu(bucket);
  bucket = ops::cast(bucket, DType::i32);
  const Value yes = labels * weights;
  const Value no = (1.0 - labels) * weights;
  const ops::Axes all = options.multi_label ? ops::Axes{0} : ops::Axes{};
  Confusion out;
  out.true_positives = positives(yes, bucket, count, options.multi_label);
  out.false_positives = positives(no, bucket, count, options.multi_label);
  out.true_negatives = ops::sum(no, all) - out.false_positives;
  out.false_negatives = ops::sum(yes, all) - out.true_positives;
  return out;
}

Confusion by_threshold(
    const Value& labels,
    const Value& predictions,
    const Value& weights,
    const ConfusionOptions& options) {
  const auto count = static_cast<std::int64_t>(options.thresholds.size());
  // [T, samples], or [T, samples, labels].
  Shape shape = {count, 1};
  if (options.multi_label) shape.push_back(1);
  const Value limits = ops::reshape(
      numbers(labels.graph(), options.thresholds, labels.dtype()), shape);
  const Value above = ops::cast(
      ops::greater(ops::expand_dims(predictions, 0), limits), labels.dtype());
  const Value yes = ops::expand_dims(labels * weights, 0);
  const Value no = ops::expand_dims((1.0 - labels) * weights, 0);
  const auto total = [](const Value& x) { return ops::sum(x, {1}); };
  return {
      total(yes * above),
      total(no * above),
      total(no * (1.0 - above)),
      total(yes * (1.0 - above))};
}

}  // namespace

bool evenly_spaced(const std::vector<double>& thresholds) {
  if (thresholds.size() < 3) return false;
  const auto last = static_cast<double>(thresholds.size() - 1);
  for (std::size_t i = 0; i < thresholds.size(); ++i) {
    const double even = static_cast<float>(i) / last;
    // numpy.allclose with atol = 1e-7.
    if (!(std::abs(thresholds[i] - even) <= 1e-7 + 1e-5 * even)) return false;
  }
  return true;
}

std::vector<double> parse_thresholds(
    const Config& config, const std::string& where) {
  std::vector<double> out;
  if (config.is_number()) {
    out.push_back(config.as_number());
  } else if (config.is_array()) {
    for (const Config& item : config.as_array()) {
      if (!item.is_number()) {
        throw InvalidArgument(format(
            "[{}.thresholds] expected numbers, got {}", where, item.kind()));
      }
      out.push_back(item.as_number());
    }
  } else if (!config.is_null()) {
    throw InvalidArgument(format(
        "[{}.thresholds] expected a number or a list, got {}",
        where,
        config.kind()));
  }
  for (const double value : out) {
    if (value >= 0 && value <= 1) continue;
    throw InvalidArgument(format(
        "[{}.thresholds] expected numbers in [0, 1], got {}", where, value));
  }
  return out;
}

Confusion count_confusion(
    const std::string& who,
    const Value& y_true,
    const Value& y_pred,
    const Value& sample_weight,
    DType dtype,
    const ConfusionOptions& options) {
  auto [p, y] = losses::squeeze_or_expand_to_same_rank(
      ops::cast(y_pred, dtype), ops::cast(y_true, dtype));
  if (p.shape() != y.shape()) {
    throw InvalidArgument(format(
        "[{}] expected y_true of y_pred's shape {}, got {}",
        who,
        y_pred.shape(),
        y_true.shape()));
  }
  Value w;
  if (sample_weight) {
    w = ops::expand_dims(ops::cast(sample_weight, dtype), -1);
    if (w.rank() == y.rank() + 1) w = ops::squeeze(w, {-1});
  }
  if (options.top_k) p = filter_top_k(p, *options.top_k);
  if (options.class_id) {
    if (p.rank() < 2) {
      throw InvalidArgument(format(
          "[{}] expected y_pred [batch, classes] for class_id, got {}",
          who,
          y_pred.shape()));
    }
    p = only_class(p, *options.class_id);
    y = only_class(y, *options.class_id);
  }
  if (options.multi_label && p.rank() != 2) {
    throw InvalidArgument(format(
        "[{}] expected y_pred [batch, labels] with multi_label, got {}",
        who,
        y_pred.shape()));
  }
  Value weights = w ? ops::broadcast_to(w, p.shape()) : ops::ones_like(p);
  if (!options.label_weights.empty()) {
    weights =
        weights * ops::broadcast_to(
                      ops::expand_dims(
                          numbers(p.graph(), options.label_weights, dtype), 0),
                      p.shape());
  }
  Value labels = ops::cast(ops::cast(y, DType::boolean), dtype);
  if (!options.multi_label) {
    labels = flat(labels);
    p = flat(p);
    weights = flat(weights);
  }
  return evenly_spaced(options.thresholds)
             ? in_buckets(labels, p, weights, options)
             : by_threshold(labels, p, weights, options);
}

void ConfusionCounts::add(CallContext& ctx, const Confusion& batch) const {
  const auto grow = [&ctx](const Variable& variable, const Value& counts) {
    if (variable) ctx.assign(variable, ctx.read_uncast(variable) + counts);
  };
  grow(true_positives, batch.true_positives);
  grow(false_positives, batch.false_positives);
  grow(true_negatives, batch.true_negatives);
  grow(false_negatives, batch.false_negatives);
}

}  // namespace keratin::metrics
