// Gray values, hue, saturation and value.

#include <keratin/error.hpp>
#include <keratin/ops_image.hpp>

#include "layers/preprocessing/image_values.hpp"
#include "src/core/format.hpp"

namespace keratin::ops::image {

namespace {

Value channel(const Value& x, std::int64_t index) {
  return slice_axis(x, 3, index, index + 1);
}

void expect_rgb(const char* who, const Value& x) {
  if (x.shape()[3] != 3) {
    throw InvalidArgument(format(
        "[{}] expected 3 channels (red, green, blue), got {}",
        who,
        x.shape()[3]));
  }
  if (!is_floating(x.dtype())) {
    throw InvalidArgument(format(
        "[{}] expected floating-point images, got {}; use ops::cast",
        who,
        x.dtype()));
  }
}

}  // namespace

Value rgb_to_grayscale(const Value& images, const std::string& data_format) {
  const char* const who = "rgb_to_grayscale";
  return on_batch(who, images, data_format, [&](const Value& x) -> Value {
    const std::int64_t channels = x.shape()[3];
    if (channels == 1) return x;
    if (channels != 3) {
      throw InvalidArgument(format(
          "[{}] expected 3 channels (RGB) or 1 (gray), got {}", who, channels));
    }
    const DType real = is_floating(x.dtype()) ? x.dtype() : DType::f32;
    const Value weights = cast(
        constant(x.graph(), Tensor(std::vector<double>{0.2989, 0.587, 0.114})),
        real);
    const Value gray = matmul(cast(x, real), reshape(weights, {3, 1}));
    return cast(gray, x.dtype());
  });
}

Value rgb_to_hsv(const Value& images, const std::string& data_format) {
  const char* const who = "rgb_to_hsv";
  return on_batch(who, images, data_format, [&](const Value& x) {
    expect_rgb(who, x);
    const Value red = channel(x, 0);
    const Value green = channel(x, 1);
    const Value blue = channel(x, 2);
    const Value value = maximum(maximum(red, green), blue);
    const Value range = value - minimum(minimum(red, green), blue);
    const Value none = zeros_like(range);
    const Value some = greater(range, 0.0);
    // No gradient through a division by zero.
    const Value saturation = where(
        greater(value, 0.0),
        range / where(greater(value, 0.0), value, ones_like(value)),
        none);
    const Value norm =
        reciprocal(where(some, range, ones_like(range))) * (1.0 / 6);
    Value hue = where(
        equal(red, value),
        norm * (green - blue),
        where(
            equal(green, value),
            norm * (blue - red) + 2.0 / 6,
            norm * (red - green) + 4.0 / 6));
    hue = where(some, hue, none);
    hue = where(less(hue, 0.0), hue + 1.0, hue);
    return concatenate({hue, saturation, value}, 3);
  });
}

Value hsv_to_rgb(const Value& images, const std::string& data_format) {
  const char* const who = "hsv_to_rgb";
  return on_batch(who, images, data_format, [&](const Value& x) {
    expect_rgb(who, x);
    const Value sixths = channel(x, 0) * 6.0;
    const Value saturation = channel(x, 1);
    const Value value = channel(x, 2);
    const Value rest = 1.0 - saturation;
    const auto part = [&](const Value& share) {
      return (rest + saturation * clip(share, 0, 1)) * value;
    };
    return concatenate(
        {part(abs(sixths - 3.0) - 1.0),
         part(2.0 - abs(sixths - 2.0)),
         part(2.0 - abs(sixths - 4.0))},
        3);
  });
}

}  // namespace keratin::ops::image
