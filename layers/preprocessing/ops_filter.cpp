// Blur, elastic distortion, margins, patches.

#include <algorithm>

#include <keratin/error.hpp>
#include <keratin/ops_image.hpp>

#include "layers/preprocessing/image_values.hpp"
#include "src/core/format.hpp"

namespace keratin::ops::image {

namespace {

/// x: [n, h, w, c], kernel: [rows, columns].
Value depthwise(const Value& x, const Value& kernel) {
  const std::int64_t rows = kernel.shape()[0];
  const std::int64_t columns = kernel.shape()[1];
  const std::int64_t channels = x.shape()[3];
  const Value w = broadcast_to(
      reshape(kernel, {rows, columns, 1, 1}), {rows, columns, 1, channels});
  const Window window = make_window(
      "same", {x.shape()[1], x.shape()[2]}, {rows, columns}, {1, 1}, {1, 1});
  return conv(x, w, window, channels);
}

/// exp(-(i - middle)^2 / 2 sigma^2) for i in [0, size), of sum 1; nothing where
/// |i - middle| > reach, when given.
Value gaussian(std::int64_t size, const Value& sigma, const Value& reach) {
  const double middle = static_cast<double>(size - 1) / 2;
  const Value x = iota(sigma.graph(), {size}, 0, sigma.dtype()) - middle;
  const Value part = x / sigma;
  Value weight = exp(square(part) * -0.5);
  if (reach) {
    weight = where(less_equal(abs(x), reach), weight, zeros_like(weight));
  }
  return weight / sum(weight);
}

}  // namespace

Value gaussian_blur(
    const Value& images,
    const std::array<std::int64_t, 2>& kernel_size,
    const Value& sigma,
    const std::string& data_format) {
  for (const std::int64_t size : kernel_size) {
    if (size >= 1 && size % 2 == 1) continue;
    throw InvalidArgument(format(
        "[gaussian_blur] expected odd kernel sizes, got {} and {}",
        kernel_size[0],
        kernel_size[1]));
  }
  if (sigma.shape() != Shape{2}) {
    throw InvalidArgument(
        format("[gaussian_blur] expected a sigma [2], got {}", sigma.shape()));
  }
  return on_batch("gaussian_blur", images, data_format, [&](const Value& x) {
    const Value s = cast(sigma, x.dtype());
    const auto one = [&](std::size_t axis) {
      const auto at = static_cast<std::int64_t>(axis);
      return gaussian(
          kernel_size[axis], squeeze(slice_axis(s, 0, at, at + 1), {0}), {});
    };
    // Keras lays the outer product [y, x] out as rows of kernel_size[0].
    const Value product = expand_dims(one(1), 1) * expand_dims(one(0), 0);
    return depthwise(x, reshape(product, {kernel_size[0], kernel_size[1]}));
  });
}

Value gaussian_blur(
    const Value& images,
    const std::array<std::int64_t, 2>& kernel_size,
    const std::array<double, 2>& sigma,
    const std::string& data_format) {
  return gaussian_blur(
      images,
      kernel_size,
      constant(images.graph(), Tensor(std::vector<double>{sigma[0], sigma[1]})),
      data_format);
}

Value elastic_transform(
    const Value& images,
    const Value& state,
    const Value& alpha,
    const Value& sigma,
    std::int64_t max_sigma,
    const SampleOptions& options) {
  const char* const who = "elastic_transform";
  expect_choice(
      who, "interpolation", options.interpolation, {"nearest", "bilinear"});
  return on_batch(who, images, options.data_format, [&](const Value& x) {
    const std::int64_t n = x.shape()[0];
    const std::int64_t height = x.shape()[1];
    const std::int64_t width = x.shape()[2];
    const DType real = x.dtype() == DType::f64 ? DType::f64 : DType::f32;
    const Value s = cast(sigma, real);
    // The kernel has 6 int(sigma) + 1 places: known only when it runs, so the
    // largest is made and the rest of it is zero.
    const Value reach = floor(s) * 3.0;
    const Value kernel = gaussian(6 * max_sigma + 1, s, reach);
    const Value noise =
        random_normal(state, {n, height, width, 1}, 0, 1, real) * s;
    // Keras draws both directions from one seed: they are the same.
    const Value move =
        reshape(
            depthwise(noise, expand_dims(kernel, 1) * expand_dims(kernel, 0)),
            {n, height, width}) *
        cast(alpha, real);
    const Shape whole = {n, height, width};
    const Value image = iota(x.graph(), whole, 0, real);
    const Value at_y = iota(x.graph(), whole, 1, real) + move;
    const Value at_x = iota(x.graph(), whole, 2, real) + move;
    const int order = options.interpolation == "nearest" ? 0 : 1;
    std::vector<Value> channels;
    const Value planes = transpose(x, {3, 0, 1, 2});
    for (std::int64_t c = 0; c < x.shape()[3]; ++c) {
      channels.push_back(map_coordinates(
          squeeze(slice_axis(planes, 0, c, c + 1), {0}),
          stack({image, at_y, at_x}),
          order,
          options.fill_mode,
          options.fill_value));
    }
    return stack(channels, 3);
  });
}

Value elastic_transform(
    const Value& images,
    const Value& state,
    double alpha,
    double sigma,
    const SampleOptions& options) {
  Graph& graph = images.graph();
  return elastic_transform(
      images,
      state,
      full(graph, {}, alpha, DType::f64),
      full(graph, {}, sigma, DType::f64),
      static_cast<std::int64_t>(sigma),
      options);
}

Value crop_images(
    const Value& images,
    const Margins& cropping,
    const std::string& data_format) {
  return on_batch("crop_images", images, data_format, [&](const Value& x) {
    const std::int64_t bottom = x.shape()[1] - cropping.bottom;
    const std::int64_t right = x.shape()[2] - cropping.right;
    if (cropping.top < 0 || cropping.left < 0 || cropping.bottom < 0 ||
        cropping.right < 0 || bottom <= cropping.top ||
        right <= cropping.left) {
      throw InvalidArgument(format(
          "[crop_images] expected margins that leave something of {}x{} "
          "pixels, got {}, {}, {}, {}",
          x.shape()[1],
          x.shape()[2],
          cropping.top,
          cropping.left,
          cropping.bottom,
          cropping.right));
    }
    return slice_axis(
        slice_axis(x, 1, cropping.top, bottom), 2, cropping.left, right);
  });
}

Value pad_images(
    const Value& images,
    const Margins& padding,
    const std::string& data_format) {
  if (padding.top < 0 || padding.left < 0 || padding.bottom < 0 ||
      padding.right < 0) {
    throw InvalidArgument(format(
        "[pad_images] expected margins >= 0, got {}, {}, {}, {}",
        padding.top,
        padding.left,
        padding.bottom,
        padding.right));
  }
  return on_batch("pad_images", images, data_format, [&](const Value& x) {
    return pad(
        x,
        {0, padding.top, padding.left, 0},
        {0, padding.bottom, padding.right, 0});
  });
}

Value extract_patches(
    const Value& images,
    const std::array<std::int64_t, 2>& size,
    const PatchOptions& options) {
  const char* const who = "extract_patches";
  expect_choice(who, "padding", options.padding, {"valid", "same"});
  if (size[0] < 1 || size[1] < 1) {
    throw InvalidArgument(format(
        "[extract_patches] expected a size >= 1, got {} and {}",
        size[0],
        size[1]));
  }
  return on_batch(who, images, options.data_format, [&](const Value& x) {
    Ints strides;
    for (std::size_t i = 0; i < 2; ++i) {
      strides.push_back(options.strides[i] == 0 ? size[i] : options.strides[i]);
    }
    const Ints dilation = {options.dilation_rate[0], options.dilation_rate[1]};
    const Window window = make_window(
        options.padding,
        {x.shape()[1], x.shape()[2]},
        {size[0], size[1]},
        strides,
        dilation);
    const std::int64_t channels = x.shape()[3];
    const std::int64_t length = size[0] * size[1] * channels;
    // A filter for each number of a patch.
    const Value w = reshape(
        cast(
            equal(
                iota(x.graph(), {length, length}, 0, DType::i32),
                iota(x.graph(), {length, length}, 1, DType::i32)),
            x.dtype()),
        {size[0], size[1], channels, length});
    return conv(x, w, window);
  });
}

}  // namespace keratin::ops::image
