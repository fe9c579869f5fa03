#include <doctest/doctest.h>

#include <set>

#include "src/backends/reference/backend.hpp"
#include "src/backends/reference/kernels.hpp"
#include "src/ir/op_info.hpp"
#include "src/ir/text.hpp"
#include "tests/backends/op_case.hpp"

using namespace keratin;
using namespace keratin::testing;

TEST_CASE("The reference kernels compute what NumPy computes") {
  for (const OpCase& one : reference_cases()) {
    CAPTURE(one.name);
    const Graph graph = parse_graph(one.graph);
    const std::vector<Tensor> outputs =
        reference::evaluate(graph, graph.nodes().back(), one.inputs);
    REQUIRE(outputs.size() == one.outputs.size());
    for (std::size_t i = 0; i < outputs.size(); ++i) {
      CHECK(
          difference(
              one.outputs[i], outputs[i], tolerance(outputs[i].dtype())) == "");
    }
  }
}

TEST_CASE("Element-wise kernels that may overwrite an operand do so rightly") {
  int overwritten = 0;
  for (const OpCase& one : reference_cases()) {
    const Graph graph = parse_graph(one.graph);
    const Node& node = graph.nodes().back();
    const host::KernelEntry* entry = nullptr;
    for (const host::KernelEntry& each : reference::kernels()) {
      if (entry == nullptr && each.supports(graph, node)) entry = &each;
    }
    REQUIRE(entry != nullptr);

    struct NoSubgraphs final : host::KernelFactory {
      std::unique_ptr<host::Kernel> make(const Graph&, const Node&) override {
        return nullptr;
      }

      const CompileOptions& options() const override { return none; }

      CompileOptions none;
    } factory;

    for (std::size_t k = 0; k < one.inputs.size(); ++k) {
      const auto kernel = entry->make(factory, graph, node);
      const ValueType& result = graph.type(node.outputs[0]);
      if (one.outputs.size() > 1 || kernel->scratch_bytes() > 0) continue;
      if (!kernel->can_overwrite(static_cast<int>(k), 0)) continue;
      if (one.inputs[k].size_bytes() !=
          static_cast<std::size_t>(result.size_bytes())) {
        continue;
      }
      CAPTURE(one.name);
      std::vector<Tensor> inputs = one.inputs;
      host::Binding binding;
      for (std::size_t i = 0; i < inputs.size(); ++i) {
        binding.inputs.push_back(
            {inputs[i].mutable_raw(), &graph.type(node.inputs[i])});
      }
      binding.outputs.push_back({binding.inputs[k].data, &result});
      kernel->bind(binding);
      kernel->run();
      const auto held = std::shared_ptr<void>();
      const Tensor got = Tensor::borrow(
          binding.inputs[k].data, result.dtype, result.shape, held);
      CHECK(difference(one.outputs[0], got, tolerance(result.dtype)) == "");
      ++overwritten;
    }
  }
  CHECK(overwritten > 500);
}

TEST_CASE("The reference has a kernel for every op that computes") {
  std::set<Op> seen;
  for (const OpCase& one : reference_cases()) {
    seen.insert(parse_graph(one.graph).nodes().back().op);
  }
  // Structure, and what control_flow_test and random_test are about.
  const std::set<Op> elsewhere = {
      Op::parameter,
      Op::constant,
      Op::read,
      Op::assign,
      Op::random_bits,
      Op::random_uniform,
      Op::random_normal,
      Op::scan,
      Op::cond,
      Op::while_loop,
      Op::fused};
  for (const OpInfo& info : all_ops()) {
    CAPTURE(info.name);
    CHECK(seen.contains(info.op) != elsewhere.contains(info.op));
  }
}
