#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <keratin/call_context.hpp>
#include <keratin/export.hpp>
#include <keratin/fields.hpp>
#include <keratin/schedules.hpp>
#include <keratin/value.hpp>
#include <keratin/variable.hpp>

namespace keratin {

/// The arguments that all of Keras's optimizers take.
struct OptimizerArguments {
  LearningRate learning_rate = 0.001;
  std::optional<double> weight_decay = {};
  std::optional<double> clipnorm = {};
  std::optional<double> clipvalue = {};
  std::optional<double> global_clipnorm = {};
  bool use_ema = false;
  double ema_momentum = 0.99;
  std::optional<std::int64_t> ema_overwrite_frequency = {};
  std::optional<double> loss_scale_factor = {};
  std::optional<std::int64_t> gradient_accumulation_steps = {};
  std::string name = {};
};

/// What an optimizer derives from. Its updates are nodes of the step's graph.
class KERATIN_API OptimizerImpl : public Serializable {
 public:
  explicit OptimizerImpl(OptimizerArguments arguments = {});

  std::string module() const override;

  /// The shared arguments, which built-ins visit around their own so that the
  /// order is Keras's.
  void common_fields(FieldVisitor& visit);

  /// Makes the slots of one variable. Call add_slot.
  virtual void build_slots(const std::vector<Variable>& variables) = 0;

  /// Adds the update of one variable: assigns it and its slots.
  ///
  ///   gradient: as the variable; learning_rate: a scalar of its dtype.
  virtual void update_step(
      CallContext& ctx,
      const Value& gradient,
      const Variable& variable,
      const Value& learning_rate) = 0;

  /// Makes iterations, learning rate, slots, accumulators and averages for
  /// these variables, once.
  void build(const std::vector<Variable>& variables);

  bool built() const { return built_; }

  /// One whole step in Keras's order: unscale, accumulate, clip, decay, update,
  /// average, constrain, count. Gradients and variables pairwise.
  void apply(
      CallContext& ctx,
      const std::vector<Value>& gradients,
      const std::vector<Variable>& variables);

  /// iteration, learning_rate (unless a schedule), then the slots: Keras's
  /// order of `optimizer.variables`, with Keras's paths.
  const std::vector<Variable>& variables() const { return variables_; }

  std::int64_t iterations() const;

  /// The rate at this step; a schedule's value when there is one.
  double learning_rate() const;

  /// Throws InvalidArgument when the rate is a schedule.
  void set_learning_rate(double rate);

  const OptimizerArguments& arguments() const { return arguments_; }

  /// Keras's finalize_variable_values: puts the averages (use_ema) in place.
  void finalize_variable_values();

 protected:
  OptimizerArguments arguments_;

  /// A slot of zeros (or `initial`) shaped like the variable; path as Keras:
  /// "adam/dense_kernel_momentum".
  Variable add_slot(
      const Variable& variable, const std::string& name, double initial = 0);

  /// A variable of the optimizer's own, any shape.
  Variable add_variable(
      const std::string& name, const Shape& shape, DType dtype, double initial);

  const Variable& iteration_variable() const { return iterations_; }

  /// iterations + 1 as a scalar of the dtype: what bias corrections count from.
  Value step_number(CallContext& ctx, DType dtype) const;

 private:
  bool built_ = false;
  Variable iterations_;
  Variable learning_rate_;
  std::vector<Variable> variables_;
  std::vector<Variable> trained_;
  std::vector<Variable> averages_;
  std::vector<Variable> accumulators_;
};

/// A handle on an optimizer: copies share the state. Made from Keras's name
/// ("adam", "sgd") or one of keratin::optimizers.
class KERATIN_API Optimizer : public FieldValue {
 public:
  Optimizer() = default;  // none

  // NOLINTBEGIN(google-explicit-constructor): names read as optimizers
  Optimizer(const char* name);
  Optimizer(std::string name);
  Optimizer(std::shared_ptr<OptimizerImpl> impl);
  // NOLINTEND(google-explicit-constructor)

  explicit operator bool() const { return impl_ != nullptr; }

  OptimizerImpl& impl() const { return *impl_; }

  double learning_rate() const { return impl_->learning_rate(); }

  void set_learning_rate(double rate) { impl_->set_learning_rate(rate); }

  std::int64_t iterations() const { return impl_->iterations(); }

  Config to_config() const override;
  void from_config(const Config& config, const std::string& where) override;
  Config schema() const override;

 private:
  std::shared_ptr<OptimizerImpl> impl_;
};

KERATIN_API std::vector<std::string> optimizer_names();

}  // namespace keratin
