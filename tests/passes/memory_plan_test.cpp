#include "src/passes/memory_plan.hpp"

#include <doctest/doctest.h>

#include <cstdint>
#include <random>
#include <string>
#include <vector>

#include "tests/passes/pass_check.hpp"
#include "tests/passes/plan_simulator.hpp"

namespace keratin {
namespace {

using testing::graph_of;
using testing::parameters;
using testing::simulate;

PlanOptions overwriting() {
  PlanOptions options;
  options.can_overwrite = [](const Graph&, const Node&, int, int) {
    return true;
  };
  return options;
}

const Placement& output(const Graph& graph, const MemoryPlan& plan, int i) {
  return plan.values[graph.outputs()[i]];
}

int count_copies(const MemoryPlan& plan) {
  int copies = 0;
  for (const bool copy : plan.assign_copies) copies += copy ? 1 : 0;
  return copies;
}

TEST_CASE("plan_memory uses bytes again when their value is done") {
  const Graph graph = graph_of(
      parameters("f32[100]") +
      "%1 = exp(%0) : f32[100]\n%2 = sin(%1) : f32[100]\n"
      "%3 = cos(%2) : f32[100]\n%4 = tan(%3) : f32[100]\nreturn %4");
  const MemoryPlan plan = plan_memory(graph);
  CHECK_EQ(plan.arena_bytes, 2 * 448);  // 400 rounded up to 64, two at a time
  CHECK_EQ(simulate(graph, plan, {}), "");
  const MemoryPlan in_place = plan_memory(graph, overwriting());
  CHECK_EQ(in_place.arena_bytes, 448);
  CHECK_EQ(simulate(graph, in_place, overwriting()), "");
}

TEST_CASE("plan_memory knows inputs, constants and variables by number") {
  const Graph graph = graph_of(
      parameters("f32[4], f32[4]") +
      "%2 = constant() {value=tensor(f32[], 2.0)} : f32[]\n"
      "%3 = read(\"v\") : f32[4]\n%4 = add(%1, %3) : f32[4]\nreturn %4");
  const MemoryPlan plan = plan_memory(graph);
  CHECK_EQ(plan.values[1].place, Place::input);
  CHECK_EQ(plan.values[1].index, 1);
  CHECK_EQ(plan.values[2].place, Place::constant);
  CHECK_EQ(plan.values[2].index, 2);
  CHECK_EQ(plan.values[3].place, Place::variable);
  REQUIRE_EQ(plan.variables.size(), 1);
  CHECK_EQ(plan.variables[0].path(), "v");
  CHECK_EQ(plan.values[4].size_bytes, 16);
}

TEST_CASE("plan_memory computes an assigned value where the variable is") {
  const Graph graph = graph_of(
      parameters("f32[4]") +
      "%1 = read(\"v\") : f32[4]\n%2 = add(%1, %0) : f32[4]\n"
      "assign(\"v\", %2)\nreturn %2");
  const MemoryPlan plan = plan_memory(graph, overwriting());
  CHECK_EQ(output(graph, plan, 0).place, Place::variable);
  CHECK_EQ(count_copies(plan), 0);
  CHECK_EQ(plan.arena_bytes, 0);
  CHECK_EQ(simulate(graph, plan, overwriting()), "");
  // Without leave to overwrite the operand it has to be copied.
  const MemoryPlan careful = plan_memory(graph);
  CHECK_EQ(output(graph, careful, 0).place, Place::arena);
  CHECK_EQ(count_copies(careful), 1);
  CHECK_EQ(simulate(graph, careful, {}), "");
}

TEST_CASE("plan_memory copies when the old value is read later") {
  const Graph graph = graph_of(
      parameters("f32[4]") +
      "%1 = read(\"v\") : f32[4]\n%2 = add(%1, %0) : f32[4]\n"
      "assign(\"v\", %2)\n%3 = multiply(%2, %1) : f32[4]\nreturn %3");
  const MemoryPlan plan = plan_memory(graph, overwriting());
  CHECK_EQ(count_copies(plan), 1);
  CHECK_EQ(simulate(graph, plan, overwriting()), "");
}

TEST_CASE("plan_memory saves an old value that is an output") {
  const Graph graph = graph_of(
      parameters("f32[4]") +
      "%1 = read(\"v\") : f32[4]\n%2 = add(%1, %0) : f32[4]\n"
      "assign(\"v\", %2)\nreturn %1");
  const MemoryPlan plan = plan_memory(graph, overwriting());
  CHECK_EQ(output(graph, plan, 0).place, Place::arena);
  CHECK_EQ(simulate(graph, plan, overwriting()), "");
}

TEST_CASE("plan_memory swaps two variables") {
  const Graph graph = graph_of(
      "%0 = read(\"a\") : f32[4]\n%1 = read(\"b\") : f32[4]\n"
      "assign(\"a\", %1)\nassign(\"b\", %0)\nreturn");
  const MemoryPlan plan = plan_memory(graph, overwriting());
  CHECK_EQ(count_copies(plan), 2);
  CHECK_EQ(simulate(graph, plan, overwriting()), "");
}

TEST_CASE("plan_memory passes values along three variables") {
  const Graph graph = graph_of(
      parameters("f32[4]") +
      "%1 = read(\"a\") : f32[4]\n%2 = read(\"b\") : f32[4]\n"
      "%3 = exp(%0) : f32[4]\n"
      "assign(\"a\", %3)\nassign(\"b\", %1)\nassign(\"c\", %2)\nreturn");
  const MemoryPlan plan = plan_memory(graph, overwriting());
  CHECK_EQ(simulate(graph, plan, overwriting()), "");
}

TEST_CASE("plan_memory gives one value to two variables") {
  const Graph graph = graph_of(
      parameters("f32[4]") +
      "%1 = exp(%0) : f32[4]\nassign(\"a\", %1)\nassign(\"b\", %1)\nreturn");
  const MemoryPlan plan = plan_memory(graph, overwriting());
  CHECK_EQ(count_copies(plan), 1);
  CHECK_EQ(simulate(graph, plan, overwriting()), "");
}

TEST_CASE("plan_memory copies inputs and constants into variables") {
  const Graph graph = graph_of(
      parameters("f32[]") +
      "%1 = constant() {value=tensor(f32[], 2.0)} : f32[]\n"
      "assign(\"a\", %0)\nassign(\"b\", %1)\nreturn");
  const MemoryPlan plan = plan_memory(graph);
  CHECK_EQ(count_copies(plan), 2);
  CHECK_EQ(simulate(graph, plan, {}), "");
}

TEST_CASE("plan_memory has nothing to do for a variable that gets itself") {
  const Graph graph =
      graph_of("%0 = read(\"a\") : f32[4]\nassign(\"a\", %0)\nreturn %0");
  const MemoryPlan plan = plan_memory(graph);
  CHECK_EQ(count_copies(plan), 0);
  CHECK_EQ(output(graph, plan, 0).place, Place::variable);
  CHECK_EQ(simulate(graph, plan, {}), "");
}

TEST_CASE("plan_memory keeps an operand that one of its places protects") {
  // x * x may overwrite operand 0 but not operand 1: the same value.
  const Graph graph = graph_of(
      parameters("f32[4]") +
      "%1 = exp(%0) : f32[4]\n%2 = multiply(%1, %1) : f32[4]\nreturn %2");
  PlanOptions options;
  options.can_overwrite = [](const Graph&, const Node&, int operand, int) {
    return operand == 0;
  };
  const MemoryPlan plan = plan_memory(graph, options);
  CHECK_EQ(plan.arena_bytes, 128);
  CHECK_EQ(simulate(graph, plan, options), "");
}

TEST_CASE("plan_memory rounds offsets up to the alignment") {
  const Graph graph = graph_of(
      parameters("f32[3]") +
      "%1 = exp(%0) : f32[3]\n%2 = sin(%0) : f32[3]\nreturn %1, %2");
  PlanOptions options;
  options.alignment = 256;
  const MemoryPlan plan = plan_memory(graph, options);
  CHECK_EQ(plan.arena_bytes, 512);
  CHECK_EQ(plan.values[1].offset % 256, 0);
  CHECK_EQ(plan.values[2].offset % 256, 0);
}

// -- random graphs -----------------------------------------------------------

/// A repeatable "yes" for one in `denominator` of all (seed, a, b, c).
bool chance(unsigned seed, int a, int b, int c, unsigned denominator) {
  std::uint64_t x = seed;
  for (const int part : {a, b, c}) {
    x = (x ^ static_cast<std::uint64_t>(part + 17)) * 0x9e3779b97f4a7c15;
    x ^= x >> 29;
  }
  return (x >> 8) % denominator == 0;
}

class RandomProgram {
 public:
  explicit RandomProgram(unsigned seed) : seed_(seed), random_(seed) {
    for (const std::int64_t size : {1, 3, 16, 40}) {
      add_size({DType::f32, {size}});
    }
    add_size({DType::f32, {0}});
    const int nodes = 1 + static_cast<int>(random_() % 60);
    for (int i = 0; i < nodes; ++i) add_node();
    assign_some();
    std::vector<Value> outputs;
    for (int i = 0; i < 3; ++i) outputs.push_back(any(any_size()));
    graph.set_outputs(outputs);
  }

