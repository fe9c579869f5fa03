#include "src/backends/cpu/reduce_rows.hpp"

#include <algorithm>
#include <cstddef>

#include "src/backends/cpu/simd.hpp"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "src/backends/cpu/reduce_rows.cpp"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();

namespace keratin::cpu::HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;

using D = hn::ScalableTag<float>;
using V = hn::Vec<D>;

struct Sum {
  static HWY_INLINE V join(V a, V b) { return hn::Add(a, b); }

  static HWY_INLINE double join(double a, double b) { return a + b; }
};

struct Largest {
  static HWY_INLINE V join(V a, V b) {
    return hn::IfThenElse(hn::Or(hn::Gt(a, b), hn::IsNaN(a)), a, b);
  }

  static HWY_INLINE double join(double a, double b) {
    return a > b || a != a ? a : b;
  }
};

struct Smallest {
  static HWY_INLINE V join(V a, V b) {
    return hn::IfThenElse(hn::Or(hn::Lt(a, b), hn::IsNaN(a)), a, b);
  }

  static HWY_INLINE double join(double a, double b) {
    return a < b || a != a ? a : b;
  }
};

template <class F>
double row_as(const float* x, std::int64_t n) {
  constexpr std::size_t kRun = 2048;  // elements joined in float
  const D d;
  const std::size_t lanes = hn::Lanes(d);
  const auto size = static_cast<std::size_t>(n);
  std::size_t i = 0;
  double total = 0;
  bool first = true;
  HWY_ALIGN float buffer[HWY_MAX_BYTES / sizeof(float)];
  while (size - i >= 4 * lanes) {
    const std::size_t end = std::min(size, i + kRun);
    V a = hn::LoadU(d, x + i);
    V b = hn::LoadU(d, x + i + lanes);
    V c = hn::LoadU(d, x + i + 2 * lanes);
    V e = hn::LoadU(d, x + i + 3 * lanes);
    i += 4 * lanes;
    for (; i + 4 * lanes <= end; i += 4 * lanes) {
      a = F::join(a, hn::LoadU(d, x + i));
      b = F::join(b, hn::LoadU(d, x + i + lanes));
      c = F::join(c, hn::LoadU(d, x + i + 2 * lanes));
      e = F::join(e, hn::LoadU(d, x + i + 3 * lanes));
    }
    hn::Store(F::join(F::join(a, b), F::join(c, e)), d, buffer);
    for (std::size_t j = 0; j < lanes; ++j) {
      total = first ? buffer[j] : F::join(total, buffer[j]);
      first = false;
    }
  }
  for (; i < size; ++i) {
    total = first ? x[i] : F::join(total, x[i]);
    first = false;
  }
  return total;
}

// kVectors neighbouring vectors of columns.
template <class F, std::size_t kVectors>
HWY_INLINE void columns_as(
    const float* x, std::size_t rows, std::size_t stride, double* result) {
  constexpr std::size_t kRun = 16;  // rows joined in float
  const D d;
  const std::size_t lanes = hn::Lanes(d);
  HWY_ALIGN float buffer[kVectors * HWY_MAX_BYTES / sizeof(float)];
  for (std::size_t begin = 0; begin < rows; begin += kRun) {
    const std::size_t end = std::min(rows, begin + kRun);
    const float* row = x + begin * stride;
    V a = hn::LoadU(d, row);
    V b = a;
    V c = a;
    V e = a;
    if constexpr (kVectors == 4) {
      b = hn::LoadU(d, row + lanes);
      c = hn::LoadU(d, row + 2 * lanes);
      e = hn::LoadU(d, row + 3 * lanes);
    }
    for (std::size_t r = begin + 1; r < end; ++r) {
      row += stride;
      a = F::join(a, hn::LoadU(d, row));
      if constexpr (kVectors == 4) {
        b = F::join(b, hn::LoadU(d, row + lanes));
        c = F::join(c, hn::LoadU(d, row + 2 * lanes));
        e = F::join(e, hn::LoadU(d, row + 3 * lanes));
      }
    }
    hn::Store(a, d, buffer);
    if constexpr (kVectors == 4) {
      hn::Store(b, d, buffer + lanes);
      hn::Store(c, d, buffer + 2 * lanes);
      hn::Store(e, d, buffer + 3 * lanes);
    }
    for (std::size_t j = 0; j < kVectors * lanes; ++j) {
      result[j] = begin == 0 ? buffer[j] : F::join(result[j], buffer[j]);
    }
  }
}

template <class F>
void all_columns_as(
    const float* x,
    std::int64_t rows_count,
    std::int64_t row_stride,
    std::int64_t column_count,
    double* result) {
  const auto rows = static_cast<std::size_t>(rows_count);
  const auto stride = static_cast<std::size_t>(row_stride);
  const auto width = static_cast<std::size_t>(column_count);
  const std::size_t lanes = hn::Lanes(D());
  std::size_t c = 0;
  for (; c + 4 * lanes <= width; c += 4 * lanes) {
    columns_as<F, 4>(x + c, rows, stride, result + c);
  }
  for (; c + lanes <= width; c += lanes) {
    columns_as<F, 1>(x + c, rows, stride, result + c);
  }
  for (; c < width; ++c) {
    double total = x[c];
    for (std::size_t r = 1; r < rows; ++r) {
      total = F::join(total, x[r * stride + c]);
    }
    result[c] = total;
  }
}

double row_here(Op op, const float* x, std::int64_t n) {
  switch (op) {
    case Op::reduce_max:
      return row_as<Largest>(x, n);
    case Op::reduce_min:
      return row_as<Smallest>(x, n);
    default:
      return row_as<Sum>(x, n);
  }
}

void columns_here(
    Op op,
    const float* x,
    std::int64_t rows,
    std::int64_t stride,
    std::int64_t width,
    double* result) {
  switch (op) {
    case Op::reduce_max:
      return all_columns_as<Largest>(x, rows, stride, width, result);
    case Op::reduce_min:
      return all_columns_as<Smallest>(x, rows, stride, width, result);
    default:
      return all_columns_as<Sum>(x, rows, stride, width, result);
  }
}

}  // namespace keratin::cpu::HWY_NAMESPACE

HWY_AFTER_NAMESPACE();

#if HWY_ONCE

namespace keratin::cpu {

HWY_EXPORT(row_here);
HWY_EXPORT(columns_here);

double reduce_row(Op op, const float* x, std::int64_t n) {
  return HWY_DYNAMIC_DISPATCH(row_here)(op, x, n);
}

void reduce_columns(
    Op op,
    const float* x,
    std::int64_t rows,
    std::int64_t stride,
    std::int64_t width,
    double* result) {
  HWY_DYNAMIC_DISPATCH(columns_here)(op, x, rows, stride, width, result);
}

double join(Op op, double a, double b) {
  switch (op) {
    case Op::reduce_max:
      return a > b || a != a ? a : b;
    case Op::reduce_min:
      return a < b || a != a ? a : b;
    default:
      return a + b;
  }
}

}  // namespace keratin::cpu

#endif  // HWY_ONCE
