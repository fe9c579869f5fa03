#include "src/backends/cpu/norm_rows.hpp"

#include <algorithm>
#include <cmath>
#include <cstddef>

#include "src/backends/cpu/simd.hpp"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "src/backends/cpu/norm_rows.cpp"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();

namespace keratin::cpu::HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;

using Wide = hn::ScalableTag<float>;
using One = hn::CappedTag<float, 1>;  // for what fills no vector

// -- pairs of sums down columns ----------------------------------------------

// Each source yields, for row r and the columns from c on, the two vectors to
// sum.
struct Moments {
  const float* x;
  const float* pivot;
  std::size_t stride;

  template <class D, class V = hn::Vec<D>>
  HWY_INLINE void read(D d, std::size_t r, std::size_t c, V& a, V& b) const {
    a = hn::Sub(hn::LoadU(d, x + r * stride + c), hn::LoadU(d, pivot + c));
    b = hn::Mul(a, a);
  }
};

struct BatchNormGrad {
  const float* x;
  const float* dy;
  const float* mean;
  std::size_t stride;

  template <class D, class V = hn::Vec<D>>
  HWY_INLINE void read(D d, std::size_t r, std::size_t c, V& a, V& b) const {
    a = hn::LoadU(d, dy + r * stride + c);
    b = hn::Mul(
        a, hn::Sub(hn::LoadU(d, x + r * stride + c), hn::LoadU(d, mean + c)));
  }
};

struct LayerNormGrad {
  const float* x;
  const float* dy;
  const float* mean;
  const float* rstd;
  std::size_t stride;

  template <class D, class V = hn::Vec<D>>
  HWY_INLINE void read(D d, std::size_t r, std::size_t c, V& a, V& b) const {
    a = hn::LoadU(d, dy + r * stride + c);
    const V h = hn::Mul(
        hn::Sub(hn::LoadU(d, x + r * stride + c), hn::Set(d, mean[r])),
        hn::Set(d, rstd[r]));
    b = hn::Mul(a, h);
  }
};

// One (or, for speed, two neighbouring) vectors of columns.
template <std::size_t kVectors, class D, class Source>
HWY_INLINE void pair_of_sums(
    D d,
    const Source& source,
    std::size_t rows,
    std::size_t c,
    double* first,
    double* second) {
  constexpr std::size_t kRun = 32;  // rows summed in float
  using V = hn::Vec<D>;
  const std::size_t lanes = hn::Lanes(d);
  HWY_ALIGN float buffer[HWY_MAX_BYTES / sizeof(float)];
  for (std::size_t i = 0; i < kVectors * lanes; ++i) {
    first[c + i] = 0;
    second[c + i] = 0;
  }
  const auto add = [&](V v, double* to) HWY_ATTR {
    hn::Store(v, d, buffer);
    for (std::size_t i = 0; i < lanes; ++i) to[i] += buffer[i];
  };
  for (std::size_t begin = 0; begin < rows; begin += kRun) {
    const std::size_t end = std::min(rows, begin + kRun);
    V a0 = hn::Zero(d);
    V b0 = hn::Zero(d);
    V a1 = hn::Zero(d);
    V b1 = hn::Zero(d);
    for (std::size_t r = begin; r < end; ++r) {
      V a;
      V b;
      source.read(d, r, c, a, b);
      a0 = hn::Add(a0, a);
      b0 = hn::Add(b0, b);
      if constexpr (kVectors == 2) {
        source.read(d, r, c + lanes, a, b);
        a1 = hn::Add(a1, a);
        b1 = hn::Add(b1, b);
      }
    }
    add(a0, first + c);
    add(b0, second + c);
    if constexpr (kVectors == 2) {
      add(a1, first + c + lanes);
      add(b1, second + c + lanes);
    }
  }
}

template <class Source>
HWY_INLINE void pairs_of_sums(
    const Source& source,
    const Columns& columns,
    double* first,
    double* second) {
  const auto rows = static_cast<std::size_t>(columns.rows);
  const auto width = static_cast<std::size_t>(columns.width);
  const std::size_t lanes = hn::Lanes(Wide());
  std::size_t c = 0;
  for (; c + 2 * lanes <= width; c += 2 * lanes) {
    pair_of_sums<2>(Wide(), source, rows, c, first, second);
  }
  for (; c + lanes <= width; c += lanes) {
    pair_of_sums<1>(Wide(), source, rows, c, first, second);
  }
  for (; c < width; ++c) {
    pair_of_sums<1>(One(), source, rows, c, first, second);
  }
}

