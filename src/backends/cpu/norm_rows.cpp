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

// dy where the gate is open, else 0; all of it without a gate.
template <bool kGated, class D, class V = hn::Vec<D>>
HWY_INLINE V gated(D d, V dy, V centred, const NormGate& gate, std::size_t c) {
  if constexpr (!kGated) return dy;
  const V y = hn::MulAdd(
      centred, hn::LoadU(d, gate.scale + c), hn::LoadU(d, gate.beta + c));
  const auto open =
      hn::And(hn::Gt(y, hn::Zero(d)), hn::Le(y, hn::Set(d, gate.limit)));
  return hn::IfThenElseZero(open, dy);
}

template <bool kGated>
struct BatchNormGrad {
  const float* x;
  const float* dy;
  const float* mean;
  const NormGate& gate;  // of the first column
  std::size_t stride;

  template <class D, class V = hn::Vec<D>>
  HWY_INLINE void read(D d, std::size_t r, std::size_t c, V& a, V& b) const {
    const V centred =
        hn::Sub(hn::LoadU(d, x + r * stride + c), hn::LoadU(d, mean + c));
    a = gated<kGated>(d, hn::LoadU(d, dy + r * stride + c), centred, gate, c);
    b = hn::Mul(a, centred);
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

// Rows are read in bands, each from left to right: memory is fast that way.
// Beyond kRun rows sums go on in double.
constexpr std::size_t kRun = 32;
constexpr std::size_t kBand = 8;
constexpr std::size_t kTile = 256;  // columns: their sums stay in the cache

// Adds rows [begin, end) of one vector of columns to the float sums.
template <class D, class Source>
HWY_INLINE void add_band(
    D d,
    const Source& source,
    std::size_t begin,
    std::size_t end,
    std::size_t c,
    float* first,
    float* second) {
  auto a_sum = hn::LoadU(d, first);
  auto b_sum = hn::LoadU(d, second);
  for (std::size_t r = begin; r < end; ++r) {
    auto a = hn::Zero(d);
    auto b = hn::Zero(d);
    source.read(d, r, c, a, b);
    a_sum = hn::Add(a_sum, a);
    b_sum = hn::Add(b_sum, b);
  }
  hn::StoreU(a_sum, d, first);
  hn::StoreU(b_sum, d, second);
}

template <class Source>
HWY_INLINE void pairs_of_sums_of_tile(
    const Source& source,
    std::size_t rows,
    std::size_t column,
    std::size_t width,
    double* first,
    double* second) {
  const Wide wide;
  const std::size_t lanes = hn::Lanes(wide);
  std::fill_n(first, width, 0.0);
  std::fill_n(second, width, 0.0);
  for (std::size_t begin = 0; begin < rows; begin += kRun) {
    HWY_ALIGN float a[kTile] = {};
    HWY_ALIGN float b[kTile] = {};
    const std::size_t end = std::min(rows, begin + kRun);
    for (std::size_t band = begin; band < end; band += kBand) {
      const std::size_t last = std::min(end, band + kBand);
      std::size_t i = 0;
      for (; i + lanes <= width; i += lanes) {
        add_band(wide, source, band, last, column + i, a + i, b + i);
      }
      for (; i < width; ++i) {
        add_band(One(), source, band, last, column + i, a + i, b + i);
      }
    }
    for (std::size_t i = 0; i < width; ++i) {
      first[i] += a[i];
      second[i] += b[i];
    }
  }
}

template <class Source>
HWY_INLINE void pairs_of_sums(
    const Source& source,
    const Columns& columns,
    double* first,
    double* second) {
  const auto width = static_cast<std::size_t>(columns.width);
  for (std::size_t column = 0; column < width; column += kTile) {
    pairs_of_sums_of_tile(
        source,
        static_cast<std::size_t>(columns.rows),
        column,
        std::min(kTile, width - column),
        first + column,
        second + column);
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
    const NormGate& gate,
    double* sum,
    double* product) {
  const auto stride = static_cast<std::size_t>(columns.stride);
  if (gate.scale != nullptr) {
    const BatchNormGrad<true> source{x, dy, mean, gate, stride};
    pairs_of_sums(source, columns, sum, product);
  } else {
    const BatchNormGrad<false> source{x, dy, mean, gate, stride};
    pairs_of_sums(source, columns, sum, product);
  }
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

// NaN stays NaN.
template <bool kResidual, bool kClipped>
HWY_INLINE void normalize_as(
    const float* x,
    const float* mean,
    const float* scale,
    const float* beta,
    const NormEnd& end,
    float* y,
    std::int64_t n) {
  for_each_vector(n, [&](auto d, std::size_t c) HWY_ATTR {
    const auto centred = hn::Sub(hn::LoadU(d, x + c), hn::LoadU(d, mean + c));
    auto v =
        hn::MulAdd(centred, hn::LoadU(d, scale + c), hn::LoadU(d, beta + c));
    if constexpr (kResidual) v = hn::Add(v, hn::LoadU(d, end.residual + c));
    if constexpr (kClipped) {
      const auto limit = hn::Set(d, end.limit);
      v = hn::IfThenZeroElse(hn::Lt(v, hn::Zero(d)), v);
      v = hn::IfThenElse(hn::Gt(v, limit), limit, v);
    }
    hn::StoreU(v, d, y + c);
  });
}

void normalize(
    const float* x,
    const float* mean,
    const float* scale,
    const float* beta,
    const NormEnd& end,
    float* y,
    std::int64_t n) {
  if (end.residual != nullptr) {
    if (end.clips)
      return normalize_as<true, true>(x, mean, scale, beta, end, y, n);
    return normalize_as<true, false>(x, mean, scale, beta, end, y, n);
  }
  if (end.clips)
    return normalize_as<false, true>(x, mean, scale, beta, end, y, n);
  return normalize_as<false, false>(x, mean, scale, beta, end, y, n);
}

template <bool kGated>
HWY_INLINE void batch_grad_row_as(
    const float* x,
    const float* dy,
    const float* mean,
    const float* scale,
    const float* a,
    const float* b,
    const NormGate& gate,
    float* dx,
    std::int64_t n) {
  for_each_vector(n, [&](auto d, std::size_t c) HWY_ATTR {
    const auto centred = hn::Sub(hn::LoadU(d, x + c), hn::LoadU(d, mean + c));
    const auto g = gated<kGated>(d, hn::LoadU(d, dy + c), centred, gate, c);
    const auto shifted = hn::Sub(g, hn::LoadU(d, a + c));
    hn::StoreU(
        hn::Mul(
            hn::LoadU(d, scale + c),
            hn::NegMulAdd(centred, hn::LoadU(d, b + c), shifted)),
        d,
        dx + c);
  });
}

void batch_grad_row(
    const float* x,
    const float* dy,
    const float* mean,
    const float* scale,
    const float* a,
    const float* b,
    const NormGate& gate,
    float* dx,
    std::int64_t n) {
  if (gate.scale != nullptr) {
    batch_grad_row_as<true>(x, dy, mean, scale, a, b, gate, dx, n);
  } else {
    batch_grad_row_as<false>(x, dy, mean, scale, a, b, gate, dx, n);
  }
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
    const NormGate& gate,
    double* sum,
    double* product) {
  HWY_DYNAMIC_DISPATCH(batch_grad)(columns, x, dy, mean, gate, sum, product);
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
    const NormEnd& end,
    float* y,
    std::int64_t n) {
  HWY_DYNAMIC_DISPATCH(normalize)(x, mean, scale, beta, end, y, n);
}

void batch_norm_grad_row(
    const float* x,
    const float* dy,
    const float* mean,
    const float* scale,
    const float* a,
    const float* b,
    const NormGate& gate,
    float* dx,
    std::int64_t n) {
  HWY_DYNAMIC_DISPATCH(batch_grad_row)
  (x, dy, mean, scale, a, b, gate, dx, n);
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
