#include <utility>

#include <keratin/ops.hpp>
#include <keratin/optimizers/gradient.hpp>

#include "optimizers/factories.hpp"

namespace keratin::optimizers {

namespace {

class RMSpropImpl final : public KerasOptimizer<RMSpropOptions> {
 public:
  explicit RMSpropImpl(RMSpropOptions options = {})
      : KerasOptimizer(std::move(options)) {}

  std::string class_name() const override { return "RMSprop"; }

  void fields(FieldVisitor& visit) override {
    OptimizerImpl::fields(visit);
    visit("rho", o_.rho);
    visit("momentum", o_.momentum);
    visit("epsilon", o_.epsilon);
    visit("centered", o_.centered);
  }

  void build_slots(const std::vector<Variable>& variables) override {
    squares_ = add_slots(variables, "velocity");
    if (o_.momentum > 0) momentums_ = add_slots(variables, "momentum");
    if (o_.centered) means_ = add_slots(variables, "average_gradient");
  }

  void update_step(
      CallContext& ctx,
      const Value& gradient,
      const Variable& variable,
      const Value& learning_rate) override {
    const std::size_t at = index_of(variable);
    const Value square = o_.rho * ctx.read_uncast(squares_[at]) +
                         (1 - o_.rho) * ops::square(gradient);
    ctx.assign(squares_[at], square);
    Value denominator = square;
    if (o_.centered) {
      const Value mean =
          o_.rho * ctx.read_uncast(means_[at]) + (1 - o_.rho) * gradient;
      ctx.assign(means_[at], mean);
      denominator = square - ops::square(mean);
    }
    Value step = learning_rate * gradient / ops::sqrt(denominator + o_.epsilon);
    if (o_.momentum > 0) {
      step = o_.momentum * ctx.read_uncast(momentums_[at]) + step;
      ctx.assign(momentums_[at], step);
    }
    ctx.assign(variable, ctx.read_uncast(variable) - step);
  }

 private:
  std::vector<Variable> squares_;
  std::vector<Variable> momentums_;
  std::vector<Variable> means_;
};

}  // namespace

Optimizer RMSprop(RMSpropOptions options) {
  return Optimizer(std::make_shared<RMSpropImpl>(std::move(options)));
}

std::shared_ptr<OptimizerImpl> make_rmsprop() {
  return std::make_shared<RMSpropImpl>();
}

}  // namespace keratin::optimizers
