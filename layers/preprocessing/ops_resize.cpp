// Resizing as tf.image.resize computes it: a product with one matrix per axis.

#include <algorithm>
#include <cmath>
#include <vector>

#include <keratin/error.hpp>
#include <keratin/ops_image.hpp>

#include "layers/preprocessing/image_values.hpp"
#include "src/core/format.hpp"
#include "src/core/interpolation.hpp"

namespace keratin::ops::image {

namespace {

Value resize_nearest(const Value& x, std::int64_t size, std::int64_t axis) {
  const std::int64_t extent = x.shape()[static_cast<std::size_t>(axis)];
  const float step = static_cast<float>(extent) / static_cast<float>(size);
  std::vector<std::int32_t> places;
  for (std::int64_t i = 0; i < size; ++i) {
    const float at = std::floor((static_cast<float>(i) + 0.5F) * step);
    places.push_back(static_cast<std::int32_t>(
        std::clamp<float>(at, 0.0F, static_cast<float>(extent - 1))));
  }
  return take(x, constant(x.graph(), Tensor(places)), axis);
}

/// width * target height / target width, cut to a whole number, in Keras's
/// float32.
std::int64_t in_proportion(
    std::int64_t extent, std::int64_t numerator, std::int64_t denominator) {
  return static_cast<std::int64_t>(
      static_cast<float>(extent * numerator) / static_cast<float>(denominator));
}

Value crop_to(const Value& x, std::int64_t rows, std::int64_t columns) {
  const std::int64_t height = x.shape()[1];
  const std::int64_t width = x.shape()[2];
  const std::int64_t wanted_height = std::max<std::int64_t>(
      std::min(height, in_proportion(width, rows, columns)), 1);
  const std::int64_t wanted_width = std::max<std::int64_t>(
      std::min(width, in_proportion(height, columns, rows)), 1);
  const std::int64_t top = (height - wanted_height) / 2;
  const std::int64_t left = (width - wanted_width) / 2;
  return slice_axis(
      slice_axis(x, 1, top, top + wanted_height), 2, left, left + wanted_width);
}

Value pad_to(
    const Value& x, std::int64_t rows, std::int64_t columns, double fill) {
  const std::int64_t height = x.shape()[1];
  const std::int64_t width = x.shape()[2];
  const std::int64_t top =
      (std::max(height, in_proportion(width, rows, columns)) - height) / 2;
  const std::int64_t left =
      (std::max(width, in_proportion(height, columns, rows)) - width) / 2;
  return pad(x, {0, top, left, 0}, {0, top, left, 0}, fill);
}

/// Of [batch, height, width, channels].
Value resized(
    const Value& images,
    std::int64_t rows,
    std::int64_t columns,
    const ResizeOptions& options) {
  Value x = images;
  if (options.crop_to_aspect_ratio) x = crop_to(x, rows, columns);
  if (options.pad_to_aspect_ratio) {
    x = pad_to(x, rows, columns, options.fill_value);
  }
  const std::int64_t height = x.shape()[1];
  const std::int64_t width = x.shape()[2];
  if (height == rows && width == columns) return x;
  if (options.interpolation == "nearest") {
    return resize_nearest(resize_nearest(x, rows, 1), columns, 2);
  }
  const DType real = x.dtype() == DType::f64 ? DType::f64 : DType::f32;
  const auto matrix = [&](std::int64_t in, std::int64_t out) {
    return constant(
        x.graph(),
        interpolation_matrix(in, out, options.interpolation, options.antialias)
            .cast(real));
  };
  // [n, h, w, c]: rows by a product on the left, columns too after a turn.
  const std::int64_t n = x.shape()[0];
  const std::int64_t channels = x.shape()[3];
  Value y = reshape(cast(x, real), {n, height, width * channels});
  y = matmul(matrix(height, rows), y, {.transpose_a = true});
  y = reshape(y, {n * rows, width, channels});
  y = matmul(matrix(width, columns), y, {.transpose_a = true});
  y = reshape(y, {n, rows, columns, channels});
  if (is_floating(x.dtype())) return cast(y, x.dtype());
  // Keras rounds and keeps what the integers can hold.
  y = round(y);
  if (x.dtype() == DType::u8) y = clip(y, 0, 255);
  if (x.dtype() == DType::i8) y = clip(y, -128, 127);
  if (x.dtype() == DType::u16) y = clip(y, 0, 65535);
  if (x.dtype() == DType::i16) y = clip(y, -32768, 32767);
  return cast(y, x.dtype());
}

}  // namespace

Value resize(
    const Value& images,
    const std::array<std::int64_t, 2>& size,
    const ResizeOptions& options) {
  const char* const who = "resize";
  expect_choice(
      who,
      "interpolation",
      options.interpolation,
      {"bilinear", "nearest", "bicubic", "lanczos3", "lanczos5", "area"});
  expect_choice(who, "fill_mode", options.fill_mode, {"constant"});
  if (options.crop_to_aspect_ratio && options.pad_to_aspect_ratio) {
    throw InvalidArgument(
        "[resize] expected one of crop_to_aspect_ratio and "
        "pad_to_aspect_ratio, got both");
  }
  if (size[0] < 1 || size[1] < 1) {
    throw InvalidArgument(format(
        "[resize] expected a size >= 1, got {} and {}", size[0], size[1]));
  }
  return on_batch(who, images, options.data_format, [&](const Value& x) {
    return resized(x, size[0], size[1], options);
  });
}

}  // namespace keratin::ops::image
