#pragma once

#include <memory>
#include <span>
#include <string>

#include "src/backends/host/kernel.hpp"

namespace keratin::host {

/// Chooses kernels from a table, first match first, and makes them. The log
/// channel `dispatch` says who won and why the entries before it lost.
class TableFactory final : public KernelFactory {
 public:
  TableFactory(std::span<const KernelEntry> kernels, std::string backend)
      : kernels_(kernels), backend_(std::move(backend)) {}

  /// KERATIN_CHECKs that some entry takes the node.
  const KernelEntry& select(const Graph& graph, const Node& node) const;

  std::unique_ptr<Kernel> make(const Graph& graph, const Node& node) override;

 private:
  std::span<const KernelEntry> kernels_;
  std::string backend_;
};

/// Whether a node is for the executable itself, not for a kernel.
bool is_structure(Op op);

}  // namespace keratin::host
