#pragma once

#include <cstdint>

#include "src/core/plugin_export.hpp"
#include "src/ir/graph.hpp"

namespace keratin {

/// What one run of the node costs.
struct Cost {
  /// Floating-point operations: two for each multiplication and addition of
  /// products and convolutions, one for each element that another op makes or
  /// sums up, whatever the op. Control flow counts its body as often as it is
  /// known to run; `cond` counts the costlier branch, `while_loop` one round.
  std::int64_t flops = 0;
  std::int64_t bytes = 0;  // of operands and results, each counted once
};

KERATIN_PLUGIN_EXPORT Cost cost_of(const Graph& graph, const Node& node);

/// The floating-point operations of a run of the whole graph.
KERATIN_PLUGIN_EXPORT std::int64_t flops_of(const Graph& graph);

}  // namespace keratin
