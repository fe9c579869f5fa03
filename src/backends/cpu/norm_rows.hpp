#pragma once

#include <cstdint>

namespace keratin::cpu {

/// Columns of a float32 matrix [rows, stride], `width` of them.
struct Columns {
  std::int64_t rows = 0;
  std::int64_t stride = 0;
  std::int64_t width = 0;
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

/// sum(dy) and sum(dy * (x - mean)), one mean per column.
void batch_norm_grad_columns(
    const Columns& columns,
    const float* x,
    const float* dy,
    const float* mean,
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

/// y = (x - mean) * scale + beta over one row; y may be x.
void normalize_row(
    const float* x,
    const float* mean,
    const float* scale,
    const float* beta,
    float* y,
    std::int64_t n);

/// dx = scale * (dy - a - (x - mean) * b) over one row.
void batch_norm_grad_row(
    const float* x,
    const float* dy,
    const float* mean,
    const float* scale,
    const float* a,
    const float* b,
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
