#include <optional>
#include <utility>
#include <vector>

#include "src/ir/op_info.hpp"
#include "src/ir/rewriter.hpp"
#include "src/ir/subgraph.hpp"
#include "src/passes/pass.hpp"
#include "src/passes/simplify_rules.hpp"

namespace keratin {
namespace simplifying {
namespace {

std::optional<Value> simpler(const Candidate& c) {
  const OpInfo& info = op_info(c.op);
  if (!info.elementwise) return simplify_shape(c);
  std::optional<Value> result;
  if (info.input_count == 1) result = simplify_unary(c);
  if (info.input_count == 2) result = simplify_binary(c);
  if (c.op == Op::select) result = simplify_select(c);
  return result ? result : simplify_broadcasting(c);
}

}  // namespace

Value emit(Graph& to, Op op, const std::vector<Value>& inputs, Attrs attrs) {
  if (auto result = simpler({to, op, inputs, attrs})) return *result;
  return to.add1(op, inputs, std::move(attrs));
}

std::optional<double> splat(const Value& value) {
  const Node& node = producer(value);
  if (node.op == Op::broadcast_to || node.op == Op::reshape) {
    return splat({&value.graph(), node.inputs[0]});
  }
  if (node.op != Op::constant || value.dtype() == DType::string) return {};
  const auto& tensor = node.attrs.get<Tensor>("value");
  if (tensor.size() == 0) return {};
  const double first = tensor.at(0);
  for (std::int64_t i = 1; i < tensor.size(); ++i) {
    // Also unequal where the sign of zero differs; NaN equals nothing.
    const double other = tensor.at(i);
    if (other != first || 1 / other != 1 / first) return {};
  }
  return first;
}

Value broadcast(const Value& x, const Shape& shape) {
  return emit(x.graph(), Op::broadcast_to, {x}, {{"shape", shape.dims()}});
}

Value reshaped(const Value& x, const Shape& shape) {
  return emit(x.graph(), Op::reshape, {x}, {{"shape", shape.dims()}});
}

}  // namespace simplifying

namespace {

//   cond(true)         branch
//     |         =>        |
//   (users)            (users)
std::optional<std::vector<Value>> inline_branch(RewriteArgs& r) {
  const auto predicate = simplifying::splat(r.inputs[0]);
  if (!predicate) return {};
  const Graph& branch =
      r.node.attrs.graph(*predicate != 0 ? "if_true" : "if_false");
  return inline_graph(
      r.to, branch, std::vector<Value>(r.inputs.begin() + 1, r.inputs.end()));
}

}  // namespace

Graph simplify(const Graph& graph) {
  return rewrite(
      graph, [](RewriteArgs& r) -> std::optional<std::vector<Value>> {
        if (r.node.op == Op::cond) return inline_branch(r);
        // What is fused has been simplified.
        if (r.node.op == Op::fused || r.node.outputs.size() != 1) return {};
        auto result =
            simplifying::simpler({r.to, r.node.op, r.inputs, r.node.attrs});
        if (!result) return {};
        return {{*result}};
      });
}

}  // namespace keratin
