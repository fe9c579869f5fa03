#pragma once

#include <memory>

#include "src/backends/cuda/api.hpp"
#include "src/backends/cuda/libraries.hpp"

namespace keratin::cuda {

/// Products by cuBLASLt. `api` outlives it.
std::unique_ptr<MatmulLibrary> make_blas_lt(const BlasLtApi& api);

}  // namespace keratin::cuda
