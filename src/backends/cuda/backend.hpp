#pragma once

#include <memory>
#include <vector>

#include "src/backends/cuda/device.hpp"
#include "src/runtime/backend.hpp"

namespace keratin::cuda {

/// The backend "cuda" on one device of `api`, which outlives it.
std::unique_ptr<Backend> make_backend(const Api& api, int ordinal);

/// Which device KERATIN_DEVICE asks for: 1 for "cuda:1", 0 for "cuda" and for
/// other backends' names. Throws InvalidArgument for "cuda:x".
int chosen_device();

}  // namespace keratin::cuda
