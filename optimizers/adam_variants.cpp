// Adamax, Nadam, Lamb and Lion.

#include <utility>

#include <keratin/dtype_policy.hpp>
#include <keratin/error.hpp>
#include <keratin/ops.hpp>
#include <keratin/optimizers/adam.hpp>
#include <keratin/optimizers/gradient.hpp>

#include "optimizers/factories.hpp"
#include "optimizers/number.hpp"
#include "src/core/format.hpp"

namespace keratin::optimizers {

namespace {

/// beta^t as a scalar.
Value power_of(double beta, const Value& step) {
  return ops::power(ops::scalar_like(step, through_float(beta)), step);
}

/// Those with beta_1, beta_2, epsilon and two slots, the first a running mean
/// of the gradient.
template <class Options>
class TwoSlots : public KerasOptimizer<Options> {
 public:
  TwoSlots(Options options, const char* second)
      : KerasOptimizer<Options>(std::move(options)), second_(second) {}

  void fields(FieldVisitor& visit) override {
    KerasOptimizer<Options>::fields(visit);
    visit("beta_1", this->o_.beta_1);
    visit("beta_2", this->o_.beta_2);
    visit("epsilon", this->o_.epsilon);
  }

  void build_slots(const std::vector<Variable>& variables) override {
    for (const Variable& variable : variables) {
      means_.push_back(this->add_slot(variable, "momentum"));
      squares_.push_back(this->add_slot(variable, second_));
    }
  }

 protected:
  /// slot += (x - slot) * (1 - beta).
  static Value move_mean(
      CallContext& ctx, const Variable& slot, const Value& x, double beta) {
    const Value old = ctx.read_uncast(slot);
    const Value mean = old + (x - old) * (1 - beta);
    ctx.assign(slot, mean);
    return mean;
  }

  const char* second_;
  std::vector<Variable> means_;
  std::vector<Variable> squares_;
};

class AdamaxImpl final : public TwoSlots<AdamaxOptions> {
 public:
  explicit AdamaxImpl(AdamaxOptions options = {})
      : TwoSlots(std::move(options), "norm") {}

  std::string class_name() const override { return "Adamax"; }

  void update_step(
      CallContext& ctx,
      const Value& gradient,
      const Variable& variable,
      const Value& learning_rate) override {
    const std::size_t at = index_of(variable);
    const Value step = step_number(ctx, gradient.dtype());
    const Value mean = move_mean(ctx, means_[at], gradient, o_.beta_1);
    const Value norm = ops::maximum(
        o_.beta_2 * ctx.read_uncast(squares_[at]), ops::abs(gradient));
    ctx.assign(squares_[at], norm);
    const Value left = 1.0 - power_of(o_.beta_1, step);
    ctx.assign(
        variable,
        ctx.read_uncast(variable) -
            learning_rate * mean / (left * (norm + o_.epsilon)));
  }
};

class NadamImpl final : public TwoSlots<NadamOptions> {
 public:
  explicit NadamImpl(NadamOptions options = {})
      : TwoSlots(std::move(options), "velocity") {}

  std::string class_name() const override { return "Nadam"; }

  void build_slots(const std::vector<Variable>& variables) override {
    TwoSlots::build_slots(variables);
    product_ = add_variable(
        "variable",
        Shape{},
        variables.empty() ? floatx() : variables[0].dtype(),
        1);
  }

  void begin_step(CallContext& ctx) override {
    const Value step = step_number(ctx, product_.dtype());
    const Value warm = ops::power(ops::scalar_like(step, kDecay), step);
    ctx.assign(
        product_, ctx.read_uncast(product_) * o_.beta_1 * (1.0 - 0.5 * warm));
  }

  void update_step(
      CallContext& ctx,
      const Value& gradient,
      const Variable& variable,
      const Value& learning_rate) override {
    const std::size_t at = index_of(variable);
    const DType dtype = gradient.dtype();
    const Value step = step_number(ctx, dtype);
    const Value now = momentum_at(step);
    const Value next = momentum_at(step + 1);
    const Value product = ops::cast(ctx.read_uncast(product_), dtype);
    const Value next_product = product * next;
    const Value mean =
        move_mean(ctx, means_[at], gradient, through_float(o_.beta_1));
    const Value square = move_mean(
        ctx, squares_[at], ops::square(gradient), through_float(o_.beta_2));
    const Value m = next * mean / (1.0 - next_product) +
                    (1.0 - now) * gradient / (1.0 - product);
    const Value v = square / (1.0 - power_of(o_.beta_2, step));
    ctx.assign(
        variable,
        ctx.read_uncast(variable) -
            m * learning_rate / (ops::sqrt(v) + o_.epsilon));
  }

