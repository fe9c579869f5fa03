#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <utility>
#include <vector>

#include "src/core/log.hpp"
#include "src/ir/op_info.hpp"
#include "src/ir/rewriter.hpp"
#include "src/passes/memory_plan.hpp"
#include "src/passes/pass.hpp"

namespace keratin {

namespace {

// Smaller values are kept: nothing is won.
constexpr std::int64_t kSmall = 16 << 10;

// Nodes that are run again for one value, at most.
constexpr std::size_t kMaxNodes = 16;

// Values, each made of the one before, that are all made again: then one stays.
constexpr int kMaxDepth = 3;

/// Ops whose results are made again in about the time it takes to read and
/// write them.
bool is_cheap(const Node& node) {
  switch (node.op) {
    case Op::reshape:
    case Op::transpose:
    case Op::broadcast_to:
    case Op::slice:
    case Op::pad:
    case Op::concatenate:
    case Op::batch_norm_training:
    case Op::batch_norm_inference:
    case Op::layer_norm:
    case Op::softmax:
    case Op::log_softmax:
    case Op::random_bits:
    case Op::random_uniform:
      return true;
    case Op::fused: {
      const auto& nodes = node.attrs.graph("body").nodes();
      return std::all_of(nodes.begin(), nodes.end(), [](const Node& inner) {
        return inner.op == Op::parameter || inner.op == Op::constant ||
               is_cheap(inner);
      });
    }
    default:
      return op_info(node.op).elementwise;
  }
}

class Recomputing {
 public:
  explicit Recomputing(const Graph& graph)
      : graph_(graph), used_backward_(graph.value_count()) {
    for (const Node& node : graph.nodes()) {
      if (!node.origin.backward) continue;
      for (const ValueId id : node.inputs) used_backward_[id] = true;
    }
    for (const ValueId id : graph.outputs()) used_backward_[id] = true;
    find_candidates();
  }

  /// Values that can be made again, the largest first.
  const std::vector<ValueId>& candidates() const { return candidates_; }

  /// The graph that makes the first `count` candidates again.
  Graph with(std::size_t count) const {
    std::vector<bool> again(graph_.value_count());
    for (std::size_t i = 0; i < count; ++i) again[candidates_[i]] = true;
    std::vector<Value> copies(graph_.value_count());
    return rewrite(
        graph_, [&](RewriteArgs& r) -> std::optional<std::vector<Value>> {
          if (!r.node.origin.backward) return {};
          bool any = false;
          for (std::size_t i = 0; i < r.inputs.size(); ++i) {
            const ValueId id = r.node.inputs[i];
            if (!again[id]) continue;
            r.inputs[i] = copy(r, id, again, copies);
            any = true;
          }
          if (!any) return {};
          return r.to.add(r.node.op, r.inputs, r.node.attrs);
        });
  }

 private:
  const Node& maker(ValueId id) const {
    return graph_.node(graph_.producer(id));
  }

  bool is_kept(ValueId id) const {
    const Node& node = maker(id);
    return used_backward_[id] || node.inputs.empty() || node.origin.backward ||
           graph_.type(id).size_bytes() < kSmall;
  }

  /// Adds the nodes that must run again for `id`, those of values that would be
  /// gone included. False where one of these is not cheap, or there are many.
  bool collect(ValueId id, std::vector<NodeId>& nodes) const {
    const NodeId node = graph_.producer(id);
    if (std::find(nodes.begin(), nodes.end(), node) != nodes.end()) return true;
    if (!is_cheap(graph_.node(node)) || nodes.size() == kMaxNodes) return false;
    nodes.push_back(node);
    const std::vector<ValueId>& inputs = graph_.node(node).inputs;
    return std::all_of(inputs.begin(), inputs.end(), [&](ValueId input) {
      return is_kept(input) || collect(input, nodes);
    });
  }

  // Of values that are made from each other some stay, or all of them would be
  // made again at the beginning of the backward pass.
  void find_candidates() {
    std::vector<int> depth(graph_.value_count());  // 0: stays
    for (const Node& node : graph_.nodes()) {
      if (node.origin.backward) continue;
      for (const ValueId id : node.outputs) {
        if (!used_backward_[id] || is_output(id) ||
            graph_.type(id).size_bytes() < kSmall) {
          continue;
        }
        std::vector<NodeId> nodes;
        if (!collect(id, nodes)) continue;
        int deepest = 0;
        for (const NodeId again : nodes) {
          for (const ValueId input : graph_.node(again).inputs) {
            deepest = std::max(deepest, depth[input]);
          }
        }
        if (deepest == kMaxDepth) continue;
        depth[id] = deepest + 1;
        candidates_.push_back(id);
      }
    }
    std::stable_sort(
        candidates_.begin(), candidates_.end(), [this](ValueId a, ValueId b) {
          return graph_.type(a).size_bytes() > graph_.type(b).size_bytes();
        });
  }

  bool is_output(ValueId id) const {
    const std::vector<ValueId>& outputs = graph_.outputs();
    return std::find(outputs.begin(), outputs.end(), id) != outputs.end();
  }

  Value copy(
      RewriteArgs& r,
      ValueId id,
      const std::vector<bool>& again,
      std::vector<Value>& copies) const {
    if (copies[id]) return copies[id];
    if (!again[id] && is_kept(id)) return r.mapped[id];
    const Node& node = maker(id);
    std::vector<Value> inputs;
    for (const ValueId input : node.inputs) {
      inputs.push_back(copy(r, input, again, copies));
    }
    const OriginScope scope(r.to, {node.origin.layer, true});
    const std::vector<Value> results = r.to.add(node.op, inputs, node.attrs);
    for (std::size_t i = 0; i < results.size(); ++i) {
      copies[node.outputs[i]] = results[i];
    }
    return copies[id];
  }

  const Graph& graph_;
  std::vector<bool> used_backward_;  // by value, or as a result
  std::vector<ValueId> candidates_;
};

/// What the program will need, about: kernels may take more for themselves.
std::int64_t arena_bytes(const Graph& graph) {
  PlanOptions options;
  options.can_overwrite = [](const Graph&, const Node& node, int, int) {
    return node.op == Op::fused || op_info(node.op).elementwise;
  };
  options.is_alias = [](const Graph&, const Node& node) {
    return node.op == Op::reshape || node.op == Op::stop_gradient;
  };
  return plan_memory(eliminate_dead(fuse_elementwise(graph)), options)
      .arena_bytes;
}

}  // namespace

Graph recompute(const Graph& graph, std::int64_t limit) {
  const std::int64_t before = arena_bytes(graph);
  if (before <= limit) return graph;
  const Recomputing recomputing(graph);
  const std::size_t most = recomputing.candidates().size();
  // The fewest that do, as if each brought the need further down.
  std::size_t low = 0;
  std::size_t high = most;
  while (low < high) {
    const std::size_t middle = (low + high) / 2;
    if (arena_bytes(recomputing.with(middle)) <= limit) {
      high = middle;
    } else {
      low = middle + 1;
    }
  }
  Graph result = recomputing.with(low);
  const std::int64_t after = arena_bytes(result);
  KERATIN_LOG(
      passes,
      "recompute: {} of {} values, {} -> {} bytes, limit {}",
      low,
      most,
      before,
      after,
      limit);
  return after < before ? result : graph;
}

}  // namespace keratin
