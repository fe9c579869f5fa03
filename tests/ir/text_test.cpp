#include "src/ir/text.hpp"

#include <doctest/doctest.h>

#include <set>
#include <string>
#include <vector>

#include <keratin/error.hpp>
#include <keratin/ops.hpp>

#include "src/ir/autodiff.hpp"
#include "src/ir/graph.hpp"
#include "src/ir/op_info.hpp"
#include "src/ir/verifier.hpp"
#include "tests/ir/gradient_check.hpp"
#include "tests/support/throws.hpp"

using namespace keratin;  // NOLINT
using keratin::testing::GradientRow;
using keratin::testing::message_of;

namespace {

std::vector<GradientRow> all_rows() {
  using namespace keratin::testing;  // NOLINT
  std::vector<GradientRow> all;
  for (auto rows :
       {unary_rows(),
        binary_rows(),
        reduce_rows(),
        shape_rows(),
        index_rows(),
        matmul_rows(),
        window_rows(),
        network_rows(),
        control_rows()}) {
    all.insert(all.end(), rows.begin(), rows.end());
  }
  return all;
}

/// A graph of the row with its gradients where it has any.
Graph graph_of(const GradientRow& row) {
  Graph graph;
  graph.set_origin({"layer_1"});
  std::vector<Value> inputs;
  for (const Tensor& tensor : row.inputs) {
    inputs.push_back(graph.parameter({tensor.dtype(), tensor.shape()}, "x"));
  }
  std::vector<Value> outputs = row.build(inputs);
  std::vector<Value> xs;
  for (const Value& input : inputs) {
    if (input.dtype() == DType::f64) xs.push_back(input);
  }
  const std::vector<Value> forward = outputs;
  for (const Value& output : forward) {
    if (output.dtype() != DType::f64 || xs.empty()) continue;
    for (const Value& g : gradients(ops::sum(output), xs)) {
      outputs.push_back(g);
    }
  }
  graph.set_outputs(outputs);
  return graph;
}

void collect_ops(const Graph& graph, std::set<Op>& ops) {
  using GraphPtr = std::shared_ptr<const Graph>;
  for (const Node& node : graph.nodes()) {
    ops.insert(node.op);
    for (const auto& [name, attr] : node.attrs.entries()) {
      if (const auto* body = std::get_if<GraphPtr>(&attr)) {
        collect_ops(**body, ops);
      }
    }
  }
}

}  // namespace

TEST_CASE("Printed graphs of every op parse back to the same text") {
  std::set<Op> seen;
  for (const GradientRow& row : all_rows()) {
    CAPTURE(row.what);
    const Graph graph = graph_of(row);
    collect_ops(graph, seen);
    const std::string text = print(graph);
    Graph parsed;
    REQUIRE_NOTHROW(parsed = parse_graph(text));
    CHECK(print(parsed) == text);
    CHECK_NOTHROW(verify(parsed));
  }
  // What has no row of its own: state, integers, random numbers.
  Graph graph;
  const Variable v(Tensor(2.5F), {.name = "counter"});
  const Value i = graph.parameter({DType::i32, {2, 3}}, "i");
  const Value b = ops::less(i, 2.0);
  const Value state =
      ops::constant(graph, Tensor(std::vector<std::uint32_t>{7, 0}));
  const Value one = ops::bitwise_not(i);
  std::vector<Value> outputs = {
      ops::logical_not(b),
      ops::logical_and(b, b),
      ops::logical_or(b, b),
      ops::logical_xor(b, b),
      ops::bitwise_and(i, one),
      ops::bitwise_or(i, one),
      ops::bitwise_xor(i, one),
      ops::left_shift(i, i),
      ops::right_shift(i, i),
      ops::equal(i, one),
      ops::not_equal(i, one),
      ops::less_equal(i, one),
      ops::greater(i, one),
      ops::greater_equal(i, one),
      ops::floor_divide(i, one),
      ops::any(b),
      ops::all(b),
      ops::argmax(i),
      ops::argmin(i),
      ops::one_hot(i, 4),
      ops::iota(graph, {2, 2}, 1, DType::i64),
      ops::random_bits(state, {3}),
      ops::random_uniform(state, {3}, -1, 1),
      ops::random_normal(state, {3}, 0, 2, DType::f64)};
  const Value f = ops::cast(i, DType::f32);
  for (const Value& x :
       {ops::isnan(f),
        ops::isfinite(f),
        ops::sign(f),
        ops::floor(f),
        ops::ceil(f),
        ops::round(f),
        ops::stop_gradient(f)}) {
    outputs.push_back(x);
  }
  const Value read = graph.read(v);
  graph.assign(v, read + 1.0);
  graph.set_outputs(outputs);
  collect_ops(graph, seen);
  const std::string text = print(graph);
  const std::vector<Variable> variables = {v};
  CHECK(print(parse_graph(text, variables)) == text);
  for (const OpInfo& info : all_ops()) {
    CAPTURE(info.name);
    CHECK(seen.contains(info.op));
  }
}

