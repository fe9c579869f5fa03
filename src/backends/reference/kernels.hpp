#pragma once

#include <span>

#include "src/backends/host/kernel.hpp"

namespace keratin::reference {

/// A plain-loop kernel for every primitive op, composite op and dtype. The
/// oracle of the tests and the last resort of `cpu`.
std::span<const host::KernelEntry> kernels();

}  // namespace keratin::reference
