#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
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

  const Graph& graph_;
  std::vector<Step> steps_;
  std::vector<NodeId> step_nodes_;  // by step
  MemoryPlan plan_;
  std::vector<std::byte*> addresses_;  // by ValueId
};

}  // namespace keratin::host
