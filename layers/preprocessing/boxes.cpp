#include "layers/preprocessing/boxes.hpp"

#include <algorithm>
#include <array>

#include <keratin/error.hpp>

namespace keratin::layers {

namespace {

constexpr std::array<const char*, 9> kFormats = {
    "xyxy",
    "yxyx",
    "xywh",
    "center_xywh",
    "center_yxhw",
    "rel_xyxy",
    "rel_yxyx",
    "rel_xywh",
    "rel_center_xywh"};

bool relative(const std::string& format) {
  return format.starts_with("rel_");
}

std::string absolute(const std::string& format) {
  return relative(format) ? format.substr(4) : format;
}

Corners scaled(const Corners& c, double x, double y) {
  return {c.x1 * x, c.y1 * y, c.x2 * x, c.y2 * y};
}

}  // namespace

void check_box_format(const std::string& format, const std::string& who) {
  std::string list;
  for (const char* known : kFormats) {
    if (format == known) return;
    list += keratin::format("{}\"{}\"", list.empty() ? "" : ", ", known);
  }
  throw InvalidArgument(keratin::format(
      "{} expected bounding_box_format to be one of {}, got \"{}\"",
      who,
      list,
      format));
}

Corners corners_of(
    const Value& boxes, const std::string& format, const Extent& extent) {
  const auto part = [&](std::int64_t i) {
    return ops::slice_axis(boxes, 2, i, i + 1);
  };
  const Value a = part(0);
  const Value b = part(1);
  const Value c = part(2);
  const Value d = part(3);
  const std::string plain = absolute(format);
  Corners out;
  if (plain == "xyxy") out = {a, b, c, d};
  if (plain == "yxyx") out = {b, a, d, c};
  if (plain == "xywh") out = {a, b, a + c, b + d};
  if (plain == "center_xywh") {
    out = {a - c * 0.5, b - d * 0.5, a + c * 0.5, b + d * 0.5};
  }
  if (plain == "center_yxhw") {
    out = {b - d * 0.5, a - c * 0.5, b + d * 0.5, a + c * 0.5};
  }
  if (!relative(format)) return out;
  return scaled(
      out,
      static_cast<double>(extent.width),
      static_cast<double>(extent.height));
}

Value boxes_of(
    const Corners& corners, const std::string& format, const Extent& extent) {
  Corners c = corners;
  if (relative(format)) {
    const Value width =
        ops::scalar_like(c.x1, static_cast<double>(extent.width));
    const Value height =
        ops::scalar_like(c.x1, static_cast<double>(extent.height));
    c = {c.x1 / width, c.y1 / height, c.x2 / width, c.y2 / height};
  }
  const std::string plain = absolute(format);
  const Value w = c.x2 - c.x1;
  const Value h = c.y2 - c.y1;
  const auto join =
      [](const Value& p, const Value& q, const Value& r, const Value& s) {
        return ops::concatenate({p, q, r, s}, 2);
      };
  if (plain == "xyxy") return join(c.x1, c.y1, c.x2, c.y2);
  if (plain == "yxyx") return join(c.y1, c.x1, c.y2, c.x2);
  if (plain == "xywh") return join(c.x1, c.y1, w, h);
  const Value cx = c.x1 + w * 0.5;
  const Value cy = c.y1 + h * 0.5;
  if (plain == "center_xywh") return join(cx, cy, w, h);
  return join(cy, cx, h, w);
}

Corners clip_corners(const Corners& c, const Extent& extent) {
  const auto width = static_cast<double>(extent.width);
  const auto height = static_cast<double>(extent.height);
  return {
      ops::clip(c.x1, 0, width),
      ops::clip(c.y1, 0, height),
      ops::clip(c.x2, 0, width),
      ops::clip(c.y2, 0, height)};
}

Value labels_of(const Corners& c, const Value& labels) {
  if (!labels) return labels;
  const Value area = (c.x2 - c.x1) * (c.y2 - c.y1);
  return ops::where(
      ops::greater(ops::squeeze(area, {2}), 0.0),
      labels,
      ops::full_like(labels, -1));
}

}  // namespace keratin::layers
