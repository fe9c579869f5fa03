#include "src/passes/memory_plan.hpp"

#include <algorithm>
#include <cstddef>
#include <unordered_map>
#include <utility>

#include "src/core/check.hpp"
#include "src/passes/arena.hpp"

namespace keratin {
namespace {

// A value is known by its root: the value it is an alias of, itself as a rule.
// Every root has a home: the caller's data, a constant, a variable or a block
// of the arena. A block passes from operand to result when one overwrites the
// other.
class Planner {
 public:
  Planner(const Graph& graph, const PlanOptions& options)
      : graph_(graph),
        options_(options),
        end_(static_cast<std::int32_t>(graph.nodes().size())),
        sizes_(graph.value_count()),
        roots_(graph.value_count()),
        last_uses_(graph.value_count()),
        homes_(graph.value_count()) {}

  MemoryPlan run() {
    find_roots();
    find_variables();
    find_last_uses();
    place_assigned();
    for (NodeId id = 0; id < end_; ++id) place_results(id);
    return finish();
  }

 private:
  struct Home {
    Place place = Place::arena;
    std::int32_t index = -1;  // Placement::index; of a block in the arena
  };

  /// One variable of the graph.
  struct State {
    ValueId old_value = -1;  // root of its read
    ValueId new_value = -1;  // root of what is assigned
    NodeId assign = -1;
    bool saved = false;  // the read copies the old value into the arena
  };

  const Node& node(NodeId id) const { return graph_.node(id); }

  bool changes(const State& state) const {
    return state.new_value >= 0 && state.new_value != state.old_value;
  }

  void find_roots() {
    for (std::size_t id = 0; id < roots_.size(); ++id) {
      roots_[id] = static_cast<ValueId>(id);
      sizes_[id] = options_.size_bytes ? options_.size_bytes(graph_, roots_[id])
                                       : graph_.type(roots_[id]).size_bytes();
    }
    if (!options_.is_alias) return;
    for (const Node& alias : graph_.nodes()) {
      if (alias.inputs.empty() || alias.outputs.empty()) continue;
      if (!options_.is_alias(graph_, alias)) continue;
      const ValueId from = alias.inputs[0];
      const ValueId to = alias.outputs[0];
      KERATIN_CHECK(
          sizes_[from] == sizes_[to],
          "{} is no alias: its size differs",
          graph_.who(alias));
      roots_[to] = roots_[from];
    }
  }

  void find_variables() {
    std::unordered_map<std::uint64_t, std::int32_t> known;
    for (NodeId id = 0; id < end_; ++id) {
      const Op op = node(id).op;
      if (op != Op::read && op != Op::assign) continue;
      const Variable& variable = node(id).attrs.get<Variable>("variable");
      const auto [found, is_new] = known.emplace(
          variable.id(), static_cast<std::int32_t>(states_.size()));
      if (is_new) {
        states_.emplace_back();
        plan_.variables.push_back(variable);
      }
      State& state = states_[found->second];
      if (op == Op::read) {
        state.old_value = roots_[node(id).outputs[0]];
        homes_[state.old_value] = {Place::variable, found->second};
      } else {
        state.new_value = roots_[node(id).inputs[0]];
        state.assign = id;
      }
    }
  }

  // Assigned values are copied, where they are, when all nodes have run, and
  // outputs are fetched then: both live to the end.
  void find_last_uses() {
    for (NodeId id = 0; id < end_; ++id) {
      for (const ValueId result : node(id).outputs) {
        last_uses_[roots_[result]] = std::max(last_uses_[roots_[result]], id);
      }
      const NodeId time = node(id).op == Op::assign ? end_ : id;
      for (const ValueId input : node(id).inputs) {
        last_uses_[roots_[input]] = std::max(last_uses_[roots_[input]], time);
      }
    }
    for (const ValueId output : graph_.outputs()) {
      last_uses_[roots_[output]] = end_;
    }
  }

  // Whether result 0..n of the node may take the memory of `operand`, wherever
  // the operand occurs. REQUIRES: nobody uses the operand later.
  bool may_overwrite(const Node& user, ValueId operand, ValueId result) const {
    if (!options_.can_overwrite) return false;
    if (sizes_[operand] != sizes_[result]) return false;
    const std::int32_t index = graph_.result_index(result);
    for (std::size_t k = 0; k < user.inputs.size(); ++k) {
      if (roots_[user.inputs[k]] != operand) continue;
      if (!options_.can_overwrite(graph_, user, static_cast<int>(k), index)) {
        return false;
      }
    }
    return true;
  }

