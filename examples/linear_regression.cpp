// A linear model learns the weights that the closed form gives: least squares
// on made-up data, solved by the normal equations and by gradient descent.
// Prints both; fails when they differ by more than 1e-4.

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <vector>

#include <keratin/keratin.hpp>

namespace kt = keratin;
namespace ops = keratin::ops;
using namespace kt::layers;  // NOLINT: reads like Keras

namespace {

constexpr std::int64_t kRows = 200;
constexpr std::int64_t kFeatures = 3;

/// Solves a x = b for a symmetric positive matrix, by Gaussian elimination.
std::vector<double> solve(
    std::vector<std::vector<double>> a, std::vector<double> b) {
  const std::size_t n = b.size();
  for (std::size_t i = 0; i < n; ++i) {
    for (std::size_t row = i + 1; row < n; ++row) {
      const double share = a[row][i] / a[i][i];
      for (std::size_t k = i; k < n; ++k) a[row][k] -= share * a[i][k];
      b[row] -= share * b[i];
    }
  }
  for (std::size_t i = n; i-- > 0;) {
    for (std::size_t k = i + 1; k < n; ++k) b[i] -= a[i][k] * b[k];
    b[i] /= a[i][i];
  }
  return b;
}

/// Weights, then the bias, of least squares.
std::vector<double> closed_form(const kt::Tensor& x, const kt::Tensor& y) {
  constexpr std::size_t kWeights = kFeatures + 1;
  std::vector<std::vector<double>> a(kWeights, std::vector<double>(kWeights));
  std::vector<double> b(kWeights);
  for (std::int64_t row = 0; row < kRows; ++row) {
    const auto feature = [&](std::size_t k) {
      return k < kFeatures
                 ? x.at(row * kFeatures + static_cast<std::int64_t>(k))
                 : 1.0;
    };
    for (std::size_t i = 0; i < kWeights; ++i) {
      for (std::size_t k = 0; k < kWeights; ++k)
        a[i][k] += feature(i) * feature(k);
      b[i] += feature(i) * y.at(row);
    }
  }
  return solve(std::move(a), std::move(b));
}

}  // namespace

int main() {
  kt::set_random_seed(2);
  // y = x . (2, -1, 0.5) + 3 + noise
  const kt::Tensor x = kt::initializers::RandomNormal({.stddev = 1.0})(
      {kRows, kFeatures}, kt::DType::f32);
  const kt::Tensor noise = kt::initializers::RandomNormal({.stddev = 0.1})(
      {kRows, 1}, kt::DType::f32);
  const kt::Tensor truth(std::vector<float>{2, -1, 0.5F}, {kFeatures, 1});
  const kt::Tensor y = ops::matmul(x, truth) + 3.0 + noise;

  kt::Sequential model({Input({kFeatures}), Dense(1)});
  model.compile(
      {.optimizer = kt::optimizers::SGD({.learning_rate = 0.1}),
       .loss = "mse"});
  model.fit(x, y, {.batch_size = kRows, .epochs = 300, .verbose = 0});

  const std::vector<double> exact = closed_form(x, y);
  const std::vector<kt::Tensor> learnt = model.get_weights();
  double worst = 0;
  for (std::int64_t i = 0; i <= kFeatures; ++i) {
    const double value = i < kFeatures ? learnt[0].at(i) : learnt[1].at(0);
    const double wanted = exact[static_cast<std::size_t>(i)];
    std::printf(
        "%-8s learnt %9.6f   closed form %9.6f\n",
        i < kFeatures ? "weight" : "bias",
        value,
        wanted);
    worst = std::max(worst, std::abs(value - wanted));
  }
  return worst <= 1e-4 ? 0 : 1;
}
