#pragma once

#include <memory>

#include "src/backends/cuda/device.hpp"
#include "src/runtime/backend.hpp"

namespace keratin::cuda {

/// Lowers a graph for a device and makes its kernels ready.
///
/// run() hands work over and returns; it waits only for outputs, for a
/// while_loop's condition, and for a staging buffer of two runs ago. The first
/// run issues every step; the second captures them, and from then on a run is
/// one launch of a CUDA graph (one for each part between two while_loops).
std::unique_ptr<Executable> compile(
    Device& device, Graph graph, const CompileOptions& options);

}  // namespace keratin::cuda
