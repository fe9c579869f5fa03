#include "src/backends/cpu/softmax_rows.hpp"

#include <cmath>
#include <cstddef>
#include <limits>

#include "src/backends/cpu/simd.hpp"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "src/backends/cpu/softmax_rows.cpp"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

#include "src/backends/cpu/float_math-inl.h"

HWY_BEFORE_NAMESPACE();

namespace keratin::cpu::HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;

using D = hn::ScalableTag<float>;
using V = hn::Vec<D>;

// A row's last elements, the rest filled up with `filler`.
HWY_INLINE V load_part(const float* x, std::size_t count, float filler) {
  HWY_ALIGN float buffer[HWY_MAX_BYTES / sizeof(float)];
  const std::size_t lanes = hn::Lanes(D());
  for (std::size_t i = 0; i < lanes; ++i) {
    buffer[i] = i < count ? x[i] : filler;
  }
  return hn::Load(D(), buffer);
}

HWY_INLINE void store_part(V v, float* to, std::size_t count) {
  HWY_ALIGN float buffer[HWY_MAX_BYTES / sizeof(float)];
  hn::Store(v, D(), buffer);
  for (std::size_t i = 0; i < count; ++i) to[i] = buffer[i];
}

// Calls f(vector, first element, elements) for all of a row.
template <class F>
HWY_INLINE void for_each_vector(
    const float* x, std::size_t n, float filler, const F& f) {
  const std::size_t lanes = hn::Lanes(D());
  std::size_t i = 0;
  for (; i + lanes <= n; i += lanes) f(hn::LoadU(D(), x + i), i, lanes);
  if (i < n) f(load_part(x + i, n - i, filler), i, n - i);
}

constexpr float kLowest = -std::numeric_limits<float>::infinity();

HWY_INLINE float largest_of(const float* x, std::size_t n) {
  V best = hn::Set(D(), kLowest);
  for_each_vector(x, n, kLowest, [&](V v, std::size_t, std::size_t) HWY_ATTR {
    // NaN wins.
    best = hn::IfThenElse(hn::Or(hn::Gt(best, v), hn::IsNaN(best)), best, v);
  });
  HWY_ALIGN float buffer[HWY_MAX_BYTES / sizeof(float)];
  hn::Store(best, D(), buffer);
  float largest = buffer[0];
  for (std::size_t i = 1; i < hn::Lanes(D()); ++i) {
    if (!(largest > buffer[i]) && largest == largest) largest = buffer[i];
  }
  return largest;
}

HWY_INLINE float sum_of(V v) {
  return hn::GetLane(hn::SumOfLanes(D(), v));
}

Spread spread_here(const float* x, std::int64_t count) {
  const auto n = static_cast<std::size_t>(count);
  const float largest = largest_of(x, n);
  const V shift = hn::Set(D(), largest);
  V sum = hn::Zero(D());
  for_each_vector(x, n, kLowest, [&](V v, std::size_t, std::size_t) HWY_ATTR {
    sum = hn::Add(sum, exp_of(D(), hn::Sub(v, shift)));
  });
  return {largest, std::log(sum_of(sum))};
}

void softmax_here(const float* x, float* y, std::int64_t count) {
  const auto n = static_cast<std::size_t>(count);
  const V shift = hn::Set(D(), largest_of(x, n));
  V sum = hn::Zero(D());
  for_each_vector(
      x, n, kLowest, [&](V v, std::size_t i, std::size_t part) HWY_ATTR {
        const V e = exp_of(D(), hn::Sub(v, shift));
        sum = hn::Add(sum, e);
        if (part == hn::Lanes(D())) {
          hn::StoreU(e, D(), y + i);
        } else {
          store_part(e, y + i, part);
        }
      });
  const float total = sum_of(sum);
  for (std::size_t i = 0; i < n; ++i) y[i] /= total;
}

void log_softmax_here(const float* x, float* y, std::int64_t n) {
  const Spread spread = spread_here(x, n);
  for (std::int64_t i = 0; i < n; ++i) {
    y[i] = x[i] - spread.largest - spread.log_sum;
  }
}

float cross_entropy_here(
    const float* x, const float* labels, std::int64_t count) {
  const auto n = static_cast<std::size_t>(count);
  const Spread spread = spread_here(x, count);
  const V shift = hn::Set(D(), spread.largest);
  const V log_sum = hn::Set(D(), spread.log_sum);
  const std::size_t lanes = hn::Lanes(D());
  V sum = hn::Zero(D());
  for_each_vector(x, n, 0, [&](V v, std::size_t i, std::size_t part) HWY_ATTR {
    const V label = part == lanes ? hn::LoadU(D(), labels + i)
                                  : load_part(labels + i, part, 0);
    // Padded elements have the label 0.
    sum = hn::Sub(sum, hn::Mul(label, hn::Sub(hn::Sub(v, shift), log_sum)));
  });
  return sum_of(sum);
}

}  // namespace keratin::cpu::HWY_NAMESPACE

HWY_AFTER_NAMESPACE();

#if HWY_ONCE

namespace keratin::cpu {

HWY_EXPORT(spread_here);
HWY_EXPORT(softmax_here);
HWY_EXPORT(log_softmax_here);
HWY_EXPORT(cross_entropy_here);

Spread spread_of(const float* x, std::int64_t n) {
  return HWY_DYNAMIC_DISPATCH(spread_here)(x, n);
}

void softmax_row(const float* x, float* y, std::int64_t n) {
  HWY_DYNAMIC_DISPATCH(softmax_here)(x, y, n);
}

void log_softmax_row(const float* x, float* y, std::int64_t n) {
  HWY_DYNAMIC_DISPATCH(log_softmax_here)(x, y, n);
}

float cross_entropy_row(const float* x, const float* labels, std::int64_t n) {
  return HWY_DYNAMIC_DISPATCH(cross_entropy_here)(x, labels, n);
}

}  // namespace keratin::cpu

#endif  // HWY_ONCE
