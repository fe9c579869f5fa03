#pragma once

#include <cstdint>
#include <limits>

namespace keratin::cpu {

/// Columns of a float32 matrix [rows, stride], `width` of them.
struct Columns {
  std::int64_t rows = 0;
  std::int64_t stride = 0;
  std::int64_t width = 0;
};

/// What comes after normalisation: y + residual, then ReLU up to a limit.
struct NormEnd {
  const float* residual = nullptr;  // of the row; null: none
  bool clips = false;               // below 0, and beyond the limit
  float limit = std::numeric_limits<float>::infinity();
};

/// The ReLU after normalisation, seen from its gradient: dy counts where
/// 0 < (x - mean) * scale + beta <= limit. Vectors of a number per column.
struct NormGate {
  const float* scale = nullptr;  // null: dy counts everywhere
  const float* beta = nullptr;
  float limit = std::numeric_limits<float>::infinity();
};

// Two sums down each column, in double beyond short runs of rows. Both results
// have `width` elements.

/// sum(x - pivot) and sum((x - pivot)^2), one pivot per column.
void moment_columns(
    const Columns& columns,
    const float* x,
    const float* pivot,
    double* sum,
    double* square);

/// sum(dy) and sum(dy * (x - mean)) of the dy that count, one mean per column.
void batch_norm_grad_columns(
    const Columns& columns,
    const float* x,
    const float* dy,
    const float* mean,
    const NormGate& gate,
    double* sum,
    double* product);

/// sum(dy) and sum(dy * (x - mean) * rstd), one mean and rstd per row.
void layer_norm_grad_columns(
    const Columns& columns,
    const float* x,
    const float* dy,
    const float* mean,
    const float* rstd,
    double* sum,
    double* product);

/// y = end((x - mean) * scale + beta) over one row; y may be x or the residual.
void normalize_row(
    const float* x,
    const float* mean,
    const float* scale,
    const float* beta,
    const NormEnd& end,
    float* y,
    std::int64_t n);

/// dx = scale * (dy - a - (x - mean) * b) over one row, dy 0 where it does not
/// count.
void batch_norm_grad_row(
    const float* x,
    const float* dy,
    const float* mean,
    const float* scale,
    const float* a,
    const float* b,
    const NormGate& gate,
    float* dx,
    std::int64_t n);

/// Layer normalisation of one row.
void layer_norm_row(
    const float* x,
    const float* gamma,
    const float* beta,
    double epsilon,
    float* y,
    float* mean,
    float* rstd,
    std::int64_t n);

/// dx of one row: rstd * (g - mean(g) - h * mean(g * h)) with g = dy * gamma
/// and h = (x - mean) * rstd.
void layer_norm_grad_row(
    const float* x,
    const float* gamma,
    const float* dy,
    float mean,
    float rstd,
    float* dx,
    std::int64_t n);

}  // namespace keratin::cpu
