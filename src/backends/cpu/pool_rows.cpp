#include "src/backends/cpu/pool_rows.hpp"

#include <cstddef>

#include "src/backends/cpu/simd.hpp"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "src/backends/cpu/pool_rows.cpp"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();

namespace keratin::cpu::HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;

using D = hn::ScalableTag<float>;
using V = hn::Vec<D>;

// -- windows -----------------------------------------------------------------

/// The taps of one window that lie inside the tensor, as offsets from `origin`.
struct Taps {
  std::int64_t origin;
  const std::int64_t* offsets;
  std::size_t count;
};

// Calls f(taps, element of the result) for each window of a row.
template <class F>
HWY_INLINE void for_each_window(
    const PoolPlan& plan, std::int64_t row, const F& f) {
  const reference::Window3& w = plan.window;
  const std::int64_t h = row % w.y[1];
  const std::int64_t d = row / w.y[1] % w.y[0];
  const std::int64_t n = row / (w.y[1] * w.y[0]);
  const std::int64_t first[2] = {
      d * w.stride[0] - w.pad[0], h * w.stride[1] - w.pad[1]};
  bool inside_dh = true;
  for (int i = 0; i < 2; ++i) {
    const std::int64_t last = first[i] + (w.kernel[i] - 1) * w.dilation[i];
    inside_dh = inside_dh && first[i] >= 0 && last < w.x[i];
  }
  std::int64_t part[kMaxTaps];
  for (std::int64_t o = 0; o < w.y[2]; ++o) {
    const std::int64_t at = o * w.stride[2] - w.pad[2];
    const std::int64_t last = at + (w.kernel[2] - 1) * w.dilation[2];
    const std::int64_t origin =
        (((n * w.x[0] + first[0]) * w.x[1] + first[1]) * w.x[2] + at) *
        w.channels;
    Taps taps = {origin, plan.taps.data(), plan.taps.size()};
    if (!inside_dh || at < 0 || last >= w.x[2]) {
      std::size_t count = 0;
      std::size_t tap = 0;
      for (std::int64_t i = 0; i < w.kernel[0]; ++i) {
        const std::int64_t xd = first[0] + i * w.dilation[0];
        for (std::int64_t j = 0; j < w.kernel[1]; ++j) {
          const std::int64_t xh = first[1] + j * w.dilation[1];
          for (std::int64_t k = 0; k < w.kernel[2]; ++k, ++tap) {
            const std::int64_t xw = at + k * w.dilation[2];
            if (xd < 0 || xd >= w.x[0] || xh < 0 || xh >= w.x[1] || xw < 0 ||
                xw >= w.x[2]) {
              continue;
            }
            part[count++] = plan.taps[tap];
          }
        }
      }
      taps = {origin, part, count};
    }
    f(taps, (row * w.y[2] + o) * w.channels);
  }
}

// -- maximum -----------------------------------------------------------------

// The first largest stays; NaN wins.
HWY_INLINE hn::Mask<D> stays(V best, V next) {
  return hn::Or(hn::Ge(best, next), hn::IsNaN(best));
}

HWY_INLINE bool stays(float best, float next) {
  return best >= next || best != best;
}

void max_row(const PoolPlan& plan, const float* x, float* y, std::int64_t row) {
  const auto channels = static_cast<std::size_t>(plan.window.channels);
  const std::size_t lanes = hn::Lanes(D());
  for_each_window(plan, row, [&](const Taps& taps, std::int64_t to) HWY_ATTR {
    const float* from = x + taps.origin;
    std::size_t c = 0;
    for (; c + lanes <= channels; c += lanes) {
      V best = hn::LoadU(D(), from + taps.offsets[0] + c);
      for (std::size_t k = 1; k < taps.count; ++k) {
        const V next = hn::LoadU(D(), from + taps.offsets[k] + c);
        best = hn::IfThenElse(stays(best, next), best, next);
      }
      hn::StoreU(best, D(), y + to + c);
    }
    for (; c < channels; ++c) {
      float best = from[taps.offsets[0] + c];
      for (std::size_t k = 1; k < taps.count; ++k) {
        const float next = from[taps.offsets[k] + c];
        if (!stays(best, next)) best = next;
      }
      y[to + c] = best;
    }
  });
}

template <bool kDisjoint>
HWY_INLINE void put(V value, float* to) {
  if constexpr (kDisjoint) {
    hn::StoreU(value, D(), to);
  } else {
    hn::StoreU(hn::Add(hn::LoadU(D(), to), value), D(), to);
  }
}

