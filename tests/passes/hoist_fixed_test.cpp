#include "src/passes/hoist_fixed.hpp"

#include <doctest/doctest.h>

#include <string>
#include <vector>

#include "src/ir/text.hpp"
#include "src/ir/verifier.hpp"
#include "src/runtime/program.hpp"
#include "src/runtime/registry.hpp"
#include "tests/passes/pass_check.hpp"

namespace keratin {
namespace {

using testing::graph_of;

struct Hoisted {
  std::string prologue;
  std::string rest;
};

Hoisted hoist(const std::string& statements) {
  Graph prologue;
  const Graph rest = eliminate_dead(hoist_fixed(
      graph_of(statements),
      [](const ValueType& type) {
        return Variable(
            Tensor(type.dtype, type.shape), {.name = "kept between runs"});
      },
      prologue));
  verify(prologue, "prologue");
  verify(rest, "rest");
  return {print(prologue), print(rest)};
}

bool hoists(const std::string& statements) {
  return hoist(statements).prologue != print(Graph());
}

TEST_CASE("hoist_fixed moves what unassigned variables alone decide") {
  const Hoisted result = hoist(
      "%0 = parameter(\"x\") : f32[3]\n"
      "%1 = read(\"v\") : f32[3]\n"
      "%2 = rsqrt(%1) : f32[3]\n"
      "%3 = multiply(%0, %2) : f32[3]\nreturn %3");
  CHECK_EQ(
      result.prologue,
      "graph {\n"
      "  %0 = read(\"v\") : f32[3]\n"
      "  %1 = rsqrt(%0) : f32[3]\n"
      "  assign(\"kept between runs\", %1)\n"
      "  return\n}\n");
  CHECK_EQ(
      result.rest,
      "graph {\n"
      "  %0 = parameter(\"x\") : f32[3]\n"
      "  %1 = read(\"kept between runs\") : f32[3]\n"
      "  %2 = multiply(%0, %1) : f32[3]\n"
      "  return %2\n}\n");
}

TEST_CASE("hoist_fixed leaves what the program changes") {
  CHECK_FALSE(
      hoists("%0 = parameter(\"x\") : f32[3]\n"
             "%1 = read(\"v\") : f32[3]\n"
             "%2 = rsqrt(%1) : f32[3]\n"
             "%3 = multiply(%0, %2) : f32[3]\nassign(\"v\", %3) return %3"));
}

TEST_CASE("hoist_fixed leaves single numbers, names and what would grow") {
  CHECK_FALSE(
      hoists("%0 = parameter(\"x\") : f32[3]\n"
             "%1 = read(\"rate\") : f32[]\n"
             "%2 = rsqrt(%1) : f32[]\n"
             "%3 = multiply(%0, %2) : f32[3]\nreturn %3"));
  CHECK_FALSE(
      hoists("%0 = parameter(\"x\") : f32[6]\n"
             "%1 = read(\"v\") : f32[2,3]\n"
             "%2 = reshape(%1) {shape=[6]} : f32[6]\n"
             "%3 = multiply(%0, %2) : f32[6]\nreturn %3"));
  CHECK_FALSE(
      hoists("%0 = parameter(\"x\") : f32[8,3]\n"
             "%1 = read(\"v\") : f32[3]\n"
             "%2 = broadcast_to(%1) {shape=[8, 3]} : f32[8,3]\n"
             "%3 = multiply(%0, %2) : f32[8,3]\nreturn %3"));
}

TEST_CASE("a program sees a variable that was assigned between two runs") {
  for (const char* backend : {"reference", "cpu"}) {
    const Variable v(Tensor(std::vector<float>{1, 4}), {.name = "v"});
    Graph graph;
    const Value x = graph.parameter({DType::f32, {2}}, "x");
    const Value root = graph.add1(Op::sqrt, {graph.read(v)});
    graph.set_outputs({graph.add1(Op::multiply, {x, root})});
    Program program(graph, find_backend(backend));
    const std::vector<Tensor> ones = {Tensor(std::vector<float>{1, 1})};
    CHECK_EQ(program.run(ones)[0].to_vector<float>(), std::vector{1.0F, 2.0F});
    CHECK_EQ(program.run(ones)[0].to_vector<float>(), std::vector{1.0F, 2.0F});
    Variable(v).assign(Tensor(std::vector<float>{9, 16}));
    CHECK_EQ(program.run(ones)[0].to_vector<float>(), std::vector{3.0F, 4.0F});
  }
}

}  // namespace
}  // namespace keratin
