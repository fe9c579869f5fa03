// Metrics of counts at thresholds: positives and negatives, Precision, Recall,
// and one of two rates at a given value of the other.

#include <utility>

#include <keratin/error.hpp>
#include <keratin/metrics/confusion.hpp>
#include <keratin/ops.hpp>

#include "losses/functions.hpp"
#include "src/core/format.hpp"
#include "src/train/metrics/confusion.hpp"
#include "src/train/metrics/mean_metric.hpp"
#include "src/train/metrics/registry.hpp"

namespace keratin::metrics {

namespace {

Config thresholds_config(const std::vector<double>& thresholds) {
  if (thresholds.empty()) return {};
  if (thresholds.size() == 1) return thresholds[0];
  Config list = Config::array();
  for (const double value : thresholds) list.push_back(value);
  return list;
}

/// One figure: a scalar for one threshold.
Value per_threshold(const Value& x) {
  return x.shape() == Shape{1} ? ops::squeeze(x) : x;
}

enum class Kind { tp, tn, fp, fn };

/// TruePositives and its like.
class CountImpl final : public MetricImpl {
 public:
  CountImpl(const char* class_name, Kind kind, const ThresholdOptions& o = {})
      : MetricImpl(o.name, o.dtype),
        class_name_(class_name),
        kind_(kind),
        thresholds_(thresholds_config(o.thresholds)) {
    parse_thresholds(thresholds_, class_name);
  }

  std::string class_name() const override { return class_name_; }

  std::string module() const override { return "keras.metrics"; }

  void fields(FieldVisitor& visit) override {
    MetricImpl::fields(visit);
    visit("thresholds", thresholds_);
  }

  void from_config(const Config& config, const std::string& where) override {
    parse_thresholds(config.get("thresholds"), where);
    MetricImpl::from_config(config, where);
  }

  void build(const Shape& y_true, const Shape& y_pred) override {
    (void)y_true;
    (void)y_pred;
    const Shape shape = {static_cast<std::int64_t>(thresholds().size())};
    sum_ = add_variable("accumulator", shape);
    switch (kind_) {
      case Kind::tp:
        counts_.true_positives = sum_;
        break;
      case Kind::tn:
        counts_.true_negatives = sum_;
        break;
      case Kind::fp:
        counts_.false_positives = sum_;
        break;
      case Kind::fn:
        counts_.false_negatives = sum_;
        break;
    }
  }

  void update_state(
      CallContext& ctx,
      const Value& y_true,
      const Value& y_pred,
      const Value& sample_weight) override {
    ensure_built(y_true.shape(), y_pred.shape());
    counts_.add(
        ctx,
        count_confusion(
            name(),
            y_true,
            y_pred,
            sample_weight,
            dtype(),
            {.thresholds = thresholds()}));
  }

  Value result(CallContext& ctx) const override {
    return per_threshold(ctx.read_uncast(sum_));
  }

 private:
  std::vector<double> thresholds() const {
    const std::vector<double> given =
        parse_thresholds(thresholds_, class_name_);
    return given.empty() ? std::vector<double>{0.5} : given;
  }

  const char* class_name_;
  Kind kind_;
  Config thresholds_;
  Variable sum_;
  ConfusionCounts counts_;
};

/// Precision (true positives over predicted ones) and Recall (over real ones).
class RatioImpl final : public MetricImpl {
 public:
  RatioImpl(bool precision, const PrecisionOptions& o = {})
      : MetricImpl(o.name, o.dtype),
        precision_(precision),
        thresholds_(thresholds_config(o.thresholds)),
        top_k_(o.top_k),
        class_id_(o.class_id) {
    parse_thresholds(thresholds_, class_name());
  }

  std::string class_name() const override {
    return precision_ ? "Precision" : "Recall";
  }

  std::string module() const override { return "keras.metrics"; }

  std::optional<bool> higher_is_better() const override { return true; }

  void fields(FieldVisitor& visit) override {
    MetricImpl::fields(visit);
    visit("thresholds", thresholds_);
    visit("top_k", top_k_, {.minimum = 1});
    visit("class_id", class_id_);
  }

  void from_config(const Config& config, const std::string& where) override {
    parse_thresholds(config.get("thresholds"), where);
    MetricImpl::from_config(config, where);
  }

