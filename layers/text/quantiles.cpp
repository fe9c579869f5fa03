#include "layers/text/quantiles.hpp"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <numeric>

namespace keratin::text {

namespace {

/// numpy.interp.
double interpolate(
    double x, const std::vector<double>& xs, const std::vector<double>& ys) {
  if (x <= xs.front()) return ys.front();
  if (x >= xs.back()) return ys.back();
  const auto above = static_cast<std::size_t>(
      std::upper_bound(xs.begin(), xs.end(), x) - xs.begin());
  const std::size_t at = above - 1;
  const double slope = (ys[above] - ys[at]) / (xs[above] - xs[at]);
  return slope * (x - xs[at]) + ys[at];
}

Summary compress(const Summary& summary, double epsilon) {
  if (static_cast<double>(summary.values.size()) * epsilon < 1) return summary;
  const std::size_t size = summary.values.size();
  // numpy sums float32 in float32.
  std::vector<float> sums(size);
  std::partial_sum(
      summary.weights.begin(), summary.weights.end(), sums.begin());
  std::vector<double> percents(size);
  for (std::size_t i = 0; i < size; ++i) percents[i] = sums[i] / sums.back();
  const std::vector<double> wide_sums(sums.begin(), sums.end());
  const std::vector<double> values(
      summary.values.begin(), summary.values.end());
  Summary out;
  const auto count = static_cast<std::size_t>(std::ceil(1.0 / epsilon));
  double before = 0;
  for (std::size_t i = 0; i < count; ++i) {
    const double percent = epsilon + static_cast<double>(i) * epsilon;
    const double sum = interpolate(percent, percents, wide_sums);
    out.values.push_back(
        static_cast<float>(interpolate(percent, percents, values)));
    out.weights.push_back(static_cast<float>(sum - before));
    before = sum;
  }
  return out;
}

}  // namespace

Summary summarize(std::vector<float> values, double epsilon) {
  // NaNs last, as numpy sorts them.
  std::sort(values.begin(), values.end(), [](float a, float b) {
    return std::isnan(b) ? !std::isnan(a) : a < b;
  });
  const double buckets = 1.0 / epsilon;
  const double step =
      std::max(static_cast<double>(values.size()) / buckets, 1.0);
  Summary out;
  const auto stride = static_cast<std::size_t>(step);
  for (auto at = static_cast<std::size_t>(step - 1); at < values.size();
       at += stride) {
    out.values.push_back(values[at]);
    out.weights.push_back(static_cast<float>(step));
  }
  return out;
}

Summary merge(const Summary& first, const Summary& second, double epsilon) {
  Summary all = first;
  all.values.insert(
      all.values.end(), second.values.begin(), second.values.end());
  all.weights.insert(
      all.weights.end(), second.weights.begin(), second.weights.end());
  std::vector<std::size_t> order(all.values.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::stable_sort(
      order.begin(), order.end(), [&](std::size_t a, std::size_t b) {
        const float x = all.values[a];
        const float y = all.values[b];
        return std::isnan(y) ? !std::isnan(x) : x < y;
      });
  Summary sorted;
  for (const std::size_t i : order) {
    sorted.values.push_back(all.values[i]);
    sorted.weights.push_back(all.weights[i]);
  }
  return compress(sorted, epsilon);
}

std::vector<float> boundaries(const Summary& summary, std::int64_t num_bins) {
  if (num_bins < 1) return {};
  Summary out = compress(summary, 1.0 / static_cast<double>(num_bins));
  if (!out.values.empty()) out.values.pop_back();
  return out.values;
}

}  // namespace keratin::text
