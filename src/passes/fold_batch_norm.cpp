#include <cstddef>
#include <cstdint>
#include <optional>
#include <utility>
#include <vector>

#include <keratin/ops.hpp>

#include "src/ir/rewriter.hpp"
#include "src/passes/fixed_values.hpp"
#include "src/passes/pass.hpp"

namespace keratin {

namespace {

/// A convolution or product, and the bias that is added to it, if any.
struct Linear {
  const Node* node = nullptr;
  ValueId bias = -1;
};

class Folding {
 public:
  explicit Folding(const Graph& graph)
      : graph_(graph), fixed_(fixed_values(graph)), uses_(graph.use_counts()) {}

  Graph run() {
    return rewrite(
        graph_, [this](RewriteArgs& r) -> std::optional<std::vector<Value>> {
          return fold(r);
        });
  }

 private:
  /// The linear node that makes `id`, for nobody else.
  Linear linear_of(ValueId id) const {
    if (uses_[id] != 1) return {};
    const Node& node = graph_.node(graph_.producer(id));
    if (is_linear(node)) return {&node, -1};
    if (node.op != Op::add) return {};
    const auto& [sum, bias] = std::pair(node.inputs[0], node.inputs[1]);
    const Node& inner = graph_.node(graph_.producer(sum));
    const Shape channels = {graph_.type(id).shape.back()};
    if (!is_linear(inner) || uses_[sum] != 1 || !fixed_[bias] ||
        graph_.type(bias).shape != channels ||
        graph_.type(sum) != graph_.type(id)) {
      return {};
    }
    return {&inner, bias};
  }

  bool is_linear(const Node& node) const {
    if (node.op != Op::conv && node.op != Op::matmul) return false;
    if (!fixed_[node.inputs[1]]) return false;
    return node.op == Op::conv ||
           (!node.attrs.flag("transpose_b") &&
            graph_.type(node.inputs[1]).shape.rank() == 2);
  }

  //   y = batch_norm_inference(conv(x, w) + b)
  //   y = conv(x, w * s) + (b - mean) * s + beta,  s = gamma / deviation
  std::optional<std::vector<Value>> fold(RewriteArgs& r) {
    if (r.node.op != Op::batch_norm_inference) return {};
    const ValueType& x = graph_.type(r.node.inputs[0]);
    for (std::size_t i = 1; i < r.node.inputs.size(); ++i) {
      if (!fixed_[r.node.inputs[i]]) return {};
    }
    if (graph_.type(r.node.inputs[1]).dtype != x.dtype) return {};
    const Linear linear = linear_of(r.node.inputs[0]);
    if (linear.node == nullptr) return {};
    const Value& gamma = r.inputs[1];
    const Value& mean = r.inputs[3];
    const Value scale =
        gamma * ops::rsqrt(r.inputs[4] + r.node.attrs.number("epsilon"));
    const Value shift =
        linear.bias < 0 ? ops::negative(mean) : r.mapped[linear.bias] - mean;
    r.to.set_origin(linear.node->origin);  // errors and profiles name the layer
    const Value y = r.to.add1(
        linear.node->op,
        {r.mapped[linear.node->inputs[0]],
         r.mapped[linear.node->inputs[1]] * scale},
        linear.node->attrs);
    return {{y + (shift * scale + r.inputs[2])}};
  }

  const Graph& graph_;
  std::vector<bool> fixed_;
  std::vector<std::int32_t> uses_;
};

}  // namespace

Graph fold_batch_norm(const Graph& graph) {
  return Folding(graph).run();
}

}  // namespace keratin
