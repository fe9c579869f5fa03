#include <cmath>
#include <utility>

#include <keratin/dtype.hpp>

#include "src/passes/simplify_rules.hpp"

namespace keratin::simplifying {
namespace {

Shape result_shape(const Candidate& c) {
  return broadcast_shapes(c.inputs[0].shape(), c.inputs[1].shape());
}

/// x where the result is just that.
Value as_result(const Candidate& c, const Value& x) {
  return broadcast(x, result_shape(c));
}

bool is_floating_value(const Value& x) {
  return is_floating(x.dtype());
}

/// Known to have a clear sign bit, or to be NaN.
bool never_negative(const Value& x) {
  if (!is_floating_value(x)) return false;
  switch (producer(x).op) {
    case Op::abs:
    case Op::square:
    case Op::exp:
    case Op::sigmoid:
    case Op::softplus:
    case Op::cosh:
      return true;
    default:
      return false;
  }
}

bool is_idempotent(Op op) {
  switch (op) {
    case Op::abs:
    case Op::sign:
    case Op::relu:
    case Op::floor:
    case Op::ceil:
    case Op::round:
      return true;
    default:
      return false;
  }
}

// -- casts -------------------------------------------------------------------

struct Format {
  int precision;  // bits of a whole number that are kept
  int range;      // binary exponent, or bits of a whole number
  bool is_signed;
};

Format format_of(DType dtype) {
  switch (dtype) {
    case DType::boolean:
      return {1, 1, false};
    case DType::f16:
      return {11, 15, true};
    case DType::bf16:
      return {8, 127, true};
    case DType::f32:
      return {24, 127, true};
    case DType::f64:
      return {53, 1023, true};
    default: {
      const int bits =
          static_cast<int>(size_of(dtype)) * 8 - (is_signed(dtype) ? 1 : 0);
      return {bits, bits, is_signed(dtype)};
    }
  }
}

/// Whether every value of `from` is one of `to`.
bool casts_exactly(DType from, DType to) {
  if (from == to) return true;
  if (to == DType::boolean) return false;
  if (is_floating(from) && !is_floating(to)) return false;
  const Format a = format_of(from);
  const Format b = format_of(to);
  return a.precision <= b.precision && a.range <= b.range &&
         (!a.is_signed || b.is_signed);
}

//   cast(b)
//     |
//   cast(c)    =>   cast(c)
//     |                |
//  (users)          (users)
//
// where the first loses nothing. A whole number that becomes a float and then
// a whole number again would wrap around now where it was out of range.
std::optional<Value> simplify_cast(const Candidate& c) {
  const Value& x = c.inputs[0];
  const DType to = c.attrs.dtype();
  if (x.dtype() == to) return x;
  const Value source = operand_of(x, Op::cast);
  if (!source || !casts_exactly(source.dtype(), x.dtype())) return {};
  const bool by_float =
      !is_floating(source.dtype()) && is_floating(x.dtype()) && is_integer(to);
  if (by_float && source.dtype() != to) return {};
  return emit(c.to, Op::cast, {source}, {{"dtype", to}});
}

//   equal(a, b)
//       |
//   logical_not   =>   not_equal(a, b)
//
// Not for less and its like: with NaN both less and greater_equal are false.
std::optional<Value> simplify_not(const Candidate& c) {
  const Value& x = c.inputs[0];
  for (const auto& [op, opposite] :
       {std::pair(Op::equal, Op::not_equal),
        std::pair(Op::not_equal, Op::equal)}) {
    const Value a = operand_of(x, op, 0);
    if (a) return emit(c.to, opposite, {a, operand_of(x, op, 1)});
  }
  return {};
}

// -- two operands ------------------------------------------------------------

/// Whether x + zero is x: x + 0.0 is not for x = -0.0, x + -0.0 always is.
bool is_neutral_in_sum(const Value& x, std::optional<double> zero) {
  if (!zero || *zero != 0) return false;
  return !is_floating_value(x) || std::signbit(*zero) || never_negative(x);
}

//   x   0        x   -y
//    add   => x    add    => x - y
std::optional<Value> simplify_add(const Candidate& c) {
  const Value& a = c.inputs[0];
  const Value& b = c.inputs[1];
  if (is_neutral_in_sum(a, splat(b))) return as_result(c, a);
  if (is_neutral_in_sum(b, splat(a))) return as_result(c, b);
  if (const Value y = operand_of(b, Op::negative)) {
    return emit(c.to, Op::subtract, {a, y});
  }
  if (const Value y = operand_of(a, Op::negative)) {
    return emit(c.to, Op::subtract, {b, y});
  }
  return {};
}

//   x    0            x   -y             -0  x
//  subtract => x     subtract => x + y  subtract => -x
std::optional<Value> simplify_subtract(const Candidate& c) {
  const Value& a = c.inputs[0];
  const Value& b = c.inputs[1];
  const bool floating = is_floating_value(a);
  const auto right = splat(b);
  if (right && *right == 0 && !(floating && std::signbit(*right))) {
    return as_result(c, a);
  }
  const auto left = splat(a);
  if (left && *left == 0 && (!floating || std::signbit(*left))) {
    return as_result(c, emit(c.to, Op::negative, {b}));
  }
  if (const Value y = operand_of(b, Op::negative)) {
    return emit(c.to, Op::add, {a, y});
  }
  return {};
}

//   -x   -y        x   y
//    multiply  =>  multiply      and so for divide
std::optional<Value> drop_both_signs(const Candidate& c) {
  const Value a = operand_of(c.inputs[0], Op::negative);
  const Value b = operand_of(c.inputs[1], Op::negative);
  if (!a || !b) return {};
  return emit(c.to, c.op, {a, b});
}

//   x   1          x  -1            x   x
//  multiply => x  multiply => -x   multiply => square(x)
//
// x * 0 stays: it is NaN where x is.
std::optional<Value> simplify_multiply(const Candidate& c) {
  for (int i = 0; i < 2; ++i) {
    const Value& x = c.inputs[i];
    const auto factor = splat(c.inputs[1 - i]);
    if (!factor) continue;
    if (*factor == 1) return as_result(c, x);
    if (*factor == -1 && is_signed(x.dtype())) {
      return as_result(c, emit(c.to, Op::negative, {x}));
    }
  }
  if (c.inputs[0] == c.inputs[1]) {
    return emit(c.to, Op::square, {c.inputs[0]});
  }
  return drop_both_signs(c);
}

/// Whether 1 / value is exact in every float format.
bool has_exact_reciprocal(double value) {
  int exponent = 0;
  const double mantissa = std::frexp(std::abs(value), &exponent);
  return mantissa == 0.5 && std::abs(exponent) < 14;
}

//   x    1         x    4                       1   x
//   divide => x    divide => x * 0.25           divide => reciprocal(x)
std::optional<Value> simplify_divide(const Candidate& c) {
  const Value& a = c.inputs[0];
  const Value& b = c.inputs[1];
  if (const auto divisor = splat(b)) {
    if (*divisor == 1) return as_result(c, a);
    if (*divisor == -1) return as_result(c, emit(c.to, Op::negative, {a}));
    if (has_exact_reciprocal(*divisor)) {
      const Value factor =
          c.to.constant(Tensor::full(b.dtype(), Shape{}, 1 / *divisor));
      return as_result(c, emit(c.to, Op::multiply, {a, factor}));
    }
  }
  const auto dividend = splat(a);
  if (dividend && *dividend == 1) {
    return as_result(c, emit(c.to, Op::reciprocal, {b}));
  }
  return drop_both_signs(c);
}

//   x   2
//   power  =>  square(x)       0.5: sqrt(x)    1: x    0: 1    -1: 1 / x
//
// The square root only where x is known to have no sign: power(-0, 0.5) is +0
// and power(-inf, 0.5) is +inf, which sqrt makes -0 and NaN.
std::optional<Value> simplify_power(const Candidate& c) {
  const Value& x = c.inputs[0];
  const auto exponent = splat(c.inputs[1]);
  if (!exponent) return {};
  if (*exponent == 0) {  // even for NaN
    const Value one = c.to.constant(Tensor::full(x.dtype(), Shape{}, 1));
    return as_result(c, one);
  }
  if (*exponent == 1) return as_result(c, x);
  if (*exponent == 2) return as_result(c, emit(c.to, Op::square, {x}));
  if (!is_floating_value(x)) return {};
  if (*exponent == -1) return as_result(c, emit(c.to, Op::reciprocal, {x}));
  if (!never_negative(x)) return {};
  if (*exponent == 0.5) return as_result(c, emit(c.to, Op::sqrt, {x}));
  if (*exponent == -0.5) return as_result(c, emit(c.to, Op::rsqrt, {x}));
  return {};
}

//   x  true
//  logical_and => x       and so for logical_or with false
std::optional<Value> simplify_logical(const Candidate& c, double neutral) {
  for (int i = 0; i < 2; ++i) {
    const auto other = splat(c.inputs[1 - i]);
    if (other && *other == neutral) return as_result(c, c.inputs[i]);
  }
  return {};
}

}  // namespace

std::optional<Value> simplify_unary(const Candidate& c) {
  const Value& x = c.inputs[0];
  switch (c.op) {
    case Op::stop_gradient:  // gradients have been taken
      return x;
    case Op::cast:
      return simplify_cast(c);
    // op(op(x)) => x
    case Op::negative:
    case Op::bitwise_not:
      if (const Value y = operand_of(x, c.op)) return y;
      return {};
    case Op::logical_not:
      if (const Value y = operand_of(x, c.op)) return y;
      return simplify_not(c);
    // abs(-x) => abs(x), square(-x) => square(x); unsigned -x wraps around
    case Op::abs:
    case Op::square:
      if (!is_signed(x.dtype())) break;
      if (const Value y = operand_of(x, Op::negative)) {
        return emit(c.to, c.op, {y});
      }
      break;
    default:
      break;
  }
  // relu(relu(x)) => relu(x); abs(exp(x)) => exp(x)
  if (is_idempotent(c.op) && producer(x).op == c.op) return x;
  if (c.op == Op::abs && never_negative(x)) return x;
  return {};
}

std::optional<Value> simplify_binary(const Candidate& c) {
  switch (c.op) {
    case Op::add:
      return simplify_add(c);
    case Op::subtract:
      return simplify_subtract(c);
    case Op::multiply:
      return simplify_multiply(c);
    case Op::divide:
      return simplify_divide(c);
    case Op::power:
      return simplify_power(c);
    case Op::logical_and:
      if (auto result = simplify_logical(c, 1)) return result;
      break;
    case Op::logical_or:
      if (auto result = simplify_logical(c, 0)) return result;
      break;
    // op(x, x) => x
    case Op::maximum:
    case Op::minimum:
    case Op::bitwise_and:
    case Op::bitwise_or:
      break;
    default:
      return {};
  }
  if (c.inputs[0] == c.inputs[1]) return c.inputs[0];
  return {};
}

//   true   a   b               p   a   a
//      select    => a            select   => a
//
//   !p   a   b        p   b   a
//     select     =>    select
std::optional<Value> simplify_select(const Candidate& c) {
  const Value& predicate = c.inputs[0];
  const Value& a = c.inputs[1];
  const Value& b = c.inputs[2];
  if (const Value p = operand_of(predicate, Op::logical_not)) {
    return emit(c.to, Op::select, {p, b, a});
  }
  const Shape shape = broadcast_shapes(
      predicate.shape(), broadcast_shapes(a.shape(), b.shape()));
  if (a == b) return broadcast(a, shape);
  const auto known = splat(predicate);
  if (!known) return {};
  return broadcast(*known != 0 ? a : b, shape);
}

}  // namespace keratin::simplifying
