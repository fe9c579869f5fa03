#include "src/passes/hoist_fixed.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <unordered_map>
#include <utility>
#include <vector>

#include "src/ir/rewriter.hpp"
#include "src/passes/fixed_values.hpp"

namespace keratin {

namespace {

bool renames(Op op) {
  return op == Op::reshape || op == Op::stop_gradient;
}

class Hoisting {
 public:
  explicit Hoisting(const Graph& graph)
      : graph_(graph),
        fixed_(fixed_values(graph)),
        read_bytes_(graph.value_count()),
        computed_(graph.value_count()) {
    for (const Node& node : graph.nodes()) classify(node);
    find_wanted();
  }

  bool empty() const { return wanted_.empty(); }

  /// The nodes that the wanted values need; each is assigned to a variable.
  Graph prologue(const MakeVariable& make_variable) {
    std::vector<bool> keep(graph_.nodes().size());
    for (const ValueId id : wanted_) keep[graph_.producer(id)] = true;
    for (std::size_t i = keep.size(); i-- > 0;) {
      if (!keep[i]) continue;
      for (const ValueId input : graph_.nodes()[i].inputs) {
        keep[graph_.producer(input)] = true;
      }
    }
    Graph to;
    std::vector<Value> mapped(graph_.value_count());
    for (std::size_t i = 0; i < keep.size(); ++i) {
      if (!keep[i]) continue;
      const Node& node = graph_.nodes()[i];
      to.set_origin(node.origin);
      if (node.op == Op::read) {
        mapped[node.outputs[0]] = to.read(node.attrs.get<Variable>("variable"));
        continue;
      }
      std::vector<Value> inputs;
      for (const ValueId input : node.inputs) inputs.push_back(mapped[input]);
      const std::vector<Value> results = to.add(node.op, inputs, node.attrs);
      for (std::size_t k = 0; k < results.size(); ++k) {
        mapped[node.outputs[k]] = results[k];
      }
    }
    for (const ValueId id : wanted_) {
      const Variable variable = make_variable(graph_.type(id));
      to.assign(variable, mapped[id]);
      made_.emplace(id, variable);
    }
    return to;
  }

  /// The graph that reads the variables instead. REQUIRES: prologue() was
  /// called. What nobody uses any more stays, for eliminate_dead.
  Graph rest() const {
    return rewrite(
        graph_, [this](RewriteArgs& r) -> std::optional<std::vector<Value>> {
          const bool all = std::all_of(
              r.node.outputs.begin(), r.node.outputs.end(), [this](ValueId id) {
                return made_.contains(id);
              });
          if (r.node.outputs.empty() || !all) return {};
          std::vector<Value> results;
          for (const ValueId id : r.node.outputs) {
            results.push_back(r.to.read(made_.at(id)));
          }
          return results;
        });
  }

 private:
  const Node& maker(ValueId id) const {
    return graph_.node(graph_.producer(id));
  }

  // Fixed values larger than the variables they come from are left to be made
  // in every run.
  void classify(const Node& node) {
    std::int64_t bytes = 0;
    bool computed = !renames(node.op) && !node.inputs.empty();
    for (const ValueId input : node.inputs) {
      bytes = std::max(bytes, read_bytes_[input]);
      computed = computed || computed_[input];
    }
    for (const ValueId output : node.outputs) {
      const std::int64_t own = graph_.type(output).size_bytes();
      if (node.op == Op::read) bytes = own;
      if (node.op != Op::constant && own > bytes) fixed_[output] = false;
      for (const ValueId input : node.inputs) {
        if (!fixed_[input]) fixed_[output] = false;
      }
      read_bytes_[output] = bytes;
      computed_[output] = computed;
    }
  }

  bool worthwhile(ValueId id) const {
    return fixed_[id] && computed_[id] && read_bytes_[id] > 0 &&
           graph_.type(id).shape.size() > 1;
  }

  // What leaves the fixed part: operands of others, and outputs.
  void find_wanted() {
    std::vector<bool> seen(graph_.value_count());
    const auto want = [&](ValueId id) {
      if (!worthwhile(id) || seen[id]) return;
      if (maker(id).outputs.size() != 1) return;
      seen[id] = true;
      wanted_.push_back(id);
    };
    for (const Node& node : graph_.nodes()) {
      const bool stays = node.outputs.empty() || !fixed_[node.outputs[0]] ||
                         !worthwhile(node.outputs[0]);
      if (!stays) continue;
      for (const ValueId input : node.inputs) want(input);
    }
    for (const ValueId output : graph_.outputs()) want(output);
  }

  const Graph& graph_;
  std::vector<bool> fixed_;               // by value
  std::vector<std::int64_t> read_bytes_;  // of the largest variable behind it
  std::vector<bool> computed_;            // by more than renaming
  std::vector<ValueId> wanted_;
  std::unordered_map<ValueId, Variable> made_;
};

}  // namespace

Graph hoist_fixed(
    const Graph& graph, const MakeVariable& make_variable, Graph& prologue) {
  Hoisting hoisting(graph);
  if (hoisting.empty()) return graph;
  prologue = hoisting.prologue(make_variable);
  return hoisting.rest();
}

}  // namespace keratin
