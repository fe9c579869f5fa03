#include "layers/reshaping/interpolation.hpp"

#include <algorithm>
#include <cmath>
#include <numbers>
#include <vector>

namespace keratin::layers {

namespace {

/// Keys' cubic with a = -0.5.
double cubic(double x) {
  x = std::abs(x);
  if (x < 1) return (1.5 * x - 2.5) * x * x + 1;
  if (x < 2) return ((-0.5 * x + 2.5) * x - 4) * x + 2;
  return 0;
}

double lanczos(double x, double radius) {
  x = std::abs(x);
  if (x >= radius) return 0;
  if (x <= 1e-3) return 1;
  const double angle = std::numbers::pi * x;
  return radius * std::sin(angle) * std::sin(angle / radius) / (angle * angle);
}

/// One row of weights: of the input pixels for the sample at `centre`, in
/// pixels, the first pixel's centre being at 0.
std::vector<double> bilinear_weights(std::int64_t in, double centre) {
  std::vector<double> weights(static_cast<std::size_t>(in));
  const auto low = static_cast<std::int64_t>(std::floor(centre));
  const double part = centre - std::floor(centre);
  const auto at = [&](std::int64_t i) -> double& {
    return weights[static_cast<std::size_t>(
        std::clamp<std::int64_t>(i, 0, in - 1))];
  };
  at(low) += 1 - part;
  at(low + 1) += part;
  return weights;
}

/// Pixels outside have no weight; the others share it.
template <class Kernel>
std::vector<double> kernel_weights(
    std::int64_t in, double centre, const Kernel& kernel) {
  std::vector<double> weights(static_cast<std::size_t>(in));
  double sum = 0;
  for (std::int64_t i = 0; i < in; ++i) {
    const double weight = kernel(static_cast<double>(i) - centre);
    weights[static_cast<std::size_t>(i)] = weight;
    sum += weight;
  }
  for (double& weight : weights) weight /= sum;
  return weights;
}

std::vector<double> weights_of(
    std::int64_t in, double centre, const std::string& method) {
  if (method == "bilinear") return bilinear_weights(in, centre);
  if (method == "bicubic") {
    // TensorFlow takes the cubic from a table of 1024 places per pixel.
    const double low = std::floor(centre);
    const double part = std::nearbyint((centre - low) * 1024) / 1024;
    return kernel_weights(in, low + part, cubic);
  }
  const double radius = method == "lanczos3" ? 3 : 5;
  return kernel_weights(
      in, centre, [=](double x) { return lanczos(x, radius); });
}

}  // namespace

Tensor interpolation_matrix(
    std::int64_t in, std::int64_t out, const std::string& method) {
  Tensor matrix(DType::f64, {in, out});
  auto values = matrix.mutable_data<double>();
  const double step = static_cast<double>(in) / static_cast<double>(out);
  for (std::int64_t j = 0; j < out; ++j) {
    const double centre = (static_cast<double>(j) + 0.5) * step - 0.5;
    const std::vector<double> weights = weights_of(in, centre, method);
    for (std::int64_t i = 0; i < in; ++i) {
      values[static_cast<std::size_t>(i * out + j)] =
          weights[static_cast<std::size_t>(i)];
    }
  }
  return matrix;
}

}  // namespace keratin::layers
