#pragma once

#include <cstdint>

#include "src/ir/op.hpp"

namespace keratin::cpu {

/// Columns that reduce_columns takes at once.
inline constexpr std::int64_t kMaxColumns = 128;

/// Sum, largest or smallest (by `op`; a mean is a sum here) of n neighbours.
/// Sums are exact to float's rounding: short runs in float, the runs in double.
/// NaN wins.
double reduce_row(Op op, const float* x, std::int64_t n);

/// The same down each of `width` columns of a matrix whose rows begin `stride`
/// apart, into result[0..width).
/// REQUIRES: rows >= 1 and 1 <= width <= kMaxColumns.
void reduce_columns(
    Op op,
    const float* x,
    std::int64_t rows,
    std::int64_t stride,
    std::int64_t width,
    double* result);

/// Joins two results.
double join(Op op, double a, double b);

}  // namespace keratin::cpu
