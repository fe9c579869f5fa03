#pragma once

#include <cstdint>
#include <string>

#include "layers/preprocessing/image_layer.hpp"

namespace keratin::layers {

/// Height and width that boxes are in, numbers of pixels.
struct Extent {
  std::int64_t height = 0;
  std::int64_t width = 0;
};

/// Two corners, each [n, boxes, 1].
struct Corners {
  Value x1;
  Value y1;
  Value x2;
  Value y2;
};

/// Throws InvalidArgument "who ..." for a format that Keras does not know.
void check_box_format(const std::string& format, const std::string& who);

/// Boxes in any format as corners in pixels, and back.
Corners corners_of(
    const Value& boxes, const std::string& format, const Extent& extent);
Value boxes_of(
    const Corners& corners, const std::string& format, const Extent& extent);

/// Corners within [0, width] and [0, height].
Corners clip_corners(const Corners& corners, const Extent& extent);

/// The labels, -1 where nothing is left of the box.
Value labels_of(const Corners& corners, const Value& labels);

/// The smallest boxes around points (x', y') = f(x, y) of the four corners.
template <class F>
Corners around(const Corners& c, const F& f) {
  const auto [ax, ay] = f(c.x1, c.y1);
  const auto [bx, by] = f(c.x2, c.y1);
  const auto [dx, dy] = f(c.x2, c.y2);
  const auto [ex, ey] = f(c.x1, c.y2);
  return {
      ops::minimum(ops::minimum(ax, bx), ops::minimum(dx, ex)),
      ops::minimum(ops::minimum(ay, by), ops::minimum(dy, ey)),
      ops::maximum(ops::maximum(ax, bx), ops::maximum(dx, ex)),
      ops::maximum(ops::maximum(ay, by), ops::maximum(dy, ey))};
}

/// corners_of, f, clip_corners, boxes_of: within one image size.
template <class F>
Boxes move_boxes(
    const Boxes& boxes,
    const std::string& format,
    const Extent& extent,
    const F& f) {
  const Corners moved =
      clip_corners(f(corners_of(boxes.boxes, format, extent)), extent);
  return {boxes_of(moved, format, extent), labels_of(moved, boxes.labels)};
}

}  // namespace keratin::layers
