// Convolutions and products with what is done to their sums, against the same
// graph without fusion on the reference.

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <random>
#include <string>
#include <vector>

#include "src/backends/cpu/epilogue.hpp"
#include "src/core/env.hpp"
#include "src/core/log.hpp"
#include "src/ir/text.hpp"
#include "src/runtime/program.hpp"
#include "src/runtime/registry.hpp"

namespace keratin {
namespace {

const std::string kWindow =
    " {strides=[1, 1], pad_low=[1, 1], pad_high=[1, 1], dilation=[1, 1], "
    "groups=1} : f32[2,9,9,16]\n";

const std::string kConv =
    "%0 = parameter(\"x\") : f32[2,9,9,8]\n"
    "%1 = read(\"w\") : f32[3,3,8,16]\n"
    "%2 = read(\"b\") : f32[16]\n"
    "%3 = parameter(\"r\") : f32[2,9,9,16]\n"
    "%4 = constant() {value=tensor(f32[], 6.0)} : f32[]\n"
    "%5 = conv(%0, %1)" +
    kWindow;

Graph graph_of(const std::string& text) {
  return parse_graph("graph {\n" + text + "\n}");
}

Tensor random(const ValueType& type, unsigned seed) {
  std::mt19937 generator(seed);
  std::normal_distribution<float> normal;
  Tensor tensor(type.dtype, type.shape);
  for (float& element : tensor.mutable_data<float>()) {
    element = normal(generator);
  }
  return tensor;
}

std::vector<Tensor> run(const Graph& graph, const char* backend) {
  std::vector<Tensor> inputs;
  for (const ValueId id : graph.parameters()) {
    inputs.push_back(random(graph.type(id), static_cast<unsigned>(id)));
  }
  return Program(graph, find_backend(backend)).run(inputs);
}

/// The graph with random values in its variables.
Graph filled(const std::string& text) {
  const Graph graph = graph_of(text);
  for (const Node& node : graph.nodes()) {
    if (node.op != Op::read) continue;
    Variable variable = node.attrs.get<Variable>("variable");
    variable.assign(random(
        graph.type(node.outputs[0]),
        static_cast<unsigned>(100 + node.outputs[0])));
  }
  return graph;
}

void check_same(const std::string& text) {
  const Graph graph = filled(text);
  const auto expected = run(graph, "reference");
  const auto got = run(graph, "cpu");
  REQUIRE_EQ(got.size(), expected.size());
  for (std::size_t i = 0; i < got.size(); ++i) {
    const auto a = got[i].to_vector<float>();
    const auto b = expected[i].to_vector<float>();
    float worst = 0;
    float largest = 1;
    for (std::size_t k = 0; k < a.size(); ++k) {
      worst = std::max(worst, std::abs(a[k] - b[k]));
      largest = std::max(largest, std::abs(b[k]));
    }
    CHECK_LT(worst, 2e-6F * largest);
  }
}

std::size_t count(const Graph& graph, Op op) {
  std::size_t found = 0;
  for (const Node& node : graph.nodes()) found += node.op == op ? 1 : 0;
  return found;
}

/// Nodes of the fused one that the pass makes; 0 when it makes none.
std::size_t fused_nodes(const std::string& text) {
  const Graph graph = cpu::fuse_epilogues(graph_of(text));
  for (const Node& node : graph.nodes()) {
    if (node.op != Op::fused) continue;
    CHECK_EQ(count(graph, Op::fused), 1);
    const auto& body = *node.attrs.get<std::shared_ptr<const Graph>>("body");
    std::size_t nodes = 0;
    for (const Node& inner : body.nodes()) {
      nodes += inner.op != Op::parameter && inner.op != Op::constant ? 1 : 0;
    }
    return nodes;
  }
  return 0;
}

TEST_CASE("convolutions with bias, residual sum and ReLU in one") {
  const std::string type = " : f32[2,9,9,16]\n";
  const std::string bias = "%6 = add(%5, %2)" + type;
  SUBCASE("bias") {
    const std::string text = kConv + bias + "return %6";
    CHECK_EQ(fused_nodes(text), 2);
    check_same(text);
  }
  SUBCASE("bias first, then ReLU") {
    const std::string text = kConv + "%6 = add(%2, %5)" + type +
                             "%7 = relu(%6)" + type + "return %7";
    CHECK_EQ(fused_nodes(text), 3);
    check_same(text);
  }
  SUBCASE("ReLU6") {
    const std::string text = kConv + "%6 = relu(%5)" + type +
                             "%7 = minimum(%6, %4)" + type + "return %7";
    CHECK_EQ(fused_nodes(text), 3);
    check_same(text);
  }
  SUBCASE("residual that is read later, too") {
    const std::string text = kConv + bias + "%7 = add(%6, %3)" + type +
                             "%8 = relu(%7)" + type + "%9 = multiply(%8, %3)" +
                             type + "return %9";
    CHECK_EQ(fused_nodes(text), 4);
    check_same(text);
  }
  SUBCASE("residual whose memory the result takes") {
    const std::string text = kConv + "%6 = exp(%3)" + type +
                             "%7 = add(%6, %5)" + type + "%8 = relu(%7)" +
                             type + "return %8";
    CHECK_EQ(fused_nodes(text), 3);
    check_same(text);
  }
}

TEST_CASE("a convolution whose residual is its own operand") {
  const std::string type = " : f32[2,9,9,16]\n";
  check_same(
      "%0 = parameter(\"x\") : f32[2,9,9,16]\n"
      "%1 = read(\"w\") : f32[3,3,16,16]\n"
      "%2 = exp(%0)" +
      type + "%3 = conv(%2, %1)" + kWindow + "%4 = add(%3, %2)" + type +
      "return %4");
}

TEST_CASE("products with bias and ReLU in one") {
  const std::string text =
      "%0 = parameter(\"x\") : f32[32,40]\n"
      "%1 = read(\"w\") : f32[40,24]\n"
      "%2 = read(\"b\") : f32[24]\n"
      "%3 = matmul(%0, %1) {transpose_a=false, transpose_b=false} : "
      "f32[32,24]\n"
      "%4 = add(%3, %2) : f32[32,24]\n"
      "%5 = relu(%4) : f32[32,24]\n"
      "return %5";
  CHECK_EQ(fused_nodes(text), 3);
  check_same(text);
}

TEST_CASE("fuse_epilogues leaves what somebody else needs") {
  const std::string type = " : f32[2,9,9,16]\n";
  const std::string bias = "%6 = add(%5, %2)" + type;
  CHECK_EQ(fused_nodes(kConv + bias + "return %6, %5"), 0);
  CHECK_EQ(fused_nodes(kConv + "%6 = tanh(%5)" + type + "return %6"), 0);
  CHECK_EQ(fused_nodes(kConv + "%6 = add(%5, %5)" + type + "return %6"), 0);
  CHECK_EQ(
      fused_nodes(kConv + bias + "%7 = relu(%6)" + type + "return %7, %6"), 2);
  CHECK_EQ(  // broadcast over the channels: no bias
      fused_nodes(kConv + "%6 = add(%5, %4)" + type + "return %6"),
      0);
}

TEST_CASE("Winograd's algorithm is taken only where it is close") {
  const LogCapture log({"dispatch"});
  const std::string type = " : f32[2,28,28,64]\n";
  check_same(
      "%0 = parameter(\"x\") : f32[2,28,28,64]\n"
      "%1 = read(\"w\") : f32[3,3,64,64]\n"
      "%2 = constant() {value=tensor(f32[], 0.01)} : f32[]\n"
      "%3 = multiply(%1, %2) : f32[3,3,64,64]\n"
      "%4 = conv(%0, %3) {strides=[1, 1], pad_low=[1, 1], pad_high=[1, 1], "
      "dilation=[1, 1], groups=1}" +
      type + "return %4");
}

}  // namespace
}  // namespace keratin
