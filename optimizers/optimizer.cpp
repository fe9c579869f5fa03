#include <algorithm>
#include <regex>
#include <utility>

#include <keratin/dtype_policy.hpp>
#include <keratin/error.hpp>
#include <keratin/ops.hpp>
#include <keratin/optimizers/optimizer.hpp>

#include "layers/base/naming.hpp"
#include "optimizers/number.hpp"
#include "src/core/check.hpp"
#include "src/core/fields.hpp"
#include "src/core/format.hpp"
#include "src/core/log.hpp"
#include "src/ir/graph.hpp"
#include "src/ir/variable_state.hpp"

namespace keratin {

OptimizerImpl::OptimizerImpl(OptimizerArguments arguments)
    : arguments_(std::move(arguments)) {
  validate("optimizer");
}

std::string OptimizerImpl::module() const {
  return "Custom";
}

void OptimizerImpl::fields(FieldVisitor& visit) {
  visit("name", arguments_.name);
  visit("learning_rate", arguments_.learning_rate);
  visit("weight_decay", arguments_.weight_decay);
  visit("clipnorm", arguments_.clipnorm);
  visit("global_clipnorm", arguments_.global_clipnorm);
  visit("clipvalue", arguments_.clipvalue);
  visit("use_ema", arguments_.use_ema);
  visit("ema_momentum", arguments_.ema_momentum);
  visit("ema_overwrite_frequency", arguments_.ema_overwrite_frequency);
  visit("loss_scale_factor", arguments_.loss_scale_factor);
  visit("gradient_accumulation_steps", arguments_.gradient_accumulation_steps);
}

void OptimizerImpl::validate(const std::string& where) const {
  const OptimizerArguments& a = arguments_;
  const int clips = (a.clipnorm ? 1 : 0) + (a.clipvalue ? 1 : 0) +
                    (a.global_clipnorm ? 1 : 0);
  if (clips > 1) {
    throw InvalidArgument(format(
        "[{}] expected one of clipnorm, clipvalue and global_clipnorm, got {}",
        where,
        clips));
  }
  if (a.gradient_accumulation_steps && *a.gradient_accumulation_steps < 2) {
    throw InvalidArgument(format(
        "[{}] expected gradient_accumulation_steps >= 2, got {}",
        where,
        *a.gradient_accumulation_steps));
  }
  if (a.use_ema && !(a.ema_momentum >= 0 && a.ema_momentum <= 1)) {
    throw InvalidArgument(format(
        "[{}] expected ema_momentum in [0, 1], got {}", where, a.ema_momentum));
  }
  if (a.use_ema && a.ema_overwrite_frequency &&
      *a.ema_overwrite_frequency < 1) {
    throw InvalidArgument(format(
        "[{}] expected ema_overwrite_frequency >= 1, got {}",
        where,
        *a.ema_overwrite_frequency));
  }
}

std::string OptimizerImpl::name() const {
  if (!arguments_.name.empty()) return arguments_.name;
  if (automatic_name_.empty()) {
    automatic_name_ = unique_name(to_snake_case(class_name()));
  }
  return automatic_name_;
}

Config OptimizerImpl::get_config() const {
  Config config = Serializable::get_config();
  config["name"] = name();
  if (!arguments_.learning_rate.is_schedule()) {
    // What was given, unless it has been changed since: the variable holds it
    // rounded.
    const double given = arguments_.learning_rate.number();
    if (built_ &&
        learning_rate_.value() != Tensor(given).cast(learning_rate_.dtype())) {
      config["learning_rate"] = learning_rate();
    }
  }
  return config;
}

void OptimizerImpl::from_config(
    const Config& config, const std::string& where) {
  KERATIN_CHECK(!built_, "from_config after build");
  Config current = config;
  if (const Config* rate = current.find("lr")) {  // Keras before 2.3
    const Config value = *rate;
    current.erase("lr");
    current["learning_rate"] = value;
  }
  for (const char* key : {"decay", "jit_compile", "is_legacy_optimizer"}) {
    const Config* value = current.find(key);
    if (value == nullptr) continue;
    if (value->is_number() && value->as_number() != 0) {
      log_message(
          LogChannel::warning,
          format(
              "[{}] '{}' is no longer an argument and is ignored; use a "
              "schedule as learning_rate",
              where,
              key));
    }
    current.erase(key);
  }
  const OptimizerArguments before = arguments_;
  Serializable::from_config(current, where);
  try {
    validate(where);
  } catch (...) {
    arguments_ = before;
    throw;
  }
}

// -- variables ----------------------------------------------------------------

Variable OptimizerImpl::add_variable(
    const std::string& name, const Shape& shape, DType dtype, double initial) {
  Variable variable(
      Tensor::full(dtype, shape, initial), {.name = name, .trainable = false});
  variable.state().path = this->name() + "/" + name;
  variables_.push_back(variable);
  return variable;
}

Variable OptimizerImpl::add_slot(
    const Variable& variable, const std::string& name, double initial) {
  std::string prefix = variable.path();
  std::replace(prefix.begin(), prefix.end(), '/', '_');
  return add_variable(
      prefix + "_" + name, variable.shape(), variable.dtype(), initial);
}

std::vector<Variable> OptimizerImpl::add_slots(
    const std::vector<Variable>& variables,
    const std::string& name,
    double initial) {
  std::vector<Variable> slots;
  slots.reserve(variables.size());
  for (const Variable& variable : variables) {
    slots.push_back(add_slot(variable, name, initial));
  }
  return slots;
}

void OptimizerImpl::build(const std::vector<Variable>& variables) {
  if (built_) {
    throw InvalidArgument(format("[{}] is built already", name()));
  }
  iterations_ = add_variable("iteration", Shape{}, DType::i64, 0);
  if (!arguments_.learning_rate.is_schedule()) {
    learning_rate_ = add_variable(
        "learning_rate", Shape{}, floatx(), arguments_.learning_rate.number());
  }
  trained_ = variables;
  for (std::size_t i = 0; i < variables.size(); ++i) {
    index_.emplace(variables[i].id(), i);
  }
  if (arguments_.use_ema) averages_ = add_slots(variables, "average");
  if (arguments_.gradient_accumulation_steps) {
    accumulators_ = add_slots(variables, "gradient_accumulator");
  }
  build_slots(variables);
  built_ = true;
}

std::size_t OptimizerImpl::index_of(const Variable& variable) const {
  const auto found = index_.find(variable.id());
  if (found == index_.end()) {
    throw InvalidArgument(format(
        "[{}] was not built with the variable '{}'; build it with all "
        "variables it is to update",
        name(),
        variable.path()));
  }
  return found->second;
}

std::vector<std::pair<std::string, Optimizer>> OptimizerImpl::inner() const {
  return {};
}

std::vector<Variable> OptimizerImpl::variables() const {
  std::vector<Variable> all = variables_;
  for (const auto& [attribute, optimizer] : inner()) {
    const std::vector<Variable> more = optimizer.impl().variables();
    all.insert(all.end(), more.begin(), more.end());
  }
  return all;
}

void OptimizerImpl::set_loss_scale_factor(std::optional<double> factor) {
  arguments_.loss_scale_factor = factor;
}

// -- numbers ------------------------------------------------------------------

std::int64_t OptimizerImpl::iterations() const {
  if (!built_) return 0;
  const auto steps = iterations_.value().item<std::int64_t>();
  return steps / arguments_.gradient_accumulation_steps.value_or(1);
}

double OptimizerImpl::learning_rate() const {
  if (arguments_.learning_rate.is_schedule()) {
    return arguments_.learning_rate.at(
        built_ ? iterations_.value().item<std::int64_t>() : 0);
  }
  return built_ ? learning_rate_.value().item<double>()
                : arguments_.learning_rate.number();
}

void OptimizerImpl::set_learning_rate(double rate) {
  if (arguments_.learning_rate.is_schedule()) {
    throw InvalidArgument(format(
        "[{}] has a schedule as learning rate, which cannot be set; make it "
        "with a number",
        name()));
  }
  if (built_) {
    learning_rate_.assign(Tensor(rate));
  } else {
    arguments_.learning_rate = rate;
  }
}

void OptimizerImpl::finalize_variable_values() {
  for (std::size_t i = 0; i < averages_.size(); ++i) {
    trained_[i].assign(averages_[i].value());
  }
}

// -- one step -----------------------------------------------------------------

void OptimizerImpl::begin_step(CallContext& ctx) {
  (void)ctx;
}

Value OptimizerImpl::scale_loss(CallContext& ctx, const Value& loss) const {
  (void)ctx;
  if (!arguments_.loss_scale_factor) return loss;
  return loss * *arguments_.loss_scale_factor;
}

Value OptimizerImpl::count(CallContext& ctx) const {
  const Value steps = ctx.read_uncast(iterations_);
  if (!arguments_.gradient_accumulation_steps) return steps;
  return ops::floor_divide(
      steps,
      ops::scalar_like(
          steps, static_cast<double>(*arguments_.gradient_accumulation_steps)));
}

Value OptimizerImpl::step_number(CallContext& ctx, DType dtype) const {
  return ops::cast(count(ctx) + 1, dtype);
}

Value OptimizerImpl::rate(CallContext& ctx) const {
  if (!arguments_.learning_rate.is_schedule()) {
    return ctx.read_uncast(learning_rate_);
  }
  // Schedules count steps, also those that only accumulate. Keras computes them
  // in float32, whatever the weights are.
  return arguments_.learning_rate.schedule().rate(
      ops::cast(ctx.read_uncast(iterations_), DType::f32));
}

std::vector<Value> OptimizerImpl::clip(
    const std::vector<Value>& gradients) const {
  std::vector<Value> out;
  out.reserve(gradients.size());
  if (arguments_.clipnorm && *arguments_.clipnorm > 0) {
    const double limit = *arguments_.clipnorm;
    for (const Value& gradient : gradients) {
      const Value norm = ops::sqrt(ops::sum(ops::square(gradient)));
      out.push_back(gradient * limit / ops::maximum(norm, limit));
    }
    return out;
  }
  if (arguments_.global_clipnorm && *arguments_.global_clipnorm > 0) {
    if (gradients.empty()) return gradients;
    const double limit = *arguments_.global_clipnorm;
    Value squares;
    for (const Value& gradient : gradients) {
      const Value own =
          ops::cast(ops::sum(ops::square(gradient)), gradients[0].dtype());
      squares = squares ? squares + own : own;
    }
    const Value norm = ops::sqrt(squares);
    // A norm that is no number makes every gradient none, as in Keras.
    const Value scale =
        limit * ops::minimum(1.0 / norm, 1.0 / limit) + (norm - norm);
    for (const Value& gradient : gradients) {
      out.push_back(gradient * ops::cast(scale, gradient.dtype()));
    }
    return out;
  }
  if (arguments_.clipvalue && *arguments_.clipvalue > 0) {
    const double limit = *arguments_.clipvalue;
    for (const Value& gradient : gradients) {
      out.push_back(ops::clip(gradient, -limit, limit));
    }
    return out;
  }
  return gradients;
}

std::optional<double> OptimizerImpl::weight_decay_of(
    const Variable& variable) const {
  (void)variable;
  return arguments_.weight_decay;
}

void OptimizerImpl::exclude_from_weight_decay(
    const std::vector<Variable>& variables,
    const std::vector<std::string>& names) {
  if (built_) {
    throw InvalidArgument(format(
        "[{}] exclude_from_weight_decay comes before the optimizer is built",
        name()));
  }
  undecayed_.clear();
  for (const Variable& variable : variables) {
    undecayed_.push_back(variable.id());
  }
  undecayed_names_ = names;
}

bool OptimizerImpl::decays(const Variable& variable) const {
  if (std::find(undecayed_.begin(), undecayed_.end(), variable.id()) !=
      undecayed_.end()) {
    return false;
  }
  return std::none_of(
      undecayed_names_.begin(),
      undecayed_names_.end(),
      [&](const std::string& pattern) {
        return std::regex_search(variable.name(), std::regex(pattern));
      });
}

void OptimizerImpl::update(
    CallContext& ctx,
    const std::vector<Value>& gradients,
    const std::vector<Variable>& variables) {
  const std::vector<Value> clipped = clip(gradients);
  const Value learning_rate = rate(ctx);
  for (const Variable& variable : variables) {
    const std::optional<double> decay = weight_decay_of(variable);
    if (!decay || !decays(variable)) continue;
    const Value value = ctx.read_uncast(variable);
    ctx.assign(
        variable,
        value - value * through_float(*decay) *
                    ops::cast(learning_rate, value.dtype()));
  }
  begin_step(ctx);
  for (std::size_t i = 0; i < variables.size(); ++i) {
    const DType dtype = variables[i].dtype();
    update_step(
        ctx,
        ops::cast(clipped[i], dtype),
        variables[i],
        ops::cast(learning_rate, dtype));
  }
}

void OptimizerImpl::accumulate(
    CallContext& ctx,
    const std::vector<Value>& gradients,
    const std::vector<Variable>& variables) {
  const auto steps =
      static_cast<double>(*arguments_.gradient_accumulation_steps);
  const Value done = ctx.read_uncast(iterations_) + 1;
  const Value updates =
      ops::equal(ops::mod(done, ops::scalar_like(done, steps)), 0.0);
  std::vector<Value> sums;
  std::vector<Value> means;
  for (std::size_t i = 0; i < variables.size(); ++i) {
    const Variable& accumulator = accumulators_[index_of(variables[i])];
    sums.push_back(
        ops::cast(gradients[i], accumulator.dtype()) +
        ctx.read_uncast(accumulator));
    means.push_back(sums.back() / steps);
  }
  // Both outcomes are computed, and one of them is kept: a select per variable
  // fuses with its update, a branch would not.
  std::vector<Variable> touched = variables;
  for (const Variable& variable : variables_) touched.push_back(variable);
  std::vector<Value> before;
  before.reserve(touched.size());
  for (const Variable& variable : touched) {
    before.push_back(ctx.read_uncast(variable));
  }
  update(ctx, means, variables);
  for (std::size_t i = 0; i < touched.size(); ++i) {
    const Value after = ctx.read_uncast(touched[i]);
    if (after == before[i]) continue;
    ctx.assign(touched[i], ops::where(updates, after, before[i]));
  }
  for (std::size_t i = 0; i < variables.size(); ++i) {
    ctx.assign(
        accumulators_[index_of(variables[i])],
        ops::where(updates, ops::zeros_like(sums[i]), sums[i]));
  }
}

void OptimizerImpl::average(CallContext& ctx) {
  const Value steps = count(ctx);
  for (std::size_t i = 0; i < averages_.size(); ++i) {
    const Value value = ctx.read_uncast(trained_[i]);
    const Value old = ctx.read_uncast(averages_[i]);
    // The first step takes the value as it is.
    const Value momentum =
        ops::cast(ops::not_equal(steps, 0.0), value.dtype()) *
        arguments_.ema_momentum;
    ctx.assign(averages_[i], momentum * old + (1.0 - momentum) * value);
  }
  if (!arguments_.ema_overwrite_frequency) return;
  const auto every = static_cast<double>(*arguments_.ema_overwrite_frequency);
  const Value overwrite =
      ops::equal(ops::mod(steps + 1, ops::scalar_like(steps, every)), 0.0);
  for (std::size_t i = 0; i < averages_.size(); ++i) {
    ctx.assign(
        trained_[i],
        ops::where(
            overwrite,
            ctx.read_uncast(averages_[i]),
            ctx.read_uncast(trained_[i])));
  }
}

void OptimizerImpl::apply(
    CallContext& ctx,
    const std::vector<Value>& gradients,
    const std::vector<Variable>& variables) {
  if (gradients.size() != variables.size()) {
    throw InvalidArgument(format(
        "[{}] expected one gradient per variable, got {} for {}",
        name(),
        gradients.size(),
        variables.size()));
  }
  if (!built_) build(variables);
  for (const Variable& variable : variables) index_of(variable);
  const LayerScope scope(ctx.graph(), name());
  std::vector<Value> unscaled = gradients;
  if (arguments_.loss_scale_factor) {
    for (Value& gradient : unscaled) {
      gradient = gradient / *arguments_.loss_scale_factor;
    }
  }
  if (arguments_.gradient_accumulation_steps) {
    accumulate(ctx, unscaled, variables);
  } else {
    update(ctx, unscaled, variables);
  }
  if (arguments_.use_ema) average(ctx);
  for (const Variable& variable : variables) {
    if (!variable.state().constraint) continue;
    ctx.assign(
        variable, variable.state().constraint(ctx.read_uncast(variable)));
  }
  ctx.assign(iterations_, ctx.read_uncast(iterations_) + 1);
}

}  // namespace keratin
