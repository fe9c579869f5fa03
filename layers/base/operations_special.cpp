// Keras's element-wise operations of one operand that others make up.

#include <cmath>
#include <numbers>

#include "layers/base/operation_table.hpp"
#include "layers/base/unary_operation.hpp"

namespace keratin {

namespace {

using unary::floating;
using unary::kNone;
using unary::plain;
using unary::Results;
using unary::Unary;

/// As floating; 64-bit integers become float64.
template <Unary f>
Results wide(const OperationCall& call) {
  call.expect_operands(1);
  const Value x = call.tensor();
  return {
      f(x.dtype() == DType::i64 ? ops::cast(x, DType::f64) : call.floating())};
}

Value same(const Value& x) {
  return x;
}

Value constant_like(const Value& x, bool value) {
  return ops::broadcast_to(ops::constant(x.graph(), Tensor(value)), x.shape());
}

// -- complex numbers, of which there are only real ones
// ---------------------------

Value angle(const Value& x) {
  const Value zero = ops::zeros_like(x);
  return ops::where(
      ops::less(x, 0.0), ops::full_like(x, std::numbers::pi), zero);
}

Value isreal(const Value& x) {
  return constant_like(x, true);
}

// -- tests
// ------------------------------------------------------------------------

template <int sign>
Value is_infinity(const Value& x) {
  if (!is_floating(x.dtype())) return constant_like(x, false);
  return ops::equal(x, sign * HUGE_VAL);
}

Value signbit(const Value& x) {
  if (x.dtype() == DType::boolean) return constant_like(x, false);
  const Value negative = ops::less(x, 0.0);
  if (!is_floating(x.dtype())) return negative;
  // -0 is known by its reciprocal.
  const Value zero = ops::equal(x, 0.0);
  const Value below = ops::less(ops::reciprocal(x), 0.0);
  return ops::logical_or(negative, ops::logical_and(zero, below));
}

// -- functions
// --------------------------------------------------------------------

Value cbrt(const Value& x) {
  return ops::sign(x) * ops::power(ops::abs(x), 1.0 / 3.0);
}

Value deg2rad(const Value& x) {
  return x * (std::numbers::pi / 180);
}

Value rad2deg(const Value& x) {
  return x * (180 / std::numbers::pi);
}

Value sinc(const Value& x) {
  const Value zero = ops::equal(x, 0.0);
  const Value one = ops::ones_like(x);
  // The divisor of the unused branch keeps the gradient finite.
  const Value angle = ops::where(zero, one, x * std::numbers::pi);
  return ops::where(zero, one, ops::sin(angle) / angle);
}

Value erfc(const Value& x) {
  return 1.0 - ops::erf(x);
}

/// c[0] x^n + ... + c[n].
Value polynomial(const Value& x, std::initializer_list<double> coefficients) {
  Value sum = ops::zeros_like(x);
  for (const double c : coefficients) sum = sum * x + c;
  return sum;
}

/// Giles, "Approximating the erfinv function", 2010: within 4e-7 of itself.
Value erfinv_estimate(const Value& x) {
  const Value w = -(ops::log1p(x) + ops::log1p(-x));
  const Value middle = polynomial(
      w - 2.5,
      {2.81022636e-08,
       3.43273939e-07,
       -3.5233877e-06,
       -4.39150654e-06,
       0.00021858087,
       -0.00125372503,
       -0.00417768164,
       0.246640727,
       1.50140941});
  const Value tail = polynomial(
      ops::sqrt(ops::maximum(w, 5.0)) - 3.0,
      {-0.000200214257,
       0.000100950558,
       0.00134934322,
       -0.00367342844,
       0.00573950773,
       -0.0076224613,
       0.00943887047,
       1.00167406,
       2.83297682});
  return x * ops::where(ops::less(w, 5.0), middle, tail);
}

Value erfinv(const Value& x) {
  const double half_root = std::sqrt(std::numbers::pi) / 2;
  const Value inside = ops::less(ops::abs(x), 1.0);
  const Value known = ops::stop_gradient(x);
  const Value safe = ops::where(inside, known, ops::zeros_like(x));
  Value y = erfinv_estimate(safe);
  if (x.dtype() == DType::f64) {  // Newton's steps double the digits
    for (int i = 0; i < 2; ++i) {
      y = y - (ops::erf(y) - safe) * ops::exp(ops::square(y)) * half_root;
    }
  }
  // x - known is nothing, but has the gradient.
  y = y + (x - known) * ops::exp(ops::square(y)) * half_root;
  // Infinity at -1 and 1, NaN beyond.
  return ops::where(inside, y, ops::arctanh(known));
}

/// The modified Bessel function of order 0: its series, and far out Hankel's
/// expansion.
Value bessel_i0(const Value& x) {
  constexpr double kFar = 15;
  const Value size = ops::abs(x);
  const Value q = ops::square(ops::minimum(size, kFar)) * 0.25;
  Value near = ops::ones_like(x);
  for (int k = 40; k > 0; --k) near = near * q / (1.0 * k * k) + 1.0;
  const Value far = ops::maximum(size, kFar);
  Value tail = ops::ones_like(x);
  for (int k = 16; k > 0; --k) {
    const double odd = 2 * k - 1;
    tail = tail / far * (odd * odd / (8 * k)) + 1.0;
  }
  tail = tail * ops::exp(far) * ops::rsqrt(far * (2 * std::numbers::pi));
  return ops::where(ops::less(size, kFar), near, tail);
}

// -- dtypes
// -----------------------------------------------------------------------

/// As the dtype that is given, if any.
Results converted(const OperationCall& call) {
  call.expect_operands(1);
  const Value x = call.tensor();
  return {call.given("dtype") ? ops::cast(x, call.dtype()) : x};
}

Results empty_like(const OperationCall& call) {
  return {ops::zeros_like(converted(call)[0])};
}

Results view(const OperationCall& call) {
  call.expect_operands(1);
  const Value x = call.tensor();
  if (call.given("dtype") && call.dtype() != x.dtype()) {
    call.fail("dtype: expected the tensor's own; cast converts to another");
  }
  return {x};
}

Results saturate_cast(const OperationCall& call) {
  call.expect_operands(1);
  const Value x = call.tensor();
  const DType to = call.dtype();
  if (!is_integer(to) || to == DType::u64 || to == DType::i64) {
    return {ops::cast(x, to)};
  }
  const auto bits = static_cast<int>(8 * size_of(to));
  const bool is_signed = name_of(to).front() == 'i';
  const double high = std::ldexp(1, is_signed ? bits - 1 : bits) - 1;
  const double low = is_signed ? -high - 1 : 0;
  // In float64, which holds all bounds.
  const Value number = ops::cast(x, DType::f64);
  return {ops::cast(ops::minimum(ops::maximum(number, low), high), to)};
}

Results size(const OperationCall& call) {
  call.expect_operands(1);
  const Value x = call.tensor();
  const auto count = static_cast<double>(x.shape().size());
  return {ops::full(call.graph(), {}, count, DType::i32)};
}

Results rank(const OperationCall& call) {
  call.expect_operands(1);
  const auto rank = static_cast<double>(call.tensor().rank());
  return {ops::full(call.graph(), {}, rank, DType::i32)};
}

constexpr Operation kOperations[] = {
    {"Angle", "numpy", kNone, floating<angle>},
    {"Array", "numpy", R"({"dtype": null})", converted},
    {"Cbrt", "numpy", kNone, wide<cbrt>},
    {"Conj", "numpy", kNone, plain<same>},
    {"Conjugate", "numpy", kNone, plain<same>},
    {"ConvertToTensor",
     "core",
     R"({"dtype": null, "sparse": null, "ragged": null})",
     converted},
    {"Copy", "numpy", kNone, plain<same>},
    {"Deg2rad", "numpy", kNone, wide<deg2rad>},
    {"EmptyLike", "numpy", R"({"dtype": null})", empty_like},
    {"Erfc", "math", kNone, floating<erfc>},
    {"Erfinv", "math", kNone, floating<erfinv>},
    {"Fabs", "numpy", kNone, floating<ops::abs>},
    {"I0", "numpy", kNone, wide<bessel_i0>},
    {"Imag", "numpy", kNone, plain<ops::zeros_like>},
    {"Isneginf", "numpy", kNone, plain<is_infinity<-1>>},
    {"Isposinf", "numpy", kNone, plain<is_infinity<1>>},
    {"Isreal", "numpy", kNone, plain<isreal>},
    {"Ndim", "numpy", kNone, rank},
    {"Rad2deg", "numpy", kNone, wide<rad2deg>},
    {"Real", "numpy", kNone, plain<same>},
    {"SaturateCast", "core", R"({"dtype": null})", saturate_cast},
    {"Signbit", "numpy", kNone, plain<signbit>},
    {"Sinc", "numpy", kNone, floating<sinc>},
    {"Size", "numpy", kNone, size},
    {"View", "numpy", R"({"dtype": null})", view},
};

}  // namespace

std::span<const Operation> special_operations() {
  return kOperations;
}

}  // namespace keratin
