#include "src/ir/autodiff.hpp"

#include <unordered_set>
#include <utility>

#include <keratin/error.hpp>
#include <keratin/ops.hpp>

#include "src/core/check.hpp"
#include "src/core/format.hpp"
#include "src/ir/op_info.hpp"
#include "src/ir/subgraph.hpp"

namespace keratin {

namespace {

/// Which values depend on one of `xs` through differentiable types.
std::vector<bool> reachable_from(
    const Graph& graph, const std::vector<Value>& xs) {
  std::vector<bool> reached(graph.value_count(), false);
  std::vector<bool> independent(graph.value_count(), false);
  for (const Value& x : xs) {
    reached[x.id()] = true;
    independent[x.id()] = true;
  }
  for (const Node& node : graph.nodes()) {
    bool any = false;
    for (const ValueId input : node.inputs) any = any || reached[input];
    if (!any) continue;
    for (const ValueId output : node.outputs) {
      if (independent[output]) continue;
      reached[output] = is_floating(graph.type(output).dtype);
    }
  }
  return reached;
}

class Backward {
 public:
  Backward(Graph& graph, const std::vector<Value>& xs)
      : graph_(graph),
        reached_(reachable_from(graph, xs)),
        grads_(graph.value_count()) {
    for (const Value& x : xs) independent_.insert(x.id());
  }

  void seed(const Value& y, const Value& dy) { accumulate(y.id(), dy); }

  void run(NodeId last) {
    for (NodeId id = last; id >= 0; --id) visit(id);
  }

  Value gradient(const Value& x) const { return grads_[x.id()]; }

 private:
  void visit(NodeId id) {
    // Copied: adding nodes moves the graph's own.
    const Node node = graph_.node(id);
    GradientArgs args{graph_, node.op, node.attrs, {}, {}, {}};
    bool any = false;
    for (const ValueId output : node.outputs) {
      const bool flows = grads_[output] && !independent_.contains(output);
      args.outputs.push_back(graph_.value(output));
      args.grads.push_back(flows ? grads_[output] : Value());
      any = any || flows;
    }
    bool wanted = false;
    for (const ValueId input : node.inputs) {
      args.inputs.push_back(graph_.value(input));
      args.wanted.push_back(reached_[input]);
      wanted = wanted || reached_[input];
    }
    if (!any || !wanted) return;
    const OpInfo& info = op_info(node.op);
    if (info.gradient == nullptr) return;
    const OriginScope scope(graph_, {node.origin.layer, true});
    const std::vector<Value> results = info.gradient(args);
    KERATIN_CHECK(
        results.size() == node.inputs.size(), "one gradient per operand");
    for (std::size_t i = 0; i < results.size(); ++i) {
      if (!results[i] || !reached_[node.inputs[i]]) continue;
      KERATIN_CHECK(
          results[i].shape() == graph_.type(node.inputs[i]).shape &&
              results[i].dtype() == graph_.type(node.inputs[i]).dtype,
          "a gradient has the type of its operand");
      accumulate(node.inputs[i], results[i]);
    }
  }

  void accumulate(ValueId id, const Value& grad) {
    Value& sum = grads_[id];
    sum = sum ? ops::add(sum, grad) : grad;
  }

  Graph& graph_;
  std::vector<bool> reached_;
  std::vector<Value> grads_;  // by id of the forward values
  std::unordered_set<ValueId> independent_;
};

}  // namespace

std::vector<Value> gradients(
    const Value& y, const std::vector<Value>& xs, const Value& dy) {
  Graph& graph = y.graph();
  if (!is_floating(y.dtype())) {
    throw InvalidArgument(format(
        "[gradients] expected a floating-point value to differentiate, got {}",
        graph.type(y.id()).str()));
  }
  if (!dy && y.shape().size() != 1) {
    throw InvalidArgument(format(
        "[gradients] expected a scalar to differentiate, got {}; reduce it "
        "first, e.g. with ops::sum, or give dy",
        graph.type(y.id()).str()));
  }
  if (dy && dy.shape() != y.shape()) {
    throw InvalidArgument(format(
        "[gradients] expected dy of shape {}, got {}", y.shape(), dy.shape()));
  }
  return vjp({y}, xs, {dy ? dy : ops::ones_like(y)});
}

std::vector<Value> vjp(
    const std::vector<Value>& ys,
    const std::vector<Value>& xs,
    const std::vector<Value>& dys) {
  KERATIN_CHECK(ys.size() == dys.size(), "one dy per y");
  if (xs.empty()) return {};
  Graph& graph = xs[0].graph();
  for (const Value& x : xs) {
    KERATIN_CHECK(&x.graph() == &graph, "xs are values of one graph");
  }
  const BuildScope scope(graph);
  const auto last = static_cast<NodeId>(graph.nodes().size()) - 1;
  Backward backward(graph, xs);
  for (std::size_t i = 0; i < ys.size(); ++i) {
    if (!dys[i]) continue;
    KERATIN_CHECK(&ys[i].graph() == &graph, "ys are values of xs' graph");
    backward.seed(ys[i], dys[i]);
  }
  backward.run(last);
  std::vector<Value> results;
  results.reserve(xs.size());
  for (const Value& x : xs) {
    const Value grad = backward.gradient(x);
    results.push_back(grad ? grad : ops::zeros_like(x));
  }
  return results;
}

}  // namespace keratin
