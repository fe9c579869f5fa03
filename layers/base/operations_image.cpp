// Keras's operations on images, by ops::image.

#include <array>

#include <keratin/ops_image.hpp>

#include "layers/base/operation_table.hpp"
#include "src/core/format.hpp"

namespace keratin {

namespace {

using Results = std::vector<Value>;
using Pair = std::array<std::int64_t, 2>;

constexpr const char* kFormat = R"({"data_format": null})";

std::string data_format(const OperationCall& call) {
  return call.given("data_format") ? call.text("data_format")
                                   : ops::image::kChannelsLast;
}

/// A number for both axes, or one for each.
Pair pair(const OperationCall& call, std::string_view name) {
  const ops::Ints given = call.ints(name);
  if (given.size() == 1) return {given[0], given[0]};
  if (given.size() == 2) return {given[0], given[1]};
  call.fail(format("{}: expected one or two numbers", name));
}

template <Value (*f)(const Value& images, const std::string& data_format)>
Results coloured(const OperationCall& call) {
  call.expect_operands(1);
  return {f(call.tensor(), data_format(call))};
}

Results resize(const OperationCall& call) {
  call.expect_operands(1);
  ops::image::ResizeOptions options;
  options.interpolation = call.text("interpolation");
  options.antialias = call.flag("antialias");
  options.crop_to_aspect_ratio = call.flag("crop_to_aspect_ratio");
  options.pad_to_aspect_ratio = call.flag("pad_to_aspect_ratio");
  options.fill_mode = call.text("fill_mode");
  options.fill_value = call.number("fill_value");
  options.data_format = data_format(call);
  return {ops::image::resize(call.tensor(), pair(call, "size"), options)};
}

// -- margins
// ----------------------------------------------------------------------

struct Edges {
  std::int64_t low;
  std::int64_t high;
};

/// What is cut off (sign -1) or added (1) at the two ends of an axis: two of
/// the three arguments say it.
Edges edges(
    const OperationCall& call,
    const char* low,
    const char* high,
    const char* target,
    std::int64_t size,
    int sign) {
  const int given =
      int{call.given(low)} + int{call.given(high)} + int{call.given(target)};
  if (given != 2) {
    call.fail(format(
        "expected two of {}, {} and {}, got {}", low, high, target, given));
  }
  if (!call.given(target)) return {call.place(low), call.place(high)};
  const std::int64_t both = sign * (call.place(target) - size);
  if (call.given(low)) return {call.place(low), both - call.place(low)};
  return {both - call.place(high), call.place(high)};
}

ops::image::Margins margins(
    const OperationCall& call, const std::string& word, int sign) {
  call.expect_operands(1);
  const Value x = call.tensor();
  if (x.rank() != 3 && x.rank() != 4) {
    call.fail(format("expected images of rank 3 or 4, got {}", x.shape()));
  }
  const bool first = data_format(call) == "channels_first";
  const std::size_t rows = x.rank() - (first ? 2 : 3);
  const Edges vertical = edges(
      call,
      ("top_" + word).c_str(),
      ("bottom_" + word).c_str(),
      "target_height",
      x.shape()[rows],
      sign);
  const Edges horizontal = edges(
      call,
      ("left_" + word).c_str(),
      ("right_" + word).c_str(),
      "target_width",
      x.shape()[rows + 1],
      sign);
  return {vertical.low, horizontal.low, vertical.high, horizontal.high};
}

Results crop_images(const OperationCall& call) {
  const auto cropping = margins(call, "cropping", -1);
  return {ops::image::crop_images(call.tensor(), cropping, data_format(call))};
}

Results pad_images(const OperationCall& call) {
  const auto padding = margins(call, "padding", 1);
  return {ops::image::pad_images(call.tensor(), padding, data_format(call))};
}

// -- windows and places
// -----------------------------------------------------------

Results extract_patches(const OperationCall& call) {
  call.expect_operands(1);
  ops::image::PatchOptions options;
  if (call.given("strides")) options.strides = pair(call, "strides");
  options.dilation_rate = pair(call, "dilation_rate");
  options.padding = call.text("padding");
  options.data_format = data_format(call);
  return {
      ops::image::extract_patches(call.tensor(), pair(call, "size"), options)};
}

Results gaussian_blur(const OperationCall& call) {
  call.expect_operands(1);
  const Config& sigma = call.argument("sigma");
  std::array<double, 2> each{};
  if (sigma.is_number()) {
    each.fill(sigma.as_number());
  } else if (sigma.is_array() && sigma.size() == 2) {
    for (std::size_t i = 0; i < 2; ++i)
      each[i] = sigma.as_array()[i].as_number();
  } else {
    call.fail("sigma: expected one or two numbers, got " + sigma.dump());
  }
  return {ops::image::gaussian_blur(
      call.tensor(), pair(call, "kernel_size"), each, data_format(call))};
}

ops::image::SampleOptions sampling(const OperationCall& call) {
  ops::image::SampleOptions options;
  options.interpolation = call.text("interpolation");
  options.fill_value = call.number("fill_value");
  options.data_format = data_format(call);
  return options;
}

Results affine_transform(const OperationCall& call) {
  call.expect_operands(2);
  ops::image::SampleOptions options = sampling(call);
  options.fill_mode = call.text("fill_mode");
  return {
      ops::image::affine_transform(call.tensor(), call.floating(1), options)};
}

Results perspective_transform(const OperationCall& call) {
  call.expect_operands(3);
  return {ops::image::perspective_transform(
      call.tensor(), call.floating(1), call.floating(2), sampling(call))};
}

Results map_coordinates(const OperationCall& call) {
  call.expect_operands(2);
  return {ops::image::map_coordinates(
      call.tensor(),
      call.floating(1),
      static_cast<int>(call.integer("order")),
      call.text("fill_mode"),
      call.number("fill_value"))};
}

constexpr Operation kOperations[] = {
    {"AffineTransform",
     "image",
     R"({"interpolation": "bilinear", "fill_mode": "constant", "fill_value": 0,
         "data_format": null})",
     affine_transform},
    {"CropImages",
     "image",
     R"({"top_cropping": null, "left_cropping": null, "bottom_cropping": null,
         "right_cropping": null, "target_height": null, "target_width": null,
         "data_format": null})",
     crop_images},
    {"ExtractPatches",
     "image",
     R"({"size": null, "strides": null, "dilation_rate": 1,
         "padding": "valid", "data_format": null})",
     extract_patches},
    {"GaussianBlur",
     "image",
     R"({"kernel_size": [3, 3], "sigma": [1.0, 1.0], "data_format": null})",
     gaussian_blur},
    {"HSVToRGB", "image", kFormat, coloured<ops::image::hsv_to_rgb>},
    {"MapCoordinates",
     "image",
     R"({"order": null, "fill_mode": "constant", "fill_value": 0})",
     map_coordinates},
    {"PadImages",
     "image",
     R"({"top_padding": null, "left_padding": null, "bottom_padding": null,
         "right_padding": null, "target_height": null, "target_width": null,
         "data_format": null})",
     pad_images},
    {"PerspectiveTransform",
     "image",
     R"({"interpolation": "bilinear", "fill_value": 0, "data_format": null})",
     perspective_transform},
    {"RGBToGrayscale",
     "image",
     kFormat,
     coloured<ops::image::rgb_to_grayscale>},
    {"RGBToHSV", "image", kFormat, coloured<ops::image::rgb_to_hsv>},
    {"Resize",
     "image",
     R"({"size": null, "interpolation": "bilinear", "antialias": false,
         "crop_to_aspect_ratio": false, "pad_to_aspect_ratio": false,
         "fill_mode": "constant", "fill_value": 0.0, "data_format": null})",
     resize},
};

}  // namespace

std::span<const Operation> image_operations() {
  return kOperations;
}

}  // namespace keratin
