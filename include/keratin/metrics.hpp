#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <keratin/call_context.hpp>
#include <keratin/export.hpp>
#include <keratin/fields.hpp>
#include <keratin/tensor.hpp>
#include <keratin/value.hpp>
#include <keratin/variable.hpp>

namespace keratin {

/// A running figure: variables, an update that is part of the step's graph, and
/// a result.
class KERATIN_API MetricImpl : public Serializable {
 public:
  explicit MetricImpl(std::string name = {}, std::string dtype = {});

  std::string module() const override;
  void fields(FieldVisitor& visit) override;  // name, dtype

  /// Adds a batch. y_true, y_pred: [batch, ...]; sample_weight may be empty.
  virtual void update_state(
      CallContext& ctx,
      const Value& y_true,
      const Value& y_pred,
      const Value& sample_weight) = 0;

  /// The figure so far: a scalar, or a vector for some.
  virtual Value result(CallContext& ctx) const = 0;

  /// Makes the variables that depend on the shapes of the data, before the
  /// first update. The base does nothing.
  virtual void build(const Shape& y_true, const Shape& y_pred);

  /// Which way is better, where that is known: true up, false down.
  virtual std::optional<bool> higher_is_better() const { return {}; }

  bool built() const { return built_; }

  void ensure_built(const Shape& y_true, const Shape& y_pred);

  /// Back to the initial values.
  void reset_state();

  const std::vector<Variable>& variables() const { return variables_; }

  std::string name() const;
  void set_name(std::string name) { name_ = std::move(name); }

  DType dtype() const;  // of the variables; default floatx

 protected:
  /// Starts as `initial` everywhere.
  Variable add_variable(
      const std::string& name, const Shape& shape, double initial = 0);

 private:
  std::string name_;
  std::string dtype_;
  bool built_ = false;
  std::vector<Variable> variables_;
  std::vector<Tensor> initial_;
};

/// A handle on a metric: copies share the state. Made from Keras's name
/// ("accuracy" picks the fitting one, "mae", "AUC"), one of keratin::metrics,
/// or a function of (y_true, y_pred) -> values, averaged.
class KERATIN_API Metric final : public FieldValue {
 public:
  using Function = std::function<Value(const Value&, const Value&)>;

  Metric() = default;  // none

  // NOLINTBEGIN(google-explicit-constructor): names read as metrics
  Metric(const char* name);
  Metric(std::string name);
  Metric(std::shared_ptr<MetricImpl> impl);
  Metric(Function function, std::string name);
  // NOLINTEND(google-explicit-constructor)

  explicit operator bool() const {
    return impl_ != nullptr || is_generic();
  }

  /// Whether this is one of "accuracy" and "acc", which become the accuracy
  /// that fits the shapes of the data.
  bool is_generic() const { return !generic_.empty(); }

  /// The metric that a generic name means for these shapes (Keras's rule); any
  /// other metric is itself.
  Metric resolve(const Shape& y_true, const Shape& y_pred) const;

  // Standalone use, on arrays, at once.
  void update_state(
      const Tensor& y_true,
      const Tensor& y_pred,
      const Tensor* sample_weight = nullptr);
  Tensor result() const;
  void reset_state();

  std::string name() const;

  MetricImpl& impl() const { return *impl_; }

  Config to_config() const override;
  void from_config(const Config& config, const std::string& where) override;
  Config schema() const override;

 private:
  std::string generic_;
  std::shared_ptr<MetricImpl> impl_;
};

KERATIN_API std::vector<std::string> metric_names();

}  // namespace keratin
