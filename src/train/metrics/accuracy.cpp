// How often predictions are right.

#include <utility>

#include <keratin/dtype_policy.hpp>
#include <keratin/error.hpp>
#include <keratin/metrics/accuracy.hpp>
#include <keratin/ops.hpp>

#include "losses/functions.hpp"
#include "src/core/format.hpp"
#include "src/train/metrics/mean_metric.hpp"
#include "src/train/metrics/registry.hpp"

namespace keratin::metrics {

namespace {

void check_same(
    const char* who, const Value& a, const Value& b, const char* advice) {
  if (a.shape() == b.shape()) return;
  throw InvalidArgument(format(
      "[{}] expected y_true and y_pred that fit, got {} and {} to compare; {}",
      who,
      a.shape(),
      b.shape(),
      advice));
}

Value matches(const Value& a, const Value& b) {
  return ops::cast(ops::equal(a, b), floatx());
}

/// Labels as indices [...] where y_pred is [..., classes].
Value labels_of(const Value& y_true, const Value& y_pred, const char* who) {
  Value labels = y_true;
  if (labels.rank() == y_pred.rank() && labels.rank() > 0 &&
      labels.shape().back() == 1) {
    labels = ops::squeeze(labels, {-1});
  }
  if (labels.rank() + 1 != y_pred.rank()) {
    throw InvalidArgument(format(
        "[{}] expected class indices for y_pred {}, got y_true {}; use the "
        "categorical metric for one-hot labels",
        who,
        y_pred.shape(),
        y_true.shape()));
  }
  return labels;
}

class AccuracyImpl final : public MeanOfFunction {
 public:
  explicit AccuracyImpl(AccuracyOptions o = {})
      : MeanOfFunction(or_default(o.name, "accuracy"), o.dtype, true) {}

  std::string class_name() const override { return "Accuracy"; }

 protected:
  Value values(const Value& y_true, const Value& y_pred) const override {
    const auto [y, p] = losses::squeeze_or_expand_to_same_rank(
        ops::cast(y_true, y_pred.dtype()), y_pred);
    check_same("accuracy", y, p, "compare arrays of one shape");
    return matches(y, p);
  }
};

class BinaryAccuracyImpl final : public MeanOfFunction {
 public:
  explicit BinaryAccuracyImpl(BinaryAccuracyOptions o = {})
      : MeanOfFunction(or_default(o.name, "binary_accuracy"), o.dtype, true),
        threshold_(o.threshold) {}

  std::string class_name() const override { return "BinaryAccuracy"; }

  void fields(FieldVisitor& visit) override {
    MetricImpl::fields(visit);
    visit("threshold", threshold_);
  }

 protected:
  Value values(const Value& y_true, const Value& y_pred) const override {
    const auto [y, p] = losses::squeeze_or_expand_to_same_rank(y_true, y_pred);
    check_same(
        "binary_accuracy", y, p, "give one label per unit of the last layer");
    const Value positive = ops::greater(as_floating(p, dtype()), threshold_);
    return matches(y, ops::cast(positive, y.dtype()));
  }

 private:
  double threshold_;
};

class CategoricalAccuracyImpl final : public MeanOfFunction {
 public:
  explicit CategoricalAccuracyImpl(AccuracyOptions o = {})
      : MeanOfFunction(
            or_default(o.name, "categorical_accuracy"), o.dtype, true) {}

  std::string class_name() const override { return "CategoricalAccuracy"; }

 protected:
  Value values(const Value& y_true, const Value& y_pred) const override {
    check_same(
        "categorical_accuracy",
        y_true,
        y_pred,
        "use sparse_categorical_accuracy for class indices");
    return matches(ops::argmax(y_true), ops::argmax(y_pred));
  }
};

class SparseCategoricalAccuracyImpl final : public MeanOfFunction {
 public:
  explicit SparseCategoricalAccuracyImpl(AccuracyOptions o = {})
      : MeanOfFunction(
            or_default(o.name, "sparse_categorical_accuracy"), o.dtype, true) {}

  std::string class_name() const override {
    return "SparseCategoricalAccuracy";
  }

