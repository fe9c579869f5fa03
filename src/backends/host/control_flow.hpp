#pragma once

#include <span>

#include "src/backends/host/kernel.hpp"

namespace keratin::host {

/// Kernels of scan, cond, while_loop and fused that run their sub-graphs with
/// whatever kernels the factory makes. `fused` is interpreted node by node over
/// whole arrays.
std::span<const KernelEntry> control_flow_kernels();

}  // namespace keratin::host
