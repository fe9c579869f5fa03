#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include <keratin/ops.hpp>
#include <keratin/tensor.hpp>

#include "src/ir/op.hpp"

namespace keratin::testing {

enum class Smoothness {
  smooth,  // second derivatives are checked too
  once,    // only first derivatives
};

/// One case of the gradient table: an op, operands and how to apply it.
struct GradientRow {
  Op op;             // must appear in the graph that `build` makes
  std::string what;  // tells the rows of an op apart
  /// f64 ones are differentiated, others given as they are.
  std::vector<Tensor> inputs;
  /// Results from the inputs; those that are not f64 are left alone.
  std::function<std::vector<Value>(const std::vector<Value>&)> build;
  Smoothness smoothness = Smoothness::smooth;
};

/// Compares gradients() of a weighted sum of the results, and of a weighted sum
/// of these gradients, with central differences in f64 on the reference
/// backend. Empty when they agree, else what differs.
std::string check_gradients(const GradientRow& row);

/// Distinct f64 numbers spread over [low, high], the same in every run.
Tensor spread(const Shape& shape, double low = -1, double high = 1);

/// i32 numbers.
Tensor integers(const std::vector<std::int32_t>& values, const Shape& shape);

/// Runs a graph on the reference backend.
std::vector<Tensor> evaluate(
    const Graph& graph, const std::vector<Tensor>& inputs = {});

// The rows, by family of ops.
std::vector<GradientRow> unary_rows();
std::vector<GradientRow> binary_rows();
std::vector<GradientRow> reduce_rows();
std::vector<GradientRow> shape_rows();
std::vector<GradientRow> index_rows();
std::vector<GradientRow> matmul_rows();
std::vector<GradientRow> window_rows();
std::vector<GradientRow> network_rows();
std::vector<GradientRow> control_rows();

}  // namespace keratin::testing