  void build(const Shape& y_true, const Shape& y_pred) override {
    (void)y_true;
    (void)y_pred;
    const Shape shape = {static_cast<std::int64_t>(thresholds().size())};
    counts_.true_positives = add_variable("true_positives", shape);
    if (precision_) {
      counts_.false_positives = add_variable("false_positives", shape);
    } else {
      counts_.false_negatives = add_variable("false_negatives", shape);
    }
  }

  void update_state(
      CallContext& ctx,
      const Value& y_true,
      const Value& y_pred,
      const Value& sample_weight) override {
    ensure_built(y_true.shape(), y_pred.shape());
    counts_.add(
        ctx,
        count_confusion(
            name(),
            y_true,
            y_pred,
            sample_weight,
            dtype(),
            {.thresholds = thresholds(),
             .top_k = top_k_,
             .class_id = class_id_}));
  }

  Value result(CallContext& ctx) const override {
    const Value hits = ctx.read_uncast(counts_.true_positives);
    const Value others = ctx.read_uncast(
        precision_ ? counts_.false_positives : counts_.false_negatives);
    return per_threshold(losses::divide_no_nan(hits, hits + others));
  }

 private:
  std::vector<double> thresholds() const {
    constexpr double kAny = -1e10;  // with top_k all that are left count
    const std::vector<double> given =
        parse_thresholds(thresholds_, class_name());
    if (!given.empty()) return given;
    return {top_k_ ? kAny : 0.5};
  }

  bool precision_;
  Config thresholds_;
  std::optional<std::int64_t> top_k_;
  std::optional<std::int64_t> class_id_;
  ConfusionCounts counts_;
};

struct AtKind {
  const char* class_name;
  const char* argument;
};

constexpr AtKind kSensitivityAtSpecificity = {
    "SensitivityAtSpecificity", "specificity"};
constexpr AtKind kSpecificityAtSensitivity = {
    "SpecificityAtSensitivity", "sensitivity"};
constexpr AtKind kPrecisionAtRecall = {"PrecisionAtRecall", "recall"};
constexpr AtKind kRecallAtPrecision = {"RecallAtPrecision", "precision"};

/// The best of one rate over the thresholds at which another is high enough.
class RateAtImpl final : public MetricImpl {
 public:
  explicit RateAtImpl(
      const AtKind& kind, double value = 0, const AtOptions& o = {})
      : MetricImpl(o.name, o.dtype),
        kind_(kind),
        value_(value),
        num_thresholds_(o.num_thresholds),
        class_id_(o.class_id) {
    if (!(value >= 0 && value <= 1)) {
      throw InvalidArgument(format(
          "[{}] expected {} in [0, 1], got {}",
          kind.class_name,
          kind.argument,
          value));
    }
    if (num_thresholds_ < 1) {
      throw InvalidArgument(format(
          "[{}] expected num_thresholds >= 1, got {}",
          kind.class_name,
          num_thresholds_));
    }
  }

  std::string class_name() const override { return kind_.class_name; }

  std::string module() const override { return "keras.metrics"; }

  std::optional<bool> higher_is_better() const override { return true; }

  void fields(FieldVisitor& visit) override {
    MetricImpl::fields(visit);
    visit("class_id", class_id_);
    visit("num_thresholds", num_thresholds_, {.minimum = 1});
    visit(
        kind_.argument, value_, {.required = true, .minimum = 0, .maximum = 1});
  }

  void build(const Shape& y_true, const Shape& y_pred) override {
    (void)y_true;
    (void)y_pred;
    const Shape shape = {num_thresholds_};
    counts_.true_positives = add_variable("true_positives", shape);
    counts_.false_positives = add_variable("false_positives", shape);
    counts_.true_negatives = add_variable("true_negatives", shape);
    counts_.false_negatives = add_variable("false_negatives", shape);
  }

  void update_state(
      CallContext& ctx,
      const Value& y_true,
      const Value& y_pred,
      const Value& sample_weight) override {
    ensure_built(y_true.shape(), y_pred.shape());
    std::vector<double> thresholds = {0.5};
    if (num_thresholds_ > 1) {
      thresholds = {0};
      for (std::int64_t i = 1; i < num_thresholds_; ++i) {
        thresholds.push_back(
            static_cast<double>(i) / static_cast<double>(num_thresholds_ - 1));
      }
    }
    counts_.add(
        ctx,
        count_confusion(
            name(),
            y_true,
            y_pred,
            sample_weight,
            dtype(),
            {.thresholds = thresholds, .class_id = class_id_}));
  }

