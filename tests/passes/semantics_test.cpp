#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <limits>
#include <random>
#include <string>
#include <vector>

#include "src/ir/text.hpp"
#include "src/ir/verifier.hpp"
#include "src/passes/pass.hpp"
#include "src/runtime/program.hpp"
#include "src/runtime/registry.hpp"
#include "tests/passes/pass_check.hpp"
#include "tests/passes/random_graph.hpp"

namespace keratin {
namespace {

/// Runs a graph as it is. Its final values of variables are made outputs, so
/// that nothing outside changes.
std::vector<Tensor> run(const Graph& graph, const std::vector<Tensor>& inputs) {
  Graph plain;
  std::vector<Value> mapped(graph.value_count());
  std::vector<Value> outputs;
  for (const Node& node : graph.nodes()) {
    std::vector<Value> operands;
    for (const ValueId id : node.inputs) operands.push_back(mapped[id]);
    if (node.op == Op::assign) {
      outputs.push_back(operands[0]);
      continue;
    }
    std::vector<Value> results;
    if (node.op == Op::read) {
      const auto& variable = node.attrs.get<Variable>("variable");
      results = {plain.constant(variable.value())};
    } else {
      results = plain.add(node.op, operands, node.attrs);
    }
    for (std::size_t i = 0; i < results.size(); ++i) {
      mapped[node.outputs[i]] = results[i];
    }
  }
  for (const ValueId id : graph.outputs()) outputs.push_back(mapped[id]);
  plain.set_outputs(outputs);
  std::vector<Tensor> results;
  find_backend("reference").compile(plain, {})->run(inputs, results);
  return results;
}

std::vector<Tensor> evaluate_node(
    const Graph& graph, const Node& node, const std::vector<Tensor>& inputs) {
  Graph single;
  std::vector<Value> operands;
  for (const ValueId id : node.inputs) {
    operands.push_back(single.parameter(graph.type(id), "x"));
  }
  single.set_outputs(single.add(node.op, operands, node.attrs));
  return run(single, inputs);
}

/// Ordinary numbers, with a NaN, infinities and zeros of both signs among them.
std::vector<Tensor> inputs_for(const Graph& graph, unsigned seed) {
  std::mt19937 random(seed);
  constexpr float kInfinity = std::numeric_limits<float>::infinity();
  const std::vector<float> special = {
      0.0F, -0.0F, kInfinity, -kInfinity, std::nanf(""), 1.0F};
  std::vector<Tensor> inputs;
  for (const ValueId id : graph.parameters()) {
    Tensor tensor(graph.type(id).dtype, graph.type(id).shape);
    for (float& element : tensor.mutable_data<float>()) {
      element = static_cast<float>(random() % 2000) / 400.0F - 2.5F;
      if (seed % 2 == 0 && random() % 4 == 0) {
        element = special[random() % special.size()];
      }
    }
    inputs.push_back(tensor);
  }
  return inputs;
}

bool same(double a, double b) {
  if (std::isnan(a) || std::isnan(b)) return std::isnan(a) && std::isnan(b);
  if (a == b) return a != 0 || std::signbit(a) == std::signbit(b);
  return std::abs(a - b) <= 1e-5 * std::max(std::abs(a), std::abs(b));
}

std::string difference(
    const std::vector<Tensor>& before, const std::vector<Tensor>& after) {
  if (before.size() != after.size()) return "another number of outputs";
  for (std::size_t i = 0; i < before.size(); ++i) {
    if (before[i].shape() != after[i].shape() ||
        before[i].dtype() != after[i].dtype()) {
      return "output " + std::to_string(i) + " has another type";
    }
    for (std::int64_t k = 0; k < before[i].size(); ++k) {
      if (same(before[i].at(k), after[i].at(k))) continue;
      return "output " + std::to_string(i) + " element " + std::to_string(k) +
             ": " + std::to_string(before[i].at(k)) + " became " +
             std::to_string(after[i].at(k));
    }
  }
  return "";
}

void check_meaning(const testing::PassFunction& pass, bool exactly = false) {
  set_node_evaluator(evaluate_node);
  for (unsigned seed = 0; seed < 150; ++seed) {
    CAPTURE(seed);
    const Graph graph = testing::random_graph(seed);
    verify(graph, "random_graph");
    const Graph result = pass(graph);
    verify(result, "test");
    const std::vector<Tensor> inputs = inputs_for(graph, seed);
    const std::vector<Tensor> before = run(graph, inputs);
    const std::vector<Tensor> after = run(result, inputs);
    const std::string what = difference(before, after);
    if (!what.empty()) MESSAGE(print(graph) << "\n became \n" << print(result));
    REQUIRE_EQ(what, "");
    if (exactly) REQUIRE(before == after);
  }
}

TEST_CASE("simplify keeps the meaning of random graphs") {
  check_meaning(simplify);
}

TEST_CASE("fold_constants keeps the meaning of random graphs") {
  check_meaning(fold_constants, true);
}

TEST_CASE("eliminate_common keeps the meaning of random graphs") {
  check_meaning(eliminate_common);
}

TEST_CASE("eliminate_dead keeps the meaning of random graphs") {
  check_meaning(eliminate_dead, true);
}

TEST_CASE("decompose keeps the meaning of random graphs") {
  check_meaning([](const Graph& graph) {
    return decompose(graph, [](const Graph&, const Node& node) {
      const bool composite =
          node.op == Op::softmax || node.op == Op::reduce_mean;
      return composite ? Support::no("test") : Support::yes();
    });
  });
}

TEST_CASE("fuse_elementwise keeps the meaning of random graphs") {
  check_meaning(fuse_elementwise, true);
}

TEST_CASE("optimize keeps the meaning of random graphs") {
  check_meaning([](const Graph& graph) {
    const Backend& backend = find_backend("reference");
    PipelineOptions options;
    options.supports = [&](const Graph& g, const Node& node) {
      return backend.supports(g, node);
    };
    return optimize(graph, options);
  });
}

TEST_CASE("a program gives variables their new values at the end") {
  // a <- b, b <- a + b, c <- a: the plan of memory at work.
  const Variable a(Tensor(std::vector<float>{1, 2}), {.name = "a"});
  const Variable b(Tensor(std::vector<float>{10, 20}), {.name = "b"});
  const Variable c(Tensor(std::vector<float>{0, 0}), {.name = "c"});
  Graph graph;
  const Value old_a = graph.read(a);
  const Value old_b = graph.read(b);
  const Value sum = graph.add1(Op::add, {old_a, old_b});
  graph.assign(a, old_b);
  graph.assign(b, sum);
  graph.assign(c, old_a);
  graph.set_outputs({old_a, sum});
  Program program(graph, find_backend("reference"));
  const std::vector<Tensor> outputs = program.run({});
  CHECK_EQ(outputs[0].to_vector<float>(), std::vector<float>{1, 2});
  CHECK_EQ(outputs[1].to_vector<float>(), std::vector<float>{11, 22});
  CHECK_EQ(a.value().to_vector<float>(), std::vector<float>{10, 20});
  CHECK_EQ(b.value().to_vector<float>(), std::vector<float>{11, 22});
  CHECK_EQ(c.value().to_vector<float>(), std::vector<float>{1, 2});
}

}  // namespace
}  // namespace keratin
