#include <functional>
#include <optional>
#include <utility>
#include <vector>

#include "src/core/check.hpp"
#include "src/core/log.hpp"
#include "src/ir/op_info.hpp"
#include "src/ir/rewriter.hpp"
#include "src/passes/pass.hpp"

namespace keratin {

// Round by round, as a decomposition may use composite ops of its own. A
// primitive that is declined stays: the backend says so when it compiles.
//
//   softmax        exp(x - max(x)) / sum(exp(x - max(x)))
//      |      =>        |
//   (users)          (users)
Graph decompose(
    const Graph& graph,
    const std::function<Support(const Graph&, const Node&)>& supports) {
  constexpr int kMaxRounds = 16;  // ops decompose in three steps at most today
  Graph result = graph;
  if (!supports) return result;
  bool changed = true;
  for (int round = 0; changed; ++round) {
    KERATIN_CHECK(round < kMaxRounds, "decompositions that go in a circle");
    changed = false;
    Graph next = rewrite(
        result, [&](RewriteArgs& r) -> std::optional<std::vector<Value>> {
          const OpInfo& info = op_info(r.node.op);
          if (info.decompose == nullptr) return {};
          const Support support = supports(r.from, r.node);
          if (support.ok) return {};
          KERATIN_LOG(
              passes,
              "{} is decomposed: {}",
              r.from.who(r.node),
              support.reason);
          changed = true;
          return info.decompose({r.to, r.node.op, r.node.attrs, r.inputs});
        });
    if (changed) result = std::move(next);
  }
  return result;
}

}  // namespace keratin
