#pragma once

#include <cstdint>
#include <string>

#include <keratin/tensor.hpp>

namespace keratin::layers {

/// The matrix f64[in, out] that resizes an axis by interpolation, as
/// TensorFlow's image resizing does without antialiasing: pixel centres at
/// halves. `method` is "bilinear", "bicubic", "lanczos3" or "lanczos5".
Tensor interpolation_matrix(
    std::int64_t in, std::int64_t out, const std::string& method);

}  // namespace keratin::layers
