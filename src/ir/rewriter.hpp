#pragma once

#include <functional>
#include <optional>
#include <vector>

#include "src/core/plugin_export.hpp"
#include "src/ir/graph.hpp"

namespace keratin {

/// Makes a new graph from an old one, node by node in order. Parameters and
/// reads keep their order, nodes their layer names. A pass gives a rule that
/// may replace a node's results:
///
///   Graph out = rewrite(in, [&](RewriteArgs& r) -> std::optional<...> {
///     if (r.node.op == Op::add && ...) return {{r.inputs[0]}};
///     return {};                         // copied as it is
///   });
struct RewriteArgs {
  const Graph& from;
  const Node& node;
  NodeId id;
  Graph& to;
  const std::vector<Value>& mapped;  // by ValueId of `from`, as far as it got
  std::vector<Value> inputs;         // the node's operands in the new graph
};

using RewriteRule =
    std::function<std::optional<std::vector<Value>>(RewriteArgs&)>;

/// REQUIRES: the rule's replacements have the types of what they replace.
/// Sub-graphs are not entered; rewrite_subgraphs does that.
KERATIN_PLUGIN_EXPORT Graph rewrite(const Graph& from, const RewriteRule& rule);

/// Copies without the nodes marked false (parameters always stay). REQUIRES:
/// nothing kept uses what is dropped.
Graph keep_nodes(const Graph& from, const std::vector<bool>& keep);

/// Applies `pass` to every sub-graph of every node, innermost first. Bodies of
/// `fused` nodes are a backend's business and left as they are.
Graph rewrite_subgraphs(
    const Graph& from, const std::function<Graph(const Graph&)>& pass);

}  // namespace keratin
