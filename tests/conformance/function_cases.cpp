// Losses with their gradients, metrics, schedules.

#include <utility>

#include <keratin/dtype_policy.hpp>
#include <keratin/losses.hpp>
#include <keratin/metrics.hpp>
#include <keratin/model.hpp>
#include <keratin/ops.hpp>
#include <keratin/schedules.hpp>

#include "tests/conformance/harness.hpp"

namespace conformance {

using keratin::Config;
using keratin::Tensor;
using keratin::Value;
using keratin::Variable;
using keratin::io::Hdf5File;

namespace {

/// A "model" whose training step computes a loss and its gradient by y_pred
/// and keeps both. Its inputs are y_true and, if any, the sample weights.
class LossProbe final : public keratin::ModelImpl {
 public:
  LossProbe(keratin::Loss loss, const Tensor& y_pred, const Tensor& like)
      : ModelImpl("probe"),
        loss_(std::move(loss)),
        y_pred_(y_pred, {.name = "y_pred"}),
        value_(Tensor(y_pred.dtype(), like.shape()), {.name = "value"}),
        gradient_(
            Tensor(y_pred.dtype(), y_pred.shape()), {.name = "gradient"}) {}

  std::string class_name() const override { return "LossProbe"; }

  void train_step(
      keratin::StepContext& ctx, const keratin::StepData& data) override {
    const Value y_pred = ctx.read(y_pred_);
    const Value weight = data.x.size() > 1 ? data.x[1] : Value();
    const Value value = loss_(data.x[0], y_pred, weight);
    const Value total = value.rank() > 0 ? keratin::ops::sum(value) : value;
    ctx.track("loss", total);
    ctx.assign(gradient_, ctx.gradients(total, {y_pred_})[0]);
    ctx.assign(value_, value);
  }

  Tensor value() const { return value_.value(); }

  Tensor gradient() const { return gradient_.value(); }

 private:
  keratin::Loss loss_;
  Variable y_pred_;
  Variable value_;
  Variable gradient_;
};

}  // namespace

void run_loss_case(
    const Case& test, const Settings& settings, Comparison& result) {
  const Hdf5File golden(test.path.string());
  keratin::Loss loss;
  loss.from_config(settings.config(text_attr(golden, "loss"), "loss"), "loss");
  std::vector<Tensor> inputs = {settings.data(golden.read("y_true"))};
  if (golden.contains("sample_weight")) {
    inputs.push_back(settings.data(golden.read("sample_weight")));
  }
  const Tensor value = golden.read("value");
  keratin::Model probe = keratin::make_model<LossProbe>(
      loss, settings.data(golden.read("y_pred")), value);
  probe.compile({.optimizer = "sgd"});
  probe.train_on_batch(inputs, {});
  const auto& impl = static_cast<const LossProbe&>(probe.model_impl());
  const double tolerance = settings.tolerances().run;
  result.compare("value", impl.value(), value, tolerance);
  result.compare(
      "gradient", impl.gradient(), golden.read("gradient"), tolerance);
}

void run_metric_case(
    const Case& test, const Settings& settings, Comparison& result) {
  const Hdf5File golden(test.path.string());
  keratin::Metric metric;
  metric.from_config(
      settings.config(text_attr(golden, "metric"), "metric"), "metric");
  const std::vector<Tensor> y_true = numbered(golden, "y_true");
  const std::vector<Tensor> y_pred = numbered(golden, "y_pred");
  const std::vector<Tensor> weights = numbered(golden, "sample_weight");
  for (std::size_t k = 0; k < y_true.size(); ++k) {
    Tensor weight;
    if (!weights.empty()) weight = settings.data(weights[k]);
    metric.update_state(
        settings.data(y_true[k]),
        settings.data(y_pred[k]),
        weights.empty() ? nullptr : &weight);
    const std::string where = "result/" + std::to_string(k);
    result.compare(
        where, metric.result(), golden.read(where), settings.tolerances().run);
  }
}

void run_schedule_case(
    const Case& test, const Settings& settings, Comparison& result) {
  const Hdf5File golden(test.path.string());
  keratin::LearningRate schedule;
  schedule.from_config(
      settings.config(text_attr(golden, "schedule"), "schedule"), "schedule");
  const Tensor steps = golden.read("step");
  std::vector<double> values;
  for (const std::int64_t step : steps.to_vector<std::int64_t>()) {
    values.push_back(schedule.at(step));
  }
  result.compare(
      "value",
      Tensor(values),
      golden.read("value"),
      settings.tolerances().predict);
}

}  // namespace conformance
