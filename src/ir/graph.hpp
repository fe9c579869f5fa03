#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <keratin/dtype.hpp>
#include <keratin/shape.hpp>
#include <keratin/tensor.hpp>
#include <keratin/value.hpp>
#include <keratin/variable.hpp>

#include "src/core/plugin_export.hpp"
#include "src/ir/attrs.hpp"
#include "src/ir/op.hpp"

namespace keratin {

using ValueId = std::int32_t;
using NodeId = std::int32_t;

struct KERATIN_PLUGIN_EXPORT ValueType {
  DType dtype = DType::f32;
  Shape shape;

  /// "f32[32,10]"; "f32[]" for a scalar.
  std::string str() const;

  /// Bytes of a dense row-major array of this type.
  std::int64_t size_bytes() const;

  bool operator==(const ValueType&) const = default;
};

/// Where a node comes from, for errors and profiles.
struct Origin {
  std::string layer = {};  // the layer that made it: "dense_1"; may be empty
  bool backward = false;   // of a gradient

  bool operator==(const Origin&) const = default;
};

struct Node {
  Op op = Op::parameter;
  std::vector<ValueId> inputs;
  std::vector<ValueId> outputs;
  Attrs attrs;
  Origin origin;
};

/// A typed program in SSA form: nodes in an order in which operands come before
/// their users. Append-only: passes make a new graph from an old one
/// (src/ir/rewriter.hpp). One graph is one whole training step, its state read
/// and assigned through `read` and `assign` nodes, of which a variable has at
/// most one each; all reads see the values before the step.
///
/// Nodes point to nothing but value ids, so a graph can be copied.
class KERATIN_PLUGIN_EXPORT Graph {
 public:
  Graph() = default;

  // -- building --------------------------------------------------------------

  Value parameter(const ValueType& type, std::string name);
  Value constant(Tensor value);

  /// The variable's value before the step: one `read` node per variable.
  Value read(const Variable& variable);

  /// The variable's value after the step. Throws InvalidArgument when shape or
  /// dtype differ; KERATIN_CHECKs that nobody assigned it before.
  void assign(const Variable& variable, const Value& value);

  /// Adds a node: applies the op's shape rule (InvalidArgument when broken) and
  /// returns its results. Inputs must be values of this graph, except that
  /// while a sub-graph is being built, values of the graphs around it are
  /// captured: made parameters of the sub-graph (see src/ir/subgraph.hpp).
  std::vector<Value> add(
      Op op, const std::vector<Value>& inputs, Attrs attrs = {});

  /// As add, for a node with one result.
  Value add1(Op op, const std::vector<Value>& inputs, Attrs attrs = {});

  void set_outputs(const std::vector<Value>& outputs);

  // -- reading ---------------------------------------------------------------

  const std::vector<Node>& nodes() const { return nodes_; }

  const Node& node(NodeId id) const { return nodes_[id]; }

  std::size_t value_count() const { return values_.size(); }

  const ValueType& type(ValueId id) const { return values_[id].type; }

  /// The node a value comes from, and which of its results it is.
  NodeId producer(ValueId id) const { return values_[id].node; }

  std::int32_t result_index(ValueId id) const { return values_[id].result; }

  const std::vector<ValueId>& parameters() const { return parameters_; }

  const std::vector<ValueId>& outputs() const { return outputs_; }

  Value value(ValueId id) const {
    return {const_cast<Graph*>(this), id};  // a handle; adding needs a Graph&
  }

  std::vector<Value> output_values() const;

  /// How many nodes (and graph outputs) use each value.
  std::vector<std::int32_t> use_counts() const;

  /// "[matmul %7 @dense_1]": how errors name a node.
  std::string who(const Node& node) const;

  // -- names -----------------------------------------------------------------

  /// Nodes added from now on come from there. Prefer OriginScope, LayerScope.
  void set_origin(Origin origin) { origin_ = std::move(origin); }

  const Origin& origin() const { return origin_; }

  const std::string& layer() const { return origin_.layer; }

  /// The graph around this one while it is being built as a sub-graph.
  Graph* outer() const { return outer_; }

 private:
  friend class SubgraphBuilder;

  struct ValueInfo {
    ValueType type;
    NodeId node = -1;
    std::int32_t result = 0;
  };

  std::vector<Value> append(Node node, std::vector<ValueType> types);
  Value resolve(const Value& value, std::string_view who);
  Value capture(const Value& outer_value);

  std::vector<Node> nodes_;
  // A deque: references to types stay good while nodes are added.
  std::deque<ValueInfo> values_;
  std::vector<ValueId> parameters_;
  std::vector<ValueId> outputs_;
  std::vector<std::pair<std::uint64_t, ValueId>> reads_;
  std::vector<std::uint64_t> assigned_;
  Origin origin_;
  Graph* outer_ = nullptr;
  std::vector<std::pair<ValueId, ValueId>> captured_;  // outer, own parameter
};

/// Where the nodes come from that are added while it lives.
class OriginScope {
 public:
  OriginScope(Graph& graph, Origin origin)
      : graph_(graph), previous_(graph.origin()) {
    graph_.set_origin(std::move(origin));
  }

  ~OriginScope() { graph_.set_origin(previous_); }

  OriginScope(const OriginScope&) = delete;
  OriginScope& operator=(const OriginScope&) = delete;

 private:
  Graph& graph_;
  Origin previous_;
};

/// Names the layer of the nodes added while it lives.
class LayerScope : public OriginScope {
 public:
  LayerScope(Graph& graph, std::string layer)
      : OriginScope(graph, {std::move(layer), graph.origin().backward}) {}
};

}  // namespace keratin
