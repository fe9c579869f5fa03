#include <doctest/doctest.h>

#include <cstdint>
#include <string>
#include <vector>

#include "src/ir/text.hpp"
#include "src/passes/pass.hpp"
#include "tests/passes/pass_check.hpp"

namespace keratin {
namespace {

using testing::after_pass;
using testing::as_it_is;
using testing::graph_of;
using testing::parameters;

int calls = 0;

/// Knows add of equal shapes; makes ones of everything else.
std::vector<Tensor> evaluate(
    const Graph& graph, const Node& node, const std::vector<Tensor>& inputs) {
  ++calls;
  std::vector<Tensor> results;
  for (const ValueId id : node.outputs) {
    const ValueType& type = graph.type(id);
    results.push_back(Tensor::full(type.dtype, type.shape, 1));
  }
  if (node.op == Op::add) {
    auto out = results[0].mutable_data<float>();
    for (std::size_t i = 0; i < out.size(); ++i) {
      out[i] = inputs[0].data<float>()[i] + inputs[1].data<float>()[i];
    }
  }
  return results;
}

/// Sets the evaluator for a scope. What a backend has set is lost: these tests
/// want none.
class EvaluatorScope {
 public:
  explicit EvaluatorScope(NodeEvaluator evaluator) {
    set_node_evaluator(evaluator);
    calls = 0;
  }

  ~EvaluatorScope() { set_node_evaluator(nullptr); }

  EvaluatorScope(const EvaluatorScope&) = delete;
  EvaluatorScope& operator=(const EvaluatorScope&) = delete;
};

const char* const kTwoAndThree =
    "%0 = constant() {value=tensor(f32[], 2.0)} : f32[]\n"
    "%1 = constant() {value=tensor(f32[], 3.0)} : f32[]\n";

TEST_CASE("fold_constants computes what depends on constants only") {
  const EvaluatorScope scope(evaluate);
  CHECK_EQ(
      after_pass(
          fold_constants,
          std::string(kTwoAndThree) +
              "%2 = add(%0, %1) : f32[] @dense\n"
              "%3 = add(%2, %2) : f32[] @dense\nreturn %3"),
      as_it_is("%0 = constant() {value=tensor(f32[], 10.0)} : f32[] @dense\n"
               "return %0"));
  CHECK_EQ(calls, 2);
}

TEST_CASE("fold_constants does nothing without an evaluator") {
  const EvaluatorScope scope(nullptr);
  const std::string text =
      std::string(kTwoAndThree) + "%2 = add(%0, %1) : f32[]\nreturn %2";
  CHECK_EQ(after_pass(fold_constants, text), as_it_is(text));
}

TEST_CASE("fold_constants folds short ramps and all results of a node") {
  const EvaluatorScope scope(evaluate);
  CHECK_EQ(
      after_pass(
          fold_constants,
          "%0 = iota() {shape=[2], axis=0, dtype=f32} : f32[2]\nreturn %0"),
      as_it_is("%0 = constant() {value=tensor(f32[2], 1.0, 1.0)} : f32[2]\n"
               "return %0"));
  CHECK_EQ(
      after_pass(
          fold_constants,
          "%0 = constant() {value=tensor(f32[1], 2.0)} : f32[1]\n"
          "%1, %2 = sort(%0) {axis=0} : f32[1], i32[1]\nreturn %1, %2"),
      as_it_is("%0 = constant() {value=tensor(f32[1], 1.0)} : f32[1]\n"
               "%1 = constant() {value=tensor(i32[1], 1.0)} : i32[1]\n"
               "return %0, %1"));
}

TEST_CASE("fold_constants leaves what is not constant or would be large") {
  const EvaluatorScope scope(evaluate);
  const std::vector<std::string> texts = {
      parameters("f32[]") +
          "%1 = constant() {value=tensor(f32[], 2.0)} : f32[]\n"
          "%2 = add(%0, %1) : f32[]\nreturn %2",
      "%0 = read(\"v\") : f32[]\n%1 = exp(%0) : f32[]\nreturn %1",
      // NOLINTNEXTLINE(bugprone-suspicious-missing-comma)
      "%0 = constant() {value=tensor(u32[2], 1.0, 2.0)} : u32[2]\n"
      "%1 = random_bits(%0) {shape=[4]} : u32[4]\nreturn %1",
      "%0 = constant() {value=tensor(f32[], 1.0)} : f32[]\n"
      "%1 = broadcast_to(%0) {shape=[8]} : f32[8]\nreturn %1",
      "%0 = iota() {shape=[100000], axis=0, dtype=f32} : f32[100000]\n"
      "return %0",
      "%0 = constant() {value=tensor(f32[1], 1.0)} : f32[1]\n"
      "%1 = pad(%0) {low=[0], high=[300000], value=0.0} : f32[300001]\n"
      "return %1",
  };
  for (const std::string& text : texts) {
    CHECK_EQ(after_pass(fold_constants, text), as_it_is(text));
  }
  CHECK_EQ(calls, 0);
}

}  // namespace
}  // namespace keratin
