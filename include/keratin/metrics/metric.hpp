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
/// a result. Derive from it for a metric with state of its own; for an average
/// give a function to `Metric`.
class KERATIN_API MetricImpl : public Serializable {
 public:
  /// dtype: of the variables and the arithmetic; default: floatx. Throws
  /// InvalidArgument when it is none.
  explicit MetricImpl(std::string name = {}, std::string dtype = {});

  ~MetricImpl() override;

  /// "Custom"; Keras's own "keras.metrics".
  std::string module() const override;

  /// The base visits name and dtype.
  void fields(FieldVisitor& visit) override;

  /// As Serializable's, with the name and the dtype in use.
  Config get_config() const override;

  void from_config(const Config& config, const std::string& where) override;

  /// Adds a batch. y_true, y_pred: [batch, ...]; sample_weight may be empty.
  virtual void update_state(
      CallContext& ctx,
      const Value& y_true,
      const Value& y_pred,
      const Value& sample_weight) = 0;

  /// The figure so far: a scalar, or a vector for some.
  virtual Value result(CallContext& ctx) const = 0;

  /// Makes the variables, before the first update. Both shapes are scalars when
  /// a result is asked for before any data: throw InvalidArgument if that will
  /// not do. The base makes none.
  virtual void build(const Shape& y_true, const Shape& y_pred);

  /// Which way is better, where that is known: true up, false down.
  virtual std::optional<bool> higher_is_better() const { return {}; }

  bool built() const { return built_; }

  /// Builds unless that has been done.
  void ensure_built(const Shape& y_true, const Shape& y_pred);

  /// Back to the initial values.
  void reset_state();

  const std::vector<Variable>& variables() const { return variables_; }

  /// Given, else made from the class name when first asked for: "auc_1".
  std::string name() const;

  void set_name(std::string name) { name_ = std::move(name); }

  DType dtype() const;  // of the variables

 protected:
  /// Of the dtype; starts as `initial` everywhere.
  Variable add_variable(
      const std::string& name, const Shape& shape, double initial = 0);

  /// What dtype() is when none is given.
  virtual DType default_dtype() const;

 private:
  friend class Metric;
  struct Standalone;  // programs of updates and results on arrays

  std::string name_;
  Config dtype_;  // null: none given
  mutable std::string automatic_name_;
  bool built_ = false;
  std::vector<Variable> variables_;
  std::vector<Tensor> initial_;
  std::unique_ptr<Standalone> standalone_;
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

  explicit operator bool() const { return impl_ != nullptr || is_generic(); }

  /// Whether this is one of "accuracy" and "acc", which become the accuracy
  /// that fits the shapes of the data.
  bool is_generic() const { return impl_ == nullptr && !given_.empty(); }

  /// The metric that a generic name means for these shapes (Keras's rule); any
  /// other metric is itself.
  Metric resolve(const Shape& y_true, const Shape& y_pred) const;

  // Standalone use, on arrays, at once. Not from several threads.

  /// Adds a batch. The first one settles what a generic name means.
  void update_state(
      const Tensor& y_true,
      const Tensor& y_pred,
      const Tensor* sample_weight = nullptr);

  /// Adds values to a metric of values alone (Mean, Sum).
  void update_state(const Tensor& values) { update_state(values, values); }

  /// The figure so far.
  Tensor result() const;

  /// Back to the start.
  void reset_state();

  std::string name() const;

  /// REQUIRES: neither none nor generic.
  MetricImpl& impl() const { return *impl_; }

  /// The name it was made from, as Keras writes it, else a serialized object.
  /// Throws InvalidArgument for a function that is not registered.
  Config to_config() const override;
  void from_config(const Config& config, const std::string& where) override;
  Config schema() const override;

 private:
  std::string given_;  // the name it was made from
  std::shared_ptr<MetricImpl> impl_;
};

/// Makes a function known to files and configs under a name.
KERATIN_API void register_metric(
    const std::string& name, Metric::Function function);

/// Keras's class names, and the functions registered; sorted.
KERATIN_API std::vector<std::string> metric_names();

}  // namespace keratin
