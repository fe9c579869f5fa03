#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <unordered_map>
#include <utility>
#include <vector>

#include "src/ir/rewriter.hpp"
#include "src/passes/pass.hpp"

namespace keratin {
namespace {

using GraphPtr = std::shared_ptr<const Graph>;

const Graph& body_of(const Node& scan) {
  return *scan.attrs.get<GraphPtr>("body");
}

std::size_t carries_of(const Node& scan) {
  return static_cast<std::size_t>(scan.attrs.integer("carries"));
}

bool same_nodes(const Graph& a, const Graph& b) {
  if (&a == &b) return true;
  if (a.nodes().size() != b.nodes().size()) return false;
  for (std::size_t i = 0; i < a.nodes().size(); ++i) {
    const Node& x = a.nodes()[i];
    const Node& y = b.nodes()[i];
    if (x.op != y.op || x.inputs != y.inputs || x.outputs != y.outputs ||
        !(x.attrs == y.attrs)) {
      return false;
    }
    for (const ValueId id : x.outputs) {
      if (!(a.type(id) == b.type(id))) return false;
    }
  }
  return true;
}

/// Whether two scans compute the same steps; they may return different values
/// of them.
bool same_steps(const Node& a, const Node& b) {
  for (const char* name : {"carries", "xs", "length"}) {
    if (a.attrs.integer(name) != b.attrs.integer(name)) return false;
  }
  if (a.inputs != b.inputs ||
      a.attrs.flag("reverse") != b.attrs.flag("reverse")) {
    return false;
  }
  const Graph& x = body_of(a);
  const Graph& y = body_of(b);
  const auto carries = static_cast<std::ptrdiff_t>(carries_of(a));
  return std::equal(
             x.outputs().begin(),
             x.outputs().begin() + carries,
             y.outputs().begin()) &&
         same_nodes(x, y);
}

/// Scans that become one, at the place of the first.
struct Group {
  NodeId first = -1;
  std::vector<ValueId> outputs;  // of the body: the carries, then all ys
  std::size_t members = 0;
  std::vector<Value> results;  // in the new graph

  /// Where a result of a member is among the outputs.
  std::size_t find(const Node& member, std::size_t result) const {
    const std::size_t carries = carries_of(member);
    if (result < carries) return result;
    const ValueId id = body_of(member).outputs()[result];
    const auto begin = outputs.begin() + static_cast<std::ptrdiff_t>(carries);
    return carries + static_cast<std::size_t>(
                         std::find(begin, outputs.end(), id) - begin);
  }

  void add(const Node& member) {
    ++members;
    const std::vector<ValueId>& own = body_of(member).outputs();
    const std::size_t carries = carries_of(member);
    if (outputs.empty()) {
      outputs.assign(
          own.begin(), own.begin() + static_cast<std::ptrdiff_t>(carries));
    }
    for (std::size_t i = carries; i < own.size(); ++i) {
      if (find(member, i) == outputs.size()) outputs.push_back(own[i]);
    }
  }
};

std::vector<Value> merged_scan(RewriteArgs& r, const Group& group) {
  const auto body = std::make_shared<Graph>(body_of(r.node));
  std::vector<Value> outputs;
  for (const ValueId id : group.outputs) outputs.push_back(body->value(id));
  body->set_outputs(outputs);
  Attrs attrs = r.node.attrs;
  attrs.set("body", GraphPtr(body));
  return r.to.add(Op::scan, r.inputs, std::move(attrs));
}

}  // namespace

// The gradient of a scan runs the forward steps again to get more of their
// values (src/ir/ops/control_gradient.cpp): one scan that returns them all does
// for both. Comes first, while the bodies are as they were built.
//
//   scan(x)     scan(x)          scan(x)
//    |           |  |      =>    |  |  |
//   (y)         (y)(z)          (y)(y)(z)
Graph merge_scans(const Graph& graph) {
  std::vector<Group> groups;
  std::unordered_map<NodeId, std::size_t> group_of;
  for (std::size_t i = 0; i < graph.nodes().size(); ++i) {
    const Node& node = graph.nodes()[i];
    if (node.op != Op::scan) continue;
    const auto found =
        std::find_if(groups.begin(), groups.end(), [&](const Group& group) {
          return same_steps(graph.node(group.first), node);
        });
    const auto at = static_cast<std::size_t>(found - groups.begin());
    if (found == groups.end()) {
      groups.push_back({.first = static_cast<NodeId>(i)});
    }
    groups[at].add(node);
    group_of[static_cast<NodeId>(i)] = at;
  }
  return rewrite(
      graph, [&](RewriteArgs& r) -> std::optional<std::vector<Value>> {
        if (r.node.op != Op::scan) return {};
        Group& group = groups[group_of.at(r.id)];
        if (group.members == 1) return {};
        if (group.results.empty()) group.results = merged_scan(r, group);
        std::vector<Value> results;
        for (std::size_t i = 0; i < r.node.outputs.size(); ++i) {
          results.push_back(group.results[group.find(r.node, i)]);
        }
        return results;
      });
}

}  // namespace keratin
