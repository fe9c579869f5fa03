#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "src/ir/graph.hpp"

namespace keratin {

/// The nodes of a graph in clusters, each a node of its own at first. Merging
/// keeps the graph of clusters free of cycles, so that each cluster can run in
/// one go, and keeps an order in which they can run.
///
/// That order is kept up to date as in Pearce and Kelly, "A dynamic topological
/// sort algorithm for directed acyclic graphs" (2006): a merge looks only at
/// what lies between the two, and gives up when that is a lot.
class FusionClusters {
 public:
  explicit FusionClusters(const Graph& graph);

  std::int32_t cluster_of(NodeId node) const { return clusters_[node]; }

  /// The position in the order; unique.
  std::int32_t rank(std::int32_t cluster) const { return ranks_[cluster]; }

  /// Ascending.
  const std::vector<NodeId>& members(std::int32_t cluster) const {
    return members_[cluster];
  }

  /// The nodes that use a value, once for each operand.
  std::span<const NodeId> users(ValueId value) const;

  /// What a cluster takes: values that other nodes make, each once.
  std::vector<ValueId> inputs(std::int32_t cluster);

  /// What other nodes or the graph's outputs want of a cluster.
  std::vector<ValueId> outputs(std::int32_t cluster);

  /// Merges two clusters unless a path leads from one through others to the
  /// other, or the result would be larger than a kernel takes.
  bool merge(std::int32_t a, std::int32_t b);

  /// All clusters, in an order in which they can run.
  std::vector<std::int32_t> in_order() const;

 private:
  enum class Direction { forward, backward };

  bool fits(std::int32_t a, std::int32_t b);
  bool collect(
      std::int32_t from,
      std::int32_t to,
      Direction direction,
      std::vector<std::int32_t>& found);
  void append_inputs(std::int32_t cluster, std::vector<ValueId>& inputs) const;

  const Graph& graph_;
  std::vector<std::int32_t> clusters_;        // by node
  std::vector<std::vector<NodeId>> members_;  // by cluster
  std::vector<std::int32_t> ranks_;           // by cluster
  std::vector<std::int32_t> use_counts_;      // by value
  std::vector<std::size_t> first_user_;       // by value, into users_
  std::vector<NodeId> users_;
  std::vector<std::int32_t> marks_;  // by cluster: seen in search
  std::int32_t mark_ = 0;
  std::vector<std::int32_t> inner_uses_;  // by value; 0 between calls
};

}  // namespace keratin
