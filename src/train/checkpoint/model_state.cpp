#include "src/train/checkpoint/model_state.hpp"

#include <map>
#include <set>

#include <keratin/error.hpp>

#include "src/core/format.hpp"
#include "src/train/trainer_state.hpp"

namespace keratin {

namespace {

class Collector {
 public:
  std::vector<std::pair<std::string, Variable>> found;

  void add(const char* kind, const Variable& variable) {
    if (!variable || !seen_.insert(variable.id()).second) return;
    // By number: names may be automatic, and others in another process.
    found.emplace_back(format("{}/{}", kind, counts_[kind]++), variable);
  }

  void add(const MeanTracker& tracker) {
    add("metrics", tracker.total);
    add("metrics", tracker.count);
  }

  void add_seeds(const LayerImpl& layer) {
    for (const Variable& seed : layer.seeds()) add("seeds", seed);
    for (const auto& [attribute, inner] : layer.sublayers()) {
      add_seeds(inner.impl());
    }
  }

 private:
  std::set<std::uint64_t> seen_;
  std::map<std::string, int> counts_;
};

/// Arrays of a model, apart from those of callbacks.
bool is_of_model(const std::string& name) {
  return !name.starts_with("callbacks/");
}

}  // namespace

std::vector<std::pair<std::string, Variable>> training_variables(
    ModelImpl& model) {
  Collector out;
  for (const Variable& weight : model.weights()) out.add("weights", weight);
  out.add_seeds(model);
  if (const OptimizerImpl& optimizer = model.optimizer().impl();
      optimizer.built()) {
    for (const Variable& variable : optimizer.variables()) {
      out.add("optimizer", variable);
    }
  }
  const TrainerState& state = model.trainer_state();
  if (state.loss_tracker) out.add(*state.loss_tracker);
  for (const OutputLoss& loss : state.losses) {
    if (loss.tracker) out.add(*loss.tracker);
  }
  for (const OutputMetric& metric : state.metrics) {
    for (const Variable& variable : metric.metric.impl().variables()) {
      out.add("metrics", variable);
    }
  }
  for (const auto& tracker : state.tracked) out.add(*tracker);
  return std::move(out.found);
}

void save_model_state(ModelImpl& model, Checkpoint& checkpoint) {
  checkpoint.values["choices"] = model.trainer_state().choices->to_config();
  for (const auto& [name, variable] : training_variables(model)) {
    checkpoint.arrays.emplace_back(name, variable.value());
  }
}

void restore_choices(ModelImpl& model, const Checkpoint& checkpoint) {
  model.trainer().choices->add(
      checkpoint.values.at("choices"), "checkpoint.json/choices");
}

void restore_model_state(ModelImpl& model, const Checkpoint& checkpoint) {
  std::map<std::string, const Tensor*> values;
  for (const auto& [name, value] : checkpoint.arrays) {
    if (is_of_model(name)) values[name] = &value;
  }
  std::vector<std::pair<Variable, const Tensor*>> matched;
  std::string problems;
  for (const auto& [name, variable] : training_variables(model)) {
    const auto found = values.find(name);
    const std::string wanted = format(
        "the model wants {}{} for '{}'",
        variable.dtype(),
        variable.shape(),
        variable.path());
    if (found == values.end()) {
      problems += format("; {}: missing, {}", name, wanted);
      continue;
    }
    const Tensor& value = *found->second;
    if (value.dtype() != variable.dtype() ||
        value.shape() != variable.shape()) {
      problems += format(
          "; {}: holds {}{}, {}", name, value.dtype(), value.shape(), wanted);
    }
    matched.emplace_back(variable, &value);
    values.erase(found);
  }
  for (const auto& [name, value] : values) {
    problems += format(
        "; {}: {}{}, which the model lacks",
        name,
        value->dtype(),
        value->shape());
  }
  if (!problems.empty()) {
    throw InvalidArgument("is of another model" + problems);
  }
  for (auto& [variable, value] : matched) variable.assign(*value);
}

}  // namespace keratin
