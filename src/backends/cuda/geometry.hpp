#pragma once

#include <cstdint>

#include "src/backends/cuda/lowering.hpp"

namespace keratin::cuda {

/// A shape around one axis: [outer, size, inner].
struct AxisView {
  std::int64_t outer = 1;
  std::int64_t size = 1;
  std::int64_t inner = 1;

  AxisView(const Shape& shape, std::int64_t axis) {
    const auto rank = static_cast<std::int64_t>(shape.rank());
    for (std::int64_t i = 0; i < rank; ++i) {
      (i < axis ? outer : i > axis ? inner : size) *= shape[i];
    }
  }
};

/// Threads that work on one row of `size` elements `step` apart: one where
/// neighbouring rows are neighbours in memory or rows are short.
inline int threads_for(std::int64_t size, std::int64_t step) {
  if (step > 1 || size <= 8) return 1;
  return size <= 2048 ? 32 : 256;
}

/// Into how many parts sums of `count` elements are cut, so that `items` of
/// them fill the device.
inline std::int64_t splits_for(
    const Target& target,
    std::int64_t items,
    std::int64_t threads,
    std::int64_t count) {
  const std::int64_t wanted = std::int64_t{target.processors} * 1024;
  if (items * threads >= wanted || items == 0) return 1;
  const std::int64_t parts = wanted / (items * threads);
  return std::max<std::int64_t>(
      1, std::min({parts, count / (threads * 16), std::int64_t{512}}));
}

}  // namespace keratin::cuda
