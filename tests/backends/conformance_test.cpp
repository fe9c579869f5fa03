// Every op, its gradient and its fusion on every backend there is, against the
// reference and against NumPy.

#include <doctest/doctest.h>

#include <iostream>
#include <optional>
#include <set>

#include <keratin/ops.hpp>

#include "src/core/format.hpp"
#include "src/ir/op_info.hpp"
#include "src/ir/text.hpp"
#include "src/runtime/program.hpp"
#include "src/runtime/registry.hpp"
#include "tests/backends/gradient_graphs.hpp"
#include "tests/backends/op_case.hpp"
#include "tests/ir/gradient_check.hpp"
#include "tests/support/skip.hpp"

using namespace keratin;
using namespace keratin::testing;

namespace {

std::vector<std::string> other_backends() {
  std::vector<std::string> names;
  for (const BackendStatus& status : list_backends()) {
    if (status.name == "reference") continue;
    if (status.available) {
      names.push_back(status.name);
    } else {
      std::cout << "not compared: " << status.name << ": " << status.detail
                << std::endl;
    }
  }
  return names;
}

void collect_ops(const Graph& graph, std::set<Op>& seen) {
  for (const Node& node : graph.nodes()) {
    seen.insert(node.op);
    for (const auto& [name, attr] : node.attrs.entries()) {
      using Body = std::shared_ptr<const Graph>;
      if (const Body* body = std::get_if<Body>(&attr)) {
        collect_ops(**body, seen);
      }
    }
  }
}

// What has no gradient and no NumPy: random numbers and state.
std::vector<Row> other_rows() {
  std::vector<Row> rows;
  for (const DType dtype : {DType::f32, DType::f64, DType::f16, DType::bf16}) {
    Row row{"random " + std::string(short_name(dtype)), {}, {}};
    row.inputs = {Tensor(std::vector<std::uint32_t>{11, 22})};
    Graph& g = row.graph;
    const Value state = g.parameter({DType::u32, {2}}, "state");
    g.set_outputs(
        {ops::random_bits(state, {13}),
         ops::random_uniform(state, {5, 7}, -1, 2, dtype),
         ops::random_normal(state, {5, 7}, 1, 2, dtype)});
    rows.push_back(std::move(row));
  }
  Row row{"element-wise chain", {}, {}};
  row.inputs = {
      Tensor::full(DType::f32, {33, 17}, 0.75),
      Tensor::full(DType::f32, {17}, -0.25)};
  Graph& g = row.graph;
  const Value x = g.parameter({DType::f32, {33, 17}}, "x");
  const Value b = g.parameter({DType::f32, {17}}, "b");
  const Value h = ops::tanh(x * 2 + b);
  g.set_outputs({ops::where(ops::greater(h, b), h, ops::exp(b) - x), h});
  rows.push_back(std::move(row));
  return rows;
}

std::vector<Tensor> run_on(const std::string& backend, const Row& row) {
  Program program(
      row.graph, find_backend(backend), nullptr, {.deterministic = true});
  return program.run(row.inputs);
}

void compare(const std::string& backend, const Row& row) {
  CAPTURE(backend);
  CAPTURE(row.name);
  const std::vector<Tensor> expected = run_on("reference", row);
  const std::vector<Tensor> got = run_on(backend, row);
  REQUIRE(expected.size() == got.size());
  for (std::size_t i = 0; i < got.size(); ++i) {
    CAPTURE(i);
    CHECK(
        difference(
            expected[i], got[i], between_backends(expected[i].dtype())) == "");
  }
}

}  // namespace

TEST_CASE("Every backend computes what NumPy computes") {
  const std::vector<std::string> backends = other_backends();
  if (backends.empty()) KERATIN_SKIP("only the reference backend is here");
  for (const std::string& backend : backends) {
    for (const OpCase& one : reference_cases()) {
      CAPTURE(backend);
      CAPTURE(one.name);
      const std::vector<Tensor> got =
          run_on(backend, {one.name, parse_graph(one.graph), one.inputs});
      REQUIRE(got.size() == one.outputs.size());
      for (std::size_t i = 0; i < got.size(); ++i) {
        CHECK(
            difference(
                one.outputs[i], got[i], between_backends(got[i].dtype())) ==
            "");
      }
    }
  }
}

TEST_CASE("Every backend agrees with the reference on gradients") {
  const std::vector<std::string> backends = other_backends();
  if (backends.empty()) KERATIN_SKIP("only the reference backend is here");
  int narrow = 0;
  for (const GradientRow& row : all_gradient_rows()) {
    const Row wide = with_gradients(row);
    for (const std::string& backend : backends) {
      compare(backend, wide);
      if (const auto single = as_dtype(wide, DType::f32)) {
        compare(backend, *single);
        ++narrow;
      }
    }
  }
  CHECK(narrow > 50);
}

TEST_CASE("Every backend agrees with the reference on the rest") {
  const std::vector<std::string> backends = other_backends();
  if (backends.empty()) KERATIN_SKIP("only the reference backend is here");
  for (const std::string& backend : backends) {
    for (const Row& row : other_rows()) compare(backend, row);
  }
}

TEST_CASE("The pipeline changes nothing on the reference") {
  for (const OpCase& one : reference_cases()) {
    CAPTURE(one.name);
    const std::vector<Tensor> got =
        run_on("reference", {one.name, parse_graph(one.graph), one.inputs});
    REQUIRE(got.size() == one.outputs.size());
    for (std::size_t i = 0; i < got.size(); ++i) {
      CHECK(
          difference(one.outputs[i], got[i], tolerance(got[i].dtype())) == "");
    }
  }
}

TEST_CASE("Every op has a row in the conformance suite") {
  // State goes through every program test; a pass makes fused nodes.
  std::set<Op> seen = {Op::read, Op::assign, Op::fused};
  for (const OpCase& one : reference_cases()) {
    collect_ops(parse_graph(one.graph), seen);
  }
  for (const GradientRow& row : all_gradient_rows()) {
    collect_ops(with_gradients(row).graph, seen);
  }
  for (const Row& row : other_rows()) collect_ops(row.graph, seen);
  for (const OpInfo& info : all_ops()) {
    CAPTURE(info.name);
    CHECK(seen.contains(info.op));
  }
}
