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
  TableFactory(
      std::span<const KernelEntry> kernels,
      std::string backend,
      CompileOptions options = {})
      : kernels_(kernels),
        backend_(std::move(backend)),
        options_(std::move(options)) {}

  /// KERATIN_CHECKs that some entry takes the node.
  const KernelEntry& select(const Graph& graph, const Node& node) const;

  std::unique_ptr<Kernel> make(const Graph& graph, const Node& node) override;

  const CompileOptions& options() const override { return options_; }

 private:
  std::span<const KernelEntry> kernels_;
  std::string backend_;
  CompileOptions options_;
};

/// Whether a node is for the executable itself, not for a kernel.
bool is_structure(Op op);

}  // namespace keratin::host
