#include "src/backends/host/selection.hpp"

#include <algorithm>

#include "src/backends/host/executable.hpp"
#include "src/core/check.hpp"
#include "src/core/log.hpp"

namespace keratin::host {

namespace {

// The first entry that takes the node, or null; `why_not` collects the reasons
// of those that were meant for its op.
const KernelEntry* find_entry(
    std::span<const KernelEntry> kernels,
    const Graph& graph,
    const Node& node,
    std::string& why_not) {
  for (const KernelEntry& entry : kernels) {
    const Support support = entry.supports(graph, node);
    if (support) return &entry;
    if (support.reason.empty()) continue;
    if (!why_not.empty()) why_not += "; ";
    why_not += keratin::format("{}: {}", entry.name, support.reason);
  }
  return nullptr;
}

}  // namespace

bool is_structure(Op op) {
  return op == Op::parameter || op == Op::constant || op == Op::read ||
         op == Op::assign;
}

Support supports(
    std::span<const KernelEntry> kernels,
    const Graph& graph,
    const Node& node) {
  if (is_structure(node.op)) return Support::yes();
  std::string why_not;
  if (find_entry(kernels, graph, node, why_not) != nullptr) {
    return Support::yes();
  }
  if (why_not.empty()) {
    why_not = keratin::format("no kernel for {}", op_name(node.op));
  }
  return Support::no(std::move(why_not));
}

bool KernelFactory::is_invariant(const Graph& graph, ValueId id) const {
  const std::vector<ValueId>& parameters = graph.parameters();
  const auto at = std::find(parameters.begin(), parameters.end(), id);
  if (at == parameters.end()) return false;
  const auto number = static_cast<std::size_t>(at - parameters.begin());
  return std::any_of(loops_.begin(), loops_.end(), [&](const auto& loop) {
    return loop.first == &graph && number >= loop.second;
  });
}

const KernelEntry& TableFactory::select(
    const Graph& graph, const Node& node) const {
  std::string why_not;
  const KernelEntry* entry = find_entry(kernels_, graph, node, why_not);
  KERATIN_CHECK(
      entry != nullptr,
      "{} has no kernel for {}: {}",
      backend_,
      graph.who(node),
      why_not);
  KERATIN_LOG(
      dispatch,
      "{}: {} runs {}{}{}",
      backend_,
      entry->name,
      graph.who(node),
      why_not.empty() ? "" : "; not ",
      why_not);
  return *entry;
}

std::unique_ptr<Kernel> TableFactory::make(
    const Graph& graph, const Node& node) {
  return select(graph, node).make(*this, graph, node);
}

}  // namespace keratin::host
