#include <doctest/doctest.h>

#include <string>

#include <keratin/ops.hpp>

#include "src/ir/autodiff.hpp"
#include "src/ir/text.hpp"
#include "src/passes/pass.hpp"
#include "tests/passes/pass_check.hpp"

namespace keratin {
namespace {

using testing::after_pass;
using testing::as_it_is;
using testing::parameters;

const std::string kHeader = parameters("f32[], f32[5]");

/// A scan over (%0, %1) whose body returns `outputs` of its values.
std::string scan(
    const std::string& results,
    const std::string& types,
    const std::string& outputs,
    const std::string& op = "sin",
    const std::string& reverse = "false") {
  return results + " = scan(%0, %1) {body=graph {\n" +
         "%0 = parameter(\"carry\") : f32[]\n" +
         "%1 = parameter(\"x\") : f32[]\n%2 = " + op +
         "(%0) : f32[]\n%3 = add(%2, %1) : f32[]\nreturn " + outputs +
         "\n}, carries=1, xs=1, length=5, reverse=" + reverse + "} : " + types +
         "\n";
}

void check_merge(const std::string& before, const std::string& after) {
  CHECK_EQ(
      after_pass(merge_scans, kHeader + before), as_it_is(kHeader + after));
}

TEST_CASE(
    "merge_scans runs a loop that returns more in place of one that "
    "returns less") {
  check_merge(
      scan("%2", "f32[]", "%3") + "%3 = exp(%2) : f32[]\n" +
          scan("%4, %5", "f32[], f32[5]", "%3, %2") + "return %3, %4, %5",
      scan("%2, %3", "f32[], f32[5]", "%3, %2") +
          "%4 = exp(%2) : f32[]\nreturn %4, %2, %3");
}

TEST_CASE("merge_scans returns once what both return") {
  check_merge(
      scan("%2, %3, %4", "f32[], f32[5], f32[5]", "%3, %2, %0") +
          scan("%5, %6, %7", "f32[], f32[5], f32[5]", "%3, %3, %2") +
          "return %3, %4, %6, %7",
      scan(
          "%2, %3, %4, %5", "f32[], f32[5], f32[5], f32[5]", "%3, %2, %0, %3") +
          "return %3, %4, %5, %3");
}

TEST_CASE("merge_scans leaves loops alone that compute different steps") {
  const std::string first = scan("%2", "f32[]", "%3");
  for (const std::string& second :
       {scan("%3", "f32[]", "%3", "cos"),
        scan("%3", "f32[]", "%3", "sin", "true"),
        scan("%3", "f32[]", "%2")}) {
    CAPTURE(second);
    const std::string both = first + second + "return %2, %3";
    check_merge(both, both);
  }
}

TEST_CASE("a loop and its gradient make two scans, not three") {
  Graph graph;
  const Value h = graph.parameter({DType::f32, {2, 3}}, "h");
  const Value xs = graph.parameter({DType::f32, {5, 2, 3}}, "xs");
  const Value w = graph.parameter({DType::f32, {3, 3}}, "w");
  const auto loop = ops::scan({h}, {xs}, [&](const std::vector<Value>& p) {
    return std::vector<Value>{ops::tanh(ops::matmul(p[0], w) + p[1])};
  });
  graph.set_outputs(gradients(ops::sum(loop.carry[0]), {h, xs, w}));
  const auto scans = [](const Graph& g) {
    std::size_t count = 0;
    for (const Node& node : g.nodes()) count += node.op == Op::scan ? 1 : 0;
    return count;
  };
  REQUIRE(scans(graph) == 3);
  CHECK(scans(merge_scans(graph)) == 2);
}

}  // namespace
}  // namespace keratin
