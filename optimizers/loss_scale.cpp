#include <utility>

#include <keratin/error.hpp>
#include <keratin/ops.hpp>
#include <keratin/optimizers/wrappers.hpp>

#include "optimizers/factories.hpp"
#include "src/core/format.hpp"
#include "src/ir/graph.hpp"

namespace keratin::optimizers {

namespace {

OptimizerArguments wrapper_arguments(
    std::string name, std::optional<double> loss_scale_factor = {}) {
  OptimizerArguments out;
  out.learning_rate = 0.0;  // Keras's, which nothing reads
  out.loss_scale_factor = loss_scale_factor;
  out.name = std::move(name);
  return out;
}

class LossScaleImpl final : public OptimizerImpl {
 public:
  LossScaleImpl() : OptimizerImpl(wrapper_arguments({})) {}

  LossScaleImpl(Optimizer inner, const LossScaleOptimizerOptions& options)
      : OptimizerImpl(wrapper_arguments(options.name)),
        inner_(std::move(inner)),
        initial_scale_(options.initial_scale),
        dynamic_growth_steps_(options.dynamic_growth_steps) {
    settle("loss_scale_optimizer");
  }

  std::string class_name() const override { return "LossScaleOptimizer"; }

  std::string module() const override { return "keras.optimizers"; }

  void fields(FieldVisitor& visit) override {
    visit("name", arguments_.name);
    // Not as an Optimizer, whose schema would hold this one's again.
    visit("inner_optimizer", inner_config_, {.required = true});
    visit("initial_scale", initial_scale_);
    visit("dynamic_growth_steps", dynamic_growth_steps_, {.minimum = 1});
  }

  Config get_config() const override {
    Config config = Serializable::get_config();
    config["name"] = name();
    config["inner_optimizer"] = inner_.to_config();
    return config;
  }

  /// Keras 2 wrote "dynamic", which had to be true for a scale that moves.
  void from_config(const Config& config, const std::string& where) override {
    Config known = config;
    if (const Config* dynamic = config.find("dynamic")) {
      if (dynamic->is_bool() && !dynamic->as_bool()) {
        throw InvalidArgument(format(
            "[{}] expected dynamic=true, got false; give a fixed scale as "
            "loss_scale_factor of the inner optimizer",
            where));
      }
      known.erase("dynamic");
    }
    Serializable::from_config(known, where);
    inner_.from_config(inner_config_, where + ".inner_optimizer");
    settle(where);
  }

  std::vector<std::pair<std::string, Optimizer>> inner() const override {
    return {{"inner_optimizer", inner_}};
  }

  void build_slots(const std::vector<Variable>& variables) override {
    counter_ = add_variable("step_counter", Shape{}, DType::i32, 0);
    scale_ = add_variable("dynamic_scale", Shape{}, DType::f32, initial_scale_);
    if (!inner_.impl().built()) inner_.impl().build(variables);
  }

  Value scale_loss(CallContext& ctx, const Value& loss) const override {
    if (!built()) return loss * initial_scale_;
    return loss * ops::cast(ctx.read_uncast(scale_), loss.dtype());
  }

  void apply(
      CallContext& ctx,
      const std::vector<Value>& gradients,
      const std::vector<Variable>& variables) override {
    if (!built()) build(variables);
    const LayerScope scope(ctx.graph(), name());
    Value finite;
    for (const Value& gradient : gradients) {
      const Value own = ops::all(ops::isfinite(gradient));
      finite = finite ? ops::logical_and(finite, own) : own;
    }
    if (!finite) return;
    const Value scale = ctx.read_uncast(scale_);
    std::vector<Value> unscaled;
    unscaled.reserve(gradients.size());
    for (const Value& gradient : gradients) {
      unscaled.push_back(gradient / ops::cast(scale, gradient.dtype()));
    }
    // As with accumulation, both outcomes are computed and one is kept.
    std::vector<Variable> touched = variables;
    for (const Variable& own : inner_.impl().variables()) {
      touched.push_back(own);
    }
    std::vector<Value> before;
    before.reserve(touched.size());
    for (const Variable& variable : touched) {
      before.push_back(ctx.read_uncast(variable));
    }
    inner_.impl().apply(ctx, unscaled, variables);
    for (std::size_t i = 0; i < touched.size(); ++i) {
      const Value after = ctx.read_uncast(touched[i]);
      if (after == before[i]) continue;
      ctx.assign(touched[i], ops::where(finite, after, before[i]));
    }
    const Value count = ctx.read_uncast(counter_);
    const Value grows = ops::logical_and(
        finite,
        ops::equal(count, static_cast<double>(dynamic_growth_steps_ - 1)));
    const Value counts = ops::logical_and(finite, ops::logical_not(grows));
    ctx.assign(counter_, ops::where(counts, count + 1, ops::zeros_like(count)));
    ctx.assign(
        scale_,
        ops::where(grows, scale * 2.0, ops::where(finite, scale, scale * 0.5)));
  }

  void update_step(
      CallContext&, const Value&, const Variable&, const Value&) override {}

  std::int64_t iterations() const override { return inner_.iterations(); }

  double learning_rate() const override { return inner_.learning_rate(); }

  void set_learning_rate(double rate) override {
    inner_.set_learning_rate(rate);
  }

  void finalize_variable_values() override {
    inner_.impl().finalize_variable_values();
  }

 private:
  void settle(const std::string& where) {
    if (!inner_) {
      throw InvalidArgument(
          format("[{}] expected an inner_optimizer, got none", where));
    }
    if (!(initial_scale_ > 0)) {
      throw InvalidArgument(format(
          "[{}] expected initial_scale > 0, got {}", where, initial_scale_));
    }
    if (dynamic_growth_steps_ < 1) {
      throw InvalidArgument(format(
          "[{}] expected dynamic_growth_steps >= 1, got {}",
          where,
          dynamic_growth_steps_));
    }
    inner_.impl().set_loss_scale_factor({});
  }

  Config inner_config_;  // as read from a file
  Optimizer inner_;
  double initial_scale_ = 32768;
  std::int64_t dynamic_growth_steps_ = 2000;
  Variable counter_;  // good steps since the scale last changed
  Variable scale_;
};

}  // namespace

Optimizer LossScaleOptimizer(
    Optimizer inner_optimizer, LossScaleOptimizerOptions options) {
  return Optimizer(
      std::make_shared<LossScaleImpl>(std::move(inner_optimizer), options));
}

std::shared_ptr<OptimizerImpl> make_loss_scale_optimizer() {
  return std::make_shared<LossScaleImpl>();
}

}  // namespace keratin::optimizers
