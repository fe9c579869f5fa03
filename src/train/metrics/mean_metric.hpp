#pragma once

#include <optional>
#include <string>
#include <utility>

#include <keratin/metrics/average.hpp>

namespace keratin::metrics {

/// Keras's Mean of what a derived class makes of a batch.
class MeanMetric : public MetricImpl {
 public:
  using MetricImpl::MetricImpl;

  std::string module() const override { return "keras.metrics"; }

  void build(const Shape& y_true, const Shape& y_pred) override;
  Value result(CallContext& ctx) const override;

 protected:
  /// Adds values [batch, ...] with weights (may be empty).
  void add(CallContext& ctx, const Value& values, const Value& sample_weight);

 private:
  Variable total_;
  Variable count_;
};

/// Keras's MeanMetricWrapper: the mean of a function of (y_true, y_pred).
class MeanOfFunction : public MeanMetric {
 public:
  MeanOfFunction(
      std::string name, std::string dtype, std::optional<bool> direction)
      : MeanMetric(std::move(name), std::move(dtype)), direction_(direction) {}

  void update_state(
      CallContext& ctx,
      const Value& y_true,
      const Value& y_pred,
      const Value& sample_weight) override;

  std::optional<bool> higher_is_better() const override { return direction_; }

 protected:
  virtual Value values(const Value& y_true, const Value& y_pred) const = 0;

  /// Which of the values count, where weights are given: bool; empty: all.
  virtual Value values_mask(const Value& y_true, const Value& values) const;

 private:
  std::optional<bool> direction_;
};

/// Values per sample, and what they weigh: Keras's
/// reduce_to_samplewise_values.
struct SamplewiseValues {
  Value values;
  Value sample_weight;  // may be empty
};

SamplewiseValues reduce_to_samplewise_values(
    const Value& values, const Value& sample_weight, DType dtype, bool mean);

/// y_pred as averages compute with it: floating, not narrower than `dtype`.
Value as_floating(const Value& y_pred, DType dtype);

template <class Impl, class... Args>
Metric make_metric(Args&&... args) {
  return Metric(std::shared_ptr<MetricImpl>(
      std::make_shared<Impl>(std::forward<Args>(args)...)));
}

template <class Impl>
std::shared_ptr<MetricImpl> make_default() {
  return std::make_shared<Impl>();
}

/// `name`, or `fallback` when it is empty.
inline std::string or_default(const std::string& name, const char* fallback) {
  return name.empty() ? fallback : name;
}

}  // namespace keratin::metrics
