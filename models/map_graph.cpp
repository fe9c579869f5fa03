#include <algorithm>
#include <map>
#include <set>
#include <unordered_map>
#include <unordered_set>
#include <utility>

#include <keratin/error.hpp>

#include "layers/base/symbolic_state.hpp"
#include "models/functional.hpp"
#include "src/core/format.hpp"

namespace keratin {

namespace {

using CallNode = LayerImpl::CallNode;
using NodePtr = std::shared_ptr<CallNode>;

/// Follows keras/src/ops/function.py: _build_map and map_graph.
class Mapper {
 public:
  Mapper(
      std::string who,
      const std::vector<SymbolicTensor>& inputs,
      const std::vector<SymbolicTensor>& outputs)
      : who_(std::move(who)), inputs_(inputs), outputs_(outputs) {
    for (const SymbolicTensor& input : inputs) {
      input_states_.insert(&input.state());
    }
  }

  FunctionalGraph run() {
    for (const SymbolicTensor& output : outputs_) walk(output);
    assign_depths();
    FunctionalGraph graph;
    graph.nodes = sorted_nodes();
    graph.layers = sorted_layers();
    check_names(graph.layers);
    return graph;
  }

 private:
  /// Depth-first from a tensor back to the inputs, with a stack of its own so
  /// that a deep model does not exhaust the thread's.
  void walk(const SymbolicTensor& tensor) {
    struct Frame {
      NodePtr node;
      std::vector<SymbolicTensor> parents;
      std::size_t next = 0;
    };

    std::vector<Frame> stack;
    const auto enter = [&](const SymbolicTensor& t) {
      const NodePtr& node = t.state().node;
      if (finished_.contains(node.get())) return;
      if (in_progress_.contains(node.get())) {
        throw InvalidArgument(format(
            "{} has a cycle through layer '{}'", who_, node->layer->name()));
      }
      traversal_.try_emplace(node->layer.get(), traversal_.size());
      in_progress_.insert(node.get());
      std::vector<SymbolicTensor> parents = node->arguments.tensors();
      if (input_states_.contains(&t.state())) parents.clear();
      if (parents.empty() && !input_states_.contains(&t.state())) {
        throw InvalidArgument(format(
            "{} is not connected: the output depends on input '{}', which is "
            "not among the model's inputs",
            who_,
            node->layer->name()));
      }
      stack.push_back({node, std::move(parents)});
    };
    enter(tensor);
    while (!stack.empty()) {
      Frame& top = stack.back();
      if (top.next < top.parents.size()) {
        const SymbolicTensor parent = top.parents[top.next++];
        enter(parent);
        continue;
      }
      in_progress_.erase(top.node.get());
      finished_.insert(top.node.get());
      ordered_.push_back(top.node);
      stack.pop_back();
    }
  }

  void assign_depths() {
    for (auto it = ordered_.rbegin(); it != ordered_.rend(); ++it) {
      const NodePtr& node = *it;
      std::int64_t& layer_depth = layer_depths_[node->layer.get()];
      const std::int64_t depth =
          std::max(node_depths_[node.get()], layer_depth);
      layer_depth = depth;
      node_depths_[node.get()] = depth;
      for (const SymbolicTensor& parent : node->arguments.tensors()) {
        const CallNode* from = parent.state().node.get();
        if (!finished_.contains(from)) continue;
        std::int64_t& parent_depth = node_depths_[from];
        parent_depth = std::max(parent_depth, depth + 1);
      }
    }
    // Inputs that lead nowhere come last in their depth's traversal order.
    for (const SymbolicTensor& input : inputs_) {
      const NodePtr& node = input.state().node;
      if (finished_.contains(node.get())) continue;
      finished_.insert(node.get());
      ordered_.push_back(node);
      node_depths_[node.get()] = 0;
      layer_depths_.try_emplace(node->layer.get(), 0);
      unused_.insert(node->layer.get());
    }
  }

  std::vector<NodePtr> sorted_nodes() const {
    std::vector<NodePtr> nodes = ordered_;
    std::stable_sort(
        nodes.begin(), nodes.end(), [&](const NodePtr& a, const NodePtr& b) {
          return node_depths_.at(a.get()) > node_depths_.at(b.get());
        });
    return nodes;
  }

  std::int64_t traversal_index(const LayerImpl* layer) const {
    if (unused_.contains(layer)) return -1;
    return static_cast<std::int64_t>(traversal_.at(layer));
  }

  std::vector<std::shared_ptr<LayerImpl>> sorted_layers() const {
    std::vector<std::shared_ptr<LayerImpl>> layers;
    std::unordered_set<const LayerImpl*> seen;
    for (const NodePtr& node : ordered_) {
      if (seen.insert(node->layer.get()).second) layers.push_back(node->layer);
    }
    std::sort(layers.begin(), layers.end(), [&](const auto& a, const auto& b) {
      const std::int64_t depth_a = layer_depths_.at(a.get());
      const std::int64_t depth_b = layer_depths_.at(b.get());
      if (depth_a != depth_b) return depth_a > depth_b;
      return traversal_index(a.get()) < traversal_index(b.get());
    });
    return layers;
  }

  void check_names(
      const std::vector<std::shared_ptr<LayerImpl>>& layers) const {
    std::set<std::string> names;
    for (const auto& layer : layers) {
      if (!names.insert(layer->name()).second) {
        throw InvalidArgument(format(
            "{} has two layers named '{}'; give each layer a name of its own",
            who_,
            layer->name()));
      }
    }
  }

  std::string who_;
  const std::vector<SymbolicTensor>& inputs_;
  const std::vector<SymbolicTensor>& outputs_;
  std::unordered_set<const SymbolicState*> input_states_;
  std::unordered_set<const CallNode*> finished_;
  std::unordered_set<const CallNode*> in_progress_;
  std::unordered_map<const LayerImpl*, std::size_t> traversal_;
  std::unordered_set<const LayerImpl*> unused_;
  std::vector<NodePtr> ordered_;  // parents first
  std::unordered_map<const CallNode*, std::int64_t> node_depths_;
  std::unordered_map<const LayerImpl*, std::int64_t> layer_depths_;
};

}  // namespace

FunctionalGraph map_graph(
    const std::string& who,
    const std::vector<SymbolicTensor>& inputs,
    const std::vector<SymbolicTensor>& outputs) {
  if (inputs.empty() || outputs.empty()) {
    throw InvalidArgument(
        format("{} expected at least one input and one output", who));
  }
  for (const auto* list : {&inputs, &outputs}) {
    for (const SymbolicTensor& tensor : *list) {
      if (!tensor) {
        throw InvalidArgument(format("{} got an empty tensor", who));
      }
    }
  }
  return Mapper(who, inputs, outputs).run();
}

}  // namespace keratin
