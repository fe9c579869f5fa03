#include <doctest/doctest.h>

#include <algorithm>
#include <cstddef>
#include <map>
#include <random>
#include <string>
#include <vector>

#include "src/ir/op_info.hpp"
#include "src/ir/text.hpp"
#include "src/ir/verifier.hpp"
#include "src/passes/pass.hpp"
#include "tests/passes/pass_check.hpp"

namespace keratin {
namespace {

using testing::after_pass;
using testing::as_it_is;
using testing::graph_of;
using testing::parameters;

void check(
    const std::string& types,
    const std::string& before,
    const std::string& after) {
  const std::string header = parameters(types);
  CHECK_EQ(
      after_pass(fuse_elementwise, header + before), as_it_is(header + after));
}

void check_stays(const std::string& types, const std::string& text) {
  check(types, text, text);
}

TEST_CASE("fuse_elementwise makes one node of a chain") {
  check(
      "f32[2,3], f32[3]",
      "%2 = add(%0, %1) : f32[2,3] @dense\n"
      "%3 = relu(%2) : f32[2,3] @dense\nreturn %3",
      "%2 = fused(%0, %1) {body=graph {\n"
      "%0 = parameter(\"x0\") : f32[2,3]\n"
      "%1 = parameter(\"x1\") : f32[3]\n"
      "%2 = add(%0, %1) : f32[2,3] @dense\n"
      "%3 = relu(%2) : f32[2,3] @dense\nreturn %3\n"
      "}} : f32[2,3] @dense\nreturn %2");
}

TEST_CASE("fuse_elementwise leaves a lone op alone") {
  check_stays("f32[4]", "%1 = exp(%0) : f32[4]\nreturn %1");
}

TEST_CASE("fuse_elementwise takes casts, comparisons and selects") {
  check(
      "f32[4], f32[4]",
      "%2 = less(%0, %1) : bool[4]\n"
      "%3 = select(%2, %0, %1) : f32[4]\n"
      "%4 = cast(%3) {dtype=f64} : f64[4]\nreturn %4",
      "%2 = fused(%0, %1) {body=graph {\n"
      "%0 = parameter(\"x0\") : f32[4]\n"
      "%1 = parameter(\"x1\") : f32[4]\n"
      "%2 = less(%0, %1) : bool[4]\n"
      "%3 = select(%2, %0, %1) : f32[4]\n"
      "%4 = cast(%3) {dtype=f64} : f64[4]\nreturn %4\n"
      "}} : f64[4]\nreturn %2");
}

TEST_CASE("fuse_elementwise gives out intermediates that others want") {
  check(
      "f32[2,2]",
      "%1 = exp(%0) : f32[2,2]\n"
      "%2 = sin(%1) : f32[2,2]\n"
      "%3 = reduce_sum(%1) {axes=[0], keepdims=false} : f32[2]\n"
      "return %2, %3, %1",
      "%1, %2 = fused(%0) {body=graph {\n"
      "%0 = parameter(\"x0\") : f32[2,2]\n"
      "%1 = exp(%0) : f32[2,2]\n"
      "%2 = sin(%1) : f32[2,2]\nreturn %1, %2\n"
      "}} : f32[2,2], f32[2,2]\n"
      "%3 = reduce_sum(%1) {axes=[0], keepdims=false} : f32[2]\n"
      "return %2, %3, %1");
}

TEST_CASE("fuse_elementwise makes no cycle through other nodes") {
  // add needs the sum, which needs exp.
  check_stays(
      "f32[4]",
      "%1 = exp(%0) : f32[4]\n"
      "%2 = reduce_sum(%1) {axes=[0], keepdims=true} : f32[1]\n"
      "%3 = divide(%1, %2) : f32[4]\nreturn %3");
}

TEST_CASE("fuse_elementwise makes no cycle through a fused node") {
  // a and d share %0; b depends on a through a sum, and d on b.
  check_stays(
      "f32[4], f32[]",
      "%2 = exp(%0) : f32[4]\n"
      "%3 = reduce_sum(%2) {axes=[0], keepdims=false} : f32[]\n"
      "%4 = sin(%3) : f32[]\n"
      "%5 = broadcast_to(%4) {shape=[4]} : f32[4]\n"
      "%6 = add(%0, %5) : f32[4]\nreturn %6");
}

TEST_CASE("fuse_elementwise reorders what lies between") {
  // %2 has to move behind the matmul that makes %3's operand.
  check(
      "f32[2,2], f32[2,2]",
      "%2 = exp(%0) : f32[2,2]\n"
      "%3 = matmul(%0, %1) {transpose_a=false, transpose_b=false} : f32[2,2]\n"
      "%4 = add(%2, %3) : f32[2,2]\nreturn %4",
      "%2 = matmul(%0, %1) {transpose_a=false, transpose_b=false} : f32[2,2]\n"
      "%3 = fused(%0, %2) {body=graph {\n"
      "%0 = parameter(\"x0\") : f32[2,2]\n"
      "%1 = parameter(\"x1\") : f32[2,2]\n"
      "%2 = exp(%0) : f32[2,2]\n"
      "%3 = add(%2, %1) : f32[2,2]\nreturn %3\n"
      "}} : f32[2,2]\nreturn %3");
}

TEST_CASE("fuse_elementwise does not repeat small work for every element") {
  // The scalar part is one node, the array part another.
  check(
      "f32[4], f32[]",
      "%2 = sqrt(%1) : f32[]\n"
      "%3 = reciprocal(%2) : f32[]\n"
      "%4 = multiply(%0, %3) : f32[4]\n"
      "%5 = tanh(%4) : f32[4]\nreturn %5",
      "%2 = fused(%1) {body=graph {\n"
      "%0 = parameter(\"x0\") : f32[]\n"
      "%1 = sqrt(%0) : f32[]\n"
      "%2 = reciprocal(%1) : f32[]\nreturn %2\n"
      "}} : f32[]\n"
      "%3 = fused(%0, %2) {body=graph {\n"
      "%0 = parameter(\"x0\") : f32[4]\n"
      "%1 = parameter(\"x1\") : f32[]\n"
      "%2 = multiply(%0, %1) : f32[4]\n"
      "%3 = tanh(%2) : f32[4]\nreturn %3\n"
      "}} : f32[4]\nreturn %3");
}

TEST_CASE("fuse_elementwise joins independent ops that read one array") {
  check(
      "f32[4], f32[4]",
      "%2 = exp(%0) : f32[4]\n%3 = sin(%0) : f32[4]\nreturn %2, %3",
      "%2, %3 = fused(%0) {body=graph {\n"
      "%0 = parameter(\"x0\") : f32[4]\n"
      "%1 = exp(%0) : f32[4]\n%2 = sin(%0) : f32[4]\nreturn %1, %2\n"
      "}} : f32[4], f32[4]\nreturn %2, %3");
  // ... but not those that share nothing, or only a number.
  check_stays(
      "f32[4], f32[4]",
      "%2 = exp(%0) : f32[4]\n%3 = sin(%1) : f32[4]\nreturn %2, %3");
  check_stays(
      "f32[4], f32[4], f32[]",
      "%3 = add(%0, %2) : f32[4]\n%4 = add(%1, %2) : f32[4]\nreturn %3, %4");
}

TEST_CASE("fuse_elementwise makes a mask where it is used") {
  // The backward pass makes the mask itself, from the output that is kept.
  const std::string product =
      " {transpose_a=false, transpose_b=false} : f32[2,2]\n";
  const std::string text = "%2 = matmul(%0, %1)" + product +
                           "%3 = relu(%2) : f32[2,2]\n"
                           "%4 = greater(%3, %0) : bool[2,2]\n"
                           "%5 = matmul(%3, %1)" +
                           product +
                           "%6 = select(%4, %5, %0) : f32[2,2]\nreturn %6";
  const Graph fused =
      fuse_elementwise(graph_of(parameters("f32[2,2], f32[2,2]") + text));
  std::size_t fused_nodes = 0;
  for (const Node& node : fused.nodes()) {
    if (node.op != Op::fused) continue;
    ++fused_nodes;
    CHECK_EQ(node.attrs.graph("body").nodes().back().op, Op::select);
    CHECK_EQ(node.outputs.size(), 1);
  }
  CHECK_EQ(fused_nodes, 1);
}

// Adam for one weight: m, v and w come out of one node.
std::string adam(int first, const std::string& grad, const std::string& name) {
  const auto id = [&](int i) { return "%" + std::to_string(first + i); };
  const std::string t = " : f32[8]\n";
  return id(0) + " = read(\"" + name + "/w\")" + t +  //
         id(1) + " = read(\"" + name + "/m\")" + t +  //
         id(2) + " = read(\"" + name + "/v\")" + t + id(3) + " = subtract(" +
         grad + ", " + id(1) + ")" + t + id(4) + " = multiply(" + id(3) +
         ", %1)" + t + id(5) + " = add(" + id(1) + ", " + id(4) + ")" + t +
         id(6) + " = square(" + grad + ")" + t + id(7) + " = subtract(" +
         id(6) + ", " + id(2) + ")" + t + id(8) + " = multiply(" + id(7) +
         ", %2)" + t + id(9) + " = add(" + id(2) + ", " + id(8) + ")" + t +
         id(10) + " = sqrt(" + id(9) + ")" + t + id(11) + " = add(" + id(10) +
         ", %3)" + t + id(12) + " = divide(" + id(5) + ", " + id(11) + ")" + t +
         id(13) + " = multiply(" + id(12) + ", %4)" + t + id(14) +
         " = subtract(" + id(0) + ", " + id(13) + ")" + t + "assign(\"" + name +
         "/m\", " + id(5) + ")\n" + "assign(\"" + name + "/v\", " + id(9) +
         ")\n" + "assign(\"" + name + "/w\", " + id(14) + ")\n";
}

TEST_CASE("fuse_elementwise makes one sweep of an optimizer's update") {
  const Graph fused = fuse_elementwise(graph_of(
      parameters("f32[8], f32[], f32[], f32[], f32[], f32[8]") +
      adam(6, "%0", "a") + adam(21, "%5", "b") + "return"));
  verify(fused, "fuse");
  std::vector<const Node*> sweeps;
  for (const Node& node : fused.nodes()) {
    if (node.op == Op::fused) sweeps.push_back(&node);
    CHECK_FALSE((op_info(node.op).elementwise && node.op != Op::fused));
  }
  REQUIRE_EQ(sweeps.size(), 2);
  for (const Node* sweep : sweeps) {
    CHECK_EQ(sweep->outputs.size(), 3);
    CHECK_EQ(sweep->inputs.size(), 8);
    CHECK_EQ(sweep->attrs.graph("body").nodes().size(), 8 + 12);
  }
}

TEST_CASE("fuse_elementwise bounds the size of a node") {
  std::string text = parameters("f32[4]");
  for (int i = 1; i <= 200; ++i) {
    text += "%" + std::to_string(i) + " = sin(%" + std::to_string(i - 1) +
            ") : f32[4]\n";
  }
  const Graph fused = fuse_elementwise(graph_of(text + "return %200"));
  std::size_t inside = 0;
  for (const Node& node : fused.nodes()) {
    if (node.op != Op::fused) continue;
    const std::size_t size = node.attrs.graph("body").nodes().size();
    CHECK_LE(size, 64 + 1);
    inside += size - 1;
  }
  CHECK_EQ(inside, 200);
  CHECK_LE(fused.nodes().size(), 1 + 5);
}

TEST_CASE("fuse_elementwise keeps the order of parameters") {
  const Graph fused =
      fuse_elementwise(graph_of("%0 = parameter(\"a\") : f32[4]\n"
                                "%1 = exp(%0) : f32[4]\n"
                                "%2 = parameter(\"b\") : f32[4]\n"
                                "%3 = parameter(\"c\") : f32[4]\n"
                                "%4 = add(%1, %3) : f32[4]\n"
                                "return %4, %2"));
  REQUIRE_EQ(fused.parameters().size(), 3);
  const std::vector<std::string> names = {"a", "b", "c"};
  for (std::size_t i = 0; i < names.size(); ++i) {
    const Node& node = fused.node(fused.producer(fused.parameters()[i]));
    CHECK_EQ(node.attrs.get<std::string>("name"), names[i]);
  }
}

/// A graph of element-wise ops of two shapes and of sums that no kernel takes.
Graph random_graph(unsigned seed, int nodes) {
  std::mt19937 random(seed);
  Graph graph;
  std::vector<Value> large = {graph.parameter({DType::f32, {4}}, "a")};
  std::vector<Value> small = {graph.parameter({DType::f32, {}}, "b")};
  const auto any = [&](const std::vector<Value>& values) {
    // Near ones more often: long chains.
    const std::size_t back = std::min<std::size_t>(
        values.size(), 1 + random() % (random() % 4 == 0 ? 1000 : 6));
    return values[values.size() - back];
  };
  for (int i = 0; i < nodes; ++i) {
    switch (random() % 8) {
      case 0:
        small.push_back(graph.add1(
            Op::reduce_sum,
            {any(large)},
            {{"axes", Ints{0}}, {"keepdims", false}}));
        break;
      case 1:
        small.push_back(graph.add1(Op::multiply, {any(small), any(small)}));
        break;
      case 2:
        large.push_back(graph.add1(Op::add, {any(large), any(small)}));
        break;
      case 3:
        large.push_back(
            graph.add1(Op::reverse, {any(large)}, {{"axes", Ints{0}}}));
        break;
      case 4:
        large.push_back(graph.add1(Op::sin, {any(large)}));
        break;
      default:
        large.push_back(graph.add1(Op::subtract, {any(large), any(large)}));
    }
  }
  graph.set_outputs({large.back(), small.back(), any(large)});
  return graph;
}

std::map<Op, int> count_ops(const Graph& graph) {
  std::map<Op, int> counts;
  for (const Node& node : graph.nodes()) {
    if (node.op == Op::fused) {
      const Graph& body = node.attrs.graph("body");
      for (const auto& [op, count] : count_ops(body)) {
        if (op != Op::parameter) counts[op] += count;
      }
    } else {
      ++counts[node.op];
    }
  }
  return counts;
}

TEST_CASE("fuse_elementwise keeps every node of random graphs, in order") {
  for (unsigned seed = 0; seed < 200; ++seed) {
    CAPTURE(seed);
    const Graph graph = random_graph(seed, 5 + static_cast<int>(seed) * 2);
    const Graph fused = fuse_elementwise(graph);
    verify(fused, "fuse");  // operands before their users: no cycle
    CHECK(count_ops(fused) == count_ops(graph));
    for (const Node& node : fused.nodes()) {
      if (node.op != Op::fused) continue;
      const Graph& body = node.attrs.graph("body");
      CHECK_LE(node.outputs.size(), 8);
      CHECK_LE(node.inputs.size(), 32);
      for (const ValueId output : body.outputs()) {
        CHECK_EQ(body.type(output).shape, body.type(body.outputs()[0]).shape);
      }
    }
  }
}

TEST_CASE("fuse_elementwise gives the same graph every time") {
  const Graph graph = random_graph(3, 400);
  CHECK_EQ(print(fuse_elementwise(graph)), print(fuse_elementwise(graph)));
}

}  // namespace
}  // namespace keratin
