#include "layers/functions/window_functions.hpp"

#include <cmath>
#include <numbers>

#include <keratin/error.hpp>

#include "src/core/format.hpp"
#include "src/core/names.hpp"

// Formulas as in Harris, "On the use of windows for harmonic analysis with the
// discrete Fourier transform", 1978; names and parameters are SciPy's.

namespace keratin::layers {

namespace {

constexpr double kPi = std::numbers::pi;

/// Sum of weights[k] * cos(2 pi k i / (n - 1)), counted from the middle.
struct Cosines {
  const char* name;
  std::vector<double> weights;
};

const std::vector<Cosines>& cosine_windows() {
  static const std::vector<Cosines> all = {
      {"hann", {0.5, 0.5}},
      {"hamming", {0.54, 0.46}},
      {"blackman", {0.42, 0.50, 0.08}},
      {"nuttall", {0.3635819, 0.4891775, 0.1365995, 0.0106411}},
      {"blackmanharris", {0.35875, 0.48829, 0.14128, 0.01168}},
      {"flattop",
       {0.21557895, 0.41663158, 0.277263158, 0.083578947, 0.006947368}},
  };
  return all;
}

/// Functions of x in [-1, 1], the place between the ends.
double boxcar(double) {
  return 1;
}

double bartlett(double x) {
  return 1 - std::abs(x);
}

double bohman(double x) {
  const double a = std::abs(x);
  if (a >= 1) return 0;
  return (1 - a) * std::cos(kPi * a) + std::sin(kPi * a) / kPi;
}

double barthann(double x) {
  const double a = std::abs(x) / 2;
  return 0.62 - 0.48 * a + 0.38 * std::cos(2 * kPi * a);
}

double lanczos(double x) {
  return x == 0 ? 1 : std::sin(kPi * x) / (kPi * x);
}

struct Shaped {
  const char* name;
  double (*function)(double);
};

constexpr Shaped kShaped[] = {
    {"boxcar", boxcar},
    {"bartlett", bartlett},
    {"bohman", bohman},
    {"barthann", barthann},
    {"lanczos", lanczos},
};

std::vector<double> triang(std::size_t n) {
  std::vector<double> out(n);
  const auto length = static_cast<double>(n);
  const double extra = n % 2 == 0 ? 0 : 1;
  for (std::size_t i = 0; i < n; ++i) {
    const double from_end = static_cast<double>(std::min(i, n - 1 - i)) + 1;
    out[i] = (2 * from_end - 1 + extra) / (length + extra);
  }
  return out;
}

std::vector<double> cosine(std::size_t n) {
  std::vector<double> out(n);
  for (std::size_t i = 0; i < n; ++i) {
    out[i] =
        std::sin(kPi / static_cast<double>(n) * (static_cast<double>(i) + 0.5));
  }
  return out;
}

/// Symmetric, of n elements; empty when the name is not known.
std::vector<double> symmetric(const std::string& name, std::size_t n) {
  if (name == "triang" || name == "triangle") return triang(n);
  if (name == "cosine") return cosine(n);
  const double middle = (static_cast<double>(n) - 1) / 2;
  const auto place = [&](std::size_t i) {
    return middle == 0 ? 0 : (static_cast<double>(i) - middle) / middle;
  };
  std::vector<double> out(n);
  for (const Shaped& window : kShaped) {
    if (name != window.name) continue;
    for (std::size_t i = 0; i < n; ++i) out[i] = window.function(place(i));
    return out;
  }
  for (const Cosines& window : cosine_windows()) {
    if (name != window.name) continue;
    for (std::size_t i = 0; i < n; ++i) {
      double sum = 0;
      for (std::size_t k = 0; k < window.weights.size(); ++k) {
        sum += window.weights[k] *
               std::cos(kPi * static_cast<double>(k) * place(i));
      }
      out[i] = sum;
    }
    return out;
  }
  return {};
}

}  // namespace

std::vector<double> window_function(
    const std::string& name,
    std::size_t length,
    bool periodic,
    const std::string& where) {
  if (length <= 1) {
    if (symmetric(name, 2).empty())
      return window_function(name, 2, false, where);
    return std::vector<double>(length, 1.0);
  }
  std::vector<double> window = symmetric(name, periodic ? length + 1 : length);
  if (window.empty()) {
    std::vector<std::string> names = {"triang", "cosine"};
    for (const Shaped& known : kShaped) names.emplace_back(known.name);
    for (const Cosines& known : cosine_windows()) {
      names.emplace_back(known.name);
    }
    throw InvalidArgument(format(
        "[{}] no window function is called '{}'{}",
        where,
        name,
        did_you_mean(name, names)));
  }
  window.resize(length);
  return window;
}

}  // namespace keratin::layers
