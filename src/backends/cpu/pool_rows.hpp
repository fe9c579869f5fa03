#pragma once

#include <cstdint>
#include <vector>

#include "src/backends/reference/window.hpp"

namespace keratin::cpu {

/// A pooling over [n, d, h, w, c] float32.
struct PoolPlan {
  reference::Window3 window;
  std::vector<std::int64_t> taps;  // elements from a window's first one

  /// dx of one window never meets another's: it is written, not added to.
  bool disjoint = false;
};

/// Windows whose taps must fit an array on the stack.
inline constexpr std::int64_t kMaxTaps = 512;

// One row of windows (along w) each; `row` counts over n, d, h of the result.
void max_pool_row(
    const PoolPlan& plan, const float* x, float* y, std::int64_t row);
void average_pool_row(
    const PoolPlan& plan, const float* x, float* y, std::int64_t row);

// Adds a row of windows to dx, which the caller has zeroed.
void max_pool_grad_row(
    const PoolPlan& plan,
    const float* x,
    const float* dy,
    float* dx,
    std::int64_t row);
void average_pool_grad_row(
    const PoolPlan& plan, const float* dy, float* dx, std::int64_t row);

}  // namespace keratin::cpu
