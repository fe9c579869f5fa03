// Against a plain loop over the whole matrix, which pictures of any size would
// not have room for.

#include "src/data/tensorflow_resize.hpp"

#include <doctest/doctest.h>

#include <string>
#include <vector>

#include "src/core/interpolation.hpp"

namespace keratin {

using data::AspectRatio;
using data::tensorflow_resize;

namespace {

Tensor picture(std::int64_t height, std::int64_t width, std::int64_t channels) {
  Tensor out(DType::u8, {height, width, channels});
  auto samples = out.mutable_data<std::uint8_t>();
  std::uint32_t state = 7;
  for (std::uint8_t& sample : samples) {
    state = state * 1664525 + 1013904223;
    sample = static_cast<std::uint8_t>(state >> 24);
  }
  return out;
}

/// out[j] = sum of from[i] * matrix[i][j], in f32, rows of `run` floats.
std::vector<float> product(
    const Tensor& matrix, const std::vector<float>& from, std::size_t run) {
  const auto in = static_cast<std::size_t>(matrix.shape()[0]);
  const auto out = static_cast<std::size_t>(matrix.shape()[1]);
  const auto weights = matrix.data<double>();
  std::vector<float> to(out * run, 0.0F);
  for (std::size_t j = 0; j < out; ++j) {
    for (std::size_t i = 0; i < in; ++i) {
      const auto weight = static_cast<float>(weights[i * out + j]);
      if (weights[i * out + j] == 0) continue;
      for (std::size_t k = 0; k < run; ++k) {
        to[j * run + k] += weight * from[i * run + k];
      }
    }
  }
  return to;
}

Tensor resize_plainly(
    const Tensor& from, std::array<std::int64_t, 2> size, const char* method) {
  const auto height = static_cast<std::size_t>(from.shape()[0]);
  const auto channels = static_cast<std::size_t>(from.shape()[2]);
  const std::size_t in_run =
      static_cast<std::size_t>(from.shape()[1]) * channels;
  const std::size_t out_run = static_cast<std::size_t>(size[1]) * channels;
  const Tensor columns = interpolation_matrix(from.shape()[1], size[1], method);
  const auto samples = from.data<std::uint8_t>();
  std::vector<float> narrow;
  for (std::size_t y = 0; y < height; ++y) {
    const auto* const begin = samples.data() + y * in_run;
    const std::vector<float> line(begin, begin + in_run);
    const std::vector<float> row = product(columns, line, channels);
    narrow.insert(narrow.end(), row.begin(), row.end());
  }
  const Tensor rows = interpolation_matrix(from.shape()[0], size[0], method);
  return Tensor(
      product(rows, narrow, out_run), {size[0], size[1], from.shape()[2]});
}

}  // namespace

TEST_CASE("Resizing by taps is resizing by the whole matrix, bit for bit") {
  const Tensor from = picture(23, 17, 3);
  for (const char* method :
       {"bilinear",
        "bicubic",
        "area",
        "lanczos3",
        "lanczos5",
        "gaussian",
        "mitchellcubic"}) {
    for (const std::array<std::int64_t, 2> size :
         {std::array<std::int64_t, 2>{5, 4}, {40, 61}, {23, 17}, {1, 90}}) {
      CAPTURE(method);
      CAPTURE(size[0]);
      CHECK(
          tensorflow_resize(from, size, method, AspectRatio::ignore) ==
          resize_plainly(from, size, method));
    }
  }
}

TEST_CASE("Pictures with sides of any length are resized") {
  // The whole matrix of one side would have 10^11 entries.
  const Tensor tall = picture(1'000'000, 1, 1);
  const auto samples = tall.data<std::uint8_t>();
  const Tensor small =
      tensorflow_resize(tall, {100'000, 2}, "nearest", AspectRatio::ignore);
  CHECK(small.shape() == Shape{100'000, 2, 1});
  CHECK(small.at(2 * 99'999) == samples[999'995]);
  const Tensor means =
      tensorflow_resize(tall, {100'000, 1}, "area", AspectRatio::ignore);
  double sum = 0;
  for (std::size_t i = 0; i < 10; ++i) sum += samples[777'770 + i];
  CHECK(means.at(77'777) == doctest::Approx(sum / 10).epsilon(1e-5));
}

}  // namespace keratin
