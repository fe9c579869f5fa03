// The state of an optimizer in a whole model's file.
//
// Up to Keras 2.10 the slots were kept kind by kind (all momentums, then all
// velocities), since then weight by weight as in Keras 3.

#include <algorithm>

#include <keratin/error.hpp>

#include "models/legacy/weights.hpp"
#include "src/core/format.hpp"
#include "src/core/log.hpp"

namespace keratin::legacy {

namespace {

struct Pair {
  Variable variable;
  Array array;
};

/// Whether arrays and variables agree one by one.
bool fits(
    const std::vector<Variable>& variables, const std::vector<Array>& arrays) {
  if (variables.size() != arrays.size()) return false;
  for (std::size_t i = 0; i < arrays.size(); ++i) {
    if (variables[i].shape() != arrays[i].shape) return false;
  }
  return true;
}

std::string flat_path(const Variable& variable) {
  std::string path = variable.path();
  std::replace(path.begin(), path.end(), '/', '_');
  return path;
}

/// A slot variable: of which weight, and of which kind ("momentum").
struct Slot {
  Variable variable;
  std::size_t weight;
  std::size_t kind;
};

class Slots {
 public:
  Slots(
      const std::vector<Variable>& variables,
      const std::vector<Variable>& weights) {
    for (const Variable& variable : variables) add(variable, weights);
  }

  std::vector<Variable> heads;  // iteration, learning rate, ...
  std::vector<Slot> slots;
  std::vector<std::string> kinds;

 private:
  void add(const Variable& variable, const std::vector<Variable>& weights) {
    const std::string& path = variable.path();
    const std::string name = path.substr(path.find('/') + 1);
    std::size_t best = weights.size();
    std::size_t longest = 0;
    for (std::size_t i = 0; i < weights.size(); ++i) {
      const std::string prefix = flat_path(weights[i]) + "_";
      if (name.starts_with(prefix) && prefix.size() > longest) {
        best = i;
        longest = prefix.size();
      }
    }
    if (best == weights.size()) {
      heads.push_back(variable);
      return;
    }
    const std::string kind = name.substr(longest);
    auto found = std::find(kinds.begin(), kinds.end(), kind);
    if (found == kinds.end()) found = kinds.insert(kinds.end(), kind);
    slots.push_back(
        {variable, best, static_cast<std::size_t>(found - kinds.begin())});
  }
};

/// Kind by kind: [iterations], momentums, velocities, ...
bool pair_by_kind(
    const Slots& ours,
    const std::vector<Array>& arrays,
    std::size_t weights,
    std::vector<Pair>& pairs) {
  std::size_t heads = 0;
  while (heads < arrays.size() && arrays[heads].shape.empty() &&
         arrays.size() - heads > ours.kinds.size() * weights) {
    ++heads;
  }
  if (arrays.size() - heads < ours.kinds.size() * weights) return false;
  for (const Slot& slot : ours.slots) {
    const Array& array = arrays[heads + slot.kind * weights + slot.weight];
    if (array.shape != slot.variable.shape()) return false;
    pairs.push_back({slot.variable, array});
  }
  if (heads > 0 && !ours.heads.empty()) {
    pairs.push_back({ours.heads[0], arrays[0]});
    // Nadam's product of momentums.
    if (heads > 1 && ours.heads.size() > 2) {
      pairs.push_back({ours.heads.back(), arrays[heads - 1]});
    }
  }
  return true;
}

struct State {
  std::vector<Array> arrays;
  bool by_weight = false;  // a counter, then the slots of each weight
};

/// A .h5 file lists the arrays by name.
State h5_state(const h5::Object& group, const std::string& source) {
  State state;
  for (const std::string& name : texts(group, "weight_names")) {
    const auto dataset = group.find(name);
    if (!dataset || !dataset->is_dataset() ||
        dataset->dtype() == DType::string) {
      throw InvalidArgument(format(
          "[{}] optimizer_weights: weight_names lists '{}', which is no array "
          "in the file",
          source,
          name));
    }
    state.arrays.push_back(array_of(name, *dataset));
  }
  if (!state.arrays.empty()) {
    const std::string& first = state.arrays[0].name;
    state.by_weight = first.find("iteration") != std::string::npos &&
                      first.find("iterations") == std::string::npos;
  }
  return state;
}

/// A .keras file has "0", "1", ..., without the learning rate.
State archive_state(const h5::Object& group) {
  State state{.arrays = {}, .by_weight = true};
  for (std::size_t i = 0;; ++i) {
    const auto dataset = group.find(std::to_string(i));
    if (!dataset || !dataset->is_dataset() ||
        dataset->dtype() == DType::string) {
      return state;
    }
    state.arrays.push_back(array_of(dataset->path(), *dataset));
  }
}

State read_state(const h5::File& file, const std::string& source) {
  if (const auto group = file.find("optimizer_weights");
      group && group->is_group()) {
    return h5_state(*group, source);
  }
  const auto group = file.find("optimizer/vars");
  return group && group->is_group() ? archive_state(*group) : State();
}

}  // namespace

void load_optimizer(
    ModelImpl& model, const h5::File& file, const std::string& source) {
  if (!model.compiled()) return;
  const State state = read_state(file, source);
  const std::vector<Array>& arrays = state.arrays;
  if (arrays.empty()) return;
  OptimizerImpl& optimizer = model.optimizer().impl();
  const std::vector<Variable> weights = model.trainable_weights();
  if (!optimizer.built()) optimizer.build(weights);
  const std::vector<Variable> variables = optimizer.variables();
  std::vector<Pair> pairs;
  std::vector<Variable> without_rate = variables;
  if (variables.size() > 1) without_rate.erase(without_rate.begin() + 1);
  if (fits(variables, arrays)) {
    for (std::size_t i = 0; i < arrays.size(); ++i) {
      pairs.push_back({variables[i], arrays[i]});
    }
  } else if (state.by_weight && fits(without_rate, arrays)) {
    for (std::size_t i = 0; i < arrays.size(); ++i) {
      pairs.push_back({without_rate[i], arrays[i]});
    }
  } else if (!pair_by_kind(
                 Slots(variables, weights), arrays, weights.size(), pairs)) {
    // A model that was saved before its first step kept a counter alone.
    if (arrays.size() > 1) {
      log_message(
          LogChannel::warning,
          format(
              "[{}] the optimizer's state ({} arrays) does not fit {}; it "
              "starts anew",
              source,
              arrays.size(),
              optimizer.name()));
    }
    return;
  }
  std::vector<Tensor> values;
  for (const Pair& pair : pairs) {
    values.push_back(pair.array.read().cast(pair.variable.dtype()));
  }
  for (std::size_t i = 0; i < values.size(); ++i) {
    pairs[i].variable.assign(values[i]);
  }
}

}  // namespace keratin::legacy
