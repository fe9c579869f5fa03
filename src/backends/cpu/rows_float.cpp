// float32 rows: Highway, one set of loops per instruction set.

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstring>

#include "src/backends/cpu/rows.hpp"
#include "src/backends/cpu/simd.hpp"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "src/backends/cpu/rows_float.cpp"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

#include "src/backends/cpu/float_math-inl.h"

HWY_BEFORE_NAMESPACE();

namespace keratin::cpu::HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;

using D = hn::ScalableTag<float>;
using DByte = hn::Rebind<std::uint8_t, D>;
using V = hn::Vec<D>;
using M = hn::Mask<D>;

// The bits of find_float_row's `scalars`.
enum Form : unsigned { kVectors = 0, kScalarA = 1, kScalarB = 2, kScalarC = 4 };

// -- loops -------------------------------------------------------------------

// Elements that fill no vector go through a buffer: reading past an array may
// fault.
template <class T>
HWY_INLINE void copy_elements(const T* from, T* to, std::size_t n) {
  for (std::size_t i = 0; i < n; ++i) to[i] = from[i];
}

template <bool kScalar>
struct Operand {
  const float* data;
  V repeated;

  HWY_INLINE explicit Operand(const void* p)
      : data(static_cast<const float*>(p)),
        repeated(hn::Set(D(), kScalar ? *data : 0.0F)) {}

  HWY_INLINE V load(std::size_t i) const {
    if constexpr (kScalar) return repeated;
    return hn::LoadU(D(), data + i);
  }

  HWY_INLINE V load_part(std::size_t i, std::size_t count) const {
    if constexpr (kScalar) return repeated;
    HWY_ALIGN float buffer[HWY_MAX_BYTES / sizeof(float)] = {};
    copy_elements(data + i, buffer, count);
    return hn::Load(D(), buffer);
  }
};

HWY_INLINE void store_part(V v, float* to, std::size_t count) {
  HWY_ALIGN float buffer[HWY_MAX_BYTES / sizeof(float)];
  hn::Store(v, D(), buffer);
  copy_elements(buffer, to, count);
}

HWY_INLINE hn::Vec<DByte> mask_to_bytes(M mask) {
  const hn::RebindToSigned<D> di;
  const auto ones = hn::BitCast(
      di, hn::IfThenElseZero(mask, hn::BitCast(D(), hn::Set(di, 1))));
  return hn::DemoteTo(DByte(), ones);
}

HWY_INLINE M bytes_to_mask(hn::Vec<DByte> bytes) {
  const hn::RebindToSigned<D> di;
  const auto wide = hn::PromoteTo(di, bytes);
  return hn::RebindMask(D(), hn::Ne(wide, hn::Zero(di)));
}

template <class F>
void unary_row(
    void* y_data,
    const void* a_data,
    const void*,
    const void*,
    std::int64_t n) {
  const Operand<false> a(a_data);
  auto* y = static_cast<float*>(y_data);
  const std::size_t lanes = hn::Lanes(D());
  const auto size = static_cast<std::size_t>(n);
  std::size_t i = 0;
  for (; i + lanes <= size; i += lanes) {
    hn::StoreU(F::apply(a.load(i)), D(), y + i);
  }
  if (i < size) {
    store_part(F::apply(a.load_part(i, size - i)), y + i, size - i);
  }
}

template <class F, unsigned kForm>
void binary_row(
    void* y_data,
    const void* a_data,
    const void* b_data,
    const void*,
    std::int64_t n) {
  const Operand<(kForm & kScalarA) != 0> a(a_data);
  const Operand<(kForm & kScalarB) != 0> b(b_data);
  auto* y = static_cast<float*>(y_data);
  const std::size_t lanes = hn::Lanes(D());
  const auto size = static_cast<std::size_t>(n);
  std::size_t i = 0;
  for (; i + lanes <= size; i += lanes) {
    hn::StoreU(F::apply(a.load(i), b.load(i)), D(), y + i);
  }
  if (i < size) {
    const std::size_t rest = size - i;
    store_part(
        F::apply(a.load_part(i, rest), b.load_part(i, rest)), y + i, rest);
  }
}

// F yields a mask; y is bool.
template <class F, unsigned kForm>
void compare_row(
    void* y_data,
    const void* a_data,
    const void* b_data,
    const void*,
    std::int64_t n) {
  const Operand<(kForm & kScalarA) != 0> a(a_data);
  const Operand<(kForm & kScalarB) != 0> b(b_data);
  auto* y = static_cast<std::uint8_t*>(y_data);
  const std::size_t lanes = hn::Lanes(D());
  const auto size = static_cast<std::size_t>(n);
  std::size_t i = 0;
  for (; i + lanes <= size; i += lanes) {
    hn::StoreU(mask_to_bytes(F::apply(a.load(i), b.load(i))), DByte(), y + i);
  }
  if (i < size) {
    const std::size_t rest = size - i;
    HWY_ALIGN std::uint8_t buffer[HWY_MAX_BYTES];
    hn::Store(
        mask_to_bytes(F::apply(a.load_part(i, rest), b.load_part(i, rest))),
        DByte(),
        buffer);
    copy_elements(buffer, y + i, rest);
  }
}

