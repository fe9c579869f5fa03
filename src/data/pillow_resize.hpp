#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>

#include <keratin/tensor.hpp>

namespace keratin::data {

/// A part of a picture, in pixels: [left, right) x [top, bottom).
struct Box {
  std::int64_t left;
  std::int64_t top;
  std::int64_t right;
  std::int64_t bottom;
};

/// Pillow's `Image.resize(size, resample, box)` on u8[height, width, 1, 3 or
/// 4], to the last bit: two passes of fixed-point filters, whose support grows
/// when a side shrinks; four channels are resized with colours multiplied by
/// alpha. `method` is one of pillow_methods().
Tensor pillow_resize(
    const Tensor& picture,
    std::array<std::int64_t, 2> size,  // height, width
    std::string_view method,
    const Box& box);

/// "nearest, bilinear, ...", for messages.
std::string pillow_methods();

bool is_pillow_method(std::string_view method);

}  // namespace keratin::data
