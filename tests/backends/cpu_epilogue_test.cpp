// Convolutions and products with what is done to their sums, against the same
// graph without fusion on the reference.

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <random>
#include <string>
#include <vector>

#include "src/backends/cpu/epilogue.hpp"
#include "src/backends/cpu/norm_gate.hpp"
#include "src/ir/text.hpp"
#include "src/passes/pass.hpp"
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

TEST_CASE("convolutions with bias and residual sum in one") {
  const std::string type = " : f32[2,9,9,16]\n";
  const std::string bias = "%6 = add(%5, %2)" + type;
  SUBCASE("bias") {
    const std::string text = kConv + bias + "return %6";
    CHECK_EQ(fused_nodes(text), 2);
    check_same(text);
  }
  SUBCASE("bias first, then ReLU, which stays") {
    const std::string text = kConv + "%6 = add(%2, %5)" + type +
                             "%7 = relu(%6)" + type + "return %7";
    CHECK_EQ(fused_nodes(text), 2);
    check_same(text);
  }
  SUBCASE("residual that is read later, too") {
    const std::string text = kConv + bias + "%7 = add(%6, %3)" + type +
                             "%8 = relu(%7)" + type + "%9 = multiply(%8, %3)" +
                             type + "return %9";
    CHECK_EQ(fused_nodes(text), 3);
    check_same(text);
  }
  SUBCASE("residual whose memory the result takes") {
    const std::string text = kConv + "%6 = exp(%3)" + type +
                             "%7 = add(%6, %5)" + type + "%8 = relu(%7)" +
                             type + "return %8";
    CHECK_EQ(fused_nodes(text), 2);
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

TEST_CASE("products with their bias in one") {
  const std::string text =
      "%0 = parameter(\"x\") : f32[32,40]\n"
      "%1 = read(\"w\") : f32[40,24]\n"
      "%2 = read(\"b\") : f32[24]\n"
      "%3 = matmul(%0, %1) {transpose_a=false, transpose_b=false} : "
      "f32[32,24]\n"
      "%4 = add(%3, %2) : f32[32,24]\n"
      "%5 = relu(%4) : f32[32,24]\n"
      "return %5";
  CHECK_EQ(fused_nodes(text), 2);
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

const std::string kNorm =
    "%0 = parameter(\"x\") : f32[2,3,3,16]\n"
    "%1 = parameter(\"gamma\") : f32[16]\n"
    "%2 = parameter(\"beta\") : f32[16]\n"
    "%3 = parameter(\"r\") : f32[2,3,3,16]\n"
    "%4 = constant() {value=tensor(f32[], 0.75)} : f32[]\n"
    "%5 = constant() {value=tensor(f32[], 0.0)} : f32[]\n"
    "%6, %7, %8 = batch_norm_training(%0, %1, %2) {epsilon=0.5} : "
    "f32[2,3,3,16], f32[16], f32[16]\n";

TEST_CASE("batch normalisation with residual sum and ReLU in one") {
  const std::string type = " : f32[2,3,3,16]\n";
  const std::string relu = "%10 = relu(%9)" + type;
  SUBCASE("ReLU6; statistics are used on the way") {
    const std::string text = kNorm + "%9 = add(%7, %8) : f32[16]\n" +
                             "%10 = relu(%6)" + type +
                             "%11 = minimum(%10, %4)" + type + "return %11, %9";
    CHECK_EQ(fused_nodes(text), 3);
    check_same(text);
  }
  SUBCASE("residual") {
    const std::string text = kNorm + "%9 = add(%3, %6)" + type + relu +
                             "%11 = multiply(%10, %3)" + type +
                             "return %11, %7";
    CHECK_EQ(fused_nodes(text), 3);
    check_same(text);
  }
  SUBCASE("a residual that is made later stays outside") {
    const std::string text = kNorm + "%9 = exp(%3)" + type +
                             "%10 = add(%6, %9)" + type + "%11 = relu(%10)" +
                             type + "return %11";
    CHECK_EQ(fused_nodes(text), 0);
    check_same(text);
  }
  SUBCASE("so does a constant array that comes later") {
    const std::string text =
        "%0 = parameter(\"x\") : f32[1,2]\n"
        "%1 = parameter(\"gamma\") : f32[2]\n"
        "%2, %3, %4 = batch_norm_training(%0, %1, %1) {epsilon=0.5} : "
        "f32[1,2], f32[2], f32[2]\n"
        "%5 = constant() {value=tensor(f32[1,2], 0.5, 0.25)} : f32[1,2]\n"
        "%6 = add(%2, %5) : f32[1,2]\nreturn %6";
    CHECK_EQ(fused_nodes(text), 0);
    check_same(text);
  }
}

/// The gradient after the ReLU's, whose upper bound may be asked first or last.
std::string relu_gradient(bool limited, bool limit_first) {
  const std::string type = " : f32[2,3,3,16]\n";
  const std::string mask = " : bool[2,3,3,16]\n";
  std::string text = kNorm + "%9 = relu(%6)" + type;
  const std::string open = "greater(%9, %5)" + mask;
  const std::string below = "less_equal(%9, %4)" + mask;
  text += "%10 = " + (limit_first ? below : open);
  text += "%11 = select(%10, %3, %5)" + type;
  std::string dy = "%11";
  if (limited) {
    text += "%12 = " + (limit_first ? open : below);
    text += "%13 = select(%12, %11, %5)" + type;
    dy = "%13";
  }
  return text + "%14, %15, %16 = batch_norm_grad(%0, %1, %7, %8, " + dy +
         ") {epsilon=0.5} : f32[2,3,3,16], f32[16], f32[16]\n" +
         "return %9, %14, %15, %16";
}

bool gates(const std::string& text) {
  const Graph graph = eliminate_dead(cpu::fuse_norm_gates(graph_of(text)));
  return count(graph, Op::fused) == 1 && count(graph, Op::select) == 0;
}

TEST_CASE(
    "the gradient of a batch normalisation finds the ReLU's mask itself") {
  for (const bool limit_first : {false, true}) {
    const std::string text = relu_gradient(true, limit_first);
    CHECK(gates(text));
    check_same(text);
  }
  CHECK(gates(relu_gradient(false, false)));
  check_same(relu_gradient(false, false));
}

TEST_CASE("fuse_norm_gates leaves other masks") {
  const auto replaced = [](const std::string& from, const std::string& to) {
    std::string text = relu_gradient(false, false);
    const std::size_t at = text.find(from);
    REQUIRE_NE(at, std::string::npos);
    return text.replace(at, from.size(), to);
  };
  CHECK_FALSE(gates(replaced("greater(%9, %5)", "greater(%9, %4)")));
  CHECK_FALSE(gates(replaced("relu(%6)", "relu(%3)")));
  CHECK_FALSE(gates(replaced(
      "{epsilon=0.5} : f32[2,3,3,16], f32[16], "
      "f32[16]\nreturn",
      "{epsilon=0.25} : f32[2,3,3,16], f32[16], "
      "f32[16]\nreturn")));
  CHECK_FALSE(gates(replaced("return %9", "return %11")));  // somebody else's
  CHECK_FALSE(gates(replaced("%7, %8, %11)", "%8, %7, %11)")));
}

TEST_CASE("NaN goes through ReLU and clip after any stem") {
  const std::string type = " : f32[2,9,9,16]\n";
  const std::string convolution = kConv + "%6 = add(%5, %2)" + type +
                                  "%7 = relu(%6)" + type +
                                  "%8 = minimum(%7, %4)" + type + "return %8";
  const std::string norm = kNorm + "%9 = relu(%6) : f32[2,3,3,16]\n" +
                           "%10 = minimum(%9, %4) : f32[2,3,3,16]\nreturn %10";
  const std::string product =
      "%0 = parameter(\"x\") : f32[32,40]\n"
      "%1 = read(\"w\") : f32[40,24]\n"
      "%2 = read(\"b\") : f32[24]\n"
      "%3 = matmul(%0, %1) {transpose_a=false, transpose_b=false} : "
      "f32[32,24]\n"
      "%4 = add(%3, %2) : f32[32,24]\n%5 = relu(%4) : f32[32,24]\nreturn %5";
  for (const std::string& text : {convolution, norm, product}) {
    const Graph graph = filled(text);
    std::vector<Tensor> inputs;
    for (const ValueId id : graph.parameters()) {
      inputs.push_back(random(graph.type(id), static_cast<unsigned>(id)));
    }
    inputs[0].mutable_data<float>()[0] = std::nanf("");
    const auto nans = [&](const char* backend) {
      const Tensor y = Program(graph, find_backend(backend)).run(inputs)[0];
      const auto values = y.to_vector<float>();
      return std::count_if(values.begin(), values.end(), [](float value) {
        return std::isnan(value);
      });
    };
    CHECK_GT(nans("cpu"), 0);
    CHECK_EQ(nans("cpu"), nans("reference"));
  }
}

TEST_CASE("Winograd's algorithm computes as the direct one") {
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
