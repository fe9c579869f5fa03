#pragma once

#include <cstdint>

#include "src/backends/host/kernel.hpp"

namespace keratin::host {

/// The row-major index of the first NaN or infinity, or -1.
std::int64_t first_non_finite(const View& view);

}  // namespace keratin::host
