#pragma once

#include <cstdint>
#include <functional>
#include <vector>

#include "src/core/plugin_export.hpp"
#include "src/ir/graph.hpp"

namespace keratin {

/// Where a value of a graph lives while its program runs.
enum class Place : std::uint8_t {
  arena,     // at an offset of the program's arena. For a `read`: its node
             // copies the variable there, as it changes before its last reader
  input,     // a parameter: the caller's data, copied in
  constant,  // baked into the program
  variable,  // in a variable's own storage (read, or assigned in place)
};

struct Placement {
  Place place = Place::arena;
  std::int64_t offset = 0;      // bytes, for arena
  std::int64_t size_bytes = 0;  // of the value
  std::int32_t index = -1;      // variable: into MemoryPlan::variables;
                                // constant: node id; input: parameter number
};

struct MemoryPlan {
  std::vector<Placement> values;  // by ValueId
  std::vector<Variable> variables;
  std::int64_t arena_bytes = 0;

  /// Per node: bytes of scratch it asked for and where they are.
  std::vector<Placement> scratch;  // by NodeId; size 0: none

  /// By NodeId: an assign whose value was not computed in place and must be
  /// copied into the variable when all nodes have run, in any order. The other
  /// assigns have nothing to do. Outputs may be fetched before or after.
  std::vector<bool> assign_copies;
};

struct PlanOptions {
  std::int64_t alignment = 64;

  /// Whether result `result` of a node may overwrite operand `operand` (each
  /// element read before it is written). Asked only where the sizes agree; one
  /// value as two operands must be allowed for both. Default: never.
  std::function<bool(const Graph&, const Node&, int operand, int result)>
      can_overwrite = {};

  /// Whether result 0 of a node is its operand 0, no work at all (reshape).
  std::function<bool(const Graph&, const Node&)> is_alias = {};

  /// Bytes of scratch a node needs while it runs.
  std::function<std::int64_t(const Graph&, const Node&, NodeId)> scratch = {};

  /// Bytes a value takes, where a backend's layout takes more than dense.
  std::function<std::int64_t(const Graph&, ValueId)> size_bytes = {};
};

/// Gives every value a place, reusing arena bytes by lifetime in node order.
/// Values that live at the same time never overlap, except where one
/// overwrites or aliases another by the options' leave. Parameters, constants
/// and variables are never overwritten, but a variable's assigned value is
/// computed in its own storage when no reader of the old value comes later.
KERATIN_PLUGIN_EXPORT MemoryPlan
plan_memory(const Graph& graph, const PlanOptions& options = {});

}  // namespace keratin
