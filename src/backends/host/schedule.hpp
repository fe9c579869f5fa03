#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <utility>
#include <vector>

#include "src/backends/host/kernel.hpp"

namespace keratin::host {

/// A graph as a list of kernels over a planned arena: what a whole program and
/// a sub-graph have in common. REQUIRES: the graph outlives it, unmoved.
class Schedule {
 public:
  struct Step {
    const Node* node = nullptr;
    std::unique_ptr<Kernel> kernel;
    Binding binding;
  };

  /// Makes the kernels and plans the memory.
  Schedule(KernelFactory& factory, const Graph& graph);

  const Graph& graph() const { return graph_; }

  const MemoryPlan& plan() const { return plan_; }

  std::span<const Step> steps() const { return steps_; }

  std::int64_t arena_bytes() const { return plan_.arena_bytes; }

  /// Places everything and binds the kernels: `inputs` by parameter number,
  /// `variables` by MemoryPlan::variables.
  void bind(
      std::byte* arena,
      std::span<std::byte* const> inputs,
      std::span<std::byte* const> variables);

  void run() {
    for (Step& step : steps_) step.kernel->run();
  }

  /// From now on move() puts the value somewhere else: parameter `number`, or a
  /// value that a kernel makes in the arena. False when it has no such place.
  /// REQUIRES: no other value is an alias of it, or it is a parameter.
  bool let_move(ValueId id);

  /// Places the values of let_move, in that order, and binds the kernels that
  /// read or make them. REQUIRES: bound.
  void move(std::span<std::byte* const> addresses);

  void renew() {
    for (Step& step : steps_) step.kernel->renew();
  }

  /// Where a value is. REQUIRES: bound.
  std::byte* address(ValueId id) const { return addresses_[id]; }

  View view(ValueId id) const { return {addresses_[id], &graph_.type(id)}; }

 private:
  std::byte* place(
      ValueId id,
      std::byte* arena,
      std::span<std::byte* const> inputs,
      std::span<std::byte* const> variables) const;

  std::size_t variable_index(const Node& read) const;

  /// Where a moving value is an operand or a result.
  struct Use {
    std::size_t step = 0;
    bool is_result = false;
    std::size_t slot = 0;
    std::size_t moving = 0;  // which of the moving values
  };

  const Graph& graph_;
  std::vector<Step> steps_;
  std::vector<NodeId> step_nodes_;  // by step
  MemoryPlan plan_;
  std::vector<std::byte*> addresses_;  // by ValueId
  std::size_t moving_count_ = 0;
  std::vector<Use> uses_;                  // of moving values
  std::vector<std::size_t> moving_steps_;  // that have such uses
  std::vector<std::pair<ValueId, std::size_t>> moving_values_;
};

}  // namespace keratin::host
