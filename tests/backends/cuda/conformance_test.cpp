// Every op, gradient and fusion through the CUDA backend on the stand-in, whose
// kernels are compiled for the host, against NumPy and the reference.

#include <doctest/doctest.h>

#include <optional>

#include <keratin/error.hpp>
#include <keratin/ops.hpp>

#include "src/core/format.hpp"
#include "src/ir/text.hpp"
#include "src/runtime/program.hpp"
#include "src/runtime/registry.hpp"
#include "tests/backends/cuda/programs.hpp"
#include "tests/backends/cuda/stand_in.hpp"
#include "tests/backends/gradient_graphs.hpp"
#include "tests/backends/op_case.hpp"
#include "tests/ir/gradient_check.hpp"

using namespace keratin;
using namespace keratin::testing;
using namespace keratin::cuda::testing;

namespace {

// Compiling many kernels in a few files is ten times faster than one by one.
void prepare(const std::vector<Row>& rows) {
  Kernels kernels;
  for (const Row& row : rows) {
    for (auto& kernel : kernels_of(steps_of(row.graph))) {
      kernels.push_back(std::move(kernel));
    }
  }
  StandIn::get().precompile(kernels);
}

// The dtype that bounds how close a result can be: a statistic in float32 of
// what was computed in half the bits is no closer than these.
DType dtype_of(const Row& row, const Tensor& result) {
  if (result.dtype() != DType::f32 || row.inputs.empty()) return result.dtype();
  const DType first = row.inputs[0].dtype();
  return first == DType::f16 || first == DType::bf16 ? first : DType::f32;
}

// Twice: step by step, and as a captured graph.
void run_row(const Row& row, const std::vector<Tensor>& expected) {
  CAPTURE(row.name);
  Program program(
      row.graph, stand_in_backend(), nullptr, {.deterministic = true});
  for (int turn = 0; turn < 2; ++turn) {
    CAPTURE(turn);
    const std::vector<Tensor> got = program.run(row.inputs);
    REQUIRE(got.size() == expected.size());
    for (std::size_t i = 0; i < got.size(); ++i) {
      CAPTURE(i);
      CHECK(
          difference(
              expected[i],
              got[i],
              between_backends(dtype_of(row, expected[i]))) == "");
    }
    check_violations();
  }
}

}  // namespace

TEST_CASE("Generated kernels compute what NumPy computes") {
  std::vector<Row> rows;
  for (const OpCase& one : reference_cases()) {
    rows.push_back({one.name, parse_graph(one.graph), one.inputs});
  }
  prepare(rows);
  for (std::size_t i = 0; i < rows.size(); ++i) {
    run_row(rows[i], reference_cases()[i].outputs);
  }
}

TEST_CASE("Generated kernels agree with the reference on gradients") {
  std::vector<Row> rows;
  for (const GradientRow& row : all_gradient_rows()) {
    const Row wide = with_gradients(row);
    rows.push_back(wide);
    if (auto single = as_dtype(wide, DType::f32)) rows.push_back(*single);
  }
  prepare(rows);
  for (const Row& row : rows) {
    Program reference(
        row.graph, find_backend("reference"), nullptr, {.deterministic = true});
    run_row(row, reference.run(row.inputs));
  }
}
