#pragma once

#include <string_view>

#include "src/ir/graph.hpp"

namespace keratin {

/// Checks everything a graph promises: operands defined before use, attribute
/// kinds, result types equal to what the shape rules say, one read and one
/// assign per variable, outputs defined, sub-graphs likewise and closed. Throws
/// InternalError naming `after` (a pass) and the node.
void verify(const Graph& graph, std::string_view after = "build");

}  // namespace keratin
