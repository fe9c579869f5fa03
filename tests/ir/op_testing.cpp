#include "tests/ir/op_testing.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <optional>

#include "src/ir/autodiff.hpp"
#include "src/ir/op_info.hpp"
#include "src/ir/rewriter.hpp"
#include "src/ir/verifier.hpp"
#include "tests/ir/gradient_check.hpp"
#include "tests/ir/op_cases.hpp"

namespace keratin::testing {

namespace {

/// Parameters like `inputs`, and `build` on them. The gradients, when `wanted`,
/// follow the first result.
Graph build_graph(
    const Builder& build, const std::vector<Tensor>& inputs, bool wanted) {
  Graph graph;
  Values parameters;
  Values xs;
  for (const Tensor& input : inputs) {
    parameters.push_back(parameter(graph, input.shape(), input.dtype()));
    if (input.dtype() == DType::f64) xs.push_back(parameters.back());
  }
  Values results = build(parameters);
  if (wanted) {
    const Value y = results[0];
    const Value weights = ops::constant(graph, pattern(y.shape(), 9));
    results = {y};
    for (const Value& grad : gradients(y, xs, weights)) {
      results.push_back(grad);
    }
  }
  graph.set_outputs(results);
  verify(graph, "build");
  return graph;
}

Graph decomposed(const Graph& graph) {
  return rewrite(
      graph, [](RewriteArgs& r) -> std::optional<std::vector<Value>> {
        const OpInfo& info = op_info(r.node.op);
        if (info.decompose == nullptr) return {};
        return info.decompose({r.to, r.node.op, r.node.attrs, r.inputs});
      });
}

bool has_op(const Graph& graph, Op op) {
  return std::any_of(
      graph.nodes().begin(), graph.nodes().end(), [op](const Node& node) {
        return node.op == op;
      });
}

}  // namespace

Tensor pattern(const Shape& shape, int seed) {
  Tensor result(DType::f64, shape);
  std::int64_t i = 0;
  for (double& value : result.mutable_data<double>()) {
    value = static_cast<double>((i++ * 37 + seed * 5) % 101 - 50) / 16;
  }
  return result;
}

Value parameter(Graph& graph, const Shape& shape, DType dtype) {
  return graph.parameter({dtype, shape}, "x");
}

std::vector<Tensor> run(
    const Builder& build, const std::vector<Tensor>& inputs) {
  return evaluate(build_graph(build, inputs, false), inputs);
}

void check_close(
    const Tensor& got, const Tensor& expected, const std::string& what) {
  INFO(what);
  REQUIRE(got.shape() == expected.shape());
  for (std::int64_t i = 0; i < got.size(); ++i) {
    INFO("element ", i);
    CHECK(got.at(i) == doctest::Approx(expected.at(i)).epsilon(1e-5));
  }
}

void check_case(
    const std::string& name,
    const Builder& build,
    const std::vector<Tensor>& inputs) {
  check_close(run(build, inputs)[0], op_cases().at(name), name);
}

void check_case_and_gradients(
    const std::string& name,
    Op op,
    const Builder& build,
    const std::vector<Tensor>& inputs) {
  const Graph graph = build_graph(build, inputs, true);
  REQUIRE(has_op(graph, op));
  const auto check = [&](const Graph& g, const std::string& how) {
    const std::vector<Tensor> results = evaluate(g, inputs);
    check_close(results[0], op_cases().at(name), name + how);
    for (std::size_t i = 1; i < results.size(); ++i) {
      const std::string part = name + " / d" + std::to_string(i - 1);
      check_close(results[i], op_cases().at(part), part + how);
    }
  };
  check(graph, "");
  if (op_info(op).decompose == nullptr) return;
  Graph simple = graph;
  while (has_op(simple, op)) simple = decomposed(simple);
  check(simple, " (decomposed)");
}

}  // namespace keratin::testing
