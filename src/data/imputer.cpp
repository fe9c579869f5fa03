#include <algorithm>
#include <cmath>
#include <cstdint>
#include <numeric>
#include <utility>

#include <keratin/data/imputer.hpp>
#include <keratin/error.hpp>

#include "src/core/format.hpp"

namespace keratin::data {
namespace {

std::vector<std::int64_t> row_shape(const Tensor& x) {
  if (!is_floating(x.dtype()) || x.rank() == 0 || x.shape()[0] == 0) {
    throw InvalidArgument(format(
        "[SimpleImputer] expected floats [n, ...] with n >= 1, got {}{}",
        x.dtype(),
        x.shape()));
  }
  return {x.shape().begin() + 1, x.shape().end()};
}

/// REQUIRES: values are sorted.
double most_frequent(const std::vector<double>& values) {
  double best = 0;
  std::ptrdiff_t most = 0;
  for (auto at = values.begin(); at != values.end();) {
    const auto end = std::upper_bound(at, values.end(), *at);
    if (end - at > most) {
      most = end - at;
      best = *at;
    }
    at = end;
  }
  return best;
}

}  // namespace

SimpleImputer::SimpleImputer(std::string strategy, double fill_value)
    : strategy_(std::move(strategy)), fill_value_(fill_value) {
  for (const char* const known :
       {"mean", "median", "most_frequent", "constant"}) {
    if (strategy_ == known) return;
  }
  throw InvalidArgument(format(
      "[SimpleImputer] expected strategy mean, median, most_frequent or "
      "constant, got \"{}\"",
      strategy_));
}

double SimpleImputer::statistic(std::vector<double> values) const {
  if (values.empty() || strategy_ == "constant") return fill_value_;
  const auto n = static_cast<double>(values.size());
  if (strategy_ == "mean") {
    return std::accumulate(values.begin(), values.end(), 0.0) / n;
  }
  std::ranges::sort(values);
  if (strategy_ == "most_frequent") return most_frequent(values);
  const std::size_t half = values.size() / 2;
  return values.size() % 2 == 1 ? values[half]
                                : (values[half - 1] + values[half]) / 2;
}

SimpleImputer& SimpleImputer::fit(const Tensor& x) {
  auto row = row_shape(x);
  const Tensor wide = x.cast(DType::f64);
  const auto values = wide.data<double>();
  const auto features = values.size() / static_cast<std::size_t>(x.shape()[0]);
  std::vector<std::vector<double>> known(features);
  for (std::size_t i = 0; i < values.size(); ++i) {
    if (!std::isnan(values[i])) known[i % features].push_back(values[i]);
  }
  std::vector<double> statistics;
  for (auto& of_feature : known) {
    statistics.push_back(statistic(std::move(of_feature)));
  }
  row_ = std::move(row);
  statistics_ = std::move(statistics);
  return *this;
}

Tensor SimpleImputer::transform(const Tensor& x) const {
  if (statistics_.empty()) {
    throw InvalidArgument(
        "[SimpleImputer] expected fit() before it is used; call "
        "fit_transform()");
  }
  if (row_shape(x) != row_) {
    throw InvalidArgument(format(
        "[SimpleImputer] expected rows of shape {}, got {}{}",
        Shape(row_),
        x.dtype(),
        x.shape()));
  }
  Tensor out = x.cast(DType::f64);
  auto values = out.mutable_data<double>();
  for (std::size_t i = 0; i < values.size(); ++i) {
    if (std::isnan(values[i])) values[i] = statistics_[i % statistics_.size()];
  }
  return out.cast(x.dtype());
}

}  // namespace keratin::data
