#pragma once

#include <cstddef>
#include <cstdint>

#include <keratin/dtype.hpp>
#include <keratin/export.hpp>
#include <keratin/shape.hpp>

namespace keratin {

class Graph;

/// What a node of a graph yields: a static shape, a dtype, no data. Layers get
/// and return Values in `call`; the functions of <keratin/ops.hpp> make them.
///
/// A small handle. Valid as long as its graph.
class KERATIN_API Value {
 public:
  Value() = default;  // none

  Value(Graph* graph, std::int32_t id) : graph_(graph), id_(id) {}

  explicit operator bool() const { return graph_ != nullptr; }

  bool operator==(const Value&) const = default;

  DType dtype() const;
  const Shape& shape() const;

  std::size_t rank() const { return shape().rank(); }

  Graph& graph() const { return *graph_; }

  std::int32_t id() const { return id_; }

 private:
  Graph* graph_ = nullptr;
  std::int32_t id_ = -1;
};

}  // namespace keratin
