#include <string>

#include "src/core/format.hpp"
#include "src/ir/op_info.hpp"
#include "src/ir/text.hpp"

namespace keratin {

std::string to_dot(const Graph& graph) {
  std::string out = "digraph graph_ {\n  node [shape=box];\n";
  const auto& nodes = graph.nodes();
  for (std::size_t i = 0; i < nodes.size(); ++i) {
    std::string label(op_name(nodes[i].op));
    for (const ValueId value : nodes[i].outputs) {
      label += format("\\n%{} {}", value, graph.type(value).str());
    }
    if (const std::string& layer = nodes[i].origin.layer; !layer.empty()) {
      label += "\\n@" + layer;
    }
    out += format("  n{} [label=\"{}\"];\n", i, label);
    for (const ValueId input : nodes[i].inputs) {
      out += format("  n{} -> n{};\n", graph.producer(input), i);
    }
  }
  for (const ValueId value : graph.outputs()) {
    out += format("  n{} -> output;\n", graph.producer(value));
  }
  return out + "}\n";
}

}  // namespace keratin