TEST_CASE("Constants keep their bits through text") {
  Graph graph;
  std::vector<double> large(100);
  for (std::size_t i = 0; i < large.size(); ++i) {
    large[i] = 1.0 / static_cast<double>(i + 1);
  }
  graph.set_outputs(
      {graph.constant(Tensor(large)),
       graph.constant(Tensor(std::vector<float>{0.1F, -0.0F, 1e-40F})),
       graph.constant(Tensor(std::vector<std::int64_t>{INT64_MIN, 3}))});
  const Graph parsed = parse_graph(print(graph));
  for (std::size_t i = 0; i < 3; ++i) {
    const auto value = [&](const Graph& g) {
      return g.node(g.producer(g.outputs()[i])).attrs.get<Tensor>("value");
    };
    CHECK(value(parsed) == value(graph));
  }
}

TEST_CASE("Printed text is what the documentation shows") {
  Graph graph;
  const Value x = graph.parameter({DType::f32, {32, 128}}, "x");
  const Variable w(Tensor(DType::f32, {128, 10}), {.name = "dense_1/kernel"});
  {
    const LayerScope scope(graph, "dense_1");
    graph.set_outputs({ops::matmul(x, graph.read(w))});
  }
  CHECK(
      print(graph) ==
      "graph {\n"
      "  %0 = parameter(\"x\") : f32[32,128]\n"
      "  %1 = read(\"dense_1/kernel\") : f32[128,10] @dense_1\n"
      "  %2 = matmul(%0, %1) {transpose_a=false, transpose_b=false} : "
      "f32[32,10] @dense_1\n"
      "  return %2\n"
      "}\n");
  CHECK(to_dot(graph).find("n0 -> n2") != std::string::npos);
}

TEST_CASE("The parser says where the text is wrong") {
  const auto message = [](const std::string& text) {
    return message_of<InvalidArgument>([&] { parse_graph(text); });
  };
  CHECK(message("") == "[parse_graph 1:1] expected a name");
  CHECK(
      message("graph {\n  %0 = nonsense() : f32[]\n  return %0\n}")
          .find("not 'nonsense'") != std::string::npos);
  CHECK(message("graph {\n  return %3\n}").find("not %3") != std::string::npos);
  CHECK(
      message("graph {\n  %0 = parameter(\"x\") : f32[2]\n"
              "  %1 = abs(%0) : f32[3]\n  return %1\n}")
          .find("f32[2] as the type of %1, got f32[3]") != std::string::npos);
  // A constant that claims to be huge is refused before memory is taken.
  CHECK(
      message("graph {\n  %0 = constant() {value=tensor(f64[999999999], 1.0)} "
              ": f64[999999999]\n  return %0\n}")
          .find("no larger than the text") != std::string::npos);
  std::string deep;
  for (int i = 0; i < 5000; ++i) deep += "graph { ";
  CHECK(message(deep).find("expected") != std::string::npos);
}

TEST_CASE("Truncated text is an error, never a crash") {
  const GradientRow row = keratin::testing::control_rows().front();
  const std::string text = print(graph_of(row));
  for (std::size_t cut = 0; cut + 2 < text.size(); cut += 7) {
    CHECK_THROWS_AS(parse_graph(text.substr(0, cut)), InvalidArgument);
  }
}

TEST_CASE("A graph refuses what would break it") {
  Graph graph;
  Graph other;
  const Value x = graph.parameter({DType::f32, {2}}, "x");
  const Value y = other.parameter({DType::f32, {2}}, "y");
  CHECK(message_of<InvalidArgument>([&] {
          graph.add1(Op::add, {x, y});
        }).find("a value of another graph") != std::string::npos);
  CHECK(message_of<InvalidArgument>([&] {
          graph.add1(Op::add, {x});
        }).find("expected 2 operands, got 1") != std::string::npos);
  CHECK(message_of<InvalidArgument>([&] {
          graph.parameter({DType::f32, {kUnknown}}, "z");
        }).find("expected a static shape") != std::string::npos);
  const Variable v(Tensor(1.0F), {.name = "v"});
  graph.assign(v, graph.read(v));
  CHECK_THROWS_AS(graph.assign(v, graph.read(v)), InternalError);
}
