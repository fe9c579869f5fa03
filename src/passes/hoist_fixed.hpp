#pragma once

#include <functional>

#include "src/passes/pass.hpp"

namespace keratin {

/// Makes the variable that keeps a value between runs.
using MakeVariable = std::function<Variable(const ValueType&)>;

/// Moves what is computed from unassigned variables alone (a batch
/// normalisation's scale, folded or cast weights) into `prologue`, which
/// assigns it to variables that the rest reads. To be run before the rest, and
/// again when a variable that it reads has changed. Single numbers, other names
/// for a variable's value and what would take more memory than the variables
/// stay where they are. `prologue` has no nodes where nothing is moved.
KERATIN_PLUGIN_EXPORT Graph hoist_fixed(
    const Graph& graph, const MakeVariable& make_variable, Graph& prologue);

}  // namespace keratin
