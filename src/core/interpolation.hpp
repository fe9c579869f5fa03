#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include <keratin/tensor.hpp>

namespace keratin {

/// The weights of one output pixel: of the input pixels from `first` on.
struct InterpolationTap {
  std::int64_t first = 0;
  std::vector<double> weights = {};
};

/// The taps of every output pixel of an axis, for pictures of any size: the
/// columns of interpolation_matrix without the zeros around them.
///
/// REQUIRES: is_interpolation(method).
std::vector<InterpolationTap> interpolation_taps(
    std::int64_t in,
    std::int64_t out,
    const std::string& method,
    bool antialias = false);

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