 protected:
  Value values(const Value& y_true, const Value& y_pred) const override {
    const Value y = labels_of(y_true, y_pred, "sparse_categorical_accuracy");
    const Value p = ops::argmax(y_pred);
    check_same(
        "sparse_categorical_accuracy", y, p, "give one label per prediction");
    Value found = matches(y, ops::cast(p, y.dtype()));
    // Keras drops an axis of 1 that is left over.
    if (found.rank() > 1 && found.shape().back() == 1) {
      found = ops::squeeze(found, {-1});
    }
    return found;
  }
};

/// Whether the label's score is among the k largest: fewer than k are larger.
/// As TensorFlow's in_top_k: ties count, scores that are no number do not.
Value in_top_k(const Value& labels, const Value& scores, std::int64_t k) {
  const Value own = ops::take_along_axis(
      scores, ops::expand_dims(ops::cast(labels, DType::i32), -1), -1);
  const Value larger =
      ops::sum(ops::cast(ops::greater(scores, own), DType::i32), {-1});
  // A label that is no class is in no top k; one below zero would count from
  // the back.
  return ops::logical_and(
      ops::logical_and(
          ops::less(larger, static_cast<double>(k)),
          ops::greater_equal(labels, 0.0)),
      ops::isfinite(ops::squeeze(own, {-1})));
}

class TopKImpl final : public MeanOfFunction {
 public:
  explicit TopKImpl(TopKCategoricalAccuracyOptions o = {})
      : MeanOfFunction(
            or_default(o.name, "top_k_categorical_accuracy"), o.dtype, true),
        k_(o.k) {}

  std::string class_name() const override { return "TopKCategoricalAccuracy"; }

  void fields(FieldVisitor& visit) override {
    MetricImpl::fields(visit);
    visit("k", k_, {.minimum = 1});
  }

 protected:
  Value values(const Value& y_true, const Value& y_pred) const override {
    check_same(
        "top_k_categorical_accuracy",
        y_true,
        y_pred,
        "use sparse_top_k_categorical_accuracy for class indices");
    return ops::cast(
        in_top_k(ops::argmax(y_true), as_floating(y_pred, dtype()), k_),
        floatx());
  }

 private:
  std::int64_t k_;
};

class SparseTopKImpl final : public MeanOfFunction {
 public:
  explicit SparseTopKImpl(SparseTopKCategoricalAccuracyOptions o = {})
      : MeanOfFunction(
            or_default(o.name, "sparse_top_k_categorical_accuracy"),
            o.dtype,
            true),
        k_(o.k),
        from_sorted_ids_(o.from_sorted_ids) {}

  std::string class_name() const override {
    return "SparseTopKCategoricalAccuracy";
  }

  void fields(FieldVisitor& visit) override {
    MetricImpl::fields(visit);
    visit("k", k_, {.minimum = 1});
    visit("from_sorted_ids", from_sorted_ids_);
  }

  Config get_config() const override {
    Config config = MetricImpl::get_config();
    if (!from_sorted_ids_) config.erase("from_sorted_ids");
    return config;
  }

 protected:
  Value values(const Value& y_true, const Value& y_pred) const override {
    const Value y =
        labels_of(y_true, y_pred, "sparse_top_k_categorical_accuracy");
    if (!from_sorted_ids_) {
      return ops::cast(in_top_k(y, as_floating(y_pred, dtype()), k_), floatx());
    }
    const std::int64_t count = std::min(k_, y_pred.shape().back());
    const Value first = ops::slice_axis(y_pred, -1, 0, count);
    const Value own = ops::expand_dims(ops::cast(y, y_pred.dtype()), -1);
    return ops::cast(ops::any(ops::equal(own, first), {-1}), floatx());
  }

 private:
  std::int64_t k_;
  bool from_sorted_ids_;
};

}  // namespace

Metric Accuracy(AccuracyOptions o) {
  return make_metric<AccuracyImpl>(o);
}

Metric BinaryAccuracy(BinaryAccuracyOptions o) {
  return make_metric<BinaryAccuracyImpl>(o);
}

Metric CategoricalAccuracy(AccuracyOptions o) {
  return make_metric<CategoricalAccuracyImpl>(o);
}

Metric SparseCategoricalAccuracy(AccuracyOptions o) {
  return make_metric<SparseCategoricalAccuracyImpl>(o);
}

Metric TopKCategoricalAccuracy(TopKCategoricalAccuracyOptions o) {
  return make_metric<TopKImpl>(o);
}

Metric SparseTopKCategoricalAccuracy(SparseTopKCategoricalAccuracyOptions o) {
  return make_metric<SparseTopKImpl>(o);
}

std::shared_ptr<MetricImpl> make_accuracy() {
  return make_default<AccuracyImpl>();
}

std::shared_ptr<MetricImpl> make_binary_accuracy() {
  return make_default<BinaryAccuracyImpl>();
}

std::shared_ptr<MetricImpl> make_categorical_accuracy() {
  return make_default<CategoricalAccuracyImpl>();
}

std::shared_ptr<MetricImpl> make_sparse_categorical_accuracy() {
  return make_default<SparseCategoricalAccuracyImpl>();
}

std::shared_ptr<MetricImpl> make_top_k() {
  return make_default<TopKImpl>();
}

std::shared_ptr<MetricImpl> make_sparse_top_k() {
  return make_default<SparseTopKImpl>();
}

}  // namespace keratin::metrics
