#pragma once

#include <cstddef>
#include <optional>
#include <vector>

#include "src/ir/graph.hpp"

/// What simplify.cpp is made of; nobody else includes this.
///
/// A rule sees a node that is about to be added, its operands simplified
/// already, and returns a simpler value of the very same type, or nothing. What
/// it needs in turn it adds with emit(), so that this is simplified too: every
/// rule makes fewer, smaller or cheaper nodes, so it ends.
///
/// No rule changes a result by more than rounding does, nor what becomes of
/// NaN, infinity and the sign of zero.
namespace keratin::simplifying {

struct Candidate {
  Graph& to;
  Op op;
  const std::vector<Value>& inputs;
  const Attrs& attrs;
};

/// Adds the node, or what is simpler.
Value emit(Graph& to, Op op, const std::vector<Value>& inputs, Attrs attrs);

inline Value emit(Graph& to, Op op, const std::vector<Value>& inputs) {
  return emit(to, op, inputs, {});
}

/// The node a value comes from. Adding nodes invalidates it.
inline const Node& producer(const Value& value) {
  return value.graph().node(value.graph().producer(value.id()));
}

/// Operand `index` of the value's node if that is an `op`, else no value.
inline Value operand_of(const Value& value, Op op, std::size_t index = 0) {
  const Node& node = producer(value);
  if (node.op != op) return {};
  return {&value.graph(), node.inputs[index]};
}

/// The number that every element of the value is known to have.
std::optional<double> splat(const Value& value);

/// x in the shape given, to which it broadcasts.
Value broadcast(const Value& x, const Shape& shape);

Value reshaped(const Value& x, const Shape& shape);

// The rules, by family.
std::optional<Value> simplify_unary(const Candidate& c);
std::optional<Value> simplify_binary(const Candidate& c);
std::optional<Value> simplify_select(const Candidate& c);
std::optional<Value> simplify_broadcasting(const Candidate& c);
std::optional<Value> simplify_shape(const Candidate& c);

}  // namespace keratin::simplifying
