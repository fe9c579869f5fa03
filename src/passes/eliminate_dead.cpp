#include <cstddef>
#include <vector>

#include "src/ir/rewriter.hpp"
#include "src/passes/pass.hpp"

namespace keratin {

// What an output or an assign needs stays, with every parameter: the caller
// passes them by position.
Graph eliminate_dead(const Graph& graph) {
  std::vector<bool> keep(graph.nodes().size(), false);
  for (const ValueId output : graph.outputs()) {
    keep[graph.producer(output)] = true;
  }
  for (std::size_t i = keep.size(); i-- > 0;) {
    const Node& node = graph.nodes()[i];
    if (node.op == Op::assign || node.op == Op::parameter) keep[i] = true;
    if (!keep[i]) continue;
    for (const ValueId input : node.inputs) keep[graph.producer(input)] = true;
  }
  return keep_nodes(graph, keep);
}

}  // namespace keratin
