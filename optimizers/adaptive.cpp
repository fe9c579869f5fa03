// Adagrad, Adadelta and Ftrl: step sizes from sums of squared gradients.

#include <utility>

#include <keratin/error.hpp>
#include <keratin/ops.hpp>
#include <keratin/optimizers/gradient.hpp>

#include "optimizers/factories.hpp"
#include "optimizers/number.hpp"
#include "src/core/format.hpp"

namespace keratin::optimizers {

namespace {

class AdagradImpl final : public KerasOptimizer<AdagradOptions> {
 public:
  explicit AdagradImpl(AdagradOptions options = {})
      : KerasOptimizer(std::move(options)) {}

  std::string class_name() const override { return "Adagrad"; }

  void fields(FieldVisitor& visit) override {
    OptimizerImpl::fields(visit);
    visit("initial_accumulator_value", o_.initial_accumulator_value);
    visit("epsilon", o_.epsilon);
  }

  void build_slots(const std::vector<Variable>& variables) override {
    sums_ = add_slots(
        variables, "accumulator", through_float(o_.initial_accumulator_value));
  }

  void update_step(
      CallContext& ctx,
      const Value& gradient,
      const Variable& variable,
      const Value& learning_rate) override {
    const Variable& slot = sums_[index_of(variable)];
    const Value sum = ctx.read_uncast(slot) + ops::square(gradient);
    ctx.assign(slot, sum);
    ctx.assign(
        variable,
        ctx.read_uncast(variable) -
            learning_rate * gradient / ops::sqrt(sum + o_.epsilon));
  }

 private:
  std::vector<Variable> sums_;
};

class AdadeltaImpl final : public KerasOptimizer<AdadeltaOptions> {
 public:
  explicit AdadeltaImpl(AdadeltaOptions options = {})
      : KerasOptimizer(std::move(options)) {}

  std::string class_name() const override { return "Adadelta"; }

  void fields(FieldVisitor& visit) override {
    OptimizerImpl::fields(visit);
    visit("rho", o_.rho);
    visit("epsilon", o_.epsilon);
  }

  void build_slots(const std::vector<Variable>& variables) override {
    for (const Variable& variable : variables) {
      gradients_.push_back(add_slot(variable, "accumulated_grad"));
      deltas_.push_back(add_slot(variable, "accumulated_delta_var"));
    }
  }

  void update_step(
      CallContext& ctx,
      const Value& gradient,
      const Variable& variable,
      const Value& learning_rate) override {
    const std::size_t at = index_of(variable);
    const auto root = [&](const Value& mean) {
      return ops::sqrt(mean + o_.epsilon);
    };
    const Value squares = o_.rho * ctx.read_uncast(gradients_[at]) +
                          (1 - o_.rho) * ops::square(gradient);
    const Value old = ctx.read_uncast(deltas_[at]);
    const Value delta = -(root(old) * gradient / root(squares));
    ctx.assign(gradients_[at], squares);
    ctx.assign(deltas_[at], o_.rho * old + (1 - o_.rho) * ops::square(delta));
    ctx.assign(variable, ctx.read_uncast(variable) + learning_rate * delta);
  }

 private:
  std::vector<Variable> gradients_;
  std::vector<Variable> deltas_;
};

class FtrlImpl final : public KerasOptimizer<FtrlOptions> {
 public:
  explicit FtrlImpl(FtrlOptions options = {})
      : KerasOptimizer(std::move(options)) {
    at_least_zero("initial_accumulator_value", o_.initial_accumulator_value);
    at_least_zero("l1_regularization_strength", o_.l1_regularization_strength);
    at_least_zero("l2_regularization_strength", o_.l2_regularization_strength);
    at_least_zero(
        "l2_shrinkage_regularization_strength",
        o_.l2_shrinkage_regularization_strength);
    if (!(o_.learning_rate_power <= 0)) {
      throw InvalidArgument(format(
          "[Ftrl] expected learning_rate_power <= 0, got {}",
          o_.learning_rate_power));
    }
  }

  std::string class_name() const override { return "Ftrl"; }

  void fields(FieldVisitor& visit) override {
    OptimizerImpl::fields(visit);
    visit("learning_rate_power", o_.learning_rate_power, {.maximum = 0});
    const FieldSpec positive = {.minimum = 0};
    visit("initial_accumulator_value", o_.initial_accumulator_value, positive);
    visit(
        "l1_regularization_strength", o_.l1_regularization_strength, positive);
    visit(
        "l2_regularization_strength", o_.l2_regularization_strength, positive);
    visit(
        "l2_shrinkage_regularization_strength",
        o_.l2_shrinkage_regularization_strength,
        positive);
    visit("beta", o_.beta);
  }

  void build_slots(const std::vector<Variable>& variables) override {
    for (const Variable& variable : variables) {
      sums_.push_back(add_slot(
          variable,
          "accumulator",
          through_float(o_.initial_accumulator_value)));
      linears_.push_back(add_slot(variable, "linear"));
    }
  }

  void update_step(
      CallContext& ctx,
      const Value& gradient,
      const Variable& variable,
      const Value& learning_rate) override {
    const std::size_t at = index_of(variable);
    const Value w = ctx.read_uncast(variable);
    const Value old = ctx.read_uncast(sums_[at]);
    const Value sum = old + ops::square(gradient);
    const Value l2 =
        o_.beta / (2.0 * learning_rate) + o_.l2_regularization_strength;
    const double power = -o_.learning_rate_power;
    const Value root = ops::power(sum, power);
    const Value sigma = (root - ops::power(old, power)) / learning_rate;
    const Value shrunk =
        gradient + 2 * o_.l2_shrinkage_regularization_strength * w;
    const Value linear = ctx.read_uncast(linears_[at]) + (shrunk - sigma * w);
    const double l1 = o_.l1_regularization_strength;
    const Value quadratic = root / learning_rate + 2.0 * l2;
    ctx.assign(linears_[at], linear);
    ctx.assign(variable, (ops::clip(linear, -l1, l1) - linear) / quadratic);
    ctx.assign(sums_[at], sum);
  }

 private:
  static void at_least_zero(const char* name, double value) {
    if (value >= 0) return;
    throw InvalidArgument(
        format("[Ftrl] expected {} >= 0, got {}", name, value));
  }

  std::vector<Variable> sums_;
  std::vector<Variable> linears_;
};

}  // namespace

Optimizer Adagrad(AdagradOptions options) {
  return Optimizer(std::make_shared<AdagradImpl>(std::move(options)));
}

Optimizer Adadelta(AdadeltaOptions options) {
  return Optimizer(std::make_shared<AdadeltaImpl>(std::move(options)));
}

Optimizer Ftrl(FtrlOptions options) {
  return Optimizer(std::make_shared<FtrlImpl>(std::move(options)));
}

std::shared_ptr<OptimizerImpl> make_adagrad() {
  return std::make_shared<AdagradImpl>();
}

std::shared_ptr<OptimizerImpl> make_adadelta() {
  return std::make_shared<AdadeltaImpl>();
}

std::shared_ptr<OptimizerImpl> make_ftrl() {
  return std::make_shared<FtrlImpl>();
}

}  // namespace keratin::optimizers
