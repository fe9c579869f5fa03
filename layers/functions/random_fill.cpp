#include "layers/functions/random_fill.hpp"

#include <algorithm>
#include <cmath>
#include <span>

#include "src/core/parallel.hpp"
#include "src/core/philox.hpp"

namespace keratin::layers {

namespace {

constexpr std::int64_t kGrain = 4096;

template <class T, class F>
void fill_span(std::span<T> out, const F& element) {
  parallel_for(
      static_cast<std::int64_t>(out.size()),
      kGrain,
      [&](std::int64_t begin, std::int64_t end) {
        for (std::int64_t i = begin; i < end; ++i) {
          out[static_cast<std::size_t>(i)] = static_cast<T>(element(i));
        }
      });
}

/// element(i) in double, rounded once.
template <class F>
Tensor fill(const Shape& shape, DType dtype, const F& element) {
  if (dtype == DType::f32) {
    Tensor out = Tensor::uninitialized(dtype, shape);
    fill_span(out.mutable_data<float>(), element);
    return out;
  }
  Tensor out = Tensor::uninitialized(DType::f64, shape);
  fill_span(out.mutable_data<double>(), element);
  return dtype == DType::f64 ? out : out.cast(dtype);
}

double uniform_at(std::int64_t index, PhiloxKey key) {
  const auto words =
      philox(philox_counter(static_cast<std::uint64_t>(index) / 2), key);
  const std::size_t first = index % 2 == 0 ? 0 : 2;
  return uniform_double(words[first], words[first + 1]);
}

double normal_at(std::int64_t index, PhiloxKey key) {
  const auto words =
      philox(philox_counter(static_cast<std::uint64_t>(index) / 2), key);
  return normal_double(words)[static_cast<std::size_t>(index % 2)];
}

double truncated_at(std::int64_t index, PhiloxKey key) {
  for (std::uint64_t attempt = 0;; ++attempt) {
    const auto pair = normal_double(philox(
        philox_counter(static_cast<std::uint64_t>(index), attempt), key));
    for (const double value : pair) {
      if (std::abs(value) <= 2) return value;
    }
  }
}

}  // namespace

Tensor fill_normal(
    const Shape& shape,
    DType dtype,
    double mean,
    double stddev,
    std::uint64_t seed) {
  const PhiloxKey key = philox_key(seed);
  return fill(shape, dtype, [=](std::int64_t i) {
    return mean + stddev * normal_at(i, key);
  });
}

Tensor fill_truncated_normal(
    const Shape& shape,
    DType dtype,
    double mean,
    double stddev,
    std::uint64_t seed) {
  const PhiloxKey key = philox_key(seed);
  return fill(shape, dtype, [=](std::int64_t i) {
    return mean + stddev * truncated_at(i, key);
  });
}

Tensor fill_uniform(
    const Shape& shape,
    DType dtype,
    double low,
    double high,
    std::uint64_t seed) {
  const PhiloxKey key = philox_key(seed);
  return fill(shape, dtype, [=](std::int64_t i) {
    return low + (high - low) * uniform_at(i, key);
  });
}

std::vector<double> random_orthonormal(
    std::int64_t rows, std::int64_t columns, std::uint64_t seed) {
  // Householder's QR of a normal matrix, kept transposed so that a column is
  // contiguous: at[j] is column j.
  const PhiloxKey key = philox_key(seed);
  const auto m = static_cast<std::size_t>(rows);
  const auto n = static_cast<std::size_t>(columns);
  std::vector<double> at(m * n);
  for (std::size_t i = 0; i < at.size(); ++i) {
    at[i] = normal_at(static_cast<std::int64_t>(i), key);
  }
  // Subtracts 2 v (v . x) from x, both from element k on; |v| = 1.
  const auto reflect = [m](const double* v, double* x, std::size_t k) {
    double dot = 0;
    for (std::size_t i = k; i < m; ++i) dot += v[i] * x[i];
    for (std::size_t i = k; i < m; ++i) x[i] -= 2 * dot * v[i];
  };
  std::vector<double> signs(n);
  for (std::size_t k = 0; k < n; ++k) {
    double* column = &at[k * m];
    double norm = 0;
    for (std::size_t i = k; i < m; ++i) norm += column[i] * column[i];
    norm = std::sqrt(norm);
    // R[k][k] = -sign(x_k) |x|; its sign makes Q unique (and so uniform).
    const double diagonal = column[k] > 0 ? -norm : norm;
    signs[k] = diagonal < 0 ? -1 : 1;
    column[k] -= diagonal;
    double length = 0;
    for (std::size_t i = k; i < m; ++i) length += column[i] * column[i];
    length = std::sqrt(length);
    if (length > 0) {
      for (std::size_t i = k; i < m; ++i) column[i] /= length;
    }
    parallel_for(
        static_cast<std::int64_t>(n - k - 1),
        1 + static_cast<std::int64_t>(65536 / (m - k)),
        [&](std::int64_t begin, std::int64_t end) {
          for (std::int64_t j = begin; j < end; ++j) {
            const std::size_t other = k + 1 + static_cast<std::size_t>(j);
            reflect(column, &at[other * m], k);
          }
        });
  }
  // Column j of Q: the reflections in reverse order, applied to e_j.
  std::vector<double> q(m * n);
  parallel_for(columns, 8, [&](std::int64_t begin, std::int64_t end) {
    std::vector<double> x(m);
    for (std::int64_t j = begin; j < end; ++j) {
      const auto column = static_cast<std::size_t>(j);
      std::fill(x.begin(), x.end(), 0.0);
      x[column] = 1;
      for (std::size_t k = n; k-- > 0;) reflect(&at[k * m], x.data(), k);
      for (std::size_t i = 0; i < m; ++i) {
        q[i * n + column] = signs[column] * x[i];
      }
    }
  });
  return q;
}

}  // namespace keratin::layers
