// Averages of losses, and of functions of the user's own.

#include <utility>

#include <keratin/error.hpp>
#include <keratin/ops.hpp>

#include "losses/functions.hpp"
#include "optimizers/number.hpp"
#include "src/train/metrics/mean_metric.hpp"
#include "src/train/metrics/registry.hpp"

namespace keratin::metrics {

namespace {

using PlainFunction = Value (*)(const Value&, const Value&);

/// Of a loss without arguments of its own.
class MeanOfLoss final : public MeanOfFunction {
 public:
  MeanOfLoss(
      const char* class_name,
      const char* name,
      PlainFunction function,
      const MetricOptions& o = {})
      : MeanOfFunction(or_default(o.name, name), o.dtype, false),
        class_name_(class_name),
        function_(function) {}

  std::string class_name() const override { return class_name_; }

 protected:
  Value values(const Value& y_true, const Value& y_pred) const override {
    return function_(y_true, as_floating(y_pred, dtype()));
  }

 private:
  const char* class_name_;
  PlainFunction function_;
};

class FunctionMetric final : public MeanOfFunction {
 public:
  FunctionMetric(Metric::Function function, std::string name, std::string dtype)
      : MeanOfFunction(std::move(name), std::move(dtype), {}),
        function_(std::move(function)) {}

  std::string class_name() const override { return "MeanMetricWrapper"; }

  std::string module() const override { return "Custom"; }

 protected:
  Value values(const Value& y_true, const Value& y_pred) const override {
    return function_(y_true, y_pred);
  }

 private:
  Metric::Function function_;
};

class BinaryCrossentropyImpl final : public MeanOfFunction {
 public:
  explicit BinaryCrossentropyImpl(BinaryCrossentropyOptions o = {})
      : MeanOfFunction(
            or_default(o.name, "binary_crossentropy"), o.dtype, false),
        from_logits_(o.from_logits),
        label_smoothing_(o.label_smoothing) {}

  std::string class_name() const override { return "BinaryCrossentropy"; }

  void fields(FieldVisitor& visit) override {
    MetricImpl::fields(visit);
    visit("from_logits", from_logits_);
    visit("label_smoothing", label_smoothing_);
  }

 protected:
  Value values(const Value& y_true, const Value& y_pred) const override {
    return losses::binary_crossentropy(
        y_true,
        as_floating(y_pred, dtype()),
        from_logits_,
        label_smoothing_.value());
  }

 private:
  bool from_logits_;
  Number label_smoothing_;
};

class CategoricalCrossentropyImpl final : public MeanOfFunction {
 public:
  explicit CategoricalCrossentropyImpl(CategoricalCrossentropyOptions o = {})
      : MeanOfFunction(
            or_default(o.name, "categorical_crossentropy"), o.dtype, false),
        from_logits_(o.from_logits),
        label_smoothing_(o.label_smoothing),
        axis_(o.axis) {}

  std::string class_name() const override { return "CategoricalCrossentropy"; }

  void fields(FieldVisitor& visit) override {
    MetricImpl::fields(visit);
    visit("from_logits", from_logits_);
    visit("label_smoothing", label_smoothing_);
    visit("axis", axis_);
  }

 protected:
  Value values(const Value& y_true, const Value& y_pred) const override {
    return losses::categorical_crossentropy(
        y_true,
        as_floating(y_pred, dtype()),
        from_logits_,
        label_smoothing_.value(),
        axis_);
  }

 private:
  bool from_logits_;
  Number label_smoothing_;
  std::int64_t axis_;
};

class SparseCategoricalCrossentropyImpl final : public MeanOfFunction {
 public:
  explicit SparseCategoricalCrossentropyImpl(
      SparseCategoricalCrossentropyOptions o = {})
      : MeanOfFunction(
            or_default(o.name, "sparse_categorical_crossentropy"),
            o.dtype,
            false),
        from_logits_(o.from_logits),
        ignore_class_(o.ignore_class),
        axis_(o.axis) {}

  std::string class_name() const override {
    return "SparseCategoricalCrossentropy";
  }

  void fields(FieldVisitor& visit) override {
    MetricImpl::fields(visit);
    visit("from_logits", from_logits_);
    visit("ignore_class", ignore_class_);
    visit("axis", axis_);
  }

 protected:
  Value values(const Value& y_true, const Value& y_pred) const override {
    return losses::sparse_categorical_crossentropy(
        y_true,
        as_floating(y_pred, dtype()),
        from_logits_,
        ignore_class_,
        axis_);
  }

  Value values_mask(const Value& y_true, const Value& values) const override {
    if (!ignore_class_) return {};
    return ops::reshape(
        ops::not_equal(y_true, static_cast<double>(*ignore_class_)),
        values.shape());
  }

