#include <optional>

#include <keratin/ops.hpp>

#include "src/core/format.hpp"
#include "src/ir/ops/families.hpp"
#include "src/ir/ops/rules.hpp"

namespace keratin {

namespace {

// -- shape rules -------------------------------------------------------------

std::vector<ValueType> infer_numeric(const InferArgs& args) {
  rules::expect_same_dtype(args);
  rules::expect_numeric(args);
  return {{args.inputs[0].dtype, rules::broadcast_operands(args)}};
}

std::vector<ValueType> infer_floating(const InferArgs& args) {
  rules::expect_same_dtype(args);
  rules::expect_floating(args);
  return {{args.inputs[0].dtype, rules::broadcast_operands(args)}};
}

std::vector<ValueType> infer_logical(const InferArgs& args) {
  rules::expect_boolean(args, 0);
  rules::expect_boolean(args, 1);
  return {{DType::boolean, rules::broadcast_operands(args)}};
}

std::vector<ValueType> infer_bitwise(const InferArgs& args) {
  rules::expect_same_dtype(args);
  if (args.inputs[0].dtype != DType::boolean) rules::expect_integer(args);
  return {{args.inputs[0].dtype, rules::broadcast_operands(args)}};
}

std::vector<ValueType> infer_shift(const InferArgs& args) {
  rules::expect_same_dtype(args);
  rules::expect_integer(args);
  return {{args.inputs[0].dtype, rules::broadcast_operands(args)}};
}

std::vector<ValueType> infer_comparison(const InferArgs& args) {
  rules::expect_same_dtype(args);
  rules::expect_not_string(args);
  return {{DType::boolean, rules::broadcast_operands(args)}};
}

std::vector<ValueType> infer_select(const InferArgs& args) {
  rules::expect_boolean(args, 0);
  rules::expect_same_dtype(args, 1);
  rules::expect_not_string(args, 1);
  return {{args.inputs[1].dtype, rules::broadcast_operands(args)}};
}

// -- gradients: of y = f(a, b), with g the gradient of y ---------------------

using Args = const GradientArgs&;
using Grads = std::vector<Value>;

const Value& g(Args args) {
  return args.grads[0];
}

const Value& a(Args args) {
  return args.inputs[0];
}

const Value& b(Args args) {
  return args.inputs[1];
}

const Value& y(Args args) {
  return args.outputs[0];
}

/// The gradients as they are with both operands broadcast, brought back to the
/// operands' shapes; empty ones stay empty.
Grads unbroadcast(Args args, const Value& da, const Value& db) {
  const Shape shape_a = a(args).shape();
  const Shape shape_b = b(args).shape();
  return {
      da ? rules::sum_to_shape(da, shape_a) : Value(),
      db ? rules::sum_to_shape(db, shape_b) : Value()};
}

Grads add_gradient(Args args) {
  return unbroadcast(args, g(args), g(args));
}

Grads subtract_gradient(Args args) {
  const Shape shape_a = a(args).shape();
  const Shape shape_b = b(args).shape();
  // Negated after summing: the fewer elements.
  return {
      rules::sum_to_shape(g(args), shape_a),
      -rules::sum_to_shape(g(args), shape_b)};
}

Grads multiply_gradient(Args args) {
  return unbroadcast(
      args,
      args.wants(0) ? g(args) * b(args) : Value(),
      args.wants(1) ? g(args) * a(args) : Value());
}

Grads divide_gradient(Args args) {
  const Value da = g(args) / b(args);
  return unbroadcast(args, da, args.wants(1) ? -(da * y(args)) : Value());
}

/// By a: b * a^(b - 1), without the NaN of 0 * 0^-1 where both are 0.
Value power_by_base(Args args) {
  if (const std::optional<double> n = rules::constant_number(b(args))) {
    if (*n == 0) return ops::multiply(g(args), 0.0);
    if (*n == 1) return g(args);
    if (*n == 2) return g(args) * 2 * a(args);
    return g(args) * *n * ops::power(a(args), *n - 1);
  }
  const Value both_zero =
      ops::logical_and(ops::equal(a(args), 0.0), ops::equal(b(args), 0.0));
  const Value exponent =
      ops::where(both_zero, ops::scalar_like(b(args), 1), b(args) - 1);
  return g(args) * b(args) * ops::power(a(args), exponent);
}

/// By b: y * log(a), 0 where a <= 0, as TensorFlow.
Value power_by_exponent(Args args) {
  const Value positive = ops::greater(a(args), 0.0);
  // The inner selection keeps log's own gradient finite.
  const Value safe =
      ops::where(positive, a(args), ops::scalar_like(a(args), 1));
  return g(args) * y(args) *
         ops::where(positive, ops::log(safe), ops::scalar_like(a(args), 0));
}

Grads power_gradient(Args args) {
  return unbroadcast(
      args,
      args.wants(0) ? power_by_base(args) : Value(),
      args.wants(1) ? power_by_exponent(args) : Value());
}

/// g where the condition holds, and where it does not.
Grads route(Args args, const Value& to_a) {
  const Value zero = ops::scalar_like(g(args), 0);
  return unbroadcast(
      args, ops::where(to_a, g(args), zero), ops::where(to_a, zero, g(args)));
}

Grads maximum_gradient(Args args) {
  return route(args, ops::greater_equal(a(args), b(args)));
}

Grads minimum_gradient(Args args) {
  return route(args, ops::less_equal(a(args), b(args)));
}

Grads mod_gradient(Args args) {
  const Value quotient = ops::floor_divide(a(args), b(args));
  return unbroadcast(args, g(args), -(g(args) * quotient));
}

Grads arctan2_gradient(Args args) {
  const Value scale = g(args) / (ops::square(a(args)) + ops::square(b(args)));
  return unbroadcast(args, scale * b(args), -(scale * a(args)));
}

Grads select_gradient(Args args) {
  const Value& condition = args.inputs[0];
  const Shape shape_a = args.inputs[1].shape();
  const Shape shape_b = args.inputs[2].shape();
  const Value zero = ops::scalar_like(g(args), 0);
  return {
      Value(),
      rules::sum_to_shape(ops::where(condition, g(args), zero), shape_a),
      rules::sum_to_shape(ops::where(condition, zero, g(args)), shape_b)};
}

// -- table -------------------------------------------------------------------

OpInfo binary(
    Op op,
    std::string_view name,
    InferRule infer,
    GradientRule gradient = nullptr) {
  return {
      .op = op,
      .name = name,
      .input_count = 2,
      .infer = infer,
      .gradient = gradient,
      .elementwise = true};
}

}  // namespace

std::vector<OpInfo> families::binary_ops() {
  return {
      binary(Op::add, "add", infer_numeric, add_gradient),
      binary(Op::subtract, "subtract", infer_numeric, subtract_gradient),
      binary(Op::multiply, "multiply", infer_numeric, multiply_gradient),
      binary(Op::divide, "divide", infer_numeric, divide_gradient),
      binary(Op::power, "power", infer_numeric, power_gradient),
      binary(Op::maximum, "maximum", infer_numeric, maximum_gradient),
      binary(Op::minimum, "minimum", infer_numeric, minimum_gradient),
      binary(Op::mod, "mod", infer_numeric, mod_gradient),
      binary(Op::floor_divide, "floor_divide", infer_numeric),
      binary(Op::arctan2, "arctan2", infer_floating, arctan2_gradient),
      binary(Op::logical_and, "logical_and", infer_logical),
      binary(Op::logical_or, "logical_or", infer_logical),
      binary(Op::logical_xor, "logical_xor", infer_logical),
      binary(Op::bitwise_and, "bitwise_and", infer_bitwise),
      binary(Op::bitwise_or, "bitwise_or", infer_bitwise),
      binary(Op::bitwise_xor, "bitwise_xor", infer_bitwise),
      binary(Op::left_shift, "left_shift", infer_shift),
      binary(Op::right_shift, "right_shift", infer_shift),
      binary(Op::equal, "equal", infer_comparison),
      binary(Op::not_equal, "not_equal", infer_comparison),
      binary(Op::less, "less", infer_comparison),
      binary(Op::less_equal, "less_equal", infer_comparison),
      binary(Op::greater, "greater", infer_comparison),
      binary(Op::greater_equal, "greater_equal", infer_comparison),
      {.op = Op::select,
       .name = "select",
       .input_count = 3,
       .infer = infer_select,
       .gradient = select_gradient,
       .elementwise = true},
  };
}

namespace ops {

namespace {

Value emit(Op op, const Value& a, const Value& b) {
  return rules::emit(op, {a, b});
}

/// b as a scalar of a's dtype.
Value emit(Op op, const Value& a, double b) {
  return rules::emit(op, {a, scalar_like(a, b)});
}

bool are_boolean(const Value& a, const Value& b) {
  return a && b && a.dtype() == DType::boolean && b.dtype() == DType::boolean;
}

Value logical(Op op, const Value& a, const Value& b) {
  return emit(
      op, rules::to_boolean(a, op_name(op)), rules::to_boolean(b, op_name(op)));
}

}  // namespace

Value add(const Value& a, const Value& b) {
  return emit(Op::add, a, b);
}

Value subtract(const Value& a, const Value& b) {
  return emit(Op::subtract, a, b);
}

Value multiply(const Value& a, const Value& b) {
  return emit(Op::multiply, a, b);
}

Value divide(const Value& a, const Value& b) {
  // As Keras: integers divide to a fraction. (The op itself rounds down.)
  if (a && b && a.dtype() == b.dtype()) {
    return emit(
        Op::divide,
        rules::to_floating(a, "divide"),
        rules::to_floating(b, "divide"));
  }
  return emit(Op::divide, a, b);  // says which dtypes do not meet
}

Value power(const Value& a, const Value& b) {
  return emit(Op::power, a, b);
}

// The larger of two bools is their disjunction, the smaller their conjunction.

Value maximum(const Value& a, const Value& b) {
  return emit(are_boolean(a, b) ? Op::logical_or : Op::maximum, a, b);
}

Value minimum(const Value& a, const Value& b) {
  return emit(are_boolean(a, b) ? Op::logical_and : Op::minimum, a, b);
}

Value mod(const Value& a, const Value& b) {
  return emit(Op::mod, a, b);
}

Value floor_divide(const Value& a, const Value& b) {
  return emit(Op::floor_divide, a, b);
}

Value arctan2(const Value& a, const Value& b) {
  return emit(
      Op::arctan2,
      rules::to_floating(a, "arctan2"),
      rules::to_floating(b, "arctan2"));
}

// As NumPy and Keras, these take numbers too: what is not 0 is true.

Value logical_and(const Value& a, const Value& b) {
  return logical(Op::logical_and, a, b);
}

Value logical_or(const Value& a, const Value& b) {
  return logical(Op::logical_or, a, b);
}

Value logical_xor(const Value& a, const Value& b) {
  return logical(Op::logical_xor, a, b);
}

Value bitwise_and(const Value& a, const Value& b) {
  return emit(Op::bitwise_and, a, b);
}

Value bitwise_or(const Value& a, const Value& b) {
  return emit(Op::bitwise_or, a, b);
}

Value bitwise_xor(const Value& a, const Value& b) {
  return emit(Op::bitwise_xor, a, b);
}

Value left_shift(const Value& a, const Value& b) {
  return emit(Op::left_shift, a, b);
}

Value right_shift(const Value& a, const Value& b) {
  return emit(Op::right_shift, a, b);
}

Value equal(const Value& a, const Value& b) {
  return emit(Op::equal, a, b);
}

Value not_equal(const Value& a, const Value& b) {
  return emit(Op::not_equal, a, b);
}

Value less(const Value& a, const Value& b) {
  return emit(Op::less, a, b);
}

Value less_equal(const Value& a, const Value& b) {
  return emit(Op::less_equal, a, b);
}

Value greater(const Value& a, const Value& b) {
  return emit(Op::greater, a, b);
}

Value greater_equal(const Value& a, const Value& b) {
  return emit(Op::greater_equal, a, b);
}

Value where(const Value& condition, const Value& a, const Value& b) {
  return rules::emit(Op::select, {rules::to_boolean(condition, "where"), a, b});
}

Value clip(const Value& x, double low, double high) {
  if (!(low <= high)) {
    rules::fail(
        rules::who(x, "clip"),
        format("expected low <= high, got {} and {}", low, high));
  }
  return minimum(maximum(x, low), high);
}

Value add(const Value& a, double b) {
  return emit(Op::add, a, b);
}

Value subtract(const Value& a, double b) {
  return emit(Op::subtract, a, b);
}

Value subtract(double a, const Value& b) {
  return emit(Op::subtract, scalar_like(b, a), b);
}

Value multiply(const Value& a, double b) {
  return emit(Op::multiply, a, b);
}

Value divide(const Value& a, double b) {
  return emit(Op::divide, rules::to_floating(a, "divide"), b);
}

Value divide(double a, const Value& b) {
  const Value divisor = rules::to_floating(b, "divide");
  return emit(Op::divide, scalar_like(divisor, a), divisor);
}

Value power(const Value& a, double b) {
  return emit(Op::power, a, b);
}

Value maximum(const Value& a, double b) {
  return emit(Op::maximum, a, b);
}

Value minimum(const Value& a, double b) {
  return emit(Op::minimum, a, b);
}

Value equal(const Value& a, double b) {
  return emit(Op::equal, a, b);
}

Value not_equal(const Value& a, double b) {
  return emit(Op::not_equal, a, b);
}

Value less(const Value& a, double b) {
  return emit(Op::less, a, b);
}

Value less_equal(const Value& a, double b) {
  return emit(Op::less_equal, a, b);
}

Value greater(const Value& a, double b) {
  return emit(Op::greater, a, b);
}

Value greater_equal(const Value& a, double b) {
  return emit(Op::greater_equal, a, b);
}

}  // namespace ops

}  // namespace keratin
