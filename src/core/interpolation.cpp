#include "src/core/interpolation.hpp"

#include <algorithm>
#include <cmath>
#include <iterator>
#include <numbers>

#include "src/core/check.hpp"

namespace keratin {
namespace {

double triangle(double x) {
  return std::max(0.0, 1 - std::abs(x));
}

/// Keys' cubic with a = -0.5.
double cubic(double x) {
  x = std::abs(x);
  if (x < 1) return (1.5 * x - 2.5) * x * x + 1;
  if (x < 2) return ((-0.5 * x + 2.5) * x - 4) * x + 2;
  return 0;
}

template <int kRadius>
double lanczos(double x) {
  x = std::abs(x);
  if (x >= kRadius) return 0;
  if (x <= 1e-3) return 1;
  const double angle = std::numbers::pi * x;
  return kRadius * std::sin(angle) * std::sin(angle / kRadius) /
         (angle * angle);
}

double gaussian(double x) {
  constexpr double kRadius = 1.5;
  constexpr double kSigma = kRadius / 3;
  if (std::abs(x) >= kRadius) return 0;
  return std::exp(-x * x / (2 * kSigma * kSigma));
}

/// Mitchell and Netravali's cubic with B = C = 1/3.
double mitchell(double x) {
  x = std::abs(x);
  if (x < 1) return ((7 * x - 12) * x * x + 16.0 / 3) / 6;
  if (x < 2) return ((-7.0 / 3 * x + 12) * x * x - 20 * x + 32.0 / 3) / 6;
  return 0;
}

struct Method {
  std::string_view name;
  double (*kernel)(double);
  double radius;
};

constexpr Method kMethods[] = {
    {"nearest", nullptr, 0},
    {"bilinear", triangle, 1},
    {"bicubic", cubic, 2},
    {"area", nullptr, 0},
    {"lanczos3", lanczos<3>, 3},
    {"lanczos5", lanczos<5>, 5},
    {"gaussian", gaussian, 1.5},
    {"mitchellcubic", mitchell, 2},
};

const Method* find_method(std::string_view name) {
  const auto* found = std::ranges::find(kMethods, name, &Method::name);
  return found == std::end(kMethods) ? nullptr : found;
}

/// One column of the matrix: the weights of one output pixel.
class Column {
 public:
  Column(std::vector<InterpolationTap>& taps, std::int64_t in)
      : taps_(taps), in_(in) {}

  void move_to(std::int64_t pixel) {
    tap_ = &taps_[static_cast<std::size_t>(pixel)];
  }

  /// Pixels outside are those at the border. REQUIRES: from rises.
  void add(std::int64_t from, double weight) {
    from = std::clamp<std::int64_t>(from, 0, in_ - 1);
    if (tap_->weights.empty()) tap_->first = from;
    const auto at = static_cast<std::size_t>(from - tap_->first);
    if (at >= tap_->weights.size()) tap_->weights.resize(at + 1, 0.0);
    tap_->weights[at] += weight;
  }

