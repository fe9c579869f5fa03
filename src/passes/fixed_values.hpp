#pragma once

#include <vector>

#include "src/core/plugin_export.hpp"
#include "src/ir/graph.hpp"

namespace keratin {

/// By ValueId: whether a value is the same in every run until somebody outside
/// the program assigns a variable: constants, variables that the program never
/// assigns, and what is computed from these alone.
KERATIN_PLUGIN_EXPORT std::vector<bool> fixed_values(const Graph& graph);

}  // namespace keratin
