// Every op, gradient and fusion through the CUDA backend on the stand-in, whose
// kernels are compiled for the host, against NumPy and the reference.

#include <doctest/doctest.h>

#include <optional>

#include <keratin/error.hpp>
#include <keratin/ops.hpp>

#include "src/core/format.hpp"
#include "src/ir/autodiff.hpp"
#include "src/ir/text.hpp"
#include "src/runtime/program.hpp"
#include "src/runtime/registry.hpp"
#include "tests/backends/cuda/programs.hpp"
#include "tests/backends/cuda/stand_in.hpp"
#include "tests/backends/op_case.hpp"
#include "tests/ir/gradient_check.hpp"

using namespace keratin;
using namespace keratin::testing;
using namespace keratin::cuda::testing;

namespace {

// As tests/backends/conformance_test.cpp has them.
Tolerance between_backends(DType dtype) {
  switch (dtype) {
    case DType::f64:
      return {1e-12, 1e-12};
    case DType::f32:
      return {2e-5, 2e-5};
    case DType::f16:
      return {4e-3, 4e-3};
    case DType::bf16:
      return {3e-2, 3e-2};
    default:
      return {0, 0};
  }
}

struct Row {
  std::string name;
  Graph graph;
  std::vector<Tensor> inputs;
};

std::vector<GradientRow> all_gradient_rows() {
  std::vector<GradientRow> all;
  for (const auto& family :
       {unary_rows(),
        binary_rows(),
        reduce_rows(),
        shape_rows(),
        index_rows(),
        matmul_rows(),
        window_rows(),
        network_rows(),
        control_rows()}) {
    all.insert(all.end(), family.begin(), family.end());
  }
  return all;
}

// The row's results and the gradients of half the sum of their squares.
Row with_gradients(const GradientRow& row) {
  Row made{row.what, {}, row.inputs};
  made.name = keratin::format("{} ({})", op_name(row.op), row.what);
  Graph& g = made.graph;
  std::vector<Value> inputs;
  std::vector<Value> xs;
  for (const Tensor& input : row.inputs) {
    inputs.push_back(g.parameter(
        {input.dtype(), input.shape()}, keratin::format("x{}", inputs.size())));
    if (input.dtype() == DType::f64) xs.push_back(inputs.back());
  }
  std::vector<Value> outputs = row.build(inputs);
  Value loss = g.constant(Tensor(0.0));
  for (const Value& y : outputs) {
    if (y.dtype() == DType::f64) loss = loss + ops::sum(y * y) * 0.5;
  }
  for (const Value& dx : gradients(loss, xs)) outputs.push_back(dx);
  g.set_outputs(outputs);
  return made;
}

std::optional<Row> as_dtype(const Row& row, DType dtype) {
  std::string text = print(row.graph);
  if (text.find(", x\"") != std::string::npos) return {};
  const std::string name(short_name(dtype));
  for (std::size_t at = 0; (at = text.find("f64", at)) != std::string::npos;) {
    text.replace(at, 3, name);
    at += name.size();
  }
  Row made{row.name + " in " + name, parse_graph(text), row.inputs};
  for (Tensor& input : made.inputs) {
    if (input.dtype() == DType::f64) input = input.cast(dtype);
  }
  return made;
}

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
      const DType dtype = expected[i].dtype();
      CHECK(difference(expected[i], got[i], between_backends(dtype)) == "");
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
