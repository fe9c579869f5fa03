#include "src/ir/cost.hpp"

#include <doctest/doctest.h>

#include <keratin/ops.hpp>

#include "src/ir/graph.hpp"
#include "src/ir/text.hpp"

using namespace keratin;

namespace {

/// The cost of the last node of a graph that text describes.
Cost last_cost(std::string_view text) {
  const Graph graph = parse_graph(text);
  return cost_of(graph, graph.nodes().back());
}

}  // namespace

TEST_CASE("A product counts two operations for each multiplication") {
  const Cost plain = last_cost(R"(graph {
    %0 = parameter("a") : f32[2,3]
    %1 = parameter("b") : f32[3,4]
    %2 = matmul(%0, %1) {transpose_a=false, transpose_b=false} : f32[2,4]
    return %2
  })");
  CHECK(plain.flops == 2 * 2 * 3 * 4);
  CHECK(plain.bytes == 4 * (6 + 12 + 8));
  const Cost transposed = last_cost(R"(graph {
    %0 = parameter("a") : f32[5,3,2]
    %1 = parameter("b") : f32[5,3,4]
    %2 = matmul(%0, %1) {transpose_a=true, transpose_b=false} : f32[5,2,4]
    return %2
  })");
  CHECK(transposed.flops == 5 * 2 * 2 * 3 * 4);
}

TEST_CASE("The three passes of a convolution cost the same") {
  // 2 x 4 x 4 x 6 results of 3 x 3 x 5 products each.
  constexpr std::int64_t kFlops = 2LL * 2 * 4 * 4 * 6 * 3 * 3 * 5;
  constexpr std::string_view kWindow =
      "strides=[1,1], pad_low=[1,1], pad_high=[1,1], dilation=[1,1], groups=1";
  const auto cost = [&](const std::string& a,
                        const std::string& b,
                        const std::string& op,
                        const std::string& attributes,
                        const std::string& result) {
    return last_cost(
        "graph {\n%0 = parameter(\"a\") : " + a +
        "\n%1 = parameter(\"b\") : " + b + "\n%2 = " + op + "(%0, %1) {" +
        std::string(kWindow) + attributes + "} : " + result + "\nreturn %2\n}");
  };
  const std::string x = "f32[2,4,4,5]";
  const std::string w = "f32[3,3,5,6]";
  const std::string y = "f32[2,4,4,6]";
  CHECK(cost(x, w, "conv", "", y).flops == kFlops);
  CHECK(
      cost(y, w, "conv_backward_data", ", shape=[2,4,4,5]", x).flops == kFlops);
  CHECK(
      cost(x, y, "conv_backward_weights", ", shape=[3,3,5,6]", w).flops ==
      kFlops);
}

TEST_CASE("A scan costs its body for each step, moves cost nothing") {
  Graph graph;
  const Value x = graph.parameter({DType::f32, {6, 4}}, "x");
  const Value y = ops::reshape(x, {4, 6});
  graph.set_outputs({ops::exp(y)});
  CHECK(cost_of(graph, graph.nodes()[1]).flops == 0);
  CHECK(flops_of(graph) == 24);
  Graph loop;
  const Value carry = loop.parameter({DType::f32, {3}}, "carry");
  const Value xs = loop.parameter({DType::f32, {7, 3}}, "xs");
  const ops::ScanResult sum =
      ops::scan({carry}, {xs}, [](const std::vector<Value>& values) {
        return std::vector<Value>{values[0] + values[1]};
      });
  loop.set_outputs({sum.carry[0]});
  CHECK(flops_of(loop) == 7 * 3);
}

TEST_CASE("An operand that is used twice is read once") {
  Graph graph;
  const Value x = graph.parameter({DType::f32, {8}}, "x");
  graph.set_outputs({x * x});
  CHECK(cost_of(graph, graph.nodes()[1]).bytes == 4 * (8 + 8));
}