template <bool kDisjoint>
HWY_INLINE void max_grad_row_as(
    const PoolPlan& plan,
    const float* x,
    const float* dy,
    float* dx,
    std::int64_t row) {
  const auto channels = static_cast<std::size_t>(plan.window.channels);
  const std::size_t lanes = hn::Lanes(D());
  for_each_window(
      plan, row, [&](const Taps& taps, std::int64_t from_y) HWY_ATTR {
        const D d;
        const float* from = x + taps.origin;
        float* to = dx + taps.origin;
        std::size_t c = 0;
        for (; c + lanes <= channels; c += lanes) {
          V best = hn::LoadU(d, from + taps.offsets[0] + c);
          V where = hn::Zero(d);  // taps are few: exact in float
          for (std::size_t k = 1; k < taps.count; ++k) {
            const V next = hn::LoadU(d, from + taps.offsets[k] + c);
            const auto mask = stays(best, next);
            best = hn::IfThenElse(mask, best, next);
            where =
                hn::IfThenElse(mask, where, hn::Set(d, static_cast<float>(k)));
          }
          const V share = hn::LoadU(d, dy + from_y + c);
          for (std::size_t k = 0; k < taps.count; ++k) {
            const auto mask = hn::Eq(where, hn::Set(d, static_cast<float>(k)));
            put<kDisjoint>(
                hn::IfThenElseZero(mask, share), to + taps.offsets[k] + c);
          }
        }
        for (; c < channels; ++c) {
          std::size_t where = 0;
          for (std::size_t k = 1; k < taps.count; ++k) {
            const float best = from[taps.offsets[where] + c];
            if (!stays(best, from[taps.offsets[k] + c])) where = k;
          }
          to[taps.offsets[where] + c] += dy[from_y + c];
        }
      });
}

void max_grad_row(
    const PoolPlan& plan,
    const float* x,
    const float* dy,
    float* dx,
    std::int64_t row) {
  if (plan.disjoint) {
    max_grad_row_as<true>(plan, x, dy, dx, row);
  } else {
    max_grad_row_as<false>(plan, x, dy, dx, row);
  }
}

// -- average -----------------------------------------------------------------

void average_row(
    const PoolPlan& plan, const float* x, float* y, std::int64_t row) {
  const auto channels = static_cast<std::size_t>(plan.window.channels);
  const std::size_t lanes = hn::Lanes(D());
  for_each_window(plan, row, [&](const Taps& taps, std::int64_t to) HWY_ATTR {
    const float* from = x + taps.origin;
    const auto count = static_cast<float>(taps.count);
    std::size_t c = 0;
    for (; c + lanes <= channels; c += lanes) {
      V sum = hn::LoadU(D(), from + taps.offsets[0] + c);
      for (std::size_t k = 1; k < taps.count; ++k) {
        sum = hn::Add(sum, hn::LoadU(D(), from + taps.offsets[k] + c));
      }
      hn::StoreU(hn::Div(sum, hn::Set(D(), count)), D(), y + to + c);
    }
    for (; c < channels; ++c) {
      float sum = 0;
      for (std::size_t k = 0; k < taps.count; ++k) {
        sum += from[taps.offsets[k] + c];
      }
      y[to + c] = sum / count;
    }
  });
}

void average_grad_row(
    const PoolPlan& plan, const float* dy, float* dx, std::int64_t row) {
  const auto channels = static_cast<std::size_t>(plan.window.channels);
  const std::size_t lanes = hn::Lanes(D());
  for_each_window(
      plan, row, [&](const Taps& taps, std::int64_t from_y) HWY_ATTR {
        float* to = dx + taps.origin;
        const auto count = static_cast<float>(taps.count);
        std::size_t c = 0;
        for (; c + lanes <= channels; c += lanes) {
          const V share =
              hn::Div(hn::LoadU(D(), dy + from_y + c), hn::Set(D(), count));
          for (std::size_t k = 0; k < taps.count; ++k) {
            put<false>(share, to + taps.offsets[k] + c);
          }
        }
        for (; c < channels; ++c) {
          const float share = dy[from_y + c] / count;
          for (std::size_t k = 0; k < taps.count; ++k) {
            to[taps.offsets[k] + c] += share;
          }
        }
      });
}

}  // namespace keratin::cpu::HWY_NAMESPACE

HWY_AFTER_NAMESPACE();

#if HWY_ONCE

namespace keratin::cpu {

HWY_EXPORT(max_row);
HWY_EXPORT(max_grad_row);
HWY_EXPORT(average_row);
HWY_EXPORT(average_grad_row);

void max_pool_row(
    const PoolPlan& plan, const float* x, float* y, std::int64_t row) {
  HWY_DYNAMIC_DISPATCH(max_row)(plan, x, y, row);
}

void average_pool_row(
    const PoolPlan& plan, const float* x, float* y, std::int64_t row) {
  HWY_DYNAMIC_DISPATCH(average_row)(plan, x, y, row);
}

void max_pool_grad_row(
    const PoolPlan& plan,
    const float* x,
    const float* dy,
    float* dx,
    std::int64_t row) {
  HWY_DYNAMIC_DISPATCH(max_grad_row)(plan, x, dy, dx, row);
}

void average_pool_grad_row(
    const PoolPlan& plan, const float* dy, float* dx, std::int64_t row) {
  HWY_DYNAMIC_DISPATCH(average_grad_row)(plan, dy, dx, row);
}

}  // namespace keratin::cpu

#endif  // HWY_ONCE
