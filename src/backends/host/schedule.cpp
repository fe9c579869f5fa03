#include "src/backends/host/schedule.hpp"

#include <algorithm>
#include <cstring>

#include "src/backends/host/selection.hpp"
#include "src/core/check.hpp"

namespace keratin::host {

namespace {

// Saves what a variable held before the step, where the plan wants it saved:
// its operand is the variable itself.
class SavingRead final : public Kernel {
 public:
  void bind(const Binding& binding) override {
    from_ = binding.inputs[0];
    to_ = binding.outputs[0];
  }

  void run() override {
    const std::int64_t bytes = to_.type->size_bytes();
    if (bytes == 0) return;
    std::memcpy(to_.data, from_.data, static_cast<std::size_t>(bytes));
  }

 private:
  View from_;
  View to_;
};

// Kernels of a graph while its memory is planned, by NodeId.
PlanOptions plan_options(
    const std::vector<std::unique_ptr<Kernel>>& kernels, const Graph& graph) {
  const auto kernel_of = [&kernels, &graph](const Node& node) {
    const Kernel* none = nullptr;
    if (node.outputs.empty()) return none;
    return static_cast<const Kernel*>(
        kernels[graph.producer(node.outputs[0])].get());
  };
  PlanOptions options;
  options.can_overwrite =
      [kernel_of](const Graph&, const Node& node, int operand, int result) {
        const Kernel* kernel = kernel_of(node);
        return kernel != nullptr && kernel->can_overwrite(operand, result);
      };
  options.is_alias = [kernel_of](const Graph&, const Node& node) {
    const Kernel* kernel = kernel_of(node);
    return kernel != nullptr && kernel->is_alias();
  };
  options.scratch = [&kernels](const Graph&, const Node&, NodeId id) {
    return kernels[id] != nullptr ? kernels[id]->scratch_bytes() : 0;
  };
  return options;
}

}  // namespace

Schedule::Schedule(KernelFactory& factory, const Graph& graph)
    : graph_(graph), addresses_(graph.value_count(), nullptr) {
  std::vector<std::unique_ptr<Kernel>> kernels(graph.nodes().size());
  for (std::size_t id = 0; id < kernels.size(); ++id) {
    const Node& node = graph.nodes()[id];
    if (!is_structure(node.op)) kernels[id] = factory.make(graph, node);
  }
  plan_ = plan_memory(graph, plan_options(kernels, graph));
  for (std::size_t id = 0; id < kernels.size(); ++id) {
    const Node& node = graph.nodes()[id];
    if (node.op == Op::read &&
        plan_.values[node.outputs[0]].place == Place::arena) {
      kernels[id] = std::make_unique<SavingRead>();
    }
    if (!kernels[id]) continue;
    Step step;
    step.node = &node;
    step.kernel = std::move(kernels[id]);
    step.binding.inputs.resize(node.op == Op::read ? 1 : node.inputs.size());
    step.binding.outputs.resize(node.outputs.size());
    steps_.push_back(std::move(step));
    step_nodes_.push_back(static_cast<NodeId>(id));
  }
}

std::size_t Schedule::variable_index(const Node& read) const {
  const auto& variable = read.attrs.get<Variable>("variable");
  const auto found =
      std::find(plan_.variables.begin(), plan_.variables.end(), variable);
  KERATIN_CHECK(found != plan_.variables.end(), "the plan lacks a variable");
  return static_cast<std::size_t>(found - plan_.variables.begin());
}

std::byte* Schedule::place(
    ValueId id,
    std::byte* arena,
    std::span<std::byte* const> inputs,
    std::span<std::byte* const> variables) const {
  const Placement& placement = plan_.values[id];
  switch (placement.place) {
    case Place::arena:
      return arena + placement.offset;
    case Place::input:
      return inputs[placement.index];
    case Place::variable:
      return variables[placement.index];
    case Place::constant: {
      const Node& node = graph_.node(placement.index);
      // Shared with the graph's tensor and never written: the plan promises it.
      return static_cast<std::byte*>(
          const_cast<void*>(node.attrs.get<Tensor>("value").raw()));
    }
  }
  KERATIN_UNREACHABLE();
}

bool Schedule::let_move(ValueId id) {
  const Place place = plan_.values[id].place;
  if (place != Place::input && place != Place::arena) return false;
  // The value and, of a parameter, its other names.
  const auto is_it = [&](ValueId other) {
    return other == id || (place == Place::input &&
                           plan_.values[other].place == Place::input &&
                           plan_.values[other].index == plan_.values[id].index);
  };
  std::vector<Use> uses;
  bool is_made = place == Place::input;
  for (std::size_t s = 0; s < steps_.size(); ++s) {
    const Step& step = steps_[s];
    const bool renames = step.kernel->is_alias();
    for (std::size_t i = 0; i < step.node->inputs.size(); ++i) {
      if (!is_it(step.node->inputs[i])) continue;
      if (renames && place == Place::arena) return false;
      uses.push_back({s, false, i, moving_count_});
    }
    for (std::size_t i = 0; i < step.node->outputs.size(); ++i) {
      if (!is_it(step.node->outputs[i])) continue;
      if (renames && place == Place::arena) return false;
      is_made = true;
      uses.push_back({s, true, i, moving_count_});
    }
  }
  if (!is_made) return false;
  for (std::size_t i = 0; i < addresses_.size(); ++i) {
    const auto other = static_cast<ValueId>(i);
    if (is_it(other)) moving_values_.emplace_back(other, moving_count_);
  }
  ++moving_count_;
  uses_.insert(uses_.end(), uses.begin(), uses.end());
  for (const Use& use : uses) {
    if (std::find(moving_steps_.begin(), moving_steps_.end(), use.step) ==
        moving_steps_.end()) {
      moving_steps_.push_back(use.step);
    }
  }
  return true;
}

void Schedule::move(std::span<std::byte* const> addresses) {
  for (const auto& [id, moving] : moving_values_) {
    addresses_[id] = addresses[moving];
  }
  for (const Use& use : uses_) {
    Binding& binding = steps_[use.step].binding;
    (use.is_result ? binding.outputs : binding.inputs)[use.slot].data =
        addresses[use.moving];
  }
  for (const std::size_t s : moving_steps_) {
    steps_[s].kernel->bind(steps_[s].binding);
  }
}

void Schedule::bind(
    std::byte* arena,
    std::span<std::byte* const> inputs,
    std::span<std::byte* const> variables) {
  for (std::size_t id = 0; id < addresses_.size(); ++id) {
    addresses_[id] = place(static_cast<ValueId>(id), arena, inputs, variables);
  }
  for (std::size_t s = 0; s < steps_.size(); ++s) {
    Step& step = steps_[s];
    if (step.node->op == Op::read) {
      step.binding.inputs[0] = {
          variables[variable_index(*step.node)],
          &graph_.type(step.node->outputs[0])};
    }
    for (std::size_t i = 0; i < step.node->inputs.size(); ++i) {
      step.binding.inputs[i] = view(step.node->inputs[i]);
    }
    for (std::size_t i = 0; i < step.node->outputs.size(); ++i) {
      step.binding.outputs[i] = view(step.node->outputs[i]);
    }
    const Placement& scratch = plan_.scratch[step_nodes_[s]];
    step.binding.scratch =
        scratch.size_bytes > 0 ? arena + scratch.offset : nullptr;
    step.kernel->bind(step.binding);
  }
}

}  // namespace keratin::host
