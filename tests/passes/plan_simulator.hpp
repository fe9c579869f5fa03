#pragma once

#include <string>

#include "src/ir/graph.hpp"
#include "src/passes/memory_plan.hpp"

namespace keratin::testing {

/// Runs a graph by a memory plan with a tag in every byte instead of numbers:
/// each node checks that its operands' bytes still hold what their node wrote,
/// then writes its own. Copies, outputs and final values of variables are
/// checked as well. Returns the first thing that went wrong, or "".
std::string simulate(
    const Graph& graph, const MemoryPlan& plan, const PlanOptions& options);

}  // namespace keratin::testing
