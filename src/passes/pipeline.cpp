#include <algorithm>
#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include <keratin/error.hpp>

#include "src/core/env.hpp"
#include "src/core/format.hpp"
#include "src/core/log.hpp"
#include "src/core/names.hpp"
#include "src/ir/rewriter.hpp"
#include "src/ir/verifier.hpp"
#include "src/passes/dump.hpp"
#include "src/passes/pass.hpp"

namespace keratin {
namespace {

Graph stay(const Graph& graph) {
  return graph;
}

/// The order, top to bottom.
std::vector<Pass> pipeline(const PipelineOptions& options) {
  std::vector<Pass> passes = {
      // First: it compares bodies, which the others change.
      {"merge_scans", merge_scans},
      {"simplify", simplify},
      {"fold_constants", fold_constants},
      {"eliminate_common", eliminate_common},
      {"fold_batch_norm", fold_batch_norm},
      {"fold_padding", fold_padding},
      {"join_pads", join_pads},
      {"swap_products", swap_products},
      {"decompose",
       [&](const Graph& graph) { return decompose(graph, options.supports); }},
      // From here on the users of a value count, and dead ones mislead.
      {"eliminate_dead", eliminate_dead},
  };
  // Backends see whole patterns, before fusion hides their element-wise parts.
  for (const Pass& pass : options.backend_passes) {
    if (!pass.after_fusion) passes.push_back(pass);
  }
  // Decompositions and backend passes leave things to tidy up.
  passes.push_back({"simplify", simplify});
  passes.push_back({"fold_constants", fold_constants});
  passes.push_back({"eliminate_common", eliminate_common});
  passes.push_back({"eliminate_dead", eliminate_dead});
  passes.push_back({"hoist_fixed", options.hoist ? options.hoist : stay});
  passes.push_back({"eliminate_dead", eliminate_dead});
  passes.push_back({"recompute", [&](const Graph& graph) {
                      return options.memory_limit > 0
                                 ? recompute(graph, options.memory_limit)
                                 : graph;
                    }});
  passes.push_back({"eliminate_dead", eliminate_dead});
  passes.push_back({"fuse_elementwise", fuse_elementwise});
  for (const Pass& pass : options.backend_passes) {
    if (!pass.after_fusion) continue;
    passes.push_back(pass);
    passes.push_back({"eliminate_dead", eliminate_dead});
  }
  return passes;
}

/// Takes out the passes that KERATIN_PASSES leaves out.
void remove_disabled(std::vector<Pass>& passes) {
  std::vector<std::string_view> names;
  for (const Pass& pass : passes) names.push_back(pass.name);
  for (const std::string& setting : env::passes()) {
    const bool minus = setting[0] == '-';
    const std::string name = setting.substr(minus ? 1 : 0);
    const bool known =
        std::find(names.begin(), names.end(), name) != names.end();
    if (!minus || !known) {
      throw InvalidArgument(format(
          "[KERATIN_PASSES] expected -name of a pass, got \"{}\"{}",
          setting,
          known ? "; put a minus before it" : did_you_mean(name, names)));
    }
    std::erase_if(passes, [&](const Pass& p) { return p.name == name; });
  }
}

bool has_subgraphs(const Graph& graph) {
  using GraphPtr = std::shared_ptr<const Graph>;
  for (const Node& node : graph.nodes()) {
    if (node.op == Op::fused) continue;
    for (const auto& [name, attr] : node.attrs.entries()) {
      if (std::holds_alternative<GraphPtr>(attr)) return true;
    }
  }
  return false;
}

}  // namespace

std::vector<std::string_view> pass_names(const PipelineOptions& options) {
  std::vector<std::string_view> names;
  for (const Pass& pass : pipeline(options)) names.push_back(pass.name);
  return names;
}

Graph optimize(const Graph& graph, const PipelineOptions& options) {
  std::vector<Pass> passes = pipeline(options);
  remove_disabled(passes);
  if (!options.fuse) {
    std::erase_if(
        passes, [](const Pass& p) { return p.name == "fuse_elementwise"; });
  }
  std::optional<Dump> dump;
  if (const auto folder = env::dump_dir()) dump.emplace(*folder);
  if (dump) dump->write("build", graph);
  Graph result = graph;
  for (const Pass& pass : passes) {
    const std::size_t before = result.nodes().size();
    if (has_subgraphs(result)) result = rewrite_subgraphs(result, pass.run);
    result = pass.run(result);
    if (options.verify) verify(result, pass.name);
    if (dump) dump->write(pass.name, result);
    KERATIN_LOG(
        passes, "{}: {} -> {} nodes", pass.name, before, result.nodes().size());
  }
  return result;
}

}  // namespace keratin
