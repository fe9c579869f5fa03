#pragma once

#include <memory>
#include <string>
#include <vector>

#include "src/ir/graph.hpp"

namespace keratin {

/// Builds the sub-graph of a control-flow op inside `outer`. Values of `outer`
/// (and of the graphs around it) used by nodes of the sub-graph become extra
/// parameters after the declared ones.
///
///   SubgraphBuilder body(g);
///   Value carry = body.parameter(type, "carry");
///   ... build with ops on carry and on values of g ...
///   auto graph = body.finish({result});
///   inputs.insert(end, body.captured());   // values of g, in parameter order
///
/// When two sub-graphs of one op must take the same captures (cond, while),
/// `align` adds to each the captures that only the other has.
class SubgraphBuilder {
 public:
  explicit SubgraphBuilder(Graph& outer);
  SubgraphBuilder(const SubgraphBuilder&) = delete;
  SubgraphBuilder& operator=(const SubgraphBuilder&) = delete;

  Graph& graph() { return *graph_; }

  Value parameter(const ValueType& type, std::string name);

  /// Sets the outputs (values of the sub-graph or of the graphs around it).
  void set_outputs(const std::vector<Value>& outputs);

  /// The values of `outer` that were captured, in the order of the parameters.
  std::vector<Value> captured() const;

  /// Makes both take the same captures in the same order: `this`'s first.
  /// REQUIRES: neither has been finished.
  void align(SubgraphBuilder& other);

  /// Hands the sub-graph over, closed: it can no longer capture.
  std::shared_ptr<const Graph> finish();

 private:
  Graph& outer_;
  std::shared_ptr<Graph> graph_;
};

/// While it lives, the functions of ops put nodes over values of the graphs
/// around `graph` into `graph` (without one, a node goes to the innermost graph
/// of its operands). This gives the branches of cond, which have no parameters,
/// nodes of their own. Per thread; scopes nest.
class BuildScope {
 public:
  explicit BuildScope(Graph& graph);
  ~BuildScope();
  BuildScope(const BuildScope&) = delete;
  BuildScope& operator=(const BuildScope&) = delete;

  /// The innermost scope's graph, or null.
  static Graph* current();

 private:
  Graph* previous_;
};

/// Adds the nodes of `body` to `graph` with `arguments` for its parameters;
/// returns the values of its outputs.
std::vector<Value> inline_graph(
    Graph& graph, const Graph& body, const std::vector<Value>& arguments);

}  // namespace keratin