void moments(
    const Columns& columns,
    const float* x,
    const float* pivot,
    double* sum,
    double* square) {
  pairs_of_sums(
      Moments{x, pivot, static_cast<std::size_t>(columns.stride)},
      columns,
      sum,
      square);
}

void batch_grad(
    const Columns& columns,
    const float* x,
    const float* dy,
    const float* mean,
    double* sum,
    double* product) {
  pairs_of_sums(
      BatchNormGrad{x, dy, mean, static_cast<std::size_t>(columns.stride)},
      columns,
      sum,
      product);
}

void layer_grad(
    const Columns& columns,
    const float* x,
    const float* dy,
    const float* mean,
    const float* rstd,
    double* sum,
    double* product) {
  pairs_of_sums(
      LayerNormGrad{
          x, dy, mean, rstd, static_cast<std::size_t>(columns.stride)},
      columns,
      sum,
      product);
}

// -- rows --------------------------------------------------------------------

// Calls f(tag, first column) over all of a row.
template <class F>
HWY_INLINE void for_each_vector(std::int64_t n, const F& f) {
  const auto size = static_cast<std::size_t>(n);
  const std::size_t lanes = hn::Lanes(Wide());
  std::size_t c = 0;
  for (; c + lanes <= size; c += lanes) f(Wide(), c);
  for (; c < size; ++c) f(One(), c);
}

void normalize(
    const float* x,
    const float* mean,
    const float* scale,
    const float* beta,
    float* y,
    std::int64_t n) {
  for_each_vector(n, [&](auto d, std::size_t c) HWY_ATTR {
    const auto centred = hn::Sub(hn::LoadU(d, x + c), hn::LoadU(d, mean + c));
    hn::StoreU(
        hn::MulAdd(centred, hn::LoadU(d, scale + c), hn::LoadU(d, beta + c)),
        d,
        y + c);
  });
}

void batch_grad_row(
    const float* x,
    const float* dy,
    const float* mean,
    const float* scale,
    const float* a,
    const float* b,
    float* dx,
    std::int64_t n) {
  for_each_vector(n, [&](auto d, std::size_t c) HWY_ATTR {
    const auto centred = hn::Sub(hn::LoadU(d, x + c), hn::LoadU(d, mean + c));
    const auto shifted = hn::Sub(hn::LoadU(d, dy + c), hn::LoadU(d, a + c));
    hn::StoreU(
        hn::Mul(
            hn::LoadU(d, scale + c),
            hn::NegMulAdd(centred, hn::LoadU(d, b + c), shifted)),
        d,
        dx + c);
  });
}

// Two sums over a row; f(tag, column, &a, &b) yields what to add.
struct Sums {
  double a = 0;
  double b = 0;
};

template <class F>
HWY_INLINE Sums sums_of(std::int64_t n, const F& f) {
  const Wide d;
  auto a = hn::Zero(d);
  auto b = hn::Zero(d);
  Sums sums;
  const auto size = static_cast<std::size_t>(n);
  const std::size_t lanes = hn::Lanes(d);
  std::size_t c = 0;
  for (; c + lanes <= size; c += lanes) {
    auto u = hn::Zero(d);
    auto v = hn::Zero(d);
    f(d, c, u, v);
    a = hn::Add(a, u);
    b = hn::Add(b, v);
  }
  HWY_ALIGN float buffer[HWY_MAX_BYTES / sizeof(float)];
  hn::Store(a, d, buffer);
  for (std::size_t i = 0; i < lanes; ++i) sums.a += buffer[i];
  hn::Store(b, d, buffer);
  for (std::size_t i = 0; i < lanes; ++i) sums.b += buffer[i];
  for (; c < size; ++c) {
    const One one;
    auto u = hn::Zero(one);
    auto v = hn::Zero(one);
    f(one, c, u, v);
    sums.a += hn::GetLane(u);
    sums.b += hn::GetLane(v);
  }
  return sums;
}

