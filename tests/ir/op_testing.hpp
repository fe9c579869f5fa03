#pragma once

#include <functional>
#include <string>
#include <vector>

#include <keratin/ops.hpp>
#include <keratin/tensor.hpp>

#include "src/ir/graph.hpp"
#include "src/ir/op.hpp"

/// Checks of ops against tests/ir/op_cases.hpp, on the reference backend.
namespace keratin::testing {

using Values = std::vector<Value>;
using Builder = std::function<Values(const Values&)>;

/// As in tests/data/make_op_cases.py: f64 numbers, all exact in 32 bits.
Tensor pattern(const Shape& shape, int seed);

/// A parameter of a graph, f32 unless told.
Value parameter(Graph& graph, const Shape& shape, DType dtype = DType::f32);

/// Builds a graph on parameters like `inputs`, runs it, returns its results.
std::vector<Tensor> run(
    const Builder& build, const std::vector<Tensor>& inputs);

/// CHECKs that the tensors agree to within 1e-5 of the larger magnitude.
void check_close(
    const Tensor& got, const Tensor& expected, const std::string& what);

/// CHECKs the first result of `build` against the case `name`.
void check_case(
    const std::string& name,
    const Builder& build,
    const std::vector<Tensor>& inputs);

/// As check_case, then the gradients of sum(result * pattern(shape, 9)) against
/// the cases "name / d0", "name / d1", ..., as many as there are; then both
/// again with every node `op` decomposed.
void check_case_and_gradients(
    const std::string& name,
    Op op,
    const Builder& build,
    const std::vector<Tensor>& inputs);

}  // namespace keratin::testing