 private:
  std::vector<InterpolationTap>& taps_;
  std::int64_t in_;
  InterpolationTap* tap_ = nullptr;
};

void fill_nearest(Column& column, std::int64_t in, std::int64_t out) {
  const float step = static_cast<float>(in) / static_cast<float>(out);
  for (std::int64_t j = 0; j < out; ++j) {
    column.move_to(j);
    column.add(
        static_cast<std::int64_t>(
            std::floor((static_cast<float>(j) + 0.5F) * step)),
        1);
  }
}

/// Means over the output pixels' areas; an input pixel cut by a border counts
/// by its share.
void fill_area(Column& column, std::int64_t in, std::int64_t out) {
  const double step = static_cast<double>(in) / static_cast<double>(out);
  for (std::int64_t j = 0; j < out; ++j) {
    column.move_to(j);
    const double low = static_cast<double>(j) * step;
    const double high = static_cast<double>(j + 1) * step;
    const auto end = static_cast<std::int64_t>(std::ceil(high - 1e-9));
    for (auto i = static_cast<std::int64_t>(low); i < end; ++i) {
      const double share = std::min(high, static_cast<double>(i + 1)) -
                           std::max(low, static_cast<double>(i));
      column.add(i, share / step);
    }
  }
}

/// Between two pixels; beyond the first and last, those.
void fill_bilinear(Column& column, std::int64_t in, std::int64_t out) {
  const double step = static_cast<double>(in) / static_cast<double>(out);
  for (std::int64_t j = 0; j < out; ++j) {
    column.move_to(j);
    const double centre = (static_cast<double>(j) + 0.5) * step - 0.5;
    const double low = std::floor(centre);
    column.add(static_cast<std::int64_t>(low), 1 - (centre - low));
    column.add(static_cast<std::int64_t>(low) + 1, centre - low);
  }
}

void fill_kernel(
    Column& column,
    std::int64_t in,
    std::int64_t out,
    const Method& method,
    bool antialias) {
  const double step = static_cast<double>(in) / static_cast<double>(out);
  const double stretch = antialias ? std::max(step, 1.0) : 1.0;
  const double reach = method.radius * stretch;
  for (std::int64_t j = 0; j < out; ++j) {
    column.move_to(j);
    double centre = (static_cast<double>(j) + 0.5) * step - 0.5;
    if (method.name == "bicubic" && !antialias) {
      // TensorFlow takes the cubic from a table of 1024 places per pixel.
      const double low = std::floor(centre);
      centre = low + std::nearbyint((centre - low) * 1024) / 1024;
    }
    const auto first = std::max<std::int64_t>(
        static_cast<std::int64_t>(std::floor(centre - reach)), 0);
    const auto last = std::min<std::int64_t>(
        static_cast<std::int64_t>(std::ceil(centre + reach)), in - 1);
    const auto weight = [&](std::int64_t i) {
      return method.kernel((static_cast<double>(i) - centre) / stretch);
    };
    double sum = 0;
    for (std::int64_t i = first; i <= last; ++i) sum += weight(i);
    for (std::int64_t i = first; i <= last; ++i) {
      column.add(i, weight(i) / sum);
    }
  }
}

void cut_zeros(InterpolationTap& tap) {
  const auto is_weight = [](double weight) { return weight != 0; };
  auto& weights = tap.weights;
  const auto begin = std::ranges::find_if(weights, is_weight);
  tap.first += begin - weights.begin();
  weights.erase(weights.begin(), begin);
  while (!weights.empty() && weights.back() == 0) weights.pop_back();
}

}  // namespace

std::vector<InterpolationTap> interpolation_taps(
    std::int64_t in,
    std::int64_t out,
    const std::string& method,
    bool antialias) {
  const Method* found = find_method(method);
  KERATIN_CHECK(found != nullptr);
  std::vector<InterpolationTap> taps(static_cast<std::size_t>(out));
  Column column(taps, in);
  if (method == "nearest") {
    fill_nearest(column, in, out);
  } else if (method == "area") {
    fill_area(column, in, out);
  } else if (method == "bilinear" && !antialias) {
    fill_bilinear(column, in, out);
  } else {
    fill_kernel(column, in, out, *found, antialias);
  }
  std::ranges::for_each(taps, cut_zeros);
  return taps;
}

Tensor interpolation_matrix(
    std::int64_t in,
    std::int64_t out,
    const std::string& method,
    bool antialias) {
  const auto taps = interpolation_taps(in, out, method, antialias);
  Tensor matrix(DType::f64, {in, out});
  auto values = matrix.mutable_data<double>();
  for (std::int64_t j = 0; j < out; ++j) {
    const InterpolationTap& tap = taps[static_cast<std::size_t>(j)];
    std::int64_t at = tap.first * out + j;
    for (const double weight : tap.weights) {
      values[static_cast<std::size_t>(at)] = weight;
      at += out;
    }
  }
  return matrix;
}

bool is_interpolation(std::string_view method) {
  return find_method(method) != nullptr;
}

std::string interpolation_methods() {
  std::string names;
  for (const Method& method : kMethods) {
    names += (names.empty() ? "" : ", ") + std::string(method.name);
  }
  return names;
}

}  // namespace keratin
