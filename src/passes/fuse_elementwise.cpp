#include <cstddef>
#include <cstdint>
#include <memory>
#include <unordered_map>
#include <utility>
#include <vector>

#include "src/core/format.hpp"
#include "src/ir/op_info.hpp"
#include "src/passes/fusion_clusters.hpp"
#include "src/passes/pass.hpp"

namespace keratin {
namespace {

// A node's users in other clusters that it tries to join; a learning rate has
// one for every weight.
constexpr int kMaxTries = 16;

// How far apart two clusters without an edge between them may be. Further off,
// what one gains by finding their operand in the cache, another value loses by
// living longer.
constexpr std::int32_t kNear = 64;

class Fusion {
 public:
  explicit Fusion(const Graph& graph) : graph_(graph), clusters_(graph) {
    fusible_.reserve(graph.nodes().size());
    for (const Node& node : graph.nodes()) {
      fusible_.push_back(op_info(node.op).elementwise && node.op != Op::fused);
    }
  }

  Graph run() {
    join_users();
    join_neighbours();
    return build();
  }

 private:
  const Shape& shape_of(NodeId node) const {
    return graph_.type(graph_.node(node).outputs[0]).shape;
  }

  /// Whether a kernel could run both: one loop over one shape.
  bool match(NodeId a, NodeId b) const {
    return fusible_[a] && fusible_[b] && shape_of(a) == shape_of(b);
  }

  // Backwards, so that a node goes where it is used. A mask of the forward
  // pass that only the backward pass reads is made there, from what is kept
  // anyway.
  void join_users() {
    for (std::size_t i = fusible_.size(); i-- > 0;) {
      const auto id = static_cast<NodeId>(i);
      if (!fusible_[id]) continue;
      int tries = 0;
      for (const NodeId user : clusters_.users(graph_.node(id).outputs[0])) {
        if (!match(id, user)) continue;
        const std::int32_t own = clusters_.cluster_of(id);
        const std::int32_t other = clusters_.cluster_of(user);
        if (own == other) continue;
        if (++tries > kMaxTries) break;
        clusters_.merge(own, other);
      }
    }
  }

  // Clusters that read the same array read it once.
  void join_neighbours() {
    for (std::size_t i = 0; i < graph_.value_count(); ++i) {
      const auto id = static_cast<ValueId>(i);
      const Shape& shape = graph_.type(id).shape;
      if (shape.size() <= 1) continue;
      int tries = 0;
      NodeId previous = -1;
      for (const NodeId user : clusters_.users(id)) {
        if (!fusible_[user] || shape_of(user) != shape) continue;
        const NodeId last = std::exchange(previous, user);
        if (last < 0) continue;
        const std::int32_t a = clusters_.cluster_of(last);
        const std::int32_t b = clusters_.cluster_of(user);
        if (a == b) continue;
        const std::int32_t distance = clusters_.rank(b) - clusters_.rank(a);
        if (distance > kNear || distance < -kNear) continue;
        if (++tries > kMaxTries) break;
        clusters_.merge(a, b);
      }
    }
  }

  Graph build() {
    mapped_.resize(graph_.value_count());
    for (const ValueId id : graph_.parameters()) {  // these keep their order
      copy(graph_.node(graph_.producer(id)));
    }
    for (const std::int32_t cluster : clusters_.in_order()) {
      const std::vector<NodeId>& members = clusters_.members(cluster);
      const Node& last = graph_.node(members.back());
      if (last.op == Op::parameter) continue;
      to_.set_origin(last.origin);
      if (members.size() == 1 || clusters_.outputs(cluster).empty()) {
        for (const NodeId member : members) copy(graph_.node(member));
      } else {
        add_fused(cluster);
      }
    }
    to_.set_origin({});
    std::vector<Value> outputs;
    for (const ValueId id : graph_.outputs()) outputs.push_back(mapped_[id]);
    to_.set_outputs(outputs);
    return std::move(to_);
  }

  void copy(const Node& node) {
    if (node.op == Op::read) {  // the graph remembers where a read is
      mapped_[node.outputs[0]] = to_.read(node.attrs.get<Variable>("variable"));
      return;
    }
    std::vector<Value> inputs;
    for (const ValueId id : node.inputs) inputs.push_back(mapped_[id]);
    set_results(node.outputs, to_.add(node.op, inputs, node.attrs));
  }

  void set_results(
      const std::vector<ValueId>& ids, const std::vector<Value>& values) {
    for (std::size_t i = 0; i < ids.size(); ++i) mapped_[ids[i]] = values[i];
  }

  //   a   b
  //    add    c        a   b   c
  //     |    /          \  |  /
  //    multiply   =>   fused{(a + b) * c}
  //     |                  |
  //   (users)           (users)
  void add_fused(std::int32_t cluster) {
    const auto body = std::make_shared<Graph>();
    std::unordered_map<ValueId, Value> inner;
    std::vector<Value> operands;
    for (const ValueId id : clusters_.inputs(cluster)) {
      operands.push_back(mapped_[id]);
      inner[id] = body->parameter(graph_.type(id), format("x{}", inner.size()));
    }
    for (const NodeId member : clusters_.members(cluster)) {
      const Node& node = graph_.node(member);
      std::vector<Value> inputs;
      for (const ValueId id : node.inputs) inputs.push_back(inner.at(id));
      body->set_origin(node.origin);
      inner[node.outputs[0]] = body->add1(node.op, inputs, node.attrs);
    }
    const std::vector<ValueId> results = clusters_.outputs(cluster);
    std::vector<Value> outputs;
    for (const ValueId id : results) outputs.push_back(inner.at(id));
    body->set_outputs(outputs);
    set_results(
        results,
        to_.add(
            Op::fused,
            operands,
            {{"body", std::shared_ptr<const Graph>(body)}}));
  }

  const Graph& graph_;
  FusionClusters clusters_;
  std::vector<bool> fusible_;  // by node
  std::vector<Value> mapped_;  // by old value, in the new graph
  Graph to_;
};

}  // namespace

Graph fuse_elementwise(const Graph& graph) {
  return Fusion(graph).run();
}

}  // namespace keratin
