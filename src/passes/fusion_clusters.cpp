#include "src/passes/fusion_clusters.hpp"

#include <algorithm>
#include <iterator>
#include <numeric>
#include <utility>

#include "src/core/check.hpp"

namespace keratin {
namespace {

// What a kernel takes: its registers and its pointers are few.
constexpr std::size_t kMaxNodes = 64;
constexpr std::int64_t kMaxArrays = 16;  // operands of more than one element
constexpr std::size_t kMaxInputs = 32;
constexpr std::int64_t kMaxOutputs = 8;

// Edges that one search may follow.
constexpr int kSearchBudget = 1000;

}  // namespace

FusionClusters::FusionClusters(const Graph& graph)
    : graph_(graph),
      clusters_(graph.nodes().size()),
      members_(graph.nodes().size()),
      ranks_(graph.nodes().size()),
      use_counts_(graph.use_counts()),
      first_user_(graph.value_count() + 1, 0),
      marks_(graph.nodes().size(), 0),
      inner_uses_(graph.value_count(), 0) {
  std::iota(clusters_.begin(), clusters_.end(), 0);
  std::iota(ranks_.begin(), ranks_.end(), 0);
  for (std::size_t i = 0; i < members_.size(); ++i) {
    members_[i] = {static_cast<NodeId>(i)};
  }
  for (const Node& node : graph.nodes()) {
    for (const ValueId input : node.inputs) ++first_user_[input + 1];
  }
  std::partial_sum(first_user_.begin(), first_user_.end(), first_user_.begin());
  users_.resize(first_user_.back());
  std::vector<std::size_t> next = first_user_;
  for (std::size_t i = 0; i < graph.nodes().size(); ++i) {
    for (const ValueId input : graph.nodes()[i].inputs) {
      users_[next[input]++] = static_cast<NodeId>(i);
    }
  }
}

std::span<const NodeId> FusionClusters::users(ValueId value) const {
  return std::span(users_).subspan(
      first_user_[value], first_user_[value + 1] - first_user_[value]);
}

void FusionClusters::append_inputs(
    std::int32_t cluster, std::vector<ValueId>& inputs) const {
  for (const NodeId member : members_[cluster]) {
    const Node& node = graph_.node(member);
    inputs.insert(inputs.end(), node.inputs.begin(), node.inputs.end());
  }
}

std::vector<ValueId> FusionClusters::inputs(std::int32_t cluster) {
  std::vector<ValueId> all;
  append_inputs(cluster, all);
  std::vector<ValueId> result;
  for (const ValueId id : all) {
    if (clusters_[graph_.producer(id)] == cluster) continue;
    if (inner_uses_[id]++ == 0) result.push_back(id);
  }
  for (const ValueId id : result) inner_uses_[id] = 0;
  return result;
}

std::vector<ValueId> FusionClusters::outputs(std::int32_t cluster) {
  std::vector<ValueId> all;
  append_inputs(cluster, all);
  for (const ValueId id : all) ++inner_uses_[id];
  std::vector<ValueId> result;
  for (const NodeId member : members_[cluster]) {
    for (const ValueId id : graph_.node(member).outputs) {
      if (inner_uses_[id] < use_counts_[id]) result.push_back(id);
    }
  }
  for (const ValueId id : all) inner_uses_[id] = 0;
  return result;
}

bool FusionClusters::fits(std::int32_t a, std::int32_t b) {
  if (members_[a].size() + members_[b].size() > kMaxNodes) return false;
  std::vector<ValueId> all;
  append_inputs(a, all);
  append_inputs(b, all);
  std::int64_t arrays = 0;
  std::size_t inputs = 0;
  for (const ValueId id : all) {
    if (inner_uses_[id]++ > 0) continue;
    const std::int32_t from = clusters_[graph_.producer(id)];
    if (from == a || from == b) continue;
    ++inputs;
    if (graph_.type(id).shape.size() > 1) ++arrays;
  }
  std::int64_t outputs = 0;
  for (const std::int32_t cluster : {a, b}) {
    for (const NodeId member : members_[cluster]) {
      for (const ValueId id : graph_.node(member).outputs) {
        if (inner_uses_[id] < use_counts_[id]) ++outputs;
      }
    }
  }
  for (const ValueId id : all) inner_uses_[id] = 0;
  return arrays <= kMaxArrays && inputs <= kMaxInputs && outputs <= kMaxOutputs;
}

// Finds the clusters between `from` and `to` in the order that can be reached
// from `from`. False when that leads to `to` (an edge from `from` itself does
// not count) or too far.
bool FusionClusters::collect(
    std::int32_t from,
    std::int32_t to,
    Direction direction,
    std::vector<std::int32_t>& found) {
  const bool forward = direction == Direction::forward;
  int budget = kSearchBudget;
  ++mark_;
  bool ok = true;
  const auto visit = [&](std::int32_t source, NodeId neighbour) {
    const std::int32_t cluster = clusters_[neighbour];
    if (--budget < 0 || (cluster == to && source != from)) ok = false;
    if (cluster == from || cluster == to || marks_[cluster] == mark_) return;
    const bool between =
        forward ? ranks_[cluster] < ranks_[to] : ranks_[cluster] > ranks_[to];
    if (!between) return;
    marks_[cluster] = mark_;
    found.push_back(cluster);
  };
  std::int32_t current = from;
  for (std::size_t next = 0; ok; current = found[next++]) {
    for (const NodeId member : members_[current]) {
      const Node& node = graph_.node(member);
      if (forward) {
        for (const ValueId id : node.outputs) {
          for (const NodeId user : users(id)) {
            visit(current, user);
            if (!ok) return false;
          }
        }
      } else {
        for (const ValueId id : node.inputs) {
          visit(current, graph_.producer(id));
          if (!ok) return false;
        }
      }
    }
    if (next == found.size()) break;
  }
  return ok;
}

bool FusionClusters::merge(std::int32_t a, std::int32_t b) {
  KERATIN_CHECK(a != b, "a cluster merged with itself");
  if (ranks_[a] > ranks_[b]) std::swap(a, b);
  if (!fits(a, b)) return false;
  std::vector<std::int32_t> after;  // must run after the merged cluster
  std::vector<std::int32_t> before;
  if (!collect(a, b, Direction::forward, after)) return false;
  if (!collect(b, a, Direction::backward, before)) return false;

  // The places of all of these are dealt out anew.
  std::vector<std::int32_t> places = {ranks_[a], ranks_[b]};
  for (const auto* part : {&before, &after}) {
    for (const std::int32_t cluster : *part) places.push_back(ranks_[cluster]);
  }
  std::sort(places.begin(), places.end());
  const auto by_rank = [&](std::int32_t x, std::int32_t y) {
    return ranks_[x] < ranks_[y];
  };
  std::sort(before.begin(), before.end(), by_rank);
  std::sort(after.begin(), after.end(), by_rank);
  for (std::size_t i = 0; i < before.size(); ++i) {
    ranks_[before[i]] = places[i];
  }
  ranks_[a] = places[before.size()];
  for (std::size_t i = 0; i < after.size(); ++i) {
    ranks_[after[i]] = places[before.size() + 2 + i];
  }

  std::vector<NodeId> merged;
  std::merge(
      members_[a].begin(),
      members_[a].end(),
      members_[b].begin(),
      members_[b].end(),
      std::back_inserter(merged));
  for (const NodeId member : members_[b]) clusters_[member] = a;
  members_[a] = std::move(merged);
  members_[b].clear();
  return true;
}

std::vector<std::int32_t> FusionClusters::in_order() const {
  std::vector<std::int32_t> order;
  for (std::size_t i = 0; i < members_.size(); ++i) {
    if (!members_[i].empty()) order.push_back(static_cast<std::int32_t>(i));
  }
  std::sort(order.begin(), order.end(), [&](std::int32_t x, std::int32_t y) {
    return ranks_[x] < ranks_[y];
  });
  return order;
}

}  // namespace keratin
