// Keras's operations of two tensors: element-wise ones and products.

#include <cmath>
#include <numbers>
#include <string>

#include "layers/base/operation_table.hpp"
#include "src/core/format.hpp"

namespace keratin {

namespace {

using Results = std::vector<Value>;
using Binary = Value (*)(const Value& a, const Value& b);

constexpr const char* kNone = "{}";

/// f of both operands in their common dtype.
template <Binary f>
Results common(const OperationCall& call) {
  call.expect_operands(2);
  const std::vector<Value> x = call.promoted();
  return {f(x[0], x[1])};
}

/// As common, in float32 at least.
template <Binary f>
Results floating(const OperationCall& call) {
  call.expect_operands(2);
  const std::vector<Value> x = call.promoted(0, true);
  return {f(x[0], x[1])};
}

/// f of both operands as they are.
template <Binary f>
Results plain(const OperationCall& call) {
  call.expect_operands(2);
  return {f(call.tensor(0), call.tensor(1))};
}

/// As common; bools are counted with.
template <Binary f>
Results counted(const OperationCall& call) {
  call.expect_operands(2);
  std::vector<Value> x = call.promoted();
  if (x[0].dtype() == DType::boolean) {
    for (Value& each : x) each = ops::cast(each, DType::i32);
  }
  return {f(x[0], x[1])};
}

/// The sum of bools says whether any is true, their product whether all are.

Value add(const Value& a, const Value& b) {
  if (a.dtype() == DType::boolean) return ops::logical_or(a, b);
  return ops::add(a, b);
}

Value multiply(const Value& a, const Value& b) {
  if (a.dtype() == DType::boolean) return ops::logical_and(a, b);
  return ops::multiply(a, b);
}

Value divide_no_nan(const Value& a, const Value& b) {
  const Value zero = ops::equal(b, 0.0);
  // The divisor of the unused branch keeps the gradient finite.
  const Value safe = ops::where(zero, ops::scalar_like(b, 1), b);
  return ops::where(zero, ops::scalar_like(a, 0), a / safe);
}

Value logaddexp(const Value& a, const Value& b) {
  const Value largest = ops::maximum(a, b);
  return largest + ops::log1p(ops::exp(-ops::abs(a - b)));
}

Value hypot(const Value& a, const Value& b) {
  return ops::sqrt(ops::square(a) + ops::square(b));
}

Value plain_matmul(const Value& a, const Value& b) {
  return ops::matmul(a, b);
}

/// numpy.dot: the last axis of a with the last but one of b.
Value dot(const Value& a, const Value& b) {
  if (a.rank() == 0 || b.rank() == 0) return multiply(a, b);
  const auto last = static_cast<std::int64_t>(a.rank()) - 1;
  const auto rank_b = static_cast<std::int64_t>(b.rank());
  return ops::tensordot(a, b, {last}, {rank_b == 1 ? 0 : rank_b - 2});
}

Value outer(const Value& a, const Value& b) {
  return ops::reshape(a, {kUnknown, 1}) * ops::reshape(b, {1, kUnknown});
}

// -- with NaN, infinity and tolerance
// ----------------------------------------------

/// The other operand where one is NaN.
template <Binary f>
Value without_nan(const Value& a, const Value& b) {
  if (!is_floating(a.dtype())) return f(a, b);
  return ops::where(ops::isnan(a), b, ops::where(ops::isnan(b), a, f(a, b)));
}

/// The remainder with the sign of a.
Value fmod(const Value& a, const Value& b) {
  return ops::mod(ops::abs(a), ops::abs(b)) * ops::sign(a);
}

Value heaviside(const Value& a, const Value& b) {
  const Value zero = ops::scalar_like(b, 0);
  const Value above = ops::where(ops::greater(a, 0.0), ops::ones_like(a), b);
  return ops::where(ops::less(a, 0.0), zero, above);
}

Value logaddexp2(const Value& a, const Value& b) {
  const Value apart = ops::abs(a - b);
  const Value more = ops::log1p(ops::exp(apart * -std::numbers::ln2));
  return ops::where(
      ops::isnan(apart),
      a + b,
      ops::maximum(a, b) + more * (1 / std::numbers::ln2));
}

/// a times 2 to the power b.
Value ldexp(const Value& a, const Value& b) {
  const Value x = is_floating(a.dtype()) ? a : ops::cast(a, DType::f32);
  const Value e = ops::cast(b, x.dtype());
  const Value fixed =
      ops::logical_or(ops::equal(ops::abs(x), HUGE_VAL), ops::equal(x, 0.0));
  return ops::where(fixed, x, x * ops::power(ops::scalar_like(e, 2), e));
}

Value close(
    const OperationCall& call,
    const std::vector<Value>& x,
    double rtol,
    double atol) {
  if (!is_floating(x[0].dtype())) return ops::equal(x[0], x[1]);
  // At infinity the difference is NaN, which is not close in Keras, either.
  const Value near =
      ops::less_equal(ops::abs(x[0] - x[1]), ops::abs(x[1]) * rtol + atol);
  if (!call.flag("equal_nan")) return near;
  return ops::logical_or(
      near, ops::logical_and(ops::isnan(x[0]), ops::isnan(x[1])));
}

/// The tolerances come as operands.
Results isclose(const OperationCall& call) {
  const auto tolerance = [&](std::size_t at, const char* name, double usual) {
    const Config* given = call.constant(at);
    if (given == nullptr) given = call.keyword(name);
    return given == nullptr ? usual : given->as_number();
  };
  const double rtol = tolerance(2, "rtol", 1e-5);
  const double atol = tolerance(3, "atol", 1e-8);
  return {close(call, call.promoted(0, false, 2), rtol, atol)};
}

Results allclose(const OperationCall& call) {
  call.expect_operands(2);
  return {ops::all(
      close(call, call.promoted(), call.number("rtol"), call.number("atol")))};
}

Results isin(const OperationCall& call) {
  call.expect_operands(2);
  const std::vector<Value> x = call.promoted();
  const Value found = ops::any(
      ops::equal(ops::expand_dims(x[0], -1), ops::reshape(x[1], {kUnknown})),
      {-1});
  return {call.flag("invert") ? ops::logical_not(found) : found};
}

// -- inner products
// ----------------------------------------------------------------

/// The product of the operands in floating point, in their own dtype.
template <Binary f>
Results through_floats(const OperationCall& call) {
  call.expect_operands(2);
  std::vector<Value> x = call.promoted();
  const DType dtype = x[0].dtype();
  if (!is_floating(dtype)) {
    for (Value& each : x) each = ops::cast(each, DType::f32);
  }
  return {ops::cast(f(x[0], x[1]), dtype)};
}

Value inner(const Value& a, const Value& b) {
  if (a.rank() == 0 || b.rank() == 0) return a * b;
  return ops::tensordot(
      a,
      b,
      {static_cast<std::int64_t>(a.rank()) - 1},
      {static_cast<std::int64_t>(b.rank()) - 1});
}

Value vdot(const Value& a, const Value& b) {
  return ops::sum(ops::reshape(a, {kUnknown}) * ops::reshape(b, {kUnknown}));
}

Results where(const OperationCall& call) {
  call.expect_operands(3);
  const std::vector<Value> x = call.promoted(1);
  return {ops::where(call.tensor(0), x[0], x[1])};
}

/// Pairs of axes, or the number of axes at the end of a and the start of b.
Results tensordot(const OperationCall& call) {
  call.expect_operands(2);
  const std::vector<Value> x = call.promoted();
  const Config& axes = call.argument("axes");
  const auto rank = static_cast<std::int64_t>(x[0].rank());
  if (axes.is_int()) {
    const std::int64_t count = axes.as_int();
    if (count < 0 || count > rank) {
      call.fail(format(
          "axes: expected at most {} of {}, got {}",
          rank,
          x[0].shape(),
          count));
    }
    ops::Axes of_a;
    ops::Axes of_b;
    for (std::int64_t i = 0; i < count; ++i) {
      of_a.push_back(rank - count + i);
      of_b.push_back(i);
    }
    return {ops::tensordot(x[0], x[1], of_a, of_b)};
  }
  if (!axes.is_array() || axes.size() != 2) {
    call.fail("axes: expected a number or two lists, got " + axes.dump());
  }
  const auto list = [](const Config& item) {
    return item.is_int() ? ops::Axes{item.as_int()} : item.as_ints();
  };
  return {ops::tensordot(
      x[0], x[1], list(axes.as_array()[0]), list(axes.as_array()[1]))};
}

Results einsum(const OperationCall& call) {
  return {ops::einsum(call.text("subscripts"), call.promoted())};
}

constexpr Operation kOperations[] = {
    {"Add", "numpy", kNone, common<add>},
    {"AllClose",
     "numpy",
     R"({"rtol": 1e-05, "atol": 1e-08, "equal_nan": false})",
     allclose},
    {"Arctan2", "numpy", kNone, floating<ops::arctan2>},
    {"BitwiseAnd", "numpy", kNone, common<ops::bitwise_and>},
    {"BitwiseLeftShift", "numpy", kNone, common<ops::left_shift>},
    {"BitwiseOr", "numpy", kNone, common<ops::bitwise_or>},
    {"BitwiseRightShift", "numpy", kNone, common<ops::right_shift>},
    {"BitwiseXor", "numpy", kNone, common<ops::bitwise_xor>},
    {"Divide", "numpy", kNone, floating<ops::divide>},
    {"DivideNoNan", "numpy", kNone, floating<divide_no_nan>},
    {"Dot", "numpy", kNone, common<dot>},
    {"Einsum", "numpy", R"({"subscripts": null})", einsum},
    {"Equal", "numpy", kNone, common<ops::equal>},
    {"FloorDivide", "numpy", kNone, counted<ops::floor_divide>},
    {"Fmax", "numpy", kNone, common<without_nan<ops::maximum>>},
    {"Fmin", "numpy", kNone, common<without_nan<ops::minimum>>},
    {"Fmod", "numpy", kNone, counted<fmod>},
    {"Greater", "numpy", kNone, common<ops::greater>},
    {"GreaterEqual", "numpy", kNone, common<ops::greater_equal>},
    {"Heaviside", "numpy", kNone, floating<heaviside>},
    {"Hypot", "numpy", kNone, floating<hypot>},
    {"Inner", "numpy", kNone, through_floats<inner>},
    {"IsIn", "numpy", R"({"assume_unique": false, "invert": false})", isin},
    {"Isclose", "numpy", R"({"equal_nan": false})", isclose},
    {"Ldexp", "numpy", kNone, plain<ldexp>},
    {"LeftShift", "numpy", kNone, common<ops::left_shift>},
    {"Less", "numpy", kNone, common<ops::less>},
    {"LessEqual", "numpy", kNone, common<ops::less_equal>},
    {"Logaddexp", "numpy", kNone, floating<logaddexp>},
    {"Logaddexp2", "numpy", kNone, floating<logaddexp2>},
    {"LogicalAnd", "numpy", kNone, plain<ops::logical_and>},
    {"LogicalOr", "numpy", kNone, plain<ops::logical_or>},
    {"LogicalXor", "numpy", kNone, plain<ops::logical_xor>},
    {"Matmul", "numpy", kNone, common<plain_matmul>},
    {"Maximum", "numpy", kNone, common<ops::maximum>},
    {"Minimum", "numpy", kNone, common<ops::minimum>},
    {"Mod", "numpy", kNone, counted<ops::mod>},
    {"Multiply", "numpy", kNone, common<multiply>},
    {"NotEqual", "numpy", kNone, common<ops::not_equal>},
    {"Outer", "numpy", kNone, common<outer>},
    {"Power", "numpy", kNone, counted<ops::power>},
    {"RightShift", "numpy", kNone, common<ops::right_shift>},
    {"Subtract", "numpy", kNone, counted<ops::subtract>},
    {"Tensordot", "numpy", R"({"axes": 2})", tensordot},
    {"TrueDivide", "numpy", kNone, floating<ops::divide>},
    {"Vdot", "numpy", kNone, through_floats<vdot>},
    {"Where", "numpy", kNone, where},
};

}  // namespace

std::span<const Operation> binary_operations() {
  return kOperations;
}

}  // namespace keratin
