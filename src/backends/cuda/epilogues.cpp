#include "src/backends/cuda/epilogues.hpp"

#include <memory>
#include <optional>
#include <vector>

#include "src/ir/rewriter.hpp"

namespace keratin::cuda {

namespace {

// A product that is one call: b is one matrix for all rows of a.
bool takes_epilogue(const Graph& graph, const Node& node) {
  if (node.op != Op::matmul) return false;
  const ValueType& y = graph.type(node.outputs[0]);
  const Shape& a = graph.type(node.inputs[0]).shape;
  const Shape& b = graph.type(node.inputs[1]).shape;
  const bool dtype =
      y.dtype == DType::f32 || y.dtype == DType::f16 || y.dtype == DType::bf16;
  const bool tall = a.rank() == 2 || !node.attrs.flag("transpose_a");
  return dtype && b.rank() == 2 && tall && y.shape.size() > 0;
}

// One number for each column of y.
bool is_bias(const ValueType& bias, const ValueType& y) {
  return bias.dtype == y.dtype && !bias.shape.empty() &&
         bias.shape.back() == y.shape.back() &&
         bias.shape.size() == y.shape.back() &&
         bias.shape.rank() <= y.shape.rank();
}

// fused{body's nodes, then `op` on its result and the operands}
Value extend(
    Graph& to, const Node& product, Op op, const std::vector<Value>& operands) {
  const bool begun = product.op == Op::fused;
  const auto body = std::make_shared<Graph>();
  std::vector<Value> outer;
  std::vector<Value> inner;
  for (const ValueId id : product.inputs) {
    outer.push_back(to.value(id));
    inner.push_back(body->parameter(to.type(id), "x"));
  }
  std::vector<Value> operands_inside;
  for (const Value& operand : operands) {
    outer.push_back(operand);
    operands_inside.push_back(
        body->parameter({operand.dtype(), operand.shape()}, "bias"));
  }
  std::vector<Value> result;
  if (begun) {
    result = {inner[0]};
    const Graph& before = product.attrs.graph("body");
    std::vector<Value> values(before.value_count());
    for (std::size_t i = 0; i < inner.size(); ++i) {
      values[before.parameters()[i]] = inner[i];
    }
    for (const Node& node : before.nodes()) {
      if (node.op == Op::parameter) continue;
      std::vector<Value> inputs;
      for (const ValueId id : node.inputs) inputs.push_back(values[id]);
      body->set_origin(node.origin);
      values[node.outputs[0]] = body->add1(node.op, inputs, node.attrs);
    }
    result = {values[before.outputs()[0]]};
  } else {
    body->set_origin(product.origin);
    result = {body->add1(product.op, inner, product.attrs)};
  }
  for (const Value& operand : operands_inside) result.push_back(operand);
  body->set_outputs({body->add1(op, result)});
  return to.add1(
      Op::fused, outer, {{"body", std::shared_ptr<const Graph>(body)}});
}

}  // namespace

bool is_product(const Node& node) {
  if (node.op != Op::fused) return false;
  for (const Node& inner : node.attrs.graph("body").nodes()) {
    if (inner.op != Op::parameter) return inner.op == Op::matmul;
  }
  return false;
}

Graph gather_epilogues(const Graph& graph) {
  const std::vector<std::int32_t> uses = graph.use_counts();
  return rewrite(
      graph, [&](RewriteArgs& r) -> std::optional<std::vector<Value>> {
        if (r.node.op != Op::add && r.node.op != Op::relu) return {};
        const ValueType& y = r.from.type(r.node.outputs[0]);
        for (std::size_t i = 0; i < r.inputs.size(); ++i) {
          if (uses[r.node.inputs[i]] != 1) continue;
          if (r.from.type(r.node.inputs[i]) != y) continue;
          // A copy: adding nodes moves them.
          const Node product = r.to.node(r.to.producer(r.inputs[i].id()));
          if (r.node.op == Op::relu) {
            if (!is_product(product)) continue;
            return {{extend(r.to, product, Op::relu, {})}};
          }
          const Value& bias = r.inputs[1 - i];
          if (!takes_epilogue(r.to, product)) continue;
          if (!is_bias({bias.dtype(), bias.shape()}, y)) continue;
          return {{extend(r.to, product, Op::add, {bias})}};
        }
        return {};
      });
}

}  // namespace keratin::cuda
