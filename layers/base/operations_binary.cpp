// Keras's operations of two tensors: element-wise ones and products.

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
    {"Greater", "numpy", kNone, common<ops::greater>},
    {"GreaterEqual", "numpy", kNone, common<ops::greater_equal>},
    {"Hypot", "numpy", kNone, floating<hypot>},
    {"LeftShift", "numpy", kNone, common<ops::left_shift>},
    {"Less", "numpy", kNone, common<ops::less>},
    {"LessEqual", "numpy", kNone, common<ops::less_equal>},
    {"Logaddexp", "numpy", kNone, floating<logaddexp>},
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
    {"Where", "numpy", kNone, where},
};

}  // namespace

std::span<const Operation> binary_operations() {
  return kOperations;
}

}  // namespace keratin
