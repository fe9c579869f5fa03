#include "src/backends/cpu/sink_slices.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "src/ir/op_info.hpp"
#include "src/ir/rewriter.hpp"

namespace keratin::cpu {

namespace {

using GraphPtr = std::shared_ptr<const Graph>;

// Elements of a row that are worth being read in place.
constexpr std::int64_t kShortest = 8;
constexpr std::size_t kMaxRank = 8;

bool is_sweep(const Node& node) {
  if (node.op != Op::fused) return op_info(node.op).elementwise;
  const Graph& body = node.attrs.graph("body");
  return std::all_of(
      body.nodes().begin(), body.nodes().end(), [](const Node& inner) {
        return inner.op == Op::parameter || op_info(inner.op).elementwise;
      });
}

class Sinking {
 public:
  explicit Sinking(const Graph& graph)
      : graph_(graph), sinks_(graph.value_count()) {
    for (const Node& node : graph.nodes()) {
      if (node.op != Op::slice) continue;
      const Shape& shape = graph.type(node.outputs[0]).shape;
      sinks_[node.outputs[0]] = is_plain(node) && shape.rank() > 0 &&
                                shape.rank() <= kMaxRank &&
                                shape.back() >= kShortest;
    }
    for (const Node& node : graph.nodes()) {
      const bool sweep = is_sweep(node);
      for (const ValueId id : node.inputs) {
        if (!sweep || graph.type(id).shape != shape_of(node)) {
          sinks_[id] = false;
        }
      }
    }
    for (const ValueId id : graph.outputs()) sinks_[id] = false;
  }

  Graph run() const {
    return rewrite(
        graph_, [this](RewriteArgs& r) -> std::optional<std::vector<Value>> {
          const bool any = std::any_of(
              r.node.inputs.begin(), r.node.inputs.end(), [this](ValueId id) {
                return sinks_[id];
              });
          if (!any) return {};
          return with_slices(r);
        });
  }

 private:
  const Shape& shape_of(const Node& node) const {
    static const Shape none;
    return node.outputs.empty() ? none : graph_.type(node.outputs[0]).shape;
  }

  static bool is_plain(const Node& slice) {
    const auto steps = slice.attrs.ints("step");
    return std::all_of(
        steps.begin(), steps.end(), [](auto step) { return step == 1; });
  }

  // The node with its sinking operands taken from what they are slices of.
  std::vector<Value> with_slices(RewriteArgs& r) const {
    const auto body = std::make_shared<Graph>();
    std::vector<Value> operands;
    std::vector<Value> inner;
    for (std::size_t i = 0; i < r.node.inputs.size(); ++i) {
      const ValueId id = r.node.inputs[i];
      const Node& slice = graph_.node(graph_.producer(id));
      const ValueId from = sinks_[id] ? slice.inputs[0] : id;
      operands.push_back(r.mapped[from]);
      inner.push_back(
          body->parameter(graph_.type(from), "x" + std::to_string(i)));
    }
    for (std::size_t i = 0; i < inner.size(); ++i) {
      const ValueId id = r.node.inputs[i];
      if (!sinks_[id]) continue;
      const Node& slice = graph_.node(graph_.producer(id));
      body->set_layer(slice.layer);
      inner[i] = body->add1(Op::slice, {inner[i]}, slice.attrs);
    }
    body->set_outputs(copy_into(*body, r.node, inner));
    return r.to.add(Op::fused, operands, {{"body", GraphPtr(body)}});
  }

  // The node, or the nodes of its body, on these operands.
  static std::vector<Value> copy_into(
      Graph& to, const Node& node, const std::vector<Value>& operands) {
    to.set_layer(node.layer);
    if (node.op != Op::fused) return to.add(node.op, operands, node.attrs);
    const Graph& body = node.attrs.graph("body");
    std::unordered_map<ValueId, Value> mapped;
    for (std::size_t i = 0; i < operands.size(); ++i) {
      mapped[body.parameters()[i]] = operands[i];
    }
    for (const Node& inner : body.nodes()) {
      if (inner.op == Op::parameter) continue;
      std::vector<Value> inputs;
      for (const ValueId id : inner.inputs) inputs.push_back(mapped.at(id));
      to.set_layer(inner.layer);
      mapped[inner.outputs[0]] = to.add1(inner.op, inputs, inner.attrs);
    }
    std::vector<Value> outputs;
    for (const ValueId id : body.outputs()) outputs.push_back(mapped.at(id));
    return outputs;
  }

  const Graph& graph_;
  std::vector<bool> sinks_;  // by value: slices that are taken inside
};

}  // namespace

Graph sink_slices(const Graph& graph) {
  return Sinking(graph).run();
}

}  // namespace keratin::cpu
