#include "src/data/pillow_resize.hpp"

#include <algorithm>
#include <cmath>
#include <numbers>
#include <vector>

#include "src/core/check.hpp"

namespace keratin::data {
namespace {

using Sample = std::uint8_t;

double sinc(double x) {
  if (x == 0) return 1;
  x *= std::numbers::pi;
  return std::sin(x) / x;
}

double box_filter(double x) {
  return x > -0.5 && x <= 0.5 ? 1 : 0;
}

double bilinear(double x) {
  x = std::abs(x);
  return x < 1 ? 1 - x : 0;
}

double hamming(double x) {
  x = std::abs(x);
  if (x >= 1) return 0;
  return sinc(x) * (0.54 + 0.46 * std::cos(x * std::numbers::pi));
}

double bicubic(double x) {
  constexpr double kA = -0.5;
  x = std::abs(x);
  if (x < 1) return ((kA + 2) * x - (kA + 3)) * x * x + 1;
  if (x < 2) return (((x - 5) * x + 8) * x - 4) * kA;
  return 0;
}

double lanczos(double x) {
  return -3 <= x && x < 3 ? sinc(x) * sinc(x / 3) : 0;
}

struct Filter {
  std::string_view name;
  double (*weight)(double);
  double support;
};

constexpr Filter kFilters[] = {
    {"nearest", nullptr, 0},
    {"bilinear", bilinear, 1},
    {"bicubic", bicubic, 2},
    {"hamming", hamming, 1},
    {"box", box_filter, 0.5},
    {"lanczos", lanczos, 3},
};

const Filter* find_filter(std::string_view name) {
  const auto* found = std::ranges::find(kFilters, name, &Filter::name);
  return found == std::end(kFilters) ? nullptr : found;
}

/// What one output sample is made of: `weights` in fixed point, of the input
/// from `first` on.
struct Tap {
  std::int64_t first;
  std::vector<std::int32_t> weights;
};

constexpr int kFractionBits = 32 - 8 - 2;  // as Pillow: no sum overflows

std::int32_t to_fixed(double weight) {
  const double scaled = weight * (1 << kFractionBits);
  return static_cast<std::int32_t>(scaled < 0 ? scaled - 0.5 : scaled + 0.5);
}

/// Taps that resize [begin, end) of an axis of length `in` to `out` samples.
std::vector<Tap> make_taps(
    const Filter& filter,
    std::int64_t in,
    std::int64_t begin,
    std::int64_t end,
    std::int64_t out) {
  const double scale =
      static_cast<double>(end - begin) / static_cast<double>(out);
  const double stretch = std::max(scale, 1.0);
  const double support = filter.support * stretch;
  std::vector<Tap> taps;
  taps.reserve(static_cast<std::size_t>(out));
  for (std::int64_t i = 0; i < out; ++i) {
    const double centre =
        static_cast<double>(begin) + (static_cast<double>(i) + 0.5) * scale;
    // Pillow's rounding, towards zero after adding a half.
    const double left = centre - support + 0.5;
    const double right = centre + support + 0.5;
    const auto first =
        std::max<std::int64_t>(static_cast<std::int64_t>(left), 0);
    const auto last = std::min(static_cast<std::int64_t>(right), in);
    std::vector<double> weights;
    double sum = 0;
    for (std::int64_t x = first; x < last; ++x) {
      const double weight = filter.weight(
          (static_cast<double>(x) - centre + 0.5) * (1.0 / stretch));
      weights.push_back(weight);
      sum += weight;
    }
    Tap& tap = taps.emplace_back(Tap{first, {}});
    for (const double weight : weights) {
      tap.weights.push_back(to_fixed(sum != 0 ? weight / sum : weight));
    }
  }
  return taps;
}

Sample rounded(std::int64_t sum) {
  return static_cast<Sample>(
      std::clamp<std::int64_t>(sum >> kFractionBits, 0, 255));
}

/// One output sample: `stride` samples lie between two inputs.
Sample apply(const Tap& tap, const Sample* from, std::int64_t stride) {
  std::int64_t sum = std::int64_t{1} << (kFractionBits - 1);
  from += tap.first * stride;
  for (const std::int32_t weight : tap.weights) {
    sum += std::int64_t{*from} * weight;
    from += stride;
  }
  return rounded(sum);
}

/// A picture's sides and its samples.
struct Picture {
  std::int64_t height;
  std::int64_t width;
  std::int64_t channels;
  std::vector<Sample> samples;

