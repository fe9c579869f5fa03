#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <utility>
#include <vector>

#include "src/ir/rewriter.hpp"
#include "src/passes/pass.hpp"

namespace keratin {

namespace {

using Ints = std::vector<std::int64_t>;

//   a   b                 b   a
//    \ /                   \ /
//   matmul          =>    matmul, each operand the other way round
//     |                     |
//   transpose to          transpose of whole rows, or none
//   [..., rows]
std::optional<std::vector<Value>> swapped(
    RewriteArgs& r, const std::vector<std::int32_t>& uses) {
  if (r.node.op != Op::transpose || uses[r.node.inputs[0]] != 1) return {};
  const Node& product = r.from.node(r.from.producer(r.node.inputs[0]));
  if (product.op != Op::matmul) return {};
  Ints permutation = r.node.attrs.ints("permutation");
  const auto columns = static_cast<std::int64_t>(permutation.size()) - 1;
  const std::int64_t rows = columns - 1;
  if (permutation.back() != rows) return {};
  for (std::int64_t& axis : permutation) {
    if (axis >= rows) axis = axis == rows ? columns : rows;
  }
  const Origin origin = r.to.origin();
  r.to.set_origin(product.origin);
  const Value result = r.to.add1(
      Op::matmul,
      {r.mapped[product.inputs[1]], r.mapped[product.inputs[0]]},
      {{"transpose_a", !product.attrs.flag("transpose_b")},
       {"transpose_b", !product.attrs.flag("transpose_a")}});
  if (std::is_sorted(permutation.begin(), permutation.end())) return {{result}};
  r.to.set_origin(origin);
  return r.to.add(
      Op::transpose, {result}, {{"permutation", std::move(permutation)}});
}

}  // namespace

Graph swap_products(const Graph& graph) {
  const std::vector<std::int32_t> uses = graph.use_counts();
  return rewrite(graph, [&](RewriteArgs& r) { return swapped(r, uses); });
}

}  // namespace keratin