  // Moves new values into their variables' own storage where that is safe.
  void place_assigned() {
    // An old value that lives to the end while its variable changes (it is an
    // output, or another variable gets it: a <- b, b <- a) is saved first.
    for (State& state : states_) {
      if (!changes(state) || state.old_value < 0) continue;
      if (last_uses_[state.old_value] < end_) continue;
      state.saved = true;
      homes_[state.old_value] = {Place::arena, -1};
    }
    plan_.assign_copies.assign(graph_.nodes().size(), false);
    for (std::size_t i = 0; i < states_.size(); ++i) {
      const State& state = states_[i];
      if (!changes(state)) continue;
      if (can_compute_in_place(state, plan_.variables[i])) {
        homes_[state.new_value] = {
            Place::variable, static_cast<std::int32_t>(i)};
      } else {
        plan_.assign_copies[state.assign] = true;
      }
    }
  }

  bool can_compute_in_place(
      const State& state, const Variable& variable) const {
    const NodeId maker_id = graph_.producer(state.new_value);
    const Node& maker = node(maker_id);
    if (maker.op == Op::parameter || maker.op == Op::constant ||
        maker.op == Op::read) {
      return false;  // it has a home already
    }
    if (homes_[state.new_value].place == Place::variable) {
      return false;  // another variable gets it too and was first
    }
    const ValueType dense = {variable.dtype(), variable.shape()};
    if (sizes_[state.new_value] != dense.size_bytes()) return false;
    if (state.old_value < 0) return true;
    const NodeId read = graph_.producer(state.old_value);
    if (state.saved) return read < maker_id;
    const NodeId last = std::max(read, last_uses_[state.old_value]);
    if (last != maker_id) return last < maker_id;
    return may_overwrite(maker, state.old_value, state.new_value);
  }

  void place_results(NodeId id) {
    const Node& maker = node(id);
    if (options_.scratch) add_scratch(id);
    for (const ValueId result : maker.outputs) {
      if (roots_[result] != result) continue;  // an alias
      Home& home = homes_[result];
      if (maker.op == Op::parameter) {
        home = {Place::input, parameter_count_++};
      } else if (maker.op == Op::constant) {
        home = {Place::constant, id};
      } else if (home.place == Place::arena) {
        home.index = take_over(id, result);
        if (home.index < 0) home.index = new_block(id, result);
      }
    }
  }

  std::int32_t new_block(NodeId id, ValueId result) {
    return add_block({sizes_[result], id, last_uses_[result]});
  }

  std::int32_t add_block(const Block& block) {
    blocks_.push_back(block);
    taken_by_.push_back(-1);
    return static_cast<std::int32_t>(blocks_.size()) - 1;
  }

  /// The block of an operand that the result may overwrite, or -1.
  std::int32_t take_over(NodeId id, ValueId result) {
    for (const ValueId input : node(id).inputs) {
      const ValueId operand = roots_[input];
      const Home& home = homes_[operand];
      if (home.place != Place::arena || last_uses_[operand] != id) continue;
      if (taken_by_[home.index] == id) continue;  // by another result
      if (!may_overwrite(node(id), operand, result)) continue;
      blocks_[home.index].last = last_uses_[result];
      taken_by_[home.index] = id;
      return home.index;
    }
    return -1;
  }

  void add_scratch(NodeId id) {
    const std::int64_t bytes = options_.scratch(graph_, node(id), id);
    if (bytes <= 0) return;
    scratch_.emplace_back(id, add_block({bytes, id, id}));
  }

  MemoryPlan finish() {
    plan_.arena_bytes = place_blocks(blocks_, options_.alignment);
    plan_.values.resize(graph_.value_count());
    for (std::size_t id = 0; id < plan_.values.size(); ++id) {
      const Home& home = homes_[roots_[id]];
      Placement& placement = plan_.values[id];
      placement.place = home.place;
      placement.size_bytes = sizes_[id];
      if (home.place == Place::arena) {
        placement.offset = blocks_[home.index].offset;
      } else {
        placement.index = home.index;
      }
    }
    plan_.scratch.resize(graph_.nodes().size());
    for (const auto& [id, block] : scratch_) {
      plan_.scratch[id].offset = blocks_[block].offset;
      plan_.scratch[id].size_bytes = blocks_[block].size_bytes;
    }
    return std::move(plan_);
  }

  const Graph& graph_;
  const PlanOptions& options_;
  const NodeId end_;  // the time after the last node
  std::vector<std::int64_t> sizes_;
  std::vector<ValueId> roots_;
  std::vector<NodeId> last_uses_;  // by root
  std::vector<Home> homes_;        // by root
  std::vector<State> states_;      // as plan_.variables
  std::vector<Block> blocks_;
  std::vector<NodeId> taken_by_;  // by block: who took it over last
  std::vector<std::pair<NodeId, std::int32_t>> scratch_;
  std::int32_t parameter_count_ = 0;
  MemoryPlan plan_;
};

}  // namespace

MemoryPlan plan_memory(const Graph& graph, const PlanOptions& options) {
  return Planner(graph, options).run();
}

}  // namespace keratin
