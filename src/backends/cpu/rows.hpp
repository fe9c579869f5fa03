#pragma once

#include <cstdint>

#include <keratin/dtype.hpp>

#include "src/ir/op.hpp"

namespace keratin::cpu {

/// One element-wise op over n elements that lie one after the other. Operands
/// that the op lacks are ignored; y may be an operand.
using Row = void (*)(
    void* y, const void* a, const void* b, const void* c, std::int64_t n);

/// The row for an op whose operands have the dtypes given (those it lacks
/// repeat the first). Bit i of `scalars`: operand i is one element for all n.
/// Null when there is none.
Row find_row(Op op, const DType operands[3], DType result, unsigned scalars);

/// The float32 part of it, vectorised: arithmetic, functions, comparisons and
/// selection.
Row find_float_row(Op op, unsigned scalars);

/// float32 to bfloat16, that to float32, or, of float32 to float32, by way of
/// it: what is rounded to bfloat16 and computed with in float32.
Row bfloat16_row(DType from, DType to);

/// Copies elements of a dtype.
Row copy_row(DType dtype);

/// y[i] = a[0].
Row fill_row(DType dtype);

}  // namespace keratin::cpu