template <class F>
void test_row(
    void* y, const void* a, const void* b, const void* c, std::int64_t n) {
  struct OfFirst {
    static HWY_INLINE M apply(V x, V) { return F::apply(x); }
  };

  compare_row<OfFirst, kVectors>(y, a, a, c, n);
  static_cast<void>(b);
}

// c ? a : b in the order of the op's operands: (condition, a, b).
template <unsigned kForm>
void select_row(
    void* y_data,
    const void* condition_data,
    const void* a_data,
    const void* b_data,
    std::int64_t n) {
  const auto* condition = static_cast<const std::uint8_t*>(condition_data);
  const Operand<(kForm & kScalarB) != 0> a(a_data);
  const Operand<(kForm & kScalarC) != 0> b(b_data);
  auto* y = static_cast<float*>(y_data);
  const std::size_t lanes = hn::Lanes(D());
  const auto size = static_cast<std::size_t>(n);
  std::size_t i = 0;
  for (; i + lanes <= size; i += lanes) {
    const M mask = bytes_to_mask(hn::LoadU(DByte(), condition + i));
    hn::StoreU(hn::IfThenElse(mask, a.load(i), b.load(i)), D(), y + i);
  }
  if (i < size) {
    const std::size_t rest = size - i;
    HWY_ALIGN std::uint8_t buffer[HWY_MAX_BYTES] = {};
    copy_elements(condition + i, buffer, rest);
    const M mask = bytes_to_mask(hn::Load(DByte(), buffer));
    store_part(
        hn::IfThenElse(mask, a.load_part(i, rest), b.load_part(i, rest)),
        y + i,
        rest);
  }
}

// bool to 0 or 1.
void from_bool_row(
    void* y_data,
    const void* a_data,
    const void*,
    const void*,
    std::int64_t n) {
  const auto* a = static_cast<const std::uint8_t*>(a_data);
  auto* y = static_cast<float*>(y_data);
  for (std::int64_t i = 0; i < n; ++i) y[i] = a[i] != 0 ? 1.0F : 0.0F;
}

// -- the ops -----------------------------------------------------------------

// clang-format off
#define KERATIN_UNARY(Name, expression) \
  struct Name { static HWY_INLINE V apply(V x) { const D d; static_cast<void>(d); return expression; } };
#define KERATIN_BINARY(Name, expression) \
  struct Name { static HWY_INLINE V apply(V a, V b) { return expression; } };
#define KERATIN_COMPARE(Name, expression) \
  struct Name { static HWY_INLINE M apply(V a, V b) { return expression; } };

KERATIN_UNARY(Negative, hn::Neg(x))
KERATIN_UNARY(Abs, hn::Abs(x))
KERATIN_UNARY(Sign, sign_of(d, x))
KERATIN_UNARY(Exp, exp_of(d, x))
KERATIN_UNARY(Expm1, expm1_of(d, x))
KERATIN_UNARY(Log, log_of(d, x))
KERATIN_UNARY(Log1p, log1p_of(d, x))
KERATIN_UNARY(Sqrt, hn::Sqrt(x))
KERATIN_UNARY(Rsqrt, hn::Div(hn::Set(d, 1.0F), hn::Sqrt(x)))
KERATIN_UNARY(Reciprocal, hn::Div(hn::Set(d, 1.0F), x))
KERATIN_UNARY(Square, hn::Mul(x, x))
KERATIN_UNARY(Tanh, tanh_of(d, x))
KERATIN_UNARY(Erf, erf_of(d, x))
KERATIN_UNARY(Sigmoid, sigmoid_of(d, x))
KERATIN_UNARY(Relu, hn::IfThenZeroElse(hn::Lt(x, hn::Zero(d)), x))
KERATIN_UNARY(Softplus, softplus_of(d, x))
KERATIN_UNARY(Floor, hn::Floor(x))
KERATIN_UNARY(Ceil, hn::Ceil(x))
KERATIN_UNARY(Round, hn::Round(x))

KERATIN_BINARY(Add, hn::Add(a, b))
KERATIN_BINARY(Subtract, hn::Sub(a, b))
KERATIN_BINARY(Multiply, hn::Mul(a, b))
KERATIN_BINARY(Divide, hn::Div(a, b))
// NaN wins.
KERATIN_BINARY(Maximum, hn::IfThenElse(hn::Or(hn::Gt(a, b), hn::IsNaN(a)), a, b))
KERATIN_BINARY(Minimum, hn::IfThenElse(hn::Or(hn::Lt(a, b), hn::IsNaN(a)), a, b))

