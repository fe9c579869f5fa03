#include "src/ir/rewriter.hpp"

#include <memory>
#include <utility>

#include "src/core/check.hpp"

namespace keratin {

namespace {

std::vector<Value> copy_node(
    Graph& to, const Node& node, const std::vector<Value>& inputs) {
  if (node.op == Op::read) {
    return {to.read(node.attrs.get<Variable>("variable"))};
  }
  return to.add(node.op, inputs, node.attrs);
}

void finish(const Graph& from, Graph& to, const std::vector<Value>& mapped) {
  std::vector<Value> outputs;
  outputs.reserve(from.outputs().size());
  for (const ValueId id : from.outputs()) outputs.push_back(mapped[id]);
  to.set_outputs(outputs);
}

}  // namespace

Graph rewrite(const Graph& from, const RewriteRule& rule) {
  Graph to;
  std::vector<Value> mapped(from.value_count());
  for (std::size_t i = 0; i < from.nodes().size(); ++i) {
    const Node& node = from.nodes()[i];
    to.set_origin(node.origin);
    RewriteArgs args{from, node, static_cast<NodeId>(i), to, mapped, {}};
    args.inputs.reserve(node.inputs.size());
    for (const ValueId input : node.inputs) {
      args.inputs.push_back(mapped[input]);
    }
    std::optional<std::vector<Value>> results = rule(args);
    if (!results) results = copy_node(to, node, args.inputs);
    KERATIN_CHECK(
        results->size() == node.outputs.size(),
        "a replacement has as many results as the node");
    for (std::size_t k = 0; k < results->size(); ++k) {
      mapped[node.outputs[k]] = (*results)[k];
    }
  }
  to.set_origin({});
  finish(from, to, mapped);
  return to;
}

Graph keep_nodes(const Graph& from, const std::vector<bool>& keep) {
  Graph to;
  std::vector<Value> mapped(from.value_count());
  for (std::size_t i = 0; i < from.nodes().size(); ++i) {
    const Node& node = from.nodes()[i];
    if (!keep[i] && node.op != Op::parameter) continue;
    to.set_origin(node.origin);
    std::vector<Value> inputs;
    inputs.reserve(node.inputs.size());
    for (const ValueId input : node.inputs) {
      KERATIN_CHECK(mapped[input], "a kept node uses a dropped value");
      inputs.push_back(mapped[input]);
    }
    const std::vector<Value> results = copy_node(to, node, inputs);
    for (std::size_t k = 0; k < results.size(); ++k) {
      mapped[node.outputs[k]] = results[k];
    }
  }
  to.set_origin({});
  finish(from, to, mapped);
  return to;
}

Graph rewrite_subgraphs(
    const Graph& from, const std::function<Graph(const Graph&)>& pass) {
  using GraphPtr = std::shared_ptr<const Graph>;
  return rewrite(
      from, [&](RewriteArgs& args) -> std::optional<std::vector<Value>> {
        if (args.node.op == Op::fused) return {};  // done with
        Attrs attrs = args.node.attrs;
        bool changed = false;
        for (const auto& [name, attr] : args.node.attrs.entries()) {
          const auto* body = std::get_if<GraphPtr>(&attr);
          if (body == nullptr) continue;
          attrs.set(
              name,
              GraphPtr(std::make_shared<Graph>(
                  pass(rewrite_subgraphs(**body, pass)))));
          changed = true;
        }
        if (!changed) return {};
        return args.to.add(args.node.op, args.inputs, std::move(attrs));
      });
}

}  // namespace keratin
