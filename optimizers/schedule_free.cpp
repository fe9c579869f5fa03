#include <utility>

#include <keratin/error.hpp>
#include <keratin/ops.hpp>
#include <keratin/optimizers/adam.hpp>

#include "optimizers/factories.hpp"
#include "optimizers/number.hpp"
#include "src/core/format.hpp"

namespace keratin::optimizers {

namespace {

/// Keras keeps two of the paper's three sequences: the weights are y, the slot
/// "momentum" is z, and x, the average, follows from both.
class ScheduleFreeAdamWImpl final
    : public KerasOptimizer<ScheduleFreeAdamWOptions> {
 public:
  explicit ScheduleFreeAdamWImpl(ScheduleFreeAdamWOptions options = {})
      : KerasOptimizer(std::move(options)) {
    check("schedule_free_adam_w");
  }

  std::string class_name() const override { return "ScheduleFreeAdamW"; }

  void fields(FieldVisitor& visit) override {
    KerasOptimizer::fields(visit);
    visit("beta_1", o_.beta_1);
    visit("beta_2", o_.beta_2);
    visit("epsilon", o_.epsilon);
    visit("warmup_steps", o_.warmup_steps, {.minimum = 0});
  }

  void from_config(const Config& config, const std::string& where) override {
    KerasOptimizer::from_config(config, where);
    check(where);
  }

  void build_slots(const std::vector<Variable>& variables) override {
    for (const Variable& variable : variables) {
      iterates_.push_back(add_slot(variable, "momentum"));
      iterates_.back().assign(variable.value());
      squares_.push_back(add_slot(variable, "velocity"));
    }
  }

  void update_step(
      CallContext& ctx,
      const Value& gradient,
      const Variable& variable,
      const Value& learning_rate) override {
    const std::size_t at = index_of(variable);
    const Value step = step_number(ctx, gradient.dtype());
    Value rate = learning_rate;
    if (o_.warmup_steps > 0) {
      rate =
          rate * ops::minimum(step / static_cast<double>(o_.warmup_steps), 1.0);
    }
    // Keras casts these to the variable's dtype, past float32.
    const double beta_1 = through_float(o_.beta_1);
    const double beta_2 = through_float(o_.beta_2);
    const double epsilon = through_float(o_.epsilon);
    const Value left = 1.0 - ops::power(ops::scalar_like(step, beta_2), step);
    const Value old_square = ctx.read_uncast(squares_[at]);
    const Value square =
        old_square + (ops::square(gradient) - old_square) * (1 - beta_2);
    ctx.assign(squares_[at], square);
    const Value old_iterate = ctx.read_uncast(iterates_[at]);
    const Value iterate =
        old_iterate - rate * gradient / (ops::sqrt(square / left) + epsilon);
    ctx.assign(iterates_[at], iterate);
    const Value weight = 1.0 / step;
    // Keras takes x back out of y by z as it is after the step (its reference
    // to the old one reads the new): so do we, for runs that go on in either.
    const Value old_average =
        (ctx.read_uncast(variable) - iterate * (1 - beta_1)) / beta_1;
    const Value average = (1.0 - weight) * old_average + weight * iterate;
    ctx.assign(variable, iterate * (1 - beta_1) + average * beta_1);
  }

 private:
  void check(const std::string& where) const {
    if (o_.beta_1 > 0) return;
    throw InvalidArgument(
        format("[{}] expected beta_1 > 0, got {}", where, o_.beta_1));
  }

  std::vector<Variable> iterates_;
  std::vector<Variable> squares_;
};

}  // namespace

Optimizer ScheduleFreeAdamW(ScheduleFreeAdamWOptions options) {
  return Optimizer(std::make_shared<ScheduleFreeAdamWImpl>(std::move(options)));
}

std::shared_ptr<OptimizerImpl> make_schedule_free_adamw() {
  return std::make_shared<ScheduleFreeAdamWImpl>();
}

}  // namespace keratin::optimizers
