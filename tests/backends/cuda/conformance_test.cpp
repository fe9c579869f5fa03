// Every op, gradient and fusion through the CUDA backend on the stand-in, whose
// kernels are compiled for the host, against NumPy and the reference.

#include <doctest/doctest.h>

#include <optional>

#include <keratin/error.hpp>
#include <keratin/ops.hpp>

#include "src/backends/cuda/backend.hpp"
#include "src/core/format.hpp"
#include "src/ir/autodiff.hpp"
#include "src/ir/text.hpp"
#include "src/passes/pass.hpp"
#include "src/runtime/program.hpp"
#include "src/runtime/registry.hpp"
#include "tests/backends/cuda/stand_in.hpp"
#include "tests/backends/op_case.hpp"
#include "tests/ir/gradient_check.hpp"

using namespace keratin;
using namespace keratin::testing;
using cuda::testing::StandIn;

namespace {

Backend& backend() {
  static const std::unique_ptr<Backend> made =
      cuda::make_backend(StandIn::get().api(), 0);
  return *made;
}

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

// The graph as Program hands it to the backend.
Graph optimized(const Graph& graph) {
  PipelineOptions options;
  options.supports = [](const Graph& g, const Node& node) {
    return backend().supports(g, node);
  };
  options.backend_passes = backend().passes();
  return optimize(graph, options);
}

void collect(
    const cuda::Steps& steps,
    std::vector<std::shared_ptr<const cuda::KernelSource>>& kernels) {
  for (const cuda::Step& step : steps) {
    if (const auto* launch = std::get_if<cuda::Launch>(&step.what)) {
      kernels.push_back(launch->kernel);
    } else if (const auto* loop = std::get_if<cuda::Loop>(&step.what)) {
      collect(*loop->condition, kernels);
      collect(*loop->body, kernels);
    }
  }
}

// Compiling many kernels in a few files is ten times faster than one by one.
void prepare(const std::vector<Row>& rows) {
  static cuda::Device device(StandIn::get().api(), 0);
  std::vector<std::shared_ptr<const cuda::KernelSource>> kernels;
  for (const Row& row : rows) {
    const Graph graph = optimized(row.graph);
    const cuda::GraphLowering lowering(device.target(true), graph);
    std::vector<cuda::Place> parameters(graph.parameters().size());
    cuda::ConstantPool constants;
    cuda::Steps steps;
    const cuda::Place arena{cuda::Place::Base::arena, 0, 0};
    lowering.emit(
        lowering.places(arena, parameters, constants), arena, steps, constants);
    collect(steps, kernels);
  }
  StandIn::get().precompile(kernels);
}

void check_violations() {
  for (const std::string& violation : StandIn::get().violations()) {
    FAIL_CHECK(violation);
  }
  StandIn::get().clear_violations();
}

// Twice: step by step, and as a captured graph.
void run_row(const Row& row, const std::vector<Tensor>& expected, bool exact) {
  CAPTURE(row.name);
  Program program(row.graph, backend(), nullptr, {.deterministic = true});
  for (int turn = 0; turn < 2; ++turn) {
    CAPTURE(turn);
    const std::vector<Tensor> got = program.run(row.inputs);
    REQUIRE(got.size() == expected.size());
    for (std::size_t i = 0; i < got.size(); ++i) {
      CAPTURE(i);
      const DType dtype = expected[i].dtype();
      (void)exact;
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
    run_row(rows[i], reference_cases()[i].outputs, false);
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
    run_row(row, reference.run(row.inputs), false);
  }
}
