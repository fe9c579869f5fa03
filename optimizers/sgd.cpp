#include <utility>

#include <keratin/error.hpp>
#include <keratin/ops.hpp>
#include <keratin/optimizers/gradient.hpp>

#include "optimizers/factories.hpp"
#include "optimizers/number.hpp"
#include "src/core/format.hpp"

namespace keratin::optimizers {

namespace {

class SGDImpl final : public KerasOptimizer<SGDOptions> {
 public:
  explicit SGDImpl(SGDOptions options = {})
      : KerasOptimizer(std::move(options)) {
    if (!(o_.momentum >= 0 && o_.momentum <= 1)) {
      throw InvalidArgument(
          format("[SGD] expected momentum in [0, 1], got {}", o_.momentum));
    }
  }

  std::string class_name() const override { return "SGD"; }

  void fields(FieldVisitor& visit) override {
    OptimizerImpl::fields(visit);
    visit("momentum", o_.momentum, {.minimum = 0, .maximum = 1});
    visit("nesterov", o_.nesterov);
  }

  void build_slots(const std::vector<Variable>& variables) override {
    if (o_.momentum != 0) velocities_ = add_slots(variables, "momentum");
  }

  void update_step(
      CallContext& ctx,
      const Value& gradient,
      const Variable& variable,
      const Value& learning_rate) override {
    const Value step = gradient * learning_rate;
    const Value w = ctx.read_uncast(variable);
    if (o_.momentum == 0) {
      ctx.assign(variable, w - step);
      return;
    }
    const double momentum = through_float(o_.momentum);
    const Variable& slot = velocities_[index_of(variable)];
    const Value velocity = ctx.read_uncast(slot) * momentum - step;
    ctx.assign(slot, velocity);
    ctx.assign(
        variable,
        o_.nesterov ? w + (velocity * momentum - step) : w + velocity);
  }

 private:
  std::vector<Variable> velocities_;
};

}  // namespace

Optimizer SGD(SGDOptions options) {
  return Optimizer(std::make_shared<SGDImpl>(std::move(options)));
}

std::shared_ptr<OptimizerImpl> make_sgd() {
  return std::make_shared<SGDImpl>();
}

}  // namespace keratin::optimizers
