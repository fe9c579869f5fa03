// Small products and pieces of attention on tiles that stay in the cache:
// Highway, one set of loops per instruction set.

#include "src/backends/cpu/tiles.hpp"

#include <algorithm>
#include <cstddef>
#include <limits>

#include "src/backends/cpu/simd.hpp"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "src/backends/cpu/tiles.cpp"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

#include "src/backends/cpu/float_math-inl.h"

HWY_BEFORE_NAMESPACE();

namespace keratin::cpu::HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;

using D = hn::ScalableTag<float>;
using V = hn::Vec<D>;

// -- products ----------------------------------------------------------------

// kRows rows and two vectors of columns, or one, the last of it `left` wide.
template <int kRows>
HWY_INLINE void product_block(
    const TileProduct& p, std::int64_t row, std::int64_t column) {
  const D d;
  const auto lanes = static_cast<std::int64_t>(hn::Lanes(d));
  const float* a = p.a + row * p.a_row;
  const float* b = p.b + column;
  float* c = p.c + row * p.c_row + column;
  V low[kRows];
  V high[kRows];
  for (int r = 0; r < kRows; ++r) {
    low[r] = p.accumulate ? hn::LoadU(d, c + r * p.c_row) : hn::Zero(d);
    high[r] =
        p.accumulate ? hn::LoadU(d, c + r * p.c_row + lanes) : hn::Zero(d);
  }
  for (std::int64_t k = 0; k < p.depth; ++k) {
    const V b_low = hn::LoadU(d, b + k * p.b_row);
    const V b_high = hn::LoadU(d, b + k * p.b_row + lanes);
    for (int r = 0; r < kRows; ++r) {
      const V factor = hn::Set(d, a[r * p.a_row + k * p.a_column]);
      low[r] = hn::MulAdd(factor, b_low, low[r]);
      high[r] = hn::MulAdd(factor, b_high, high[r]);
    }
  }
  for (int r = 0; r < kRows; ++r) {
    hn::StoreU(low[r], d, c + r * p.c_row);
    hn::StoreU(high[r], d, c + r * p.c_row + lanes);
  }
}

template <int kRows>
HWY_INLINE void product_edge(
    const TileProduct& p, std::int64_t row, std::int64_t column) {
  const D d;
  const auto left = static_cast<std::size_t>(p.columns - column);
  const auto mask = hn::FirstN(d, std::min(left, hn::Lanes(d)));
  const float* a = p.a + row * p.a_row;
  const float* b = p.b + column;
  float* c = p.c + row * p.c_row + column;
  V sum[kRows];
  for (int r = 0; r < kRows; ++r) {
    sum[r] =
        p.accumulate ? hn::MaskedLoad(mask, d, c + r * p.c_row) : hn::Zero(d);
  }
  for (std::int64_t k = 0; k < p.depth; ++k) {
    const V b_row = hn::MaskedLoad(mask, d, b + k * p.b_row);
    for (int r = 0; r < kRows; ++r) {
      const V factor = hn::Set(d, a[r * p.a_row + k * p.a_column]);
      sum[r] = hn::MulAdd(factor, b_row, sum[r]);
    }
  }
  for (int r = 0; r < kRows; ++r) {
    hn::BlendedStore(sum[r], mask, d, c + r * p.c_row);
  }
}

template <int kRows>
HWY_INLINE void product_rows(
    const TileProduct& p, std::int64_t row, std::int64_t column) {
  const auto lanes = static_cast<std::int64_t>(hn::Lanes(D()));
  if (column + 2 * lanes <= p.columns) {
    product_block<kRows>(p, row, column);
  } else {
    product_edge<kRows>(p, row, column);
    if (column + lanes < p.columns) product_edge<kRows>(p, row, column + lanes);
  }
}

// The last rows of two vectors of columns.
template <int kRows>
HWY_INLINE void product_rest(
    const TileProduct& p, std::int64_t row, std::int64_t column) {
  if constexpr (kRows > 0) {
    if (p.rows - row == kRows) return product_rows<kRows>(p, row, column);
    product_rest<kRows - 1>(p, row, column);
  }
}

// Columns outside: what they need of b stays in the first cache.
void multiply(const TileProduct& p) {
  // What the registers hold: 32 of AVX-512, else 16.
  constexpr int kRows = hn::MaxLanes(D()) >= 16 ? 8 : 6;
  const auto lanes = static_cast<std::int64_t>(hn::Lanes(D()));
  for (std::int64_t column = 0; column < p.columns; column += 2 * lanes) {
    std::int64_t row = 0;
    for (; row + kRows <= p.rows; row += kRows) {
      product_rows<kRows>(p, row, column);
    }
    product_rest<kRows - 1>(p, row, column);
  }
}

// -- rows --------------------------------------------------------------------

