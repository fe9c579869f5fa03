// docs/adding_a_backend.md, done: a backend of one kernel of its own.

#include "tests/backends/own_backend.hpp"

#include <doctest/doctest.h>

#include <keratin/ops.hpp>

#include "src/backends/reference/kernels.hpp"
#include "src/core/log.hpp"
#include "src/ir/autodiff.hpp"
#include "src/runtime/program.hpp"
#include "src/runtime/registry.hpp"
#include "tests/backends/op_case.hpp"

namespace keratin {
namespace {

Support all_but_softmax(const Graph& graph, const Node& node) {
  return node.op == Op::softmax
             ? Support::no("has no such kernel")
             : host::supports(reference::kernels(), graph, node);
}

std::unique_ptr<host::Kernel> make_by_reference(
    host::KernelFactory& factory, const Graph& graph, const Node& node) {
  for (const host::KernelEntry& entry : reference::kernels()) {
    if (entry.supports(graph, node)) return entry.make(factory, graph, node);
  }
  return nullptr;  // supports() said otherwise
}

TEST_CASE("A backend with a kernel of its own trains as the reference does") {
  testing::OwnBackend own(
      {testing::kOwnMultiply,
       {"own.rest", all_but_softmax, make_by_reference}});

  // The mean of softmax(x * w), and its gradient by w.
  Graph graph;
  const Value x = graph.parameter({DType::f32, {2, 3}}, "x");
  const Value w = graph.parameter({DType::f32, {2, 3}}, "w");
  const Value mean = ops::mean(ops::square(ops::softmax(x * w)));
  graph.set_outputs({mean, gradients(mean, {w})[0]});

  const std::vector<Tensor> inputs = {
      Tensor(std::vector<float>{1, 2, 3, 4, 5, 6}, {2, 3}),
      Tensor(std::vector<float>{.1F, -.2F, .3F, -.4F, .5F, .6F}, {2, 3})};
  const LogCapture log({"dispatch", "passes"});
  const auto ours = Program(graph, own).run(inputs);
  const auto theirs = Program(graph, find_backend("reference")).run(inputs);
  REQUIRE(ours.size() == 2);
  for (std::size_t i = 0; i < ours.size(); ++i) {
    CHECK(
        testing::difference(
            theirs[i], ours[i], testing::tolerance(DType::f32)) == "");
  }
  CHECK(log.contains("own: own.multiply runs"));
  CHECK(log.contains("has no such kernel"));  // so softmax was decomposed
}

}  // namespace
}  // namespace keratin
