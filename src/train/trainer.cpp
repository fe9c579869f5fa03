#include <utility>

#include <keratin/error.hpp>
#include <keratin/ops.hpp>
#include <keratin/optimizers/wrappers.hpp>

#include "src/core/format.hpp"
#include "src/ir/autodiff.hpp"
#include "src/ir/variable_state.hpp"
#include "src/train/trainer_state.hpp"

namespace keratin {

ModelImpl::ModelImpl(std::string name, DTypePolicy dtype)
    : LayerImpl(std::move(name), std::move(dtype)),
      trainer_(std::make_unique<TrainerState>()) {}

ModelImpl::~ModelImpl() = default;

std::vector<Layer> ModelImpl::layers() const {
  std::vector<Layer> out;
  for (const auto& [attribute, layer] : sublayers()) out.push_back(layer);
  return out;
}

std::vector<Value> ModelImpl::compute_masks(
    CallContext& ctx,
    const CallInputs& inputs,
    const std::vector<Value>& outputs) {
  (void)inputs;
  std::vector<Value> masks;
  for (const Value& output : outputs) masks.push_back(ctx.mask(output));
  return masks;
}

void ModelImpl::compile(CompileArguments arguments) {
  if (arguments.steps_per_execution < 1) {
    fail(format(
        "compile: expected steps_per_execution >= 1, got {}",
        arguments.steps_per_execution));
  }
  if (!arguments.optimizer) fail("compile: expected an optimizer");
  trainer_->reset();
  trainer_->scales_loss =
      arguments.auto_scale_loss && dtype_policy().name() == "mixed_float16" &&
      arguments.optimizer.impl().class_name() != "LossScaleOptimizer";
  if (trainer_->scales_loss) {
    arguments.optimizer = optimizers::LossScaleOptimizer(
        arguments.optimizer, {.name = "loss_scale_optimizer"});
  }
  trainer_->arguments = std::move(arguments);
  trainer_->compiled = true;
}

bool ModelImpl::compiled() const {
  return trainer_->compiled;
}

const CompileArguments& ModelImpl::compile_arguments() const {
  return trainer_->arguments;
}

Optimizer& ModelImpl::optimizer() {
  if (!trainer_->compiled) {
    fail("has no optimizer before compile; call compile first");
  }
  return trainer_->arguments.optimizer;
}

std::vector<Value> ModelImpl::forward(
    CallContext& ctx, const std::vector<Value>& x) {
  return invoke(ctx, x.size() == 1 ? CallInputs(x[0]) : CallInputs(x));
}

Value ModelImpl::compute_loss(
    StepContext& ctx, const StepData& data, const std::vector<Value>& y_pred) {
  TrainerState& state = *trainer_;
  std::vector<Value> terms;
  for (const OutputLoss& loss : state.losses) {
    const Value& prediction = y_pred[loss.output];
    Value weight;
    if (!data.sample_weight.empty()) {
      weight = data.sample_weight.size() == 1 ? data.sample_weight[0]
                                              : data.sample_weight[loss.output];
    }
    Value value = ops::cast(
        loss.loss(
            data.y[loss.output], prediction, weight, ctx.mask(prediction)),
        floatx());
    if (value.rank() > 0) value = ops::sum(value);
    if (loss.tracker) {
      loss.tracker->update(
          ctx, value, static_cast<double>(prediction.shape()[0]));
    }
    terms.push_back(loss.weight ? value * *loss.weight : value);
  }
  for (const Value& loss : ctx.take_losses()) {
    terms.push_back(ops::cast(ops::sum(loss), floatx()));
  }
  for (const Variable& variable : trainable_weights()) {
    if (!variable.state().regularizer) continue;
    const Value penalty =
        variable.state().regularizer(ctx.read_uncast(variable));
    terms.push_back(ops::cast(ops::sum(penalty), floatx()));
  }
  if (terms.empty()) {
    fail("has no loss to compute; give a loss in compile");
  }
  Value total = terms[0];
  for (std::size_t i = 1; i < terms.size(); ++i) total = total + terms[i];
  return total;
}

void ModelImpl::compute_metrics(
    StepContext& ctx, const StepData& data, const std::vector<Value>& y_pred) {
  for (OutputMetric& metric : trainer_->metrics) {
    Value weight;
    if (metric.weighted && !data.sample_weight.empty()) {
      weight = data.sample_weight.size() == 1
                   ? data.sample_weight[0]
                   : data.sample_weight[metric.output];
    }
    ctx.update(
        metric.metric, data.y[metric.output], y_pred[metric.output], weight);
  }
}

namespace {

/// The parts of a step that training and testing share.
Value forward_and_loss(
    ModelImpl& model,
    StepContext& ctx,
    const StepData& data,
    std::vector<Value>& y_pred) {
  TrainerState& state = model.trainer();
  y_pred = model.forward(ctx, data.x);
  const CompileArguments& arguments = state.arguments;
  const bool wants_targets = !arguments.loss.empty() ||
                             !arguments.metrics.empty() ||
                             !arguments.weighted_metrics.empty();
  if (wants_targets && data.y.size() != y_pred.size()) {
    throw InvalidArgument(format(
        "{} expected {} arrays of targets (one per output), got {}",
        model.who(),
        y_pred.size(),
        data.y.size()));
  }
  if (!state.resolved) {
    if (wants_targets) {
      resolve_losses(model, data.y, y_pred);
      resolve_metrics(model, data.y, y_pred);
    }
    state.loss_tracker = std::make_shared<MeanTracker>("loss");
    state.resolved = true;
    warn_about_logits(model);
  }
  require_targets(model, data.y);
  const Value loss = model.compute_loss(ctx, data, y_pred);
  state.loss_tracker->update(
      ctx, loss, static_cast<double>(data.x[0].shape()[0]));
  return loss;
}

}  // namespace

void ModelImpl::train_step(StepContext& ctx, const StepData& data) {
  std::vector<Value> y_pred;
  const Value loss = forward_and_loss(*this, ctx, data, y_pred);
  // Known only now: a model class makes its weights in its first pass.
  if (!trainer_->trained_known) {
    trainer_->trained = trainable_weights();
    trainer_->trained_known = true;
  }
  const std::vector<Variable>& variables = trainer_->trained;
  if (!variables.empty()) {
    OptimizerImpl& optimizer = this->optimizer().impl();
    if (!optimizer.built()) optimizer.build(variables);
    const Value scaled = optimizer.scale_loss(ctx, loss);
    optimizer.apply(ctx, ctx.gradients(scaled, variables), variables);
  }
  compute_metrics(ctx, data, y_pred);
}

void ModelImpl::test_step(StepContext& ctx, const StepData& data) {
  std::vector<Value> y_pred;
  forward_and_loss(*this, ctx, data, y_pred);
  compute_metrics(ctx, data, y_pred);
}

std::vector<Value> ModelImpl::predict_step(
    StepContext& ctx, const std::vector<Value>& x) {
  return forward(ctx, x);
}

std::vector<Value> StepContext::gradients(
    const Value& loss, const std::vector<Variable>& variables) {
  std::vector<Value> xs;
  xs.reserve(variables.size());
  for (const Variable& variable : variables) {
    xs.push_back(graph().read(variable));
  }
  return keratin::gradients(loss, xs);
}

void StepContext::update(
    Metric& metric,
    const Value& y_true,
    const Value& y_pred,
    const Value& sample_weight) {
  metric.impl().update_state(*this, y_true, y_pred, sample_weight);
}

void StepContext::track(
    const std::string& name, const Value& value, double weight) {
  model_.trainer().tracker(name).update(*this, value, weight);
}

void ModelImpl::reset_metrics() {
  TrainerState& state = *trainer_;
  if (state.loss_tracker) state.loss_tracker->reset();
  for (OutputLoss& loss : state.losses) {
    if (loss.tracker) loss.tracker->reset();
  }
  for (OutputMetric& metric : state.metrics) {
    metric.metric.impl().reset_state();
  }
  for (const auto& tracker : state.tracked) tracker->reset();
}

Logs ModelImpl::metric_results() {
  return Logs([self = shared_from_this(), this] {
    (void)self;  // keeps the model while the logs may be looked at
    return metric_values(*this);
  });
}

}  // namespace keratin
