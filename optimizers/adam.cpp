#include <utility>

#include <keratin/error.hpp>
#include <keratin/ops.hpp>
#include <keratin/optimizers/adam.hpp>

#include "optimizers/factories.hpp"
#include "optimizers/number.hpp"
#include "src/core/format.hpp"

namespace keratin::optimizers {

namespace {

/// Adam and AdamW differ in their defaults only.
template <class Options>
class AdamBase : public KerasOptimizer<Options> {
 public:
  using Base = KerasOptimizer<Options>;
  using Base::Base;

  void fields(FieldVisitor& visit) override {
    Base::fields(visit);
    visit("beta_1", this->o_.beta_1);
    visit("beta_2", this->o_.beta_2);
    visit("epsilon", this->o_.epsilon);
    visit("amsgrad", this->o_.amsgrad);
  }

  void build_slots(const std::vector<Variable>& variables) override {
    for (const Variable& variable : variables) {
      means_.push_back(this->add_slot(variable, "momentum"));
      squares_.push_back(this->add_slot(variable, "velocity"));
    }
    if (this->o_.amsgrad) {
      largest_ = this->add_slots(variables, "velocity_hat");
    }
  }

  void update_step(
      CallContext& ctx,
      const Value& gradient,
      const Variable& variable,
      const Value& learning_rate) override {
    const Options& o = this->o_;
    const std::size_t at = this->index_of(variable);
    const Value step = this->step_number(ctx, gradient.dtype());
    // Scalars: 1 - beta^t.
    const Value left_1 =
        1.0 - ops::power(ops::scalar_like(step, through_float(o.beta_1)), step);
    const Value left_2 =
        1.0 - ops::power(ops::scalar_like(step, through_float(o.beta_2)), step);
    const Value alpha = learning_rate * ops::sqrt(left_2) / left_1;
    const Value old_mean = ctx.read_uncast(means_[at]);
    const Value old_square = ctx.read_uncast(squares_[at]);
    const Value mean = old_mean + (gradient - old_mean) * (1 - o.beta_1);
    Value square =
        old_square + (ops::square(gradient) - old_square) * (1 - o.beta_2);
    ctx.assign(means_[at], mean);
    ctx.assign(squares_[at], square);
    if (o.amsgrad) {
      square = ops::maximum(ctx.read_uncast(largest_[at]), square);
      ctx.assign(largest_[at], square);
    }
    ctx.assign(
        variable,
        ctx.read_uncast(variable) -
            mean * alpha / (ops::sqrt(square) + o.epsilon));
  }

 private:
  std::vector<Variable> means_;
  std::vector<Variable> squares_;
  std::vector<Variable> largest_;
};

class AdamImpl final : public AdamBase<AdamOptions> {
 public:
  explicit AdamImpl(AdamOptions options = {}) : AdamBase(std::move(options)) {}

  std::string class_name() const override { return "Adam"; }
};

class AdamWImpl final : public AdamBase<AdamWOptions> {
 public:
  explicit AdamWImpl(AdamWOptions options = {})
      : AdamBase(std::move(options)) {}

  std::string class_name() const override { return "AdamW"; }

  void from_config(const Config& config, const std::string& where) override {
    AdamBase::from_config(config, where);
    if (arguments().weight_decay) return;
    throw InvalidArgument(format(
        "[{}] AdamW expected a number as weight_decay, got null; use Adam",
        where));
  }
};

}  // namespace

Optimizer Adam(AdamOptions options) {
  return Optimizer(std::make_shared<AdamImpl>(std::move(options)));
}

Optimizer AdamW(AdamWOptions options) {
  return Optimizer(std::make_shared<AdamWImpl>(std::move(options)));
}

std::shared_ptr<OptimizerImpl> make_adam() {
  return std::make_shared<AdamImpl>();
}

std::shared_ptr<OptimizerImpl> make_adamw() {
  return std::make_shared<AdamWImpl>();
}

}  // namespace keratin::optimizers
