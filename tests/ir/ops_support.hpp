#pragma once

#include <string>

#include <keratin/error.hpp>
#include <keratin/ops.hpp>

#include "src/ir/graph.hpp"

namespace keratin::testing {

/// A graph to try ops in.
struct Bench {
  Graph graph;

  Value operator()(DType dtype, const Shape& shape) {
    return graph.parameter({dtype, shape}, "x");
  }

  Value f32(const Shape& shape) { return (*this)(DType::f32, shape); }

  Value i32(const Shape& shape) { return (*this)(DType::i32, shape); }

  Value boolean(const Shape& shape) { return (*this)(DType::boolean, shape); }
};

/// "f32[2,3]".
inline std::string type_of(const Value& x) {
  return ValueType{x.dtype(), x.shape()}.str();
}

/// The op that made the value.
inline Op op_of(const Value& x) {
  return x.graph().node(x.graph().producer(x.id())).op;
}

}  // namespace keratin::testing

/// The expression throws InvalidArgument with this very message.
#define CHECK_INVALID(expression, message) \
  CHECK_THROWS_WITH_AS(                    \
      static_cast<void>(expression), message, ::keratin::InvalidArgument)
