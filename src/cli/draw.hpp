#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include <keratin/tensor.hpp>

namespace keratin::cli {

/// A picture, [h, w] or [h, w, 1], as lines of Unicode shades: two characters
/// a pixel, or one for two rows when it is wide. Throws InvalidArgument for
/// other shapes.
std::vector<std::string> draw(const Tensor& picture);

/// Columns the picture takes on a terminal.
std::int64_t drawn_width(const Tensor& picture);

}  // namespace keratin::cli
