#include "src/ir/cost.hpp"

#include <algorithm>
#include <vector>

namespace keratin {

namespace {

std::int64_t largest_operand(const Graph& graph, const Node& node) {
  std::int64_t largest = 0;
  for (const ValueId id : node.inputs) {
    largest = std::max(largest, graph.type(id).shape.size());
  }
  return largest;
}

std::int64_t results(const Graph& graph, const Node& node) {
  std::int64_t elements = 0;
  for (const ValueId id : node.outputs) elements += graph.type(id).shape.size();
  return elements;
}

/// Per element of y one product with each of the weights of its filter.
std::int64_t conv_flops(const Shape& w, const Shape& y) {
  return 2 * y.size() * (w.size() / std::max<std::int64_t>(1, w.dims().back()));
}

std::int64_t matmul_flops(const Graph& graph, const Node& node) {
  const Shape& a = graph.type(node.inputs[0]).shape;
  const bool transposed = node.attrs.flag("transpose_a");
  const std::int64_t summed = a[a.rank() - (transposed ? 2 : 1)];
  return 2 * results(graph, node) * summed;
}

std::int64_t flops(const Graph& graph, const Node& node) {
  const auto shape = [&](std::size_t input) -> const Shape& {
    return graph.type(node.inputs[input]).shape;
  };
  switch (node.op) {
    case Op::parameter:
    case Op::constant:
    case Op::read:
    case Op::assign:
    case Op::reshape:
    case Op::transpose:
    case Op::broadcast_to:
    case Op::concatenate:
    case Op::slice:
    case Op::pad:
    case Op::reverse:
    case Op::take:
    case Op::take_along_axis:
    case Op::stop_gradient:
      return 0;  // moves
    case Op::matmul:
      return matmul_flops(graph, node);
    case Op::conv:
      return conv_flops(shape(1), graph.type(node.outputs[0]).shape);
    case Op::conv_backward_data:
      return conv_flops(shape(1), shape(0));
    case Op::conv_backward_weights:
      return conv_flops(graph.type(node.outputs[0]).shape, shape(1));
    case Op::attention:
    case Op::attention_grad: {
      // Of q k^T and p v; of these again, and the four of the gradients.
      const std::int64_t steps = shape(0)[1] * shape(1)[1];
      const std::int64_t heads = shape(0)[0] * shape(0)[2];
      const std::int64_t width = shape(0)[3];
      const std::int64_t value = shape(2)[3];
      return 2 * heads * steps *
             (node.op == Op::attention ? width + value : 3 * width + 2 * value);
    }
    case Op::fused:
      return flops_of(node.attrs.graph("body"));
    case Op::scan:
      return node.attrs.integer("length") * flops_of(node.attrs.graph("body"));
    case Op::while_loop:
      return flops_of(node.attrs.graph("condition")) +
             flops_of(node.attrs.graph("body"));
    case Op::cond:
      return std::max(
          flops_of(node.attrs.graph("if_true")),
          flops_of(node.attrs.graph("if_false")));
    default:
      return std::max(largest_operand(graph, node), results(graph, node));
  }
}

}  // namespace

Cost cost_of(const Graph& graph, const Node& node) {
  Cost cost;
  cost.flops = flops(graph, node);
  std::vector<ValueId> operands = node.inputs;
  std::sort(operands.begin(), operands.end());
  operands.erase(std::unique(operands.begin(), operands.end()), operands.end());
  for (const ValueId id : operands) cost.bytes += graph.type(id).size_bytes();
  for (const ValueId id : node.outputs) {
    cost.bytes += graph.type(id).size_bytes();
  }
  return cost;
}

std::int64_t flops_of(const Graph& graph) {
  std::int64_t sum = 0;
  for (const Node& node : graph.nodes()) sum += flops(graph, node);
  return sum;
}

}  // namespace keratin
