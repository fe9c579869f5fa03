#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "src/ir/graph.hpp"

namespace keratin {

/// Whether something can be done; the reason is for the log.
struct Support {
  bool ok = true;
  std::string reason;

  static Support yes() { return {}; }

  static Support no(std::string why) { return {false, std::move(why)}; }

  explicit operator bool() const { return ok; }
};

/// One transformation: graph in, graph out, same meaning.
struct Pass {
  std::string_view name;
  std::function<Graph(const Graph&)> run;
  bool after_fusion = false;  // a backend's: when element-wise nodes are fused
};

struct PipelineOptions {
  /// Nodes whose op is declined are decomposed, where they can be.
  std::function<Support(const Graph&, const Node&)> supports;

  /// The backend's own passes, run between decompose and fuse, or after it.
  std::vector<Pass> backend_passes = {};

  /// Leaves what is the same in every run to a program of its own; null: all
  /// stays. See hoist_fixed.
  std::function<Graph(const Graph&)> hoist = {};

  /// Bytes of arena to do with; 0: as many as there are. See recompute.
  std::int64_t memory_limit = 0;

  /// Gathers element-wise chains into `fused` nodes.
  bool fuse = true;

  /// Runs the verifier after each pass.
  bool verify = kVerify;

#ifdef KERATIN_DEV
  static constexpr bool kVerify = true;
#else
  static constexpr bool kVerify = false;
#endif
};

/// The whole order, top to bottom. KERATIN_PASSES=-name leaves one out;
/// KERATIN_DUMP=dir writes each stage as text and DOT; in dev builds the
/// verifier runs after each.
Graph optimize(const Graph& graph, const PipelineOptions& options);

/// The names of all passes in that order; some come twice.
std::vector<std::string_view> pass_names(const PipelineOptions& options);

// The passes, each in a file of its own.
Graph merge_scans(const Graph& graph);     // a loop and its gradient's
Graph simplify(const Graph& graph);        // x*1, double transpose, ...
Graph fold_constants(const Graph& graph);  // needs evaluate_node, below
Graph eliminate_common(const Graph& graph);
Graph eliminate_dead(const Graph& graph);
Graph fold_batch_norm(const Graph& graph);  // into the convolution before it
Graph join_pads(const Graph& graph);        // that are summed: a concatenation
Graph swap_products(const Graph& graph);    // before a transpose
Graph fold_padding(const Graph& graph);     // zeros, into the convolution's own
Graph decompose(
    const Graph& graph,
    const std::function<Support(const Graph&, const Node&)>& supports);
Graph fuse_elementwise(const Graph& graph);

/// Makes cheap values of the forward pass (sums, activations, normalisations,
/// dropout's masks) again where the backward pass needs them, in place of
/// keeping them: as few, the largest first, as bring the arena down to `limit`
/// bytes, all of them where that does not do. Same numbers.
Graph recompute(const Graph& graph, std::int64_t limit);

/// How fold_constants computes: set once, by the reference backend, so that
/// passes need not know it. Null: constants are not folded.
using NodeEvaluator = std::vector<Tensor> (*)(
    const Graph& graph, const Node& node, const std::vector<Tensor>& inputs);
void set_node_evaluator(NodeEvaluator evaluator);

}  // namespace keratin