  PlanOptions options() const {
    const unsigned seed = seed_;
    PlanOptions options;
    if (seed % 7 != 0) {
      options.can_overwrite =
          [seed](const Graph& g, const Node& node, int operand, int result) {
            const int id = node.outputs[0];
            return g.type(node.inputs[operand]).size_bytes() ==
                       g.type(node.outputs[result]).size_bytes() &&
                   !chance(seed, id, operand, result, 3);
          };
    }
    if (seed % 5 != 0) {
      options.is_alias = [seed](const Graph&, const Node& node) {
        return node.op == Op::reshape &&
               !chance(seed, node.outputs[0], 0, 0, 4);
      };
    }
    if (seed % 3 == 0) {
      options.scratch = [seed](const Graph&, const Node& node, NodeId id) {
        return node.outputs.empty() || !chance(seed, id, 1, 1, 3)
                   ? std::int64_t{0}
                   : std::int64_t{100};
      };
    }
    if (seed % 11 == 0) {
      options.size_bytes = [](const Graph& g, ValueId id) {
        return (g.type(id).size_bytes() + 31) / 32 * 32;
      };
    }
    options.alignment = seed % 2 == 0 ? 64 : 16;
    return options;
  }

  Graph graph;

 private:
  struct Size {
    ValueType type;
    std::vector<Value> values;
    std::vector<Variable> variables;
  };

