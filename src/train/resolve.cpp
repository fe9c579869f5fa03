// Which loss and which metrics belong to which output.

#include <algorithm>
#include <map>
#include <set>

#include <keratin/error.hpp>

#include "src/core/format.hpp"
#include "src/core/log.hpp"
#include "src/core/names.hpp"
#include "src/train/trainer_state.hpp"

namespace keratin {

namespace {

/// Names of the outputs; "output_0", ... for a model that has none.
std::vector<std::string> outputs_of(const ModelImpl& model, std::size_t count) {
  std::vector<std::string> names = model.output_names();
  for (std::size_t i = names.size(); i < count; ++i) {
    names.push_back(format("output_{}", i));
  }
  return names;
}

std::size_t output_index(
    const ModelImpl& model,
    const std::vector<std::string>& outputs,
    const std::string& name,
    const char* what) {
  const auto found = std::find(outputs.begin(), outputs.end(), name);
  if (found == outputs.end()) {
    throw InvalidArgument(format(
        "{} compile: {} names the output '{}', which the model does not "
        "have{}",
        model.who(),
        what,
        name,
        did_you_mean(name, outputs)));
  }
  return static_cast<std::size_t>(found - outputs.begin());
}

/// The setting of each output; empty where none was given.
template <class T>
std::vector<std::optional<T>> spread(
    const ModelImpl& model,
    const PerOutput<T>& settings,
    const std::vector<std::string>& outputs,
    const char* what) {
  std::vector<std::optional<T>> result(outputs.size());
  if (settings.empty()) return result;
  if (settings.single()) {
    for (auto& item : result) item = settings.list()[0];
    return result;
  }
  for (std::size_t i = 0; i < settings.names().size(); ++i) {
    const std::size_t output =
        output_index(model, outputs, settings.names()[i], what);
    result[output] = settings.list()[i];
  }
  if (!settings.names().empty()) return result;
  if (settings.list().size() != outputs.size()) {
    throw InvalidArgument(format(
        "{} compile: expected {} of {} (one per output), got {}",
        model.who(),
        outputs.size(),
        what,
        settings.list().size()));
  }
  for (std::size_t i = 0; i < outputs.size(); ++i) {
    result[i] = settings.list()[i];
  }
  return result;
}

/// Keras's MetricsList: the metrics of each output.
std::vector<MetricSet::List> spread_metrics(
    const ModelImpl& model,
    const MetricSet& set,
    const std::vector<std::string>& outputs,
    const char* what) {
  std::vector<MetricSet::List> result(outputs.size());
  if (set.empty()) return result;
  if (!set.names().empty()) {
    for (std::size_t i = 0; i < set.names().size(); ++i) {
      result[output_index(model, outputs, set.names()[i], what)] =
          set.lists()[i];
    }
    return result;
  }
  if (outputs.size() == 1) {
    for (const MetricSet::List& list : set.lists()) {
      result[0].insert(result[0].end(), list.begin(), list.end());
    }
    return result;
  }
  // A flat list with one entry per output means one metric for each.
  if (set.flat() && set.lists()[0].size() == outputs.size()) {
    for (std::size_t i = 0; i < outputs.size(); ++i) {
      result[i] = {set.lists()[0][i]};
    }
    return result;
  }
  if (set.flat() || set.lists().size() != outputs.size()) {
    throw InvalidArgument(format(
        "{} compile: expected {} as one list per output ({}), got {}; name "
        "the outputs or give {} lists",
        model.who(),
        what,
        outputs.size(),
        set.flat() ? set.lists()[0].size() : set.lists().size(),
        outputs.size()));
  }
  return set.lists();
}

}  // namespace

namespace {

void require_target(
    const ModelImpl& model,
    const std::vector<std::string>& outputs,
    const std::vector<Value>& y,
    std::size_t output,
    const char* what) {
  if (output < y.size() && y[output]) return;
  throw InvalidArgument(format(
      "{} expected a target for the output '{}', which has a {}; got none",
      model.who(),
      outputs[output],
      what));
}

}  // namespace

void require_targets(const ModelImpl& model, const std::vector<Value>& y) {
  const TrainerState& state = model.trainer_state();
  const std::vector<std::string> outputs = outputs_of(model, y.size());
  for (const OutputLoss& loss : state.losses) {
    require_target(model, outputs, y, loss.output, "loss");
  }
  for (const OutputMetric& metric : state.metrics) {
    require_target(model, outputs, y, metric.output, "metric");
  }
}

void resolve_losses(
    ModelImpl& model,
    const std::vector<Value>& y,
    const std::vector<Value>& y_pred) {
  TrainerState& state = model.trainer();
  const std::vector<std::string> outputs = outputs_of(model, y_pred.size());
  const auto losses = spread(model, state.arguments.loss, outputs, "loss");
  const auto weights =
      spread(model, state.arguments.loss_weights, outputs, "loss_weights");
  state.losses.clear();
  for (std::size_t i = 0; i < outputs.size(); ++i) {
    if (!losses[i] || !*losses[i]) continue;
    require_target(model, outputs, y, i, "loss");
    OutputLoss loss;
    loss.output = i;
    loss.loss = losses[i]->resolve(y[i].shape(), y_pred[i].shape());
    loss.weight = weights[i];
    state.losses.push_back(std::move(loss));
  }
  if (state.losses.size() < 2) return;
  for (OutputLoss& loss : state.losses) {
    loss.tracker =
        std::make_shared<MeanTracker>(outputs[loss.output] + "_loss");
  }
}

void resolve_metrics(
    ModelImpl& model,
    const std::vector<Value>& y,
    const std::vector<Value>& y_pred) {
  TrainerState& state = model.trainer();
  const std::vector<std::string> outputs = outputs_of(model, y_pred.size());
  state.metrics.clear();
  std::map<std::string, int> used;
  for (const bool weighted : {false, true}) {
    const char* what = weighted ? "weighted_metrics" : "metrics";
    const MetricSet& set =
        weighted ? state.arguments.weighted_metrics : state.arguments.metrics;
    const auto lists = spread_metrics(model, set, outputs, what);
    for (std::size_t i = 0; i < outputs.size(); ++i) {
      const std::string prefix =
          outputs.size() > 1 ? outputs[i] + "_" : std::string();
      for (const Metric& metric : lists[i]) {
        require_target(model, outputs, y, i, "metric");
        OutputMetric made;
        made.output = i;
        made.metric = metric.resolve(y[i].shape(), y_pred[i].shape());
        made.weighted = weighted;
        made.metric.impl().ensure_built(y[i].shape(), y_pred[i].shape());
        std::string name = prefix + made.metric.name();
        // Keras: a weighted metric of a name that is taken says so; further
        // ones are numbered.
        if (weighted && used.contains(name)) {
          name = prefix + "weighted_" + made.metric.name();
        }
        const int count = used[name]++;
        made.log_name = count == 0 ? name : format("{}_{}", name, count);
        state.metrics.push_back(std::move(made));
      }
    }
  }
}

void warn_about_logits(const ModelImpl& model) {
  const std::vector<Layer> layers = model.layers();
  const std::vector<std::string> outputs = model.output_names();
  for (const OutputLoss& loss : model.trainer_state().losses) {
    if (loss.loss.impl().from_logits() != false) continue;
    if (loss.output >= outputs.size()) continue;
    for (const Layer& layer : layers) {
      if (layer.name() != outputs[loss.output]) continue;
      const Config config = layer.get_config();
      const Config* activation = config.find("activation");
      if (activation == nullptr || !activation->is_string()) continue;
      if (activation->as_string() != "linear") continue;
      log_message(
          LogChannel::warning,
          format(
              "[{}] {} expects probabilities, but the layer '{}' has no "
              "activation: use from_logits=true in the loss, or give the layer "
              "softmax or sigmoid",
              model.name(),
              loss.loss.impl().class_name(),
              layer.name()));
    }
  }
}

}  // namespace keratin
