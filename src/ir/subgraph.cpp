#include "src/ir/subgraph.hpp"

#include <utility>

#include "src/core/check.hpp"

namespace keratin {

SubgraphBuilder::SubgraphBuilder(Graph& outer)
    : outer_(outer), graph_(std::make_shared<Graph>()) {
  graph_->outer_ = &outer;
  graph_->origin_ = outer.origin_;
}

Value SubgraphBuilder::parameter(const ValueType& type, std::string name) {
  KERATIN_CHECK(
      graph_->captured_.empty(), "parameters are declared before captures");
  return graph_->parameter(type, std::move(name));
}

void SubgraphBuilder::set_outputs(const std::vector<Value>& outputs) {
  graph_->set_outputs(outputs);
}

std::vector<Value> SubgraphBuilder::captured() const {
  std::vector<Value> values;
  values.reserve(graph_->captured_.size());
  for (const auto& [outer_id, own_id] : graph_->captured_) {
    values.push_back(outer_.value(outer_id));
  }
  return values;
}

void SubgraphBuilder::align(SubgraphBuilder& other) {
  KERATIN_CHECK(&outer_ == &other.outer_, "sub-graphs of one graph");
  // The other's parameters must come in this one's order, so it is rebuilt:
  // declared parameters, this one's captures, then its own that remain.
  const auto theirs = other.captured();
  for (const Value& value : theirs) graph_->capture(value);
  const Graph& old = *other.graph_;
  const std::size_t declared = old.parameters_.size() - old.captured_.size();
  SubgraphBuilder fresh(outer_);
  std::vector<Value> arguments;
  for (std::size_t i = 0; i < declared; ++i) {
    const Node& node = old.nodes_[old.values_[old.parameters_[i]].node];
    arguments.push_back(fresh.parameter(
        old.type(old.parameters_[i]), node.attrs.get<std::string>("name")));
  }
  for (const Value& value : captured()) fresh.graph_->capture(value);
  for (const auto& [outer_id, own_id] : old.captured_) {
    arguments.push_back(fresh.graph_->capture(outer_.value(outer_id)));
  }
  fresh.set_outputs(inline_graph(fresh.graph(), old, arguments));
  other.graph_ = std::move(fresh.graph_);
}

std::shared_ptr<const Graph> SubgraphBuilder::finish() {
  graph_->outer_ = nullptr;
  return graph_;
}

namespace {

thread_local Graph* current_scope = nullptr;

}  // namespace

BuildScope::BuildScope(Graph& graph) : previous_(current_scope) {
  current_scope = &graph;
}

BuildScope::~BuildScope() {
  current_scope = previous_;
}

Graph* BuildScope::current() {
  return current_scope;
}

std::vector<Value> inline_graph(
    Graph& graph, const Graph& body, const std::vector<Value>& arguments) {
  KERATIN_CHECK(
      arguments.size() == body.parameters().size(),
      "one argument per parameter");
  std::vector<Value> mapped(body.value_count());
  for (std::size_t i = 0; i < arguments.size(); ++i) {
    mapped[body.parameters()[i]] = arguments[i];
  }
  for (const Node& node : body.nodes()) {
    if (node.op == Op::parameter) continue;
    std::vector<Value> inputs;
    inputs.reserve(node.inputs.size());
    for (const ValueId input : node.inputs) inputs.push_back(mapped[input]);
    const Origin& origin = node.origin;
    const OriginScope scope(
        graph,
        {origin.layer.empty() ? graph.layer() : origin.layer,
         origin.backward || graph.origin().backward});
    const std::vector<Value> results = graph.add(node.op, inputs, node.attrs);
    for (std::size_t i = 0; i < results.size(); ++i) {
      mapped[node.outputs[i]] = results[i];
    }
  }
  std::vector<Value> outputs;
  outputs.reserve(body.outputs().size());
  for (const ValueId id : body.outputs()) outputs.push_back(mapped[id]);
  return outputs;
}

}  // namespace keratin
