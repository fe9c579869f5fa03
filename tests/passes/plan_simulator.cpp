#include "tests/passes/plan_simulator.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <map>
#include <span>
#include <utility>
#include <vector>

#include "src/core/format.hpp"

namespace keratin::testing {
namespace {

constexpr int kScratch = -1'000'000;

class Simulator {
 public:
  Simulator(
      const Graph& graph, const MemoryPlan& plan, const PlanOptions& options)
      : graph_(graph),
        plan_(plan),
        options_(options),
        arena_(static_cast<std::size_t>(plan.arena_bytes), 0),
        tags_(graph.value_count()) {
    for (std::size_t i = 0; i < plan.variables.size(); ++i) {
      variables_.emplace_back(dense(plan.variables[i]), old_tag(i));
    }
  }

  std::string run() {
    find_tags();
    for (std::size_t id = 0; id < graph_.nodes().size(); ++id) {
      step(static_cast<NodeId>(id));
    }
    check_outputs("before the copies");
    copy_assigned();
    check_outputs("after the copies");
    check_variables();
    return error_;
  }

 private:
  static int old_tag(std::size_t variable) {
    return -1 - static_cast<int>(variable);
  }

  static std::size_t dense(const Variable& variable) {
    return static_cast<std::size_t>(
        ValueType{variable.dtype(), variable.shape()}.size_bytes());
  }

  void fail(const std::string& what) {
    if (error_.empty()) error_ = what;
  }

  std::size_t index_of(const Variable& variable) const {
    const auto& all = plan_.variables;
    return static_cast<std::size_t>(
        std::find(all.begin(), all.end(), variable) - all.begin());
  }

  /// What the bytes of each value hold: the id of the node result that wrote
  /// them, or the old value of a variable.
  void find_tags() {
    for (const Node& node : graph_.nodes()) {
      for (const ValueId id : node.outputs) tags_[id] = id + 1;
      if (node.op == Op::read) {
        tags_[node.outputs[0]] =
            old_tag(index_of(node.attrs.get<Variable>("variable")));
      } else if (is_alias(node)) {
        tags_[node.outputs[0]] = tags_[node.inputs[0]];
      }
    }
  }

  bool is_alias(const Node& node) const {
    return options_.is_alias && !node.inputs.empty() && !node.outputs.empty() &&
           options_.is_alias(graph_, node);
  }

  std::span<int> bytes(ValueId id) {
    const Placement& placement = plan_.values[id];
    const auto size = static_cast<std::size_t>(placement.size_bytes);
    switch (placement.place) {
      case Place::arena:
        return checked(arena_, placement.offset, size);
      case Place::variable:
        // A padded read is no longer than its variable.
        return checked(
            variables_.at(placement.index),
            0,
            std::min(size, variables_[placement.index].size()));
      case Place::input:
      case Place::constant: {
        std::vector<int>& own = given_[{placement.place, placement.index}];
        own.resize(size);
        return own;
      }
    }
    return {};
  }

  std::span<int> checked(
      std::vector<int>& memory, std::int64_t offset, std::size_t size) {
    const auto begin = static_cast<std::size_t>(offset);
    if (begin + size > memory.size()) {
      fail("a value reaches beyond its memory");
      return {};
    }
    return std::span(memory).subspan(begin, size);
  }

  void expect(ValueId id, const std::string& when) {
    for (const int tag : bytes(id)) {
      if (tag == tags_[id]) continue;
      fail(format("%{} was lost: its bytes hold {} {}", id, tag, when));
      return;
    }
  }

  void write(ValueId id) { std::ranges::fill(bytes(id), tags_[id]); }

  void step(NodeId id) {
    const Node& node = graph_.node(id);
    const std::string when = format("at node {}", id);
    for (const ValueId input : node.inputs) expect(input, when);
    if (is_alias(node)) {
      expect(node.outputs[0], when);
      return;
    }
    if (node.op == Op::assign) return;
    if (node.op == Op::read) {
      read(node, when);
      return;
    }
    const Placement& scratch = plan_.scratch[id];
    std::ranges::fill(
        checked(
            arena_,
            scratch.offset,
            static_cast<std::size_t>(scratch.size_bytes)),
        kScratch);
    for (const ValueId input : node.inputs) expect(input, when + " (scratch)");
    for (const ValueId output : node.outputs) write(output);
    for (const ValueId output : node.outputs) expect(output, when);
    for (const int tag : checked(
             arena_,
             scratch.offset,
             static_cast<std::size_t>(scratch.size_bytes))) {
      if (tag != kScratch) fail("a result overlaps the scratch " + when);
    }
    check_overwritten(node, when);
  }

  void read(const Node& node, const std::string& when) {
    const std::size_t variable = index_of(node.attrs.get<Variable>("variable"));
    for (const int tag : variables_[variable]) {
      if (tag != old_tag(variable)) fail("an old value was lost " + when);
    }
    if (plan_.values[node.outputs[0]].place == Place::arena) {
      write(node.outputs[0]);
    }
  }

  /// What a node's results have overwritten of its operands must be allowed.
  void check_overwritten(const Node& node, const std::string& when) {
    for (std::size_t k = 0; k < node.inputs.size(); ++k) {
      for (const int tag : bytes(node.inputs[k])) {
        if (tag == tags_[node.inputs[k]]) continue;
        const auto result = std::find_if(
            node.outputs.begin(), node.outputs.end(), [&](ValueId output) {
              return tags_[output] == tag;
            });
        const bool allowed =
            result != node.outputs.end() && options_.can_overwrite &&
            options_.can_overwrite(
                graph_,
                node,
                static_cast<int>(k),
                static_cast<int>(result - node.outputs.begin()));
        if (!allowed) fail("an operand was overwritten without leave " + when);
        break;
      }
    }
  }

  void check_outputs(const std::string& when) {
    for (const ValueId output : graph_.outputs()) expect(output, when);
  }

  // In reverse order: the plan says that the order does not matter.
  void copy_assigned() {
    for (std::size_t i = graph_.nodes().size(); i-- > 0;) {
      const Node& node = graph_.nodes()[i];
      if (node.op != Op::assign || !plan_.assign_copies[i]) continue;
      const ValueId value = node.inputs[0];
      expect(value, "when it is copied");
      std::vector<int>& to =
          variables_[index_of(node.attrs.get<Variable>("variable"))];
      const std::span<int> from = bytes(value);
      std::copy_n(from.begin(), std::min(from.size(), to.size()), to.begin());
    }
  }

  void check_variables() {
    for (std::size_t i = 0; i < variables_.size(); ++i) {
      int expected = old_tag(i);
      for (const Node& node : graph_.nodes()) {
        if (node.op == Op::assign &&
            node.attrs.get<Variable>("variable") == plan_.variables[i]) {
          expected = tags_[node.inputs[0]];
        }
      }
      for (const int tag : variables_[i]) {
        if (tag == expected) continue;
        fail(format("variable {} holds {}, not {}", i, tag, expected));
        break;
      }
    }
  }

  const Graph& graph_;
  const MemoryPlan& plan_;
  const PlanOptions& options_;
  std::vector<int> arena_;
  std::vector<std::vector<int>> variables_;
  std::map<std::pair<Place, std::int32_t>, std::vector<int>> given_;
  std::vector<int> tags_;  // by value
  std::string error_;
};

}  // namespace

std::string simulate(
    const Graph& graph, const MemoryPlan& plan, const PlanOptions& options) {
  return Simulator(graph, plan, options).run();
}

}  // namespace keratin::testing
