#include <doctest/doctest.h>

#include <set>
#include <string>

#include "src/core/log.hpp"
#include "src/ir/text.hpp"
#include "src/ir/verifier.hpp"
#include "src/passes/pass.hpp"
#include "tests/passes/pass_check.hpp"

namespace keratin {
namespace {

using testing::graph_of;
using testing::parameters;

const char* const kSoftmax = "%1 = softmax(%0) {axis=1} : f32[2,3]\nreturn %1";

Graph without(const std::string& statements, const std::set<Op>& declined) {
  const Graph result =
      decompose(graph_of(statements), [&](const Graph&, const Node& node) {
        return declined.contains(node.op) ? Support::no("not here")
                                          : Support::yes();
      });
  verify(result, "decompose");
  return result;
}

bool has(const Graph& graph, Op op) {
  for (const Node& node : graph.nodes()) {
    if (node.op == op) return true;
  }
  return false;
}

TEST_CASE("decompose leaves what the backend supports") {
  const std::string text = parameters("f32[2,3]") + kSoftmax;
  CHECK_EQ(print(without(text, {})), print(graph_of(text)));
  CHECK_EQ(print(decompose(graph_of(text), nullptr)), print(graph_of(text)));
}

TEST_CASE("decompose replaces what the backend declines and says why") {
  const LogCapture log({"passes"});
  const Graph result =
      without(parameters("f32[2,3]") + kSoftmax, {Op::softmax});
  CHECK_FALSE(has(result, Op::softmax));
  CHECK(has(result, Op::exp));
  CHECK(has(result, Op::reduce_max));
  CHECK_EQ(result.output_values()[0].shape(), Shape({2, 3}));
  CHECK(log.contains("softmax"));
  CHECK(log.contains("not here"));
}

TEST_CASE("decompose goes on where a decomposition uses composite ops") {
  const Graph result = without(
      parameters("f32[2,3]") +
          "%1 = reduce_mean(%0) {axes=[1], keepdims=false} : f32[2]\n"
          "%2 = softmax(%0) {axis=1} : f32[2,3]\n"
          "%3 = log_softmax(%2) {axis=1} : f32[2,3]\nreturn %1, %3",
      {Op::reduce_mean, Op::softmax, Op::log_softmax});
  CHECK_FALSE(has(result, Op::reduce_mean));
  CHECK_FALSE(has(result, Op::softmax));
  CHECK_FALSE(has(result, Op::log_softmax));
}

TEST_CASE("decompose leaves a primitive that is declined to the backend") {
  const std::string text =
      parameters("f32[2,3]") + "%1 = exp(%0) : f32[2,3]\nreturn %1";
  CHECK_EQ(print(without(text, {Op::exp})), print(graph_of(text)));
}

TEST_CASE("decompose keeps the layer on the new nodes") {
  const Graph result = without(
      parameters("f32[2,3]") +
          "%1 = softmax(%0) {axis=1} : f32[2,3] @probabilities\nreturn %1",
      {Op::softmax});
  for (const Node& node : result.nodes()) {
    if (node.op != Op::parameter) CHECK_EQ(node.origin.layer, "probabilities");
  }
}

}  // namespace
}  // namespace keratin
