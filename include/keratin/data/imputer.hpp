#pragma once

#include <string>
#include <vector>

#include <keratin/export.hpp>
#include <keratin/tensor.hpp>

namespace keratin::data {

/// scikit-learn's SimpleImputer: puts a number learnt from the others in place
/// of NaNs, feature by feature. A feature is one place of a row, whatever the
/// row's shape. Unlike there, a feature without any number stays and gets
/// `fill_value`.
class KERATIN_API SimpleImputer {
 public:
  /// `strategy`: "mean", "median", "most_frequent" (of several the smallest) or
  /// "constant". Throws InvalidArgument for another.
  explicit SimpleImputer(std::string strategy = "mean", double fill_value = 0);

  /// Learns from x: [n, ...] of floats, n >= 1. Returns *this.
  SimpleImputer& fit(const Tensor& x);

  /// Throws InvalidArgument before fit() and when rows have another shape than
  /// those learnt.
  Tensor transform(const Tensor& x) const;

  Tensor fit_transform(const Tensor& x) { return fit(x).transform(x); }

  /// What is put in place of NaN, by feature.
  const std::vector<double>& statistics() const { return statistics_; }

 private:
  double statistic(std::vector<double> values) const;

  std::string strategy_;
  double fill_value_;
  std::vector<std::int64_t> row_;  // shape of a row
  std::vector<double> statistics_;
};

}  // namespace keratin::data
