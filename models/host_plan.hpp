#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include <keratin/host_layer.hpp>

#include "models/functional.hpp"
#include "src/train/host_part.hpp"
#include "src/train/program_cache.hpp"

namespace keratin {

/// Which calls of a functional model the host makes, and where the graph
/// begins and ends.
///
///   inputs -> [before: host calls] -> cut -> [graph] -> [after: host calls]
///
/// A layer that needs the host (HostLayer) and whatever it depends on come
/// before the graph, as long as nothing among that has weights; otherwise it
/// comes after. A nested model with a host part of its own gives its cut to
/// this one.
class HostPlan final : public HostPart {
 public:
  using CallNode = LayerImpl::CallNode;

  /// Null when nothing needs the host. Throws InvalidArgument for a graph that
  /// would need what comes after it.
  static std::shared_ptr<const HostPlan> make(const FunctionalImpl& model);

  std::vector<Tensor> before(
      const std::vector<Tensor>& x, HostValues& values) const override;
  std::vector<Tensor> after(
      HostValues values, std::vector<Tensor> results) const override;

  bool ends_in_graph() const override { return ends_in_graph_; }

  bool runs_programs() const override;

  bool graph_free() const override { return graph_nodes_.empty(); }

  // -- for the graph
  // ------------------------------------------------------------

  /// One input of the graph: a tensor, or one of the cut of a nested model.
  struct Cut {
    const SymbolicState* state = nullptr;
    const CallNode* nested = nullptr;  // instead of state
    std::size_t index = 0;             // among the nested model's cut
  };

  const std::vector<Cut>& cut() const { return cut_; }

  /// The calls that are part of the graph, in order.
  const std::vector<std::shared_ptr<CallNode>>& graph_nodes() const {
    return graph_nodes_;
  }

  /// What the graph yields.
  const std::vector<const SymbolicState*>& graph_outputs() const {
    return graph_outputs_;
  }

  /// The plan of a nested model's call that is partly the host's, or null.
  const HostPlan* nested(const CallNode& node) const;

  /// Which of the model's inputs a cut is, or -1 when the host computes it.
  std::ptrdiff_t input_of(const Cut& cut) const;

 private:
  explicit HostPlan(const FunctionalImpl& model);

  enum class Place { before, graph, after };

  void place_nodes();
  void find_cut();
  bool needs_host(const CallNode& node) const;
  bool host_can(const CallNode& node) const;
  void run_node(const CallNode& node, HostValues& values) const;
  void add_cut(const SymbolicState* state);

  const FunctionalImpl& model_;
  std::string who_;
  bool any_ = false;
  bool ends_in_graph_ = true;
  std::unordered_map<const CallNode*, Place> places_;
  std::unordered_map<const CallNode*, std::shared_ptr<const HostPlan>> nested_;
  std::vector<std::shared_ptr<CallNode>> before_;
  std::vector<std::shared_ptr<CallNode>> graph_nodes_;
  std::vector<std::shared_ptr<CallNode>> after_;
  std::vector<Cut> cut_;
  std::unordered_set<const SymbolicState*> in_cut_;
  std::vector<const SymbolicState*> graph_outputs_;

  // Of layers that are no host layers but come before one.
  mutable ProgramCache programs_{16};
};

}  // namespace keratin