  Value result(CallContext& ctx) const override {
    const Value tp = ctx.read_uncast(counts_.true_positives);
    const Value fp = ctx.read_uncast(counts_.false_positives);
    const Value tn = ctx.read_uncast(counts_.true_negatives);
    const Value fn = ctx.read_uncast(counts_.false_negatives);
    const Value recall = losses::divide_no_nan(tp, tp + fn);
    const Value specificity = losses::divide_no_nan(tn, tn + fp);
    const Value precision = losses::divide_no_nan(tp, tp + fp);
    const std::string argument = kind_.argument;
    if (argument == "specificity") return best(specificity, recall);
    if (argument == "sensitivity") return best(recall, specificity);
    if (argument == "recall") return best(recall, precision);
    return best(precision, recall);
  }

 private:
  Value best(const Value& constrained, const Value& wanted) const {
    const Value feasible = ops::greater_equal(constrained, value_);
    return ops::max(ops::where(feasible, wanted, ops::zeros_like(wanted)));
  }

  const AtKind& kind_;
  double value_;
  std::int64_t num_thresholds_;
  std::optional<std::int64_t> class_id_;
  ConfusionCounts counts_;
};

}  // namespace

Metric TruePositives(ThresholdOptions o) {
  return make_metric<CountImpl>("TruePositives", Kind::tp, o);
}

Metric TrueNegatives(ThresholdOptions o) {
  return make_metric<CountImpl>("TrueNegatives", Kind::tn, o);
}

Metric FalsePositives(ThresholdOptions o) {
  return make_metric<CountImpl>("FalsePositives", Kind::fp, o);
}

Metric FalseNegatives(ThresholdOptions o) {
  return make_metric<CountImpl>("FalseNegatives", Kind::fn, o);
}

Metric Precision(PrecisionOptions o) {
  return make_metric<RatioImpl>(true, o);
}

Metric Recall(RecallOptions o) {
  return make_metric<RatioImpl>(false, o);
}

Metric SensitivityAtSpecificity(double specificity, AtOptions o) {
  return make_metric<RateAtImpl>(kSensitivityAtSpecificity, specificity, o);
}

Metric SpecificityAtSensitivity(double sensitivity, AtOptions o) {
  return make_metric<RateAtImpl>(kSpecificityAtSensitivity, sensitivity, o);
}

Metric PrecisionAtRecall(double recall, AtOptions o) {
  return make_metric<RateAtImpl>(kPrecisionAtRecall, recall, o);
}

Metric RecallAtPrecision(double precision, AtOptions o) {
  return make_metric<RateAtImpl>(kRecallAtPrecision, precision, o);
}

std::shared_ptr<MetricImpl> make_true_positives() {
  return std::make_shared<CountImpl>("TruePositives", Kind::tp);
}

std::shared_ptr<MetricImpl> make_true_negatives() {
  return std::make_shared<CountImpl>("TrueNegatives", Kind::tn);
}

std::shared_ptr<MetricImpl> make_false_positives() {
  return std::make_shared<CountImpl>("FalsePositives", Kind::fp);
}

std::shared_ptr<MetricImpl> make_false_negatives() {
  return std::make_shared<CountImpl>("FalseNegatives", Kind::fn);
}

std::shared_ptr<MetricImpl> make_precision() {
  return std::make_shared<RatioImpl>(true);
}

std::shared_ptr<MetricImpl> make_recall() {
  return std::make_shared<RatioImpl>(false);
}

std::shared_ptr<MetricImpl> make_sensitivity_at_specificity() {
  return std::make_shared<RateAtImpl>(kSensitivityAtSpecificity);
}

std::shared_ptr<MetricImpl> make_specificity_at_sensitivity() {
  return std::make_shared<RateAtImpl>(kSpecificityAtSensitivity);
}

std::shared_ptr<MetricImpl> make_precision_at_recall() {
  return std::make_shared<RateAtImpl>(kPrecisionAtRecall);
}

std::shared_ptr<MetricImpl> make_recall_at_precision() {
  return std::make_shared<RateAtImpl>(kRecallAtPrecision);
}

}  // namespace keratin::metrics
