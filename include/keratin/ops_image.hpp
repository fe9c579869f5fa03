#pragma once

#include <array>
#include <cstdint>
#include <string>

#include <keratin/export.hpp>
#include <keratin/ops.hpp>
#include <keratin/value.hpp>

/// Operations on images, named as in keras.ops.image and computed as Keras does
/// on TensorFlow. Images are [height, width, channels] or [batch, height,
/// width, channels]; with data_format "channels_first" the channels come before
/// the height. For arrays, wrap a call in kt::function.
///
/// Every function throws InvalidArgument, naming itself and the shapes.
namespace keratin::ops::image {

inline constexpr const char* kChannelsLast = "channels_last";

struct ResizeOptions {
  /// "bilinear", "nearest", "bicubic", "lanczos3", "lanczos5" or "area".
  std::string interpolation = "bilinear";
  bool antialias = false;             // smooths when the image gets smaller
  bool crop_to_aspect_ratio = false;  // cuts the middle out first
  bool pad_to_aspect_ratio = false;   // adds margins first
  std::string fill_mode = "constant";
  double fill_value = 0;
  std::string data_format = kChannelsLast;
};

/// Images of size {height, width}. Integers are rounded and stay integers; the
/// arithmetic is float32 (float64 for float64).
KERATIN_API Value resize(
    const Value& images,
    const std::array<std::int64_t, 2>& size,
    const ResizeOptions& options = {});

struct SampleOptions {
  std::string interpolation = "bilinear";  // or "nearest"
  /// Outside: "constant", "nearest", "wrap" or "reflect" (edge repeated).
  std::string fill_mode = "constant";
  double fill_value = 0;
  std::string data_format = kChannelsLast;
};

/// transform: [8] or [batch, 8], rows (a0, a1, a2, b0, b1, b2, c0, c1): the
/// pixel (x, y) of the result is read at ((a0 x + a1 y + a2) / k,
/// (b0 x + b1 y + b2) / k), k = c0 x + c1 y + 1. In float32 whatever the dtype.
KERATIN_API Value affine_transform(
    const Value& images,
    const Value& transform,
    const SampleOptions& options = {});

/// The transform [batch, 8] that reads at start_points what shows at
/// end_points; both [batch, 4, 2] of (x, y).
KERATIN_API Value
compute_homography_matrix(const Value& start_points, const Value& end_points);

/// Moves start_points to end_points, [4, 2] or [batch, 4, 2] each. fill_mode is
/// "constant".
KERATIN_API Value perspective_transform(
    const Value& images,
    const Value& start_points,
    const Value& end_points,
    const SampleOptions& options = {});

/// inputs read at coordinates[rank of inputs, ...], order 0 (nearest) or 1
/// (linear). fill_mode: "constant", "nearest", "wrap", "mirror" or "reflect".
KERATIN_API Value map_coordinates(
    const Value& inputs,
    const Value& coordinates,
    int order,
    const std::string& fill_mode = "constant",
    double fill_value = 0);

/// Depthwise with zeros outside; sigma: [2], for x and y. kernel_size: odd.
KERATIN_API Value gaussian_blur(
    const Value& images,
    const std::array<std::int64_t, 2>& kernel_size,
    const Value& sigma,
    const std::string& data_format = kChannelsLast);
KERATIN_API Value gaussian_blur(
    const Value& images,
    const std::array<std::int64_t, 2>& kernel_size = {3, 3},
    const std::array<double, 2>& sigma = {1, 1},
    const std::string& data_format = kChannelsLast);

/// Pixels moved by blurred noise drawn from `state` (u32[2]); alpha: how far,
/// sigma: how smooth, scalars; sigma < max_sigma + 1.
KERATIN_API Value elastic_transform(
    const Value& images,
    const Value& state,
    const Value& alpha,
    const Value& sigma,
    std::int64_t max_sigma,
    const SampleOptions& options = {.fill_mode = "reflect"});
KERATIN_API Value elastic_transform(
    const Value& images,
    const Value& state,
    double alpha = 20,
    double sigma = 5,
    const SampleOptions& options = {.fill_mode = "reflect"});

/// One channel: 0.2989 r + 0.587 g + 0.114 b; gray images stay as they are.
KERATIN_API Value rgb_to_grayscale(
    const Value& images, const std::string& data_format = kChannelsLast);

/// Floating point, saturation and value of numbers in [0, 1].
KERATIN_API Value
rgb_to_hsv(const Value& images, const std::string& data_format = kChannelsLast);
KERATIN_API Value
hsv_to_rgb(const Value& images, const std::string& data_format = kChannelsLast);

/// Margins cut off.
struct Margins {
  std::int64_t top = 0;
  std::int64_t left = 0;
  std::int64_t bottom = 0;
  std::int64_t right = 0;
};

KERATIN_API Value crop_images(
    const Value& images,
    const Margins& cropping,
    const std::string& data_format = kChannelsLast);

/// Zeros around.
KERATIN_API Value pad_images(
    const Value& images,
    const Margins& padding,
    const std::string& data_format = kChannelsLast);

struct PatchOptions {
  std::array<std::int64_t, 2> strides = {0, 0};  // 0: as the size
  std::array<std::int64_t, 2> dilation_rate = {1, 1};
  std::string padding = "valid";  // or "same"
  std::string data_format = kChannelsLast;
};

/// [..., rows, columns, size[0] * size[1] * channels], the channels of one
/// pixel beside each other.
KERATIN_API Value extract_patches(
    const Value& images,
    const std::array<std::int64_t, 2>& size,
    const PatchOptions& options = {});

}  // namespace keratin::ops::image
