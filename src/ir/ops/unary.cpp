#include <numbers>

#include <keratin/ops.hpp>

#include "src/ir/ops/families.hpp"
#include "src/ir/ops/rules.hpp"

namespace keratin {

namespace {

// -- shape rules -------------------------------------------------------------

std::vector<ValueType> infer_floating(const InferArgs& args) {
  rules::expect_floating(args);
  return {args.inputs[0]};
}

std::vector<ValueType> infer_numeric(const InferArgs& args) {
  rules::expect_numeric(args);
  return {args.inputs[0]};
}

std::vector<ValueType> infer_any(const InferArgs& args) {
  rules::expect_not_string(args);
  return {args.inputs[0]};
}

std::vector<ValueType> infer_test(const InferArgs& args) {
  rules::expect_floating(args);
  return {{DType::boolean, args.inputs[0].shape}};
}

std::vector<ValueType> infer_logical(const InferArgs& args) {
  rules::expect_boolean(args);
  return {args.inputs[0]};
}

std::vector<ValueType> infer_bitwise(const InferArgs& args) {
  if (args.inputs[0].dtype != DType::boolean) rules::expect_integer(args);
  return {args.inputs[0]};
}

std::vector<ValueType> infer_cast(const InferArgs& args) {
  rules::expect_not_string(args);
  if (args.attrs.dtype() == DType::string) {
    rules::fail(args, "expected a dtype of numbers, got string");
  }
  return {{args.attrs.dtype(), args.inputs[0].shape}};
}

// -- gradients: of y = f(x), with g the gradient of y ------------------------

using Args = const GradientArgs&;
using Grads = std::vector<Value>;

const Value& g(Args args) {
  return args.grads[0];
}

const Value& x(Args args) {
  return args.inputs[0];
}

const Value& y(Args args) {
  return args.outputs[0];
}

Grads relu_gradient(Args a) {
  // By y, so that x need not be kept; 0 at 0, as TensorFlow.
  const Value zero = ops::scalar_like(g(a), 0);
  return {ops::where(ops::greater(y(a), 0.0), g(a), zero)};
}

Grads cast_gradient(Args a) {
  if (!rules::is_differentiable(x(a)) || !rules::is_differentiable(y(a))) {
    return {Value()};
  }
  return {ops::cast(g(a), x(a).dtype())};
}

// -- table -------------------------------------------------------------------

OpInfo unary(
    Op op,
    std::string_view name,
    InferRule infer,
    GradientRule gradient = nullptr) {
  return {
      .op = op,
      .name = name,
      .infer = infer,
      .gradient = gradient,
      .elementwise = true};
}

std::vector<OpInfo> arithmetic_ops() {
  return {
      unary(
          Op::negative,
          "negative",
          infer_numeric,
          [](Args a) -> Grads { return {-g(a)}; }),
      unary(
          Op::abs,
          "abs",
          infer_numeric,
          [](Args a) -> Grads { return {g(a) * ops::sign(x(a))}; }),
      unary(Op::sign, "sign", infer_numeric),
      unary(
          Op::exp,
          "exp",
          infer_floating,
          [](Args a) -> Grads { return {g(a) * y(a)}; }),
      unary(
          Op::expm1,
          "expm1",
          infer_floating,
          [](Args a) -> Grads { return {g(a) * (y(a) + 1)}; }),
      unary(
          Op::log,
          "log",
          infer_floating,
          [](Args a) -> Grads { return {g(a) / x(a)}; }),
      unary(
          Op::log1p,
          "log1p",
          infer_floating,
          [](Args a) -> Grads { return {g(a) / (x(a) + 1)}; }),
      unary(
          Op::sqrt,
          "sqrt",
          infer_floating,
          [](Args a) -> Grads { return {g(a) * 0.5 / y(a)}; }),
      unary(
          Op::rsqrt,
          "rsqrt",
          infer_floating,
          [](Args a) -> Grads {
            return {g(a) * -0.5 * (ops::square(y(a)) * y(a))};
          }),
      unary(
          Op::reciprocal,
          "reciprocal",
          infer_floating,
          [](Args a) -> Grads { return {-g(a) * ops::square(y(a))}; }),
      unary(
          Op::square,
          "square",
          infer_numeric,
          [](Args a) -> Grads { return {g(a) * 2 * x(a)}; }),
  };
}

std::vector<OpInfo> trigonometric_ops() {
  return {
      unary(
          Op::sin,
          "sin",
          infer_floating,
          [](Args a) -> Grads { return {g(a) * ops::cos(x(a))}; }),
      unary(
          Op::cos,
          "cos",
          infer_floating,
          [](Args a) -> Grads { return {-g(a) * ops::sin(x(a))}; }),
      unary(
          Op::tan,
          "tan",
          infer_floating,
          [](Args a) -> Grads { return {g(a) * (ops::square(y(a)) + 1)}; }),
      unary(
          Op::arcsin,
          "arcsin",
          infer_floating,
          [](Args a) -> Grads {
            return {g(a) * ops::rsqrt(1 - ops::square(x(a)))};
          }),
      unary(
          Op::arccos,
          "arccos",
          infer_floating,
          [](Args a) -> Grads {
            return {-g(a) * ops::rsqrt(1 - ops::square(x(a)))};
          }),
      unary(
          Op::arctan,
          "arctan",
          infer_floating,
          [](Args a) -> Grads { return {g(a) / (ops::square(x(a)) + 1)}; }),
      unary(
          Op::sinh,
          "sinh",
          infer_floating,
          [](Args a) -> Grads { return {g(a) * ops::cosh(x(a))}; }),
      unary(
          Op::cosh,
          "cosh",
          infer_floating,
          [](Args a) -> Grads { return {g(a) * ops::sinh(x(a))}; }),
      unary(
          Op::tanh,
          "tanh",
          infer_floating,
          [](Args a) -> Grads { return {g(a) * (1 - ops::square(y(a)))}; }),
      // 1 / sqrt(x^2 + 1) and 1 / sqrt(x^2 - 1), by y so that a large x^2
      // does not overflow.
      unary(
          Op::arcsinh,
          "arcsinh",
          infer_floating,
          [](Args a) -> Grads { return {g(a) / ops::cosh(y(a))}; }),
      unary(
          Op::arccosh,
          "arccosh",
          infer_floating,
          [](Args a) -> Grads { return {g(a) / ops::sinh(y(a))}; }),
      unary(
          Op::arctanh,
          "arctanh",
          infer_floating,
          [](Args a) -> Grads { return {g(a) / (1 - ops::square(x(a)))}; }),
  };
}

std::vector<OpInfo> activation_ops() {
  return {
      unary(
          Op::erf,
          "erf",
          infer_floating,
          [](Args a) -> Grads {
            constexpr double kSlope = 2 * std::numbers::inv_sqrtpi;
            return {g(a) * kSlope * ops::exp(-ops::square(x(a)))};
          }),
      unary(
          Op::sigmoid,
          "sigmoid",
          infer_floating,
          [](Args a) -> Grads { return {g(a) * y(a) * (1 - y(a))}; }),
      unary(Op::relu, "relu", infer_numeric, relu_gradient),
      unary(
          Op::softplus,
          "softplus",
          infer_floating,
          [](Args a) -> Grads { return {g(a) * ops::sigmoid(x(a))}; }),
  };
}

std::vector<OpInfo> other_ops() {
  return {
      unary(Op::floor, "floor", infer_floating),
      unary(Op::ceil, "ceil", infer_floating),
      unary(Op::round, "round", infer_floating),
      unary(Op::isnan, "isnan", infer_test),
      unary(Op::isfinite, "isfinite", infer_test),
      unary(Op::logical_not, "logical_not", infer_logical),
      unary(Op::bitwise_not, "bitwise_not", infer_bitwise),
      {.op = Op::cast,
       .name = "cast",
       .attrs = {{"dtype", AttrKind::dtype}},
       .infer = infer_cast,
       .gradient = cast_gradient,
       .elementwise = true},
      unary(Op::stop_gradient, "stop_gradient", infer_any),
  };
}

}  // namespace

std::vector<OpInfo> families::unary_ops() {
  std::vector<OpInfo> all = arithmetic_ops();
  for (const auto& part :
       {trigonometric_ops(), activation_ops(), other_ops()}) {
    all.insert(all.end(), part.begin(), part.end());
  }
  return all;
}

namespace ops {

namespace {

Value floating(Op op, const Value& x) {
  return rules::emit(op, {rules::to_floating(x, op_name(op))});
}

}  // namespace

// These keep integers as they are.

Value negative(const Value& x) {
  return rules::emit(Op::negative, {x});
}

Value abs(const Value& x) {
  return rules::emit(Op::abs, {x});
}

Value sign(const Value& x) {
  return rules::emit(Op::sign, {x});
}

Value square(const Value& x) {
  return rules::emit(Op::square, {x});
}

Value relu(const Value& x) {
  return rules::emit(Op::relu, {x});
}

Value round(const Value& x) {
  rules::graph_of({x}, "round");
  return is_integer(x.dtype()) ? x : rules::emit(Op::round, {x});
}

// These make f32 of integers, as Keras does.

Value exp(const Value& x) {
  return floating(Op::exp, x);
}

Value expm1(const Value& x) {
  return floating(Op::expm1, x);
}

Value log(const Value& x) {
  return floating(Op::log, x);
}

Value log1p(const Value& x) {
  return floating(Op::log1p, x);
}

Value sqrt(const Value& x) {
  return floating(Op::sqrt, x);
}

Value rsqrt(const Value& x) {
  return floating(Op::rsqrt, x);
}

Value reciprocal(const Value& x) {
  return floating(Op::reciprocal, x);
}

Value sin(const Value& x) {
  return floating(Op::sin, x);
}

Value cos(const Value& x) {
  return floating(Op::cos, x);
}

Value tan(const Value& x) {
  return floating(Op::tan, x);
}

Value arcsin(const Value& x) {
  return floating(Op::arcsin, x);
}

Value arccos(const Value& x) {
  return floating(Op::arccos, x);
}

Value arctan(const Value& x) {
  return floating(Op::arctan, x);
}

Value sinh(const Value& x) {
  return floating(Op::sinh, x);
}

Value cosh(const Value& x) {
  return floating(Op::cosh, x);
}

Value tanh(const Value& x) {
  return floating(Op::tanh, x);
}

Value arcsinh(const Value& x) {
  return floating(Op::arcsinh, x);
}

Value arccosh(const Value& x) {
  return floating(Op::arccosh, x);
}

Value arctanh(const Value& x) {
  return floating(Op::arctanh, x);
}

Value erf(const Value& x) {
  return floating(Op::erf, x);
}

Value sigmoid(const Value& x) {
  return floating(Op::sigmoid, x);
}

Value softplus(const Value& x) {
  return floating(Op::softplus, x);
}

Value floor(const Value& x) {
  return floating(Op::floor, x);
}

Value ceil(const Value& x) {
  return floating(Op::ceil, x);
}

Value isnan(const Value& x) {
  return floating(Op::isnan, x);
}

Value isfinite(const Value& x) {
  return floating(Op::isfinite, x);
}

Value logical_not(const Value& x) {
  return rules::emit(Op::logical_not, {rules::to_boolean(x, "logical_not")});
}

Value bitwise_not(const Value& x) {
  return rules::emit(Op::bitwise_not, {x});
}

Value cast(const Value& x, DType dtype) {
  rules::graph_of({x}, "cast");
  if (x.dtype() == dtype) return x;
  return rules::emit(Op::cast, {x}, {{"dtype", dtype}});
}

Value stop_gradient(const Value& x) {
  return rules::emit(Op::stop_gradient, {x});
}

}  // namespace ops

}  // namespace keratin
