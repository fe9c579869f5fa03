#pragma once

#include <vector>

#include <keratin/export.hpp>
#include <keratin/tensor.hpp>

namespace keratin::data {

/// scikit-learn's StandardScaler: each feature minus its mean, divided by its
/// standard deviation (of the population); a constant feature is only shifted.
/// A feature is one place of a row, whatever the row's shape. NaNs are left out
/// of the statistics and stay NaN.
class KERATIN_API StandardScaler {
 public:
  /// Learns the statistics of x: [n, ...], n >= 1. Returns *this.
  StandardScaler& fit(const Tensor& x);

  /// Floats keep their dtype, integers become f32. Throws InvalidArgument
  /// before fit() and when rows have another shape than those learnt.
  Tensor transform(const Tensor& x) const;

  Tensor fit_transform(const Tensor& x) { return fit(x).transform(x); }

  /// Undoes transform().
  Tensor inverse_transform(const Tensor& x) const;

  const std::vector<double>& mean() const { return mean_; }

  /// What is divided by: the deviation, 1 for a constant feature.
  const std::vector<double>& scale() const { return scale_; }

 private:
  Tensor apply(const Tensor& x, bool inverse) const;

  std::vector<std::int64_t> row_;  // shape of a row
  std::vector<double> mean_;
  std::vector<double> scale_;
};

}  // namespace keratin::data
