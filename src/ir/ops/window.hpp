#pragma once

#include <string_view>
#include <vector>

#include <keratin/ops.hpp>

#include "src/ir/op_info.hpp"

/// What convolutions and poolings share: the attributes {strides, pad_low,
/// pad_high, dilation} and the arithmetic of windows.
namespace keratin::rules {

/// The attributes' declarations followed by `more`.
std::vector<AttrSpec> window_attrs(std::vector<AttrSpec> more);

/// The window as attributes, empty lists filled in for `spatial` axes. Throws
/// when a list has another length, or an amount makes no sense.
Attrs to_attrs(
    const ops::Window& window, std::size_t spatial, const std::string& who);

/// The window of a node.
ops::Window window_of(const Attrs& attrs);

/// Distance from the first to the last tap, plus one.
inline std::int64_t kernel_extent(std::int64_t kernel, std::int64_t dilation) {
  return (kernel - 1) * dilation + 1;
}

/// The spatial extents of the result for `input` [n, spatial..., c]. Checks the
/// node's window attributes too.
Ints window_output(
    const InferArgs& args, const Shape& input, const Ints& kernel);

}  // namespace keratin::rules