  std::int64_t row() const { return width * channels; }
};

Picture resize_rows(const Picture& in, const std::vector<Tap>& taps) {
  Picture out{
      in.height, static_cast<std::int64_t>(taps.size()), in.channels, {}};
  out.samples.reserve(static_cast<std::size_t>(out.height * out.row()));
  for (std::int64_t y = 0; y < in.height; ++y) {
    const Sample* row = in.samples.data() + y * in.row();
    for (const Tap& tap : taps) {
      for (std::int64_t c = 0; c < in.channels; ++c) {
        out.samples.push_back(apply(tap, row + c, in.channels));
      }
    }
  }
  return out;
}

Picture resize_columns(const Picture& in, const std::vector<Tap>& taps) {
  Picture out{
      static_cast<std::int64_t>(taps.size()), in.width, in.channels, {}};
  out.samples.reserve(static_cast<std::size_t>(out.height * out.row()));
  for (const Tap& tap : taps) {
    for (std::int64_t x = 0; x < in.row(); ++x) {
      out.samples.push_back(apply(tap, in.samples.data() + x, in.row()));
    }
  }
  return out;
}

/// Pillow steps through the input by adding up, which rounds like this.
std::vector<std::int64_t> nearest_places(
    std::int64_t begin, std::int64_t end, std::int64_t out) {
  const double step =
      static_cast<double>(end - begin) / static_cast<double>(out);
  std::vector<std::int64_t> places;
  double at = static_cast<double>(begin) + step * 0.5;
  for (std::int64_t i = 0; i < out; ++i, at += step) {
    places.push_back(std::min(static_cast<std::int64_t>(at), end - 1));
  }
  return places;
}

Picture resize_nearest(
    const Picture& in,
    const std::array<std::int64_t, 2>& size,
    const Box& box) {
  Picture out{size[0], size[1], in.channels, {}};
  out.samples.reserve(static_cast<std::size_t>(out.height * out.row()));
  const auto columns = nearest_places(box.left, box.right, size[1]);
  for (const std::int64_t y : nearest_places(box.top, box.bottom, size[0])) {
    const Sample* row = in.samples.data() + y * in.row();
    for (const std::int64_t x : columns) {
      const Sample* pixel = row + x * in.channels;
      out.samples.insert(out.samples.end(), pixel, pixel + in.channels);
    }
  }
  return out;
}

/// a * b / 255, rounded, as Pillow does it.
Sample product(unsigned a, unsigned b) {
  const unsigned t = a * b + 128;
  return static_cast<Sample>(((t >> 8) + t) >> 8);
}

void multiply_by_alpha(Picture& picture) {
  for (std::size_t i = 0; i < picture.samples.size(); i += 4) {
    Sample* p = picture.samples.data() + i;
    for (int c = 0; c < 3; ++c) p[c] = product(p[c], p[3]);
  }
}

void divide_by_alpha(Picture& picture) {
  for (std::size_t i = 0; i < picture.samples.size(); i += 4) {
    Sample* p = picture.samples.data() + i;
    if (p[3] == 0 || p[3] == 255) continue;
    for (int c = 0; c < 3; ++c) {
      p[c] = static_cast<Sample>(std::min(255 * p[c] / p[3], 255));
    }
  }
}

Picture resize_filtered(
    Picture picture,
    const std::array<std::int64_t, 2>& size,
    const Filter& filter,
    const Box& box) {
  const bool alpha = picture.channels == 4;
  if (alpha) multiply_by_alpha(picture);
  const auto whole = [](std::int64_t in,
                        std::int64_t begin,
                        std::int64_t end,
                        std::int64_t out) {
    return in == out && begin == 0 && end == in;
  };
  if (!whole(picture.width, box.left, box.right, size[1])) {
    picture = resize_rows(
        picture,
        make_taps(filter, picture.width, box.left, box.right, size[1]));
  }
  if (!whole(picture.height, box.top, box.bottom, size[0])) {
    picture = resize_columns(
        picture,
        make_taps(filter, picture.height, box.top, box.bottom, size[0]));
  }
  if (alpha) divide_by_alpha(picture);
  return picture;
}

}  // namespace

Tensor pillow_resize(
    const Tensor& picture,
    std::array<std::int64_t, 2> size,
    std::string_view method,
    const Box& box) {
  const Filter* filter = find_filter(method);
  KERATIN_CHECK(filter != nullptr);
  const auto samples = picture.data<Sample>();
  Picture in{
      picture.shape()[0],
      picture.shape()[1],
      picture.shape()[2],
      {samples.begin(), samples.end()}};
  const Picture out = filter->weight == nullptr
                          ? resize_nearest(in, size, box)
                          : resize_filtered(std::move(in), size, *filter, box);
  return {out.samples, Shape{out.height, out.width, out.channels}};
}

std::string pillow_methods() {
  std::string names;
  for (const Filter& filter : kFilters) {
    if (!names.empty()) names += ", ";
    names += filter.name;
  }
  return names;
}

bool is_pillow_method(std::string_view method) {
  return find_filter(method) != nullptr;
}

}  // namespace keratin::data
