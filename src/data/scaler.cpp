#include <cmath>
#include <limits>

#include <keratin/data/scaler.hpp>
#include <keratin/error.hpp>

#include "src/core/format.hpp"

namespace keratin::data {
namespace {

std::vector<std::int64_t> row_shape(const Tensor& x) {
  if (x.dtype() == DType::string || x.rank() == 0 || x.shape()[0] == 0) {
    throw InvalidArgument(format(
        "[StandardScaler] expected numbers [n, ...] with n >= 1, got {}{}",
        x.dtype(),
        x.shape()));
  }
  return {x.shape().begin() + 1, x.shape().end()};
}

}  // namespace

StandardScaler& StandardScaler::fit(const Tensor& x) {
  auto row = row_shape(x);
  const Tensor wide = x.cast(DType::f64);
  const auto values = wide.data<double>();
  const auto features = values.size() / static_cast<std::size_t>(x.shape()[0]);
  std::vector<double> mean(features, 0.0);
  std::vector<double> squares(features, 0.0);
  std::vector<double> count(features, 0.0);
  for (std::size_t i = 0; i < values.size(); ++i) {
    if (std::isnan(values[i])) continue;
    mean[i % features] += values[i];
    count[i % features] += 1;
  }
  for (std::size_t j = 0; j < features; ++j) mean[j] /= count[j];
  // A second pass, as the difference of large sums would lose the digits.
  for (std::size_t i = 0; i < values.size(); ++i) {
    const double d = values[i] - mean[i % features];
    if (!std::isnan(d)) squares[i % features] += d * d;
  }
  for (std::size_t j = 0; j < features; ++j) {
    const double variance = squares[j] / count[j];
    // scikit-learn's bound on what rounding makes of a constant.
    constexpr double kEpsilon = std::numeric_limits<double>::epsilon();
    const double n = count[j];
    const double noise =
        n * kEpsilon * variance + std::pow(n * mean[j] * kEpsilon, 2);
    squares[j] = variance <= noise ? 1.0 : std::sqrt(variance);
  }
  row_ = std::move(row);
  mean_ = std::move(mean);
  scale_ = std::move(squares);
  return *this;
}

Tensor StandardScaler::apply(const Tensor& x, bool inverse) const {
  if (mean_.empty()) {
    throw InvalidArgument(
        "[StandardScaler] expected fit() before it is used; call "
        "fit_transform()");
  }
  if (row_shape(x) != row_) {
    throw InvalidArgument(format(
        "[StandardScaler] expected rows of shape {}, got {}{}",
        Shape(row_),
        x.dtype(),
        x.shape()));
  }
  Tensor out = x.cast(DType::f64);
  auto values = out.mutable_data<double>();
  const std::size_t features = mean_.size();
  for (std::size_t i = 0; i < values.size(); ++i) {
    const std::size_t j = i % features;
    values[i] = inverse ? values[i] * scale_[j] + mean_[j]
                        : (values[i] - mean_[j]) / scale_[j];
  }
  return out.cast(is_floating(x.dtype()) ? x.dtype() : DType::f32);
}

Tensor StandardScaler::transform(const Tensor& x) const {
  return apply(x, false);
}

Tensor StandardScaler::inverse_transform(const Tensor& x) const {
  return apply(x, true);
}

}  // namespace keratin::data