// Calls f(i, mask of the lanes in range) for each vector of the row.
template <class F>
HWY_INLINE void for_row(std::int64_t n, F f) {
  const D d;
  const auto size = static_cast<std::size_t>(n);
  for (std::size_t i = 0; i < size; i += hn::Lanes(d)) {
    f(i, hn::FirstN(d, std::min(size - i, hn::Lanes(d))));
  }
}

float scale_here(float* s, std::int64_t n, float scale, RowMask mask) {
  const D d;
  const V factor = hn::Set(d, scale);
  for_row(n, [&](std::size_t i, auto in) {
    hn::BlendedStore(
        hn::Mul(hn::MaskedLoad(in, d, s + i), factor), in, d, s + i);
  });
  if (mask.keep != nullptr) {
    for (std::int64_t i = 0; i < n; ++i) {
      if (!mask.keep[i * mask.step]) s[i] = kMaskedScore;
    }
  }
  const V lowest = hn::Set(d, -std::numeric_limits<float>::infinity());
  V largest = lowest;
  for_row(n, [&](std::size_t i, auto in) {
    largest = hn::Max(
        largest, hn::IfThenElse(in, hn::MaskedLoad(in, d, s + i), lowest));
  });
  return hn::GetLane(hn::MaxOfLanes(d, largest));
}

float exp_here(float* s, std::int64_t n, float shift) {
  const D d;
  const V by = hn::Set(d, shift);
  V sum = hn::Zero(d);
  for_row(n, [&](std::size_t i, auto in) {
    const V e = hn::IfThenElseZero(
        in, exp_of(d, hn::Sub(hn::MaskedLoad(in, d, s + i), by)));
    hn::BlendedStore(e, in, d, s + i);
    sum = hn::Add(sum, e);
  });
  return hn::GetLane(hn::SumOfLanes(d, sum));
}

void scale_row_here(float* x, std::int64_t n, float factor) {
  const D d;
  const V by = hn::Set(d, factor);
  for_row(n, [&](std::size_t i, auto in) {
    hn::BlendedStore(hn::Mul(hn::MaskedLoad(in, d, x + i), by), in, d, x + i);
  });
}

void gradients_here(
    const float* p,
    float* dp,
    std::int64_t n,
    float own,
    float scale,
    RowMask mask) {
  const D d;
  const V shift = hn::Set(d, own);
  const V factor = hn::Set(d, scale);
  for_row(n, [&](std::size_t i, auto in) {
    const V inner = hn::Sub(hn::MaskedLoad(in, d, dp + i), shift);
    const V ds = hn::Mul(hn::Mul(hn::MaskedLoad(in, d, p + i), inner), factor);
    hn::BlendedStore(ds, in, d, dp + i);
  });
  if (mask.keep == nullptr) return;
  for (std::int64_t i = 0; i < n; ++i) {
    if (!mask.keep[i * mask.step]) dp[i] = 0;
  }
}

float dot_here(const float* a, const float* b, std::int64_t n) {
  const D d;
  V sum = hn::Zero(d);
  for_row(n, [&](std::size_t i, auto in) {
    sum = hn::MulAdd(
        hn::MaskedLoad(in, d, a + i), hn::MaskedLoad(in, d, b + i), sum);
  });
  return hn::GetLane(hn::SumOfLanes(d, sum));
}

}  // namespace keratin::cpu::HWY_NAMESPACE

HWY_AFTER_NAMESPACE();

#if HWY_ONCE

namespace keratin::cpu {

HWY_EXPORT(multiply);
HWY_EXPORT(scale_here);
HWY_EXPORT(exp_here);
HWY_EXPORT(scale_row_here);
HWY_EXPORT(gradients_here);
HWY_EXPORT(dot_here);

void multiply_tiles(const TileProduct& product) {
  HWY_DYNAMIC_DISPATCH(multiply)(product);
}

float scale_scores(float* s, std::int64_t n, float scale, RowMask mask) {
  return HWY_DYNAMIC_DISPATCH(scale_here)(s, n, scale, mask);
}

float exp_scores(float* s, std::int64_t n, float shift) {
  return HWY_DYNAMIC_DISPATCH(exp_here)(s, n, shift);
}

void scale_row(float* x, std::int64_t n, float factor) {
  HWY_DYNAMIC_DISPATCH(scale_row_here)(x, n, factor);
}

void score_gradients(
    const float* p,
    float* dp,
    std::int64_t n,
    float own,
    float scale,
    RowMask mask) {
  HWY_DYNAMIC_DISPATCH(gradients_here)(p, dp, n, own, scale, mask);
}

float dot_row(const float* a, const float* b, std::int64_t n) {
  return HWY_DYNAMIC_DISPATCH(dot_here)(a, b, n);
}

}  // namespace keratin::cpu

#endif  // HWY_ONCE
