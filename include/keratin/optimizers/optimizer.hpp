#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include <keratin/call_context.hpp>
#include <keratin/export.hpp>
#include <keratin/fields.hpp>
#include <keratin/schedules.hpp>
#include <keratin/value.hpp>
#include <keratin/variable.hpp>

namespace keratin {

class Optimizer;

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
///
/// Slots come from add_slot in build_slots; update_step reads and assigns them
/// through the context. Floating-point numbers of the options become constants
/// of the variable's dtype, as in Keras.
class KERATIN_API OptimizerImpl : public Serializable {
 public:
  /// Throws InvalidArgument when two ways of clipping are asked for, or a
  /// number is out of its range.
  explicit OptimizerImpl(OptimizerArguments arguments = {});

  /// "Custom"; Keras's own "keras.optimizers".
  std::string module() const override;

  /// The base visits the shared arguments in Keras's order.
  void fields(FieldVisitor& visit) override;

  /// As Serializable's, with the name and the learning rate as they are now.
  Config get_config() const override;

  /// As Serializable's. Arguments that Keras dropped since version 2 (decay,
  /// jit_compile, is_legacy_optimizer) are skipped, with a warning where they
  /// meant something. REQUIRES: not built.
  void from_config(const Config& config, const std::string& where) override;

  /// Given, else made from the class name when first asked for: "adam_1".
  std::string name() const;

  /// The optimizers inside this one, by the attribute Keras keeps them in.
  virtual std::vector<std::pair<std::string, Optimizer>> inner() const;

  /// Makes the slots of one variable. Call add_slot.
  virtual void build_slots(const std::vector<Variable>& variables) = 0;

  /// What happens once per step, before the variables are updated.
  virtual void begin_step(CallContext& ctx);

  /// The share of the variable that each step takes off it, times the learning
  /// rate; empty: none.
  virtual std::optional<double> weight_decay_of(const Variable& variable) const;

  /// Adds the update of one variable: assigns it and its slots.
  ///
  ///   gradient: as the variable; learning_rate: a scalar of its dtype.
  virtual void update_step(
      CallContext& ctx,
      const Value& gradient,
      const Variable& variable,
      const Value& learning_rate) = 0;

  /// Makes iterations, learning rate, averages, accumulators and slots for
  /// these variables. Throws InvalidArgument the second time.
  virtual void build(const std::vector<Variable>& variables);

  bool built() const { return built_; }

  /// Keras's scale_loss: the loss whose gradients `apply` takes, times
  /// loss_scale_factor.
  virtual Value scale_loss(CallContext& ctx, const Value& loss) const;

  /// For optimizers around this one, which scale in its place. REQUIRES: no
  /// program has been compiled with it.
  virtual void set_loss_scale_factor(std::optional<double> factor);

  /// Leaves variables out of weight decay: these, and those whose names match
  /// one of the regular expressions. Throws InvalidArgument once built.
  void exclude_from_weight_decay(
      const std::vector<Variable>& variables,
      const std::vector<std::string>& names = {});

  /// One whole step in Keras's order: unscale, accumulate, clip, decay, update,
  /// average, constrain, count. Gradients and variables pairwise; builds when
  /// that has not happened. Throws InvalidArgument for a variable that the
  /// optimizer was not built with.
  virtual void apply(
      CallContext& ctx,
      const std::vector<Value>& gradients,
      const std::vector<Variable>& variables);

  /// iteration, learning_rate (unless a schedule), then the slots: Keras's
  /// order of `optimizer.variables`, with Keras's paths. Those of optimizers
  /// inside come last.
  virtual std::vector<Variable> variables() const;

  /// Steps so far; with gradient_accumulation_steps, updates so far.
  virtual std::int64_t iterations() const;

  /// The rate at this step; a schedule's value when there is one.
  virtual double learning_rate() const;

  /// Throws InvalidArgument when the rate is a schedule.
  virtual void set_learning_rate(double rate);

  const OptimizerArguments& arguments() const { return arguments_; }

  /// Keras's finalize_variable_values: puts the averages (use_ema) in place.
  virtual void finalize_variable_values();

 protected:
  OptimizerArguments arguments_;

  /// A slot of zeros (or `initial`) shaped like the variable; path as Keras:
  /// "adam/dense_kernel_momentum".
  Variable add_slot(
      const Variable& variable, const std::string& name, double initial = 0);

  /// One slot for each variable, in order.
  std::vector<Variable> add_slots(
      const std::vector<Variable>& variables,
      const std::string& name,
      double initial = 0);

  /// A variable of the optimizer's own, any shape; path "adam/name".
  Variable add_variable(
      const std::string& name, const Shape& shape, DType dtype, double initial);

  /// The place of a variable among those given to build: where its slots are.
  std::size_t index_of(const Variable& variable) const;

  /// Of steps, whether they updated or only accumulated.
  const Variable& iteration_variable() const { return iterations_; }

  /// iterations() + 1 in the graph, a scalar of the dtype: what bias
  /// corrections count from.
  Value step_number(CallContext& ctx, DType dtype) const;

 private:
  void validate(const std::string& where) const;
  Value count(CallContext& ctx) const;
  Value rate(CallContext& ctx) const;
  std::vector<Value> clip(const std::vector<Value>& gradients) const;
  void update(
      CallContext& ctx,
      const std::vector<Value>& gradients,
      const std::vector<Variable>& variables);
  void accumulate(
      CallContext& ctx,
      const std::vector<Value>& gradients,
      const std::vector<Variable>& variables);
  void average(CallContext& ctx);
  bool decays(const Variable& variable) const;

  bool built_ = false;
  mutable std::string automatic_name_;
  Variable iterations_;
  Variable learning_rate_;
  std::vector<Variable> variables_;
  std::vector<Variable> trained_;
  std::unordered_map<std::uint64_t, std::size_t> index_;  // by variable id
  std::vector<Variable> averages_;
  std::vector<Variable> accumulators_;
  std::vector<std::uint64_t> undecayed_;
  std::vector<std::string> undecayed_names_;
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

/// Keras's class names, sorted.
KERATIN_API std::vector<std::string> optimizer_names();

}  // namespace keratin