void layer_row(
    const float* x,
    const float* gamma,
    const float* beta,
    double epsilon,
    float* y,
    float* mean,
    float* rstd,
    std::int64_t n) {
  const auto count = static_cast<double>(n);
  const Sums first =
      sums_of(n, [&](auto d, std::size_t c, auto& u, auto&) HWY_ATTR {
        u = hn::LoadU(d, x + c);
      });
  const auto centre = static_cast<float>(first.a / count);
  // Around the rounded mean; what rounding took is corrected.
  const Sums second =
      sums_of(n, [&](auto d, std::size_t c, auto& u, auto& v) HWY_ATTR {
        u = hn::Sub(hn::LoadU(d, x + c), hn::Set(d, centre));
        v = hn::Mul(u, u);
      });
  const double shift = second.a / count;
  const double variance = second.b / count - shift * shift;
  const auto r = static_cast<float>(1 / std::sqrt(variance + epsilon));
  *mean = centre;
  *rstd = r;
  for_each_vector(n, [&](auto d, std::size_t c) HWY_ATTR {
    const auto h = hn::Mul(
        hn::Sub(hn::LoadU(d, x + c), hn::Set(d, centre)), hn::Set(d, r));
    hn::StoreU(
        hn::MulAdd(h, hn::LoadU(d, gamma + c), hn::LoadU(d, beta + c)),
        d,
        y + c);
  });
}

void layer_grad_row(
    const float* x,
    const float* gamma,
    const float* dy,
    float mean,
    float rstd,
    float* dx,
    std::int64_t n) {
  const Sums sums =
      sums_of(n, [&](auto d, std::size_t c, auto& u, auto& v) HWY_ATTR {
        u = hn::Mul(hn::LoadU(d, dy + c), hn::LoadU(d, gamma + c));
        v = hn::Mul(
            u,
            hn::Mul(
                hn::Sub(hn::LoadU(d, x + c), hn::Set(d, mean)),
                hn::Set(d, rstd)));
      });
  const auto a = static_cast<float>(sums.a / static_cast<double>(n));
  const auto b = static_cast<float>(sums.b / static_cast<double>(n));
  for_each_vector(n, [&](auto d, std::size_t c) HWY_ATTR {
    const auto g = hn::Mul(hn::LoadU(d, dy + c), hn::LoadU(d, gamma + c));
    const auto h = hn::Mul(
        hn::Sub(hn::LoadU(d, x + c), hn::Set(d, mean)), hn::Set(d, rstd));
    hn::StoreU(
        hn::Mul(
            hn::Set(d, rstd),
            hn::NegMulAdd(h, hn::Set(d, b), hn::Sub(g, hn::Set(d, a)))),
        d,
        dx + c);
  });
}

}  // namespace keratin::cpu::HWY_NAMESPACE

HWY_AFTER_NAMESPACE();

#if HWY_ONCE

namespace keratin::cpu {

HWY_EXPORT(moments);
HWY_EXPORT(batch_grad);
HWY_EXPORT(layer_grad);
HWY_EXPORT(normalize);
HWY_EXPORT(batch_grad_row);
HWY_EXPORT(layer_row);
HWY_EXPORT(layer_grad_row);

void moment_columns(
    const Columns& columns,
    const float* x,
    const float* pivot,
    double* sum,
    double* square) {
  HWY_DYNAMIC_DISPATCH(moments)(columns, x, pivot, sum, square);
}

void batch_norm_grad_columns(
    const Columns& columns,
    const float* x,
    const float* dy,
    const float* mean,
    double* sum,
    double* product) {
  HWY_DYNAMIC_DISPATCH(batch_grad)(columns, x, dy, mean, sum, product);
}

void layer_norm_grad_columns(
    const Columns& columns,
    const float* x,
    const float* dy,
    const float* mean,
    const float* rstd,
    double* sum,
    double* product) {
  HWY_DYNAMIC_DISPATCH(layer_grad)(columns, x, dy, mean, rstd, sum, product);
}

void normalize_row(
    const float* x,
    const float* mean,
    const float* scale,
    const float* beta,
    float* y,
    std::int64_t n) {
  HWY_DYNAMIC_DISPATCH(normalize)(x, mean, scale, beta, y, n);
}

void batch_norm_grad_row(
    const float* x,
    const float* dy,
    const float* mean,
    const float* scale,
    const float* a,
    const float* b,
    float* dx,
    std::int64_t n) {
  HWY_DYNAMIC_DISPATCH(batch_grad_row)(x, dy, mean, scale, a, b, dx, n);
}

void layer_norm_row(
    const float* x,
    const float* gamma,
    const float* beta,
    double epsilon,
    float* y,
    float* mean,
    float* rstd,
    std::int64_t n) {
  HWY_DYNAMIC_DISPATCH(layer_row)(x, gamma, beta, epsilon, y, mean, rstd, n);
}

void layer_norm_grad_row(
    const float* x,
    const float* gamma,
    const float* dy,
    float mean,
    float rstd,
    float* dx,
    std::int64_t n) {
  HWY_DYNAMIC_DISPATCH(layer_grad_row)(x, gamma, dy, mean, rstd, dx, n);
}

}  // namespace keratin::cpu

#endif  // HWY_ONCE