 private:
  /// The momentum of a step: warms up to beta_1.
  Value momentum_at(const Value& step) const {
    return through_float(o_.beta_1) * (1.0 - 0.5 * power_of(kDecay, step));
  }

  static constexpr double kDecay = 0.96;

  Variable product_;  // of the momenta so far
};

class LambImpl final : public TwoSlots<LambOptions> {
 public:
  explicit LambImpl(LambOptions options = {})
      : TwoSlots(std::move(options), "velocity") {}

  std::string class_name() const override { return "Lamb"; }

  void update_step(
      CallContext& ctx,
      const Value& gradient,
      const Variable& variable,
      const Value& learning_rate) override {
    const std::size_t at = index_of(variable);
    const Value step = step_number(ctx, gradient.dtype());
    const Value mean = move_mean(ctx, means_[at], gradient, o_.beta_1);
    const Value square =
        move_mean(ctx, squares_[at], ops::square(gradient), o_.beta_2);
    const Value m = mean / (1.0 - power_of(o_.beta_1, step));
    const Value v = square / (1.0 - power_of(o_.beta_2, step));
    const Value update = m / (ops::sqrt(v) + o_.epsilon);
    const Value w = ctx.read_uncast(variable);
    const Value w_norm = ops::sqrt(ops::sum(ops::square(w)));
    const Value u_norm = ops::sqrt(ops::sum(ops::square(update)));
    const Value ratio = ops::where(
        ops::logical_and(ops::greater(w_norm, 0.0), ops::greater(u_norm, 0.0)),
        w_norm / u_norm,
        ops::ones_like(w_norm));
    ctx.assign(variable, w - ratio * learning_rate * update);
  }
};

class LionImpl final : public KerasOptimizer<LionOptions> {
 public:
  explicit LionImpl(LionOptions options = {})
      : KerasOptimizer(std::move(options)) {
    check("Lion");
  }

  std::string class_name() const override { return "Lion"; }

  void fields(FieldVisitor& visit) override {
    OptimizerImpl::fields(visit);
    visit("beta_1", o_.beta_1);
    visit("beta_2", o_.beta_2);
  }

  void from_config(const Config& config, const std::string& where) override {
    OptimizerImpl::from_config(config, where);
    check(where);
  }

  void build_slots(const std::vector<Variable>& variables) override {
    means_ = add_slots(variables, "momentum");
  }

  void update_step(
      CallContext& ctx,
      const Value& gradient,
      const Variable& variable,
      const Value& learning_rate) override {
    const double beta_1 = through_float(o_.beta_1);
    const double beta_2 = through_float(o_.beta_2);
    const Variable& slot = means_[index_of(variable)];
    const Value mean = ctx.read_uncast(slot);
    const Value direction =
        ops::sign(mean * beta_1 + gradient * (1.0 - beta_1));
    ctx.assign(variable, ctx.read_uncast(variable) - learning_rate * direction);
    ctx.assign(slot, mean * beta_2 + gradient * (1.0 - beta_2));
  }

 private:
  /// With beta_1 = 0 only signs of gradients would be left.
  void check(const std::string& where) const {
    if (o_.beta_1 > 0 && o_.beta_1 <= 1) return;
    throw InvalidArgument(
        format("[{}] expected beta_1 in (0, 1], got {}", where, o_.beta_1));
  }

  std::vector<Variable> means_;
};

}  // namespace

Optimizer Adamax(AdamaxOptions options) {
  return Optimizer(std::make_shared<AdamaxImpl>(std::move(options)));
}

Optimizer Nadam(NadamOptions options) {
  return Optimizer(std::make_shared<NadamImpl>(std::move(options)));
}

Optimizer Lamb(LambOptions options) {
  return Optimizer(std::make_shared<LambImpl>(std::move(options)));
}

Optimizer Lion(LionOptions options) {
  return Optimizer(std::make_shared<LionImpl>(std::move(options)));
}

std::shared_ptr<OptimizerImpl> make_adamax() {
  return std::make_shared<AdamaxImpl>();
}

std::shared_ptr<OptimizerImpl> make_nadam() {
  return std::make_shared<NadamImpl>();
}

std::shared_ptr<OptimizerImpl> make_lamb() {
  return std::make_shared<LambImpl>();
}

std::shared_ptr<OptimizerImpl> make_lion() {
  return std::make_shared<LionImpl>();
}

}  // namespace keratin::optimizers
