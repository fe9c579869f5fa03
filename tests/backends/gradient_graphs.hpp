#pragma once

#include <optional>
#include <string>
#include <vector>

#include <keratin/tensor.hpp>

#include "src/ir/graph.hpp"
#include "tests/backends/op_case.hpp"
#include "tests/ir/gradient_check.hpp"

/// Graphs that every backend runs and compares with the reference.
namespace keratin::testing {

/// How far backends may differ: in the order of sums and in the last bits of
/// functions.
Tolerance between_backends(DType dtype);

struct Row {
  std::string name;
  Graph graph;
  std::vector<Tensor> inputs;
};

/// The rows of every family of the gradient table.
std::vector<GradientRow> all_gradient_rows();

/// The row's results and the gradients of half the sum of their squares.
Row with_gradients(const GradientRow& row);

/// The same row with another dtype in the place of f64; nothing when the graph
/// holds constants as bytes.
std::optional<Row> as_dtype(const Row& row, DType dtype);

}  // namespace keratin::testing
