#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include <keratin/tensor.hpp>

namespace keratin {

/// The matrix f64[in, out] that resizes an axis as tf.image.resize does: pixel
/// centres at halves, weights of a kernel around each output pixel's centre,
/// none outside the picture, their sum 1. With `antialias` the kernel is as
/// wide as an output pixel where that is more than an input pixel.
///
/// REQUIRES: is_interpolation(method).
Tensor interpolation_matrix(
    std::int64_t in,
    std::int64_t out,
    const std::string& method,
    bool antialias = false);

/// One of interpolation_methods().
bool is_interpolation(std::string_view method);

/// "nearest, bilinear, bicubic, area, lanczos3, lanczos5, gaussian,
/// mitchellcubic".
std::string interpolation_methods();

}  // namespace keratin
