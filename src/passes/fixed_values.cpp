#include "src/passes/fixed_values.hpp"

#include <cstdint>
#include <unordered_set>

namespace keratin {

std::vector<bool> fixed_values(const Graph& graph) {
  std::unordered_set<std::uint64_t> assigned;
  for (const Node& node : graph.nodes()) {
    if (node.op != Op::assign) continue;
    assigned.insert(node.attrs.get<Variable>("variable").id());
  }
  std::vector<bool> fixed(graph.value_count());
  for (const Node& node : graph.nodes()) {
    bool all = node.op != Op::parameter;
    if (node.op == Op::read) {
      all = !assigned.contains(node.attrs.get<Variable>("variable").id());
    }
    for (const ValueId input : node.inputs) all = all && fixed[input];
    for (const ValueId output : node.outputs) fixed[output] = all;
  }
  return fixed;
}

}  // namespace keratin
