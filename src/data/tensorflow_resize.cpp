#include "src/data/tensorflow_resize.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <vector>

#include <keratin/error.hpp>

#include "src/core/check.hpp"
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

/// The weights of one output sample, as floats, from `first` on.
struct Tap {
  std::int64_t first = 0;
  std::vector<float> weights;
};

std::vector<Tap> make_taps(
    std::int64_t in, std::int64_t out, const std::string& method) {
  std::vector<Tap> taps;
  taps.reserve(static_cast<std::size_t>(out));
  for (const InterpolationTap& tap : interpolation_taps(in, out, method)) {
    taps.push_back({tap.first, {tap.weights.begin(), tap.weights.end()}});
  }
  return taps;
}

/// The samples of a row, each the weighted sum of a tap's.
template <std::size_t kChannels>
void resize_row(
    const std::vector<Tap>& taps, const std::uint8_t* from, float* to) {
  for (const Tap& tap : taps) {
    std::array<float, kChannels> sums{};
    const std::uint8_t* sample =
        from + tap.first * static_cast<std::int64_t>(kChannels);
    for (const float weight : tap.weights) {
      for (std::size_t k = 0; k < kChannels; ++k) {
        sums[k] += weight * static_cast<float>(sample[k]);
      }
      sample += kChannels;
    }
    to = std::copy(sums.begin(), sums.end(), to);
  }
}

void resize_row(
    const std::vector<Tap>& taps,
    const std::uint8_t* from,
    std::int64_t channels,
    float* to) {
  switch (channels) {
    case 1:
      resize_row<1>(taps, from, to);
      return;
    case 3:
      resize_row<3>(taps, from, to);
      return;
    case 4:
      resize_row<4>(taps, from, to);
      return;
    default:
      KERATIN_UNREACHABLE();
  }
}

/// Whether a picture of the same size stays what it is: every weight is 1 or 0.
bool keeps_equal_sizes(const std::string& method) {
  return method == "bilinear" || method == "nearest" || method == "area";
}

/// The rows of a window, each resized when it is first asked for. Only the
/// last few are kept: pictures may have any number.
class ResizedRows {
 public:
  ResizedRows(
      const Tensor& picture,
      const Window& window,
      std::int64_t width,
      const std::string& method,
      std::int64_t kept)
      : picture_(picture),
        window_(window),
        channels_(picture.shape()[2]),
        run_(width * channels_),
        taps_(make_taps(window.width, width, method)),
        rows_(static_cast<std::size_t>(kept)),
        numbers_(rows_.size(), -1) {}

  /// What `row` gave is good until `kept` other rows were asked for.
  const float* row(std::int64_t y) {
    const std::size_t at = static_cast<std::size_t>(y) % rows_.size();
    std::vector<float>& row = rows_[at];
    if (numbers_[at] == y) return row.data();
    row.resize(static_cast<std::size_t>(run_));
    const auto* from =
        picture_.data<std::uint8_t>().data() +
        ((window_.top + y) * picture_.shape()[1] + window_.left) * channels_;
    resize_row(taps_, from, channels_, row.data());
    numbers_[at] = y;
    return row.data();
  }

 private:
  const Tensor& picture_;
  Window window_;
  std::int64_t channels_;
  std::int64_t run_;  // floats of a row
  std::vector<Tap> taps_;
  std::vector<std::vector<float>> rows_;
  std::vector<std::int64_t> numbers_;  // of the rows that are kept, or -1
};

/// The window resized: f32[size..., channels].
Tensor resize_window(
    const Tensor& picture,
    const Window& window,
    const Size& size,
    const std::string& method) {
  const std::int64_t channels = picture.shape()[2];
  const std::int64_t run = size[1] * channels;
  const bool whole =
      window.height == picture.shape()[0] && window.width == picture.shape()[1];
  if (whole && size == Size{window.height, window.width} &&
      keeps_equal_sizes(method)) {
    return picture.cast(DType::f32);
  }
  const std::vector<Tap> taps = make_taps(window.height, size[0], method);
  std::size_t kept = 1;
  for (const Tap& tap : taps) kept = std::max(kept, tap.weights.size());
  ResizedRows rows(
      picture, window, size[1], method, static_cast<std::int64_t>(kept));
  Tensor out =
      Tensor::uninitialized(DType::f32, Shape{size[0], size[1], channels});
  float* to = out.mutable_data<float>().data();
  for (const Tap& tap : taps) {
    std::int64_t y = tap.first;
    if (tap.weights.size() == 2) {
      const float* a = rows.row(y);
      const float* b = rows.row(y + 1);
      for (std::int64_t k = 0; k < run; ++k) {
        to[k] = tap.weights[0] * a[k] + tap.weights[1] * b[k];
      }
      to += run;
      continue;
    }
    std::fill_n(to, run, 0.0F);
    for (const float weight : tap.weights) {
      const float* from = rows.row(y++);
      for (std::int64_t k = 0; k < run; ++k) to[k] += weight * from[k];
    }
    to += run;
  }
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
