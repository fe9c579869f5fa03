#include "src/backends/cpu/sink_operands.hpp"

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

// Rows there are for each that is added to.
constexpr std::int64_t kSparse = 2;

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
    const std::vector<std::int32_t> uses = graph.use_counts();
    for (const Node& node : graph.nodes()) {
      if (node.op == Op::slice) sinks_[node.outputs[0]] = reads_rows(node);
      if (node.op == Op::scatter_add && uses[node.outputs[0]] == 1) {
        sinks_[node.outputs[0]] = is_sparse(node);
      }
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
          return with_operands(r);
        });
  }

 private:
  const Shape& shape_of(const Node& node) const {
    static const Shape none;
    return node.outputs.empty() ? none : graph_.type(node.outputs[0]).shape;
  }

  bool reads_rows(const Node& slice) const {
    const Shape& shape = shape_of(slice);
    const auto steps = slice.attrs.ints("step");
    return std::all_of(
               steps.begin(),
               steps.end(),
               [](auto step) { return step == 1; }) &&
           shape.rank() > 0 && shape.rank() <= kMaxRank &&
           shape.back() >= kShortest;
  }

  // Whether most of the rows stay zero.
  bool is_sparse(const Node& scatter) const {
    const ValueType& type = graph_.type(scatter.outputs[0]);
    const std::int64_t rows = type.shape.rank() > 0 ? type.shape[0] : 0;
    const std::int64_t named = graph_.type(scatter.inputs[0]).shape.size();
    return type.dtype == DType::f32 && scatter.attrs.integer("axis") == 0 &&
           named > 0 && named <= rows / kSparse &&
           type.shape.size() / rows >= kShortest;
  }

  // The node with its sinking operands made from what they are made of.
  std::vector<Value> with_operands(RewriteArgs& r) const {
    const auto body = std::make_shared<Graph>();
    std::vector<Value> operands;
    const auto parameter = [&](ValueId id) {
      operands.push_back(r.mapped[id]);
      return body->parameter(
          graph_.type(id), "x" + std::to_string(operands.size() - 1));
    };
    // Parameters come before all else.
    std::vector<std::vector<Value>> parts;
    for (const ValueId id : r.node.inputs) {
      std::vector<Value>& part = parts.emplace_back();
      if (!sinks_[id]) {
        part.push_back(parameter(id));
        continue;
      }
      for (const ValueId of : graph_.node(graph_.producer(id)).inputs) {
        part.push_back(parameter(of));
      }
    }
    std::vector<Value> inner;
    for (std::size_t i = 0; i < parts.size(); ++i) {
      const ValueId id = r.node.inputs[i];
      if (!sinks_[id]) {
        inner.push_back(parts[i][0]);
        continue;
      }
      const Node& maker = graph_.node(graph_.producer(id));
      body->set_origin(maker.origin);
      inner.push_back(body->add1(maker.op, parts[i], maker.attrs));
    }
    body->set_outputs(copy_into(*body, r.node, inner));
    return r.to.add(Op::fused, operands, {{"body", GraphPtr(body)}});
  }

  // The node, or the nodes of its body, on these operands.
  static std::vector<Value> copy_into(
      Graph& to, const Node& node, const std::vector<Value>& operands) {
    to.set_origin(node.origin);
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
      to.set_origin(inner.origin);
      mapped[inner.outputs[0]] = to.add1(inner.op, inputs, inner.attrs);
    }
    std::vector<Value> outputs;
    for (const ValueId id : body.outputs()) outputs.push_back(mapped.at(id));
    return outputs;
  }

  const Graph& graph_;
  std::vector<bool> sinks_;  // by value: made inside its users
};

}  // namespace

Graph sink_operands(const Graph& graph) {
  return Sinking(graph).run();
}

}  // namespace keratin::cpu
