#pragma once

#include <memory>
#include <span>

#include "src/backends/host/kernel.hpp"
#include "src/runtime/backend.hpp"

namespace keratin::host {

/// Compiles a graph to a list of kernels over a planned arena. What differs
/// between `reference` and `cpu` is the table of kernels.
std::unique_ptr<Executable> compile(
    Graph graph,
    std::span<const KernelEntry> kernels,
    std::string_view backend,
    const CompileOptions& options);

std::shared_ptr<Workspace> make_workspace();

/// 64-byte aligned host memory.
std::shared_ptr<DeviceStorage> allocate(
    std::string_view device, DType dtype, const Shape& shape);

/// Whether a table has a kernel for the node.
Support supports(
    std::span<const KernelEntry> kernels, const Graph& graph, const Node& node);

}  // namespace keratin::host
