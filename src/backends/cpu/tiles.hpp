#pragma once

#include <cstdint>

namespace keratin::cpu {

/// c (+)= a b for small matrices of float32: element (i, k) of a is
/// a[i * a_row + k * a_column]; the rows of b and c lie in one piece.
struct TileProduct {
  std::int64_t rows = 0;     // of a and c
  std::int64_t columns = 0;  // of b and c
  std::int64_t depth = 0;    // columns of a, rows of b
  const float* a = nullptr;
  std::int64_t a_row = 0;
  std::int64_t a_column = 1;
  const float* b = nullptr;
  std::int64_t b_row = 0;
  float* c = nullptr;
  std::int64_t c_row = 0;
  bool accumulate = false;
};

void multiply_tiles(const TileProduct& product);

/// Which scores of a row are masked: where `keep[i * step]` is false. Null
/// keep: none.
struct RowMask {
  const bool* keep = nullptr;
  std::int64_t step = 0;
};

/// What a masked score is.
inline constexpr float kMaskedScore = static_cast<float>(-0.7 * 3.38953e38);

/// s = s * scale, kMaskedScore where masked; returns the largest.
float scale_scores(float* s, std::int64_t n, float scale, RowMask mask);

/// s = exp(s - shift); returns the sum.
float exp_scores(float* s, std::int64_t n, float shift);

/// x = x * factor
void scale_row(float* x, std::int64_t n, float factor);

/// ds = p * (dp - own) * scale in place of dp, 0 where masked.
void score_gradients(
    const float* p,
    float* dp,
    std::int64_t n,
    float own,
    float scale,
    RowMask mask);

/// The sum of a[i] * b[i].
float dot_row(const float* a, const float* b, std::int64_t n);

}  // namespace keratin::cpu