 private:
  bool from_logits_;
  std::optional<std::int64_t> ignore_class_;
  std::int64_t axis_;
};

}  // namespace

Metric MeanMetricWrapper(Metric::Function function, MetricOptions options) {
  if (!function) {
    throw InvalidArgument("[metric] expected a function, got an empty one");
  }
  return make_metric<FunctionMetric>(
      std::move(function), options.name, options.dtype);
}

std::shared_ptr<MetricImpl> make_function_metric(
    Metric::Function function, std::string name) {
  return std::make_shared<FunctionMetric>(
      std::move(function), std::move(name), "");
}

Metric BinaryCrossentropy(BinaryCrossentropyOptions o) {
  return make_metric<BinaryCrossentropyImpl>(o);
}

Metric CategoricalCrossentropy(CategoricalCrossentropyOptions o) {
  return make_metric<CategoricalCrossentropyImpl>(o);
}

Metric SparseCategoricalCrossentropy(SparseCategoricalCrossentropyOptions o) {
  return make_metric<SparseCategoricalCrossentropyImpl>(o);
}

std::shared_ptr<MetricImpl> make_binary_crossentropy() {
  return make_default<BinaryCrossentropyImpl>();
}

std::shared_ptr<MetricImpl> make_categorical_crossentropy() {
  return make_default<CategoricalCrossentropyImpl>();
}

std::shared_ptr<MetricImpl> make_sparse_categorical_crossentropy() {
  return make_default<SparseCategoricalCrossentropyImpl>();
}

std::shared_ptr<MetricImpl> make_mean_squared_error() {
  return std::make_shared<MeanOfLoss>(
      "MeanSquaredError", "mean_squared_error", &losses::mean_squared_error);
}

Metric MeanSquaredError(MetricOptions options) {
  return make_metric<MeanOfLoss>(
      "MeanSquaredError",
      "mean_squared_error",
      &losses::mean_squared_error,
      options);
}

std::shared_ptr<MetricImpl> make_mean_absolute_error() {
  return std::make_shared<MeanOfLoss>(
      "MeanAbsoluteError", "mean_absolute_error", &losses::mean_absolute_error);
}

Metric MeanAbsoluteError(MetricOptions options) {
  return make_metric<MeanOfLoss>(
      "MeanAbsoluteError",
      "mean_absolute_error",
      &losses::mean_absolute_error,
      options);
}

std::shared_ptr<MetricImpl> make_mean_absolute_percentage_error() {
  return std::make_shared<MeanOfLoss>(
      "MeanAbsolutePercentageError",
      "mean_absolute_percentage_error",
      &losses::mean_absolute_percentage_error);
}

Metric MeanAbsolutePercentageError(MetricOptions options) {
  return make_metric<MeanOfLoss>(
      "MeanAbsolutePercentageError",
      "mean_absolute_percentage_error",
      &losses::mean_absolute_percentage_error,
      options);
}

std::shared_ptr<MetricImpl> make_mean_squared_logarithmic_error() {
  return std::make_shared<MeanOfLoss>(
      "MeanSquaredLogarithmicError",
      "mean_squared_logarithmic_error",
      &losses::mean_squared_logarithmic_error);
}

Metric MeanSquaredLogarithmicError(MetricOptions options) {
  return make_metric<MeanOfLoss>(
      "MeanSquaredLogarithmicError",
      "mean_squared_logarithmic_error",
      &losses::mean_squared_logarithmic_error,
      options);
}

std::shared_ptr<MetricImpl> make_log_cosh_error() {
  return std::make_shared<MeanOfLoss>(
      "LogCoshError", "logcosh", &losses::log_cosh);
}

Metric LogCoshError(MetricOptions options) {
  return make_metric<MeanOfLoss>(
      "LogCoshError", "logcosh", &losses::log_cosh, options);
}

std::shared_ptr<MetricImpl> make_hinge() {
  return std::make_shared<MeanOfLoss>("Hinge", "hinge", &losses::hinge);
}

Metric Hinge(MetricOptions options) {
  return make_metric<MeanOfLoss>("Hinge", "hinge", &losses::hinge, options);
}

std::shared_ptr<MetricImpl> make_squared_hinge() {
  return std::make_shared<MeanOfLoss>(
      "SquaredHinge", "squared_hinge", &losses::squared_hinge);
}

Metric SquaredHinge(MetricOptions options) {
  return make_metric<MeanOfLoss>(
      "SquaredHinge", "squared_hinge", &losses::squared_hinge, options);
}

std::shared_ptr<MetricImpl> make_categorical_hinge() {
  return std::make_shared<MeanOfLoss>(
      "CategoricalHinge", "categorical_hinge", &losses::categorical_hinge);
}

Metric CategoricalHinge(MetricOptions options) {
  return make_metric<MeanOfLoss>(
      "CategoricalHinge",
      "categorical_hinge",
      &losses::categorical_hinge,
      options);
}

std::shared_ptr<MetricImpl> make_kl_divergence() {
  return std::make_shared<MeanOfLoss>(
      "KLDivergence", "kl_divergence", &losses::kl_divergence);
}

Metric KLDivergence(MetricOptions options) {
  return make_metric<MeanOfLoss>(
      "KLDivergence", "kl_divergence", &losses::kl_divergence, options);
}

std::shared_ptr<MetricImpl> make_poisson() {
  return std::make_shared<MeanOfLoss>("Poisson", "poisson", &losses::poisson);
}

Metric Poisson(MetricOptions options) {
  return make_metric<MeanOfLoss>(
      "Poisson", "poisson", &losses::poisson, options);
}

}  // namespace keratin::metrics