KERATIN_COMPARE(Equal, hn::Eq(a, b))
KERATIN_COMPARE(NotEqual, hn::Not(hn::Eq(a, b)))  // of NaN, too
KERATIN_COMPARE(Less, hn::Lt(a, b))
KERATIN_COMPARE(LessEqual, hn::Le(a, b))
KERATIN_COMPARE(Greater, hn::Gt(a, b))
KERATIN_COMPARE(GreaterEqual, hn::Ge(a, b))
// clang-format on

#undef KERATIN_UNARY
#undef KERATIN_BINARY
#undef KERATIN_COMPARE

struct IsNan {
  static HWY_INLINE M apply(V x) { return hn::IsNaN(x); }
};

struct IsFinite {
  static HWY_INLINE M apply(V x) { return hn::IsFinite(x); }
};

template <class F>
Row binary(unsigned scalars) {
  switch (scalars) {
    case kVectors:
      return binary_row<F, kVectors>;
    case kScalarA:
      return binary_row<F, kScalarA>;
    case kScalarB:
      return binary_row<F, kScalarB>;
    default:
      return nullptr;
  }
}

template <class F>
Row compare(unsigned scalars) {
  switch (scalars) {
    case kVectors:
      return compare_row<F, kVectors>;
    case kScalarA:
      return compare_row<F, kScalarA>;
    case kScalarB:
      return compare_row<F, kScalarB>;
    default:
      return nullptr;
  }
}

Row select(unsigned scalars) {
  switch (scalars) {
    case kVectors:
      return select_row<kVectors>;
    case kScalarB:
      return select_row<kScalarB>;
    case kScalarC:
      return select_row<kScalarC>;
    case kScalarB | kScalarC:
      return select_row<kScalarB | kScalarC>;
    default:
      return nullptr;
  }
}

Row find_unary(Op op) {
  // clang-format off
  switch (op) {
    case Op::negative: return unary_row<Negative>;
    case Op::abs: return unary_row<Abs>;
    case Op::sign: return unary_row<Sign>;
    case Op::exp: return unary_row<Exp>;
    case Op::expm1: return unary_row<Expm1>;
    case Op::log: return unary_row<Log>;
    case Op::log1p: return unary_row<Log1p>;
    case Op::sqrt: return unary_row<Sqrt>;
    case Op::rsqrt: return unary_row<Rsqrt>;
    case Op::reciprocal: return unary_row<Reciprocal>;
    case Op::square: return unary_row<Square>;
    case Op::tanh: return unary_row<Tanh>;
    case Op::erf: return unary_row<Erf>;
    case Op::sigmoid: return unary_row<Sigmoid>;
    case Op::relu: return unary_row<Relu>;
    case Op::softplus: return unary_row<Softplus>;
    case Op::floor: return unary_row<Floor>;
    case Op::ceil: return unary_row<Ceil>;
    case Op::round: return unary_row<Round>;
    case Op::isnan: return test_row<IsNan>;
    case Op::isfinite: return test_row<IsFinite>;
    case Op::cast: return from_bool_row;
    default: return nullptr;
  }
  // clang-format on
}

Row find_row_here(Op op, unsigned scalars) {
  // clang-format off
  switch (op) {
    case Op::add: return binary<Add>(scalars);
    case Op::subtract: return binary<Subtract>(scalars);
    case Op::multiply: return binary<Multiply>(scalars);
    case Op::divide: return binary<Divide>(scalars);
    case Op::maximum: return binary<Maximum>(scalars);
    case Op::minimum: return binary<Minimum>(scalars);
    case Op::equal: return compare<Equal>(scalars);
    case Op::not_equal: return compare<NotEqual>(scalars);
    case Op::less: return compare<Less>(scalars);
    case Op::less_equal: return compare<LessEqual>(scalars);
    case Op::greater: return compare<Greater>(scalars);
    case Op::greater_equal: return compare<GreaterEqual>(scalars);
    case Op::select: return select(scalars);
    default: return scalars == 0 ? find_unary(op) : nullptr;
  }
  // clang-format on
}

}  // namespace keratin::cpu::HWY_NAMESPACE

HWY_AFTER_NAMESPACE();

#if HWY_ONCE

namespace keratin::cpu {

HWY_EXPORT(find_row_here);

Row find_float_row(Op op, unsigned scalars) {
  return HWY_DYNAMIC_DISPATCH(find_row_here)(op, scalars);
}

}  // namespace keratin::cpu

#endif  // HWY_ONCE
