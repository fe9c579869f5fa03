#pragma once

#include <memory>
#include <span>

#include "src/backends/host/kernel.hpp"
#include "src/runtime/backend.hpp"

namespace keratin::cpu {

/// The fast backend for this machine's processor: oneDNN and vectorised
/// kernels of our own over the host executable; reference's plain loops for
/// the rest.
std::unique_ptr<Backend> make_backend();

/// Kernels in the order they are tried; reference's come last.
std::span<const host::KernelEntry> kernels();

}  // namespace keratin::cpu