  void add_size(const ValueType& type) {
    Size size{type, {}, {}};
    size.values.push_back(graph.parameter(type, "p"));
    size.values.push_back(graph.constant(Tensor(type.dtype, type.shape)));
    for (int i = 0; i < 3; ++i) {
      size.variables.emplace_back(Tensor(type.dtype, type.shape));
      if (random_() % 4 != 0) {
        size.values.push_back(graph.read(size.variables.back()));
      }
    }
    sizes_.push_back(std::move(size));
  }

  Size& any_size() { return sizes_[random_() % sizes_.size()]; }

  Value any(const Size& size) {
    return size.values[random_() % size.values.size()];
  }

  void add_node() {
    Size& size = any_size();
    switch (random_() % 6) {
      case 0:
        size.values.push_back(graph.add1(Op::exp, {any(size)}));
        break;
      case 1:
        size.values.push_back(graph.add1(
            Op::reshape,
            {any(size)},
            {{"shape", Ints(size.type.shape.begin(), size.type.shape.end())}}));
        break;
      case 2: {
        const auto results =
            graph.add(Op::sort, {any(size)}, {{"axis", std::int64_t{0}}});
        size.values.push_back(results[0]);
        size.values.push_back(
            graph.add1(Op::cast, {results[1]}, {{"dtype", DType::f32}}));
        break;
      }
      case 3: {  // the last elements of a larger one, if there is
        const Value from = any(any_size());
        const std::int64_t have = from.shape()[0];
        const std::int64_t want = size.type.shape[0];
        if (have < want) break;
        size.values.push_back(graph.add1(
            Op::slice,
            {from},
            {{"start", Ints{have - want}},
             {"stop", Ints{have}},
             {"step", Ints{1}}}));
        break;
      }
      default:
        size.values.push_back(graph.add1(Op::add, {any(size), any(size)}));
    }
  }

  void assign_some() {
    for (Size& size : sizes_) {
      for (const Variable& variable : size.variables) {
        if (random_() % 3 != 0) graph.assign(variable, any(size));
        // Nodes after an assign may still read the old value.
        if (random_() % 3 == 0) add_node();
      }
    }
  }

  unsigned seed_;
  std::mt19937 random_;
  std::vector<Size> sizes_;
};

TEST_CASE("plan_memory never loses a live value of 1,000 random graphs") {
  int in_place = 0;
  int copies = 0;
  int saved = 0;
  for (unsigned seed = 0; seed < 1000; ++seed) {
    CAPTURE(seed);
    const RandomProgram program(seed);
    const PlanOptions options = program.options();
    const MemoryPlan plan = plan_memory(program.graph, options);
    REQUIRE_EQ(simulate(program.graph, plan, options), "");
    std::int64_t sum = 0;
    const auto rounded = [&](std::int64_t bytes) {
      return (bytes + options.alignment - 1) / options.alignment *
             options.alignment;
    };
    for (const Placement& value : plan.values) {
      sum += rounded(value.size_bytes);
      CHECK_EQ(value.offset % options.alignment, 0);
    }
    for (const Placement& scratch : plan.scratch) {
      sum += rounded(scratch.size_bytes);
      CHECK_EQ(scratch.offset % options.alignment, 0);
    }
    CHECK_LE(plan.arena_bytes, sum);
    for (std::size_t i = 0; i < plan.assign_copies.size(); ++i) {
      const Node& node = program.graph.nodes()[i];
      if (node.op == Op::read) {
        saved += plan.values[node.outputs[0]].place == Place::arena ? 1 : 0;
      }
      if (node.op != Op::assign) continue;
      (plan.assign_copies[i] ? copies : in_place) += 1;
    }
  }
  // The graphs do exercise every way.
  CHECK_GT(in_place, 1000);
  CHECK_GT(copies, 1000);
  CHECK_GT(saved, 300);
}

TEST_CASE("plan_memory makes the same plan every time") {
  const RandomProgram program(42);
  const MemoryPlan a = plan_memory(program.graph, program.options());
  const MemoryPlan b = plan_memory(program.graph, program.options());
  CHECK_EQ(a.arena_bytes, b.arena_bytes);
  CHECK(a.assign_copies == b.assign_copies);
  for (std::size_t i = 0; i < a.values.size(); ++i) {
    CHECK_EQ(a.values[i].place, b.values[i].place);
    CHECK_EQ(a.values[i].offset, b.values[i].offset);
    CHECK_EQ(a.values[i].index, b.values[i].index);
  }
}

}  // namespace
}  // namespace keratin
