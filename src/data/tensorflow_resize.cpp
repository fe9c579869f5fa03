#include "src/data/tensorflow_resize.hpp"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <vector>

#include <keratin/error.hpp>

#include "src/core/format.hpp"
#include "src/core/interpolation.hpp"

namespace keratin::data {
namespace {

using Size = std::array<std::int64_t, 2>;

/// A part of a picture's rows and columns.
struct Window {
  std::int64_t top;
  std::int64_t left;
  std::int64_t height;
  std::int64_t width;
};

/// The weights of one output sample from `first` on.
struct Tap {
  std::int64_t first = 0;
  std::vector<float> weights;
};

std::vector<Tap> make_taps(
    std::int64_t in, std::int64_t out, const std::string& method) {
  constexpr std::int64_t kMaxWeights = std::int64_t{1} << 27;
  if (in > kMaxWeights / out) {
    throw InvalidArgument(format(
        "expected sides that are resized to be shorter, got {} pixels made {}",
        in,
        out));
  }
  const Tensor matrix = interpolation_matrix(in, out, method);
  const auto weights = matrix.data<double>();
  std::vector<Tap> taps(static_cast<std::size_t>(out));
  for (std::int64_t i = 0; i < in; ++i) {
    for (std::int64_t j = 0; j < out; ++j) {
      const double weight = weights[static_cast<std::size_t>(i * out + j)];
      if (weight == 0) continue;
      Tap& tap = taps[static_cast<std::size_t>(j)];
      if (tap.weights.empty()) tap.first = i;
      tap.weights.resize(static_cast<std::size_t>(i - tap.first), 0.0F);
      tap.weights.push_back(static_cast<float>(weight));
    }
  }
  return taps;
}

/// Rows of floats, each the weighted sum of a tap's rows of `from`.
void resize_axis(
    const std::vector<Tap>& taps,
    const float* from,
    std::int64_t stride,  // between two input samples
    std::int64_t run,     // floats of a sample
    float* to) {
  for (const Tap& tap : taps) {
    std::fill_n(to, run, 0.0F);
    const float* sample = from + tap.first * stride;
    for (const float weight : tap.weights) {
      for (std::int64_t k = 0; k < run; ++k) to[k] += weight * sample[k];
      sample += stride;
    }
    to += run;
  }
}

/// The window resized: f32[size..., channels].
Tensor resize_window(
    const Tensor& picture,
    const Window& window,
    const Size& size,
    const std::string& method) {
  const std::int64_t channels = picture.shape()[2];
  const std::int64_t row = picture.shape()[1] * channels;
  const auto samples = picture.data<std::uint8_t>();
  const std::int64_t in_run = window.width * channels;
  const std::int64_t out_run = size[1] * channels;
  const std::vector<Tap> columns = make_taps(window.width, size[1], method);
  // Columns first: each row becomes floats once.
  std::vector<float> line(static_cast<std::size_t>(in_run));
  std::vector<float> narrow(static_cast<std::size_t>(window.height * out_run));
  for (std::int64_t y = 0; y < window.height; ++y) {
    const auto* from =
        samples.data() + (window.top + y) * row + window.left * channels;
    std::copy_n(from, in_run, line.begin());
    resize_axis(
        columns, line.data(), channels, channels, narrow.data() + y * out_run);
  }
  Tensor out =
      Tensor::uninitialized(DType::f32, Shape{size[0], size[1], channels});
  resize_axis(
      make_taps(window.height, size[0], method),
      narrow.data(),
      out_run,
      out_run,
      out.mutable_data<float>().data());
  return out;
}

std::int64_t in_proportion(
    std::int64_t extent, std::int64_t numerator, std::int64_t denominator) {
  return static_cast<std::int64_t>(
      static_cast<float>(extent * numerator) / static_cast<float>(denominator));
}

Window middle(const Tensor& picture, const Size& size) {
  const std::int64_t height = picture.shape()[0];
  const std::int64_t width = picture.shape()[1];
  const std::int64_t rows = std::max<std::int64_t>(
      std::min(height, in_proportion(width, size[0], size[1])), 1);
  const std::int64_t columns = std::max<std::int64_t>(
      std::min(width, in_proportion(height, size[1], size[0])), 1);
  return {(height - rows) / 2, (width - columns) / 2, rows, columns};
}

/// The part of the target that the whole picture takes in its proportions.
Window inner(const Tensor& picture, const Size& size) {
  const auto height = static_cast<float>(picture.shape()[0]);
  const auto width = static_cast<float>(picture.shape()[1]);
  const float ratio = std::max(
      width / static_cast<float>(size[1]),
      height / static_cast<float>(size[0]));
  const float rows = height / ratio;
  const float columns = width / ratio;
  const auto cut = [](float value, std::int64_t least) {
    return std::max(static_cast<std::int64_t>(std::floor(value)), least);
  };
  return {
      cut((static_cast<float>(size[0]) - rows) / 2, 0),
      cut((static_cast<float>(size[1]) - columns) / 2, 0),
      cut(rows, 1),
      cut(columns, 1)};
}

Tensor pad(const Tensor& picture, const Window& place, const Size& size) {
  const std::int64_t channels = picture.shape()[2];
  Tensor out(DType::f32, Shape{size[0], size[1], channels});
  const float* from = picture.data<float>().data();
  float* to = out.mutable_data<float>().data();
  const std::int64_t run = place.width * channels;
  for (std::int64_t y = 0; y < place.height; ++y) {
    std::copy_n(
        from + y * run,
        run,
        to + ((place.top + y) * size[1] + place.left) * channels);
  }
  return out;
}

}  // namespace

Tensor tensorflow_resize(
    const Tensor& picture,
    const std::array<std::int64_t, 2>& size,
    const std::string& method,
    AspectRatio ratio) {
  const Window whole{0, 0, picture.shape()[0], picture.shape()[1]};
  Tensor out;
  if (ratio == AspectRatio::pad) {
    const Window place = inner(picture, size);
    out =
        pad(resize_window(picture, whole, {place.height, place.width}, method),
            place,
            size);
  } else {
    const Window window =
        ratio == AspectRatio::crop ? middle(picture, size) : whole;
    out = resize_window(picture, window, size, method);
  }
  // As TensorFlow: without arithmetic the samples stay what they were.
  return method == "nearest" ? out.cast(DType::u8) : out;
}

void check_tensorflow_method(const char* who, const std::string& method) {
  if (is_interpolation(method)) return;
  throw InvalidArgument(format(
      "{} expected interpolation to be one of {}, got \"{}\"",
      who,
      interpolation_methods(),
      method));
}

}  // namespace keratin::data
