#include <utility>

#include "tests/ir/gradient_check.hpp"

namespace keratin::testing {

namespace {

using Values = std::vector<Value>;

GradientRow unary(
    Op op, Value (*function)(const Value&), double low, double high) {
  return {
      op,
      "element-wise",
      {spread({2, 3}, low, high)},
      [function](const Values& x) -> Values { return {function(x[0])}; }};
}

using Binary = Value (*)(const Value&, const Value&);

GradientRow binary(
    Op op, Binary function, std::string what, Tensor a, Tensor b) {
  return {
      op,
      std::move(what),
      {std::move(a), std::move(b)},
      [function](const Values& x) -> Values { return {function(x[0], x[1])}; }};
}

/// The same function with equal shapes and every way of broadcasting.
void add_binary(
    std::vector<GradientRow>& rows,
    Op op,
    Binary function,
    double low = -2,
    double high = 2) {
  const auto a = [&](const Shape& shape) { return spread(shape, low, high); };
  const auto b = [&](const Shape& shape) {
    return spread(shape, low + 0.03, high + 0.05);
  };
  rows.push_back(binary(op, function, "equal shapes", a({2, 3}), b({2, 3})));
  rows.push_back(binary(op, function, "row right", a({2, 3}), b({3})));
  rows.push_back(binary(op, function, "scalar left", a({}), b({2, 3})));
  rows.push_back(
      binary(op, function, "both broadcast", a({2, 1, 3}), b({4, 1})));
  rows.push_back(
      binary(op, function, "one element, more axes", a({1, 1}), b({})));
}

}  // namespace

std::vector<GradientRow> unary_rows() {
  std::vector<GradientRow> rows = {
      unary(Op::negative, ops::negative, -2, 2),
      unary(Op::abs, ops::abs, -2, 2),
      unary(Op::exp, ops::exp, -2, 2),
      unary(Op::expm1, ops::expm1, -2, 2),
      unary(Op::log, ops::log, 0.3, 3),
      unary(Op::log1p, ops::log1p, -0.6, 3),
      unary(Op::sqrt, ops::sqrt, 0.3, 3),
      unary(Op::rsqrt, ops::rsqrt, 0.4, 3),
      unary(Op::reciprocal, ops::reciprocal, 0.4, 3),
      unary(Op::reciprocal, ops::reciprocal, -3, -0.4),
      unary(Op::square, ops::square, -2, 2),
      unary(Op::sin, ops::sin, -4, 4),
      unary(Op::cos, ops::cos, -4, 4),
      unary(Op::tan, ops::tan, -1.2, 1.2),
      unary(Op::arcsin, ops::arcsin, -0.8, 0.8),
      unary(Op::arccos, ops::arccos, -0.8, 0.8),
      unary(Op::arctan, ops::arctan, -3, 3),
      unary(Op::sinh, ops::sinh, -2, 2),
      unary(Op::cosh, ops::cosh, -2, 2),
      unary(Op::tanh, ops::tanh, -2, 2),
      unary(Op::arcsinh, ops::arcsinh, -3, 3),
      unary(Op::arccosh, ops::arccosh, 1.3, 4),
      unary(Op::arctanh, ops::arctanh, -0.8, 0.8),
      unary(Op::erf, ops::erf, -2, 2),
      unary(Op::sigmoid, ops::sigmoid, -4, 4),
      unary(Op::relu, ops::relu, -2, 2),
      unary(Op::softplus, ops::softplus, -4, 4),
  };
  rows.push_back(
      {Op::cast,
       "f64 through f32 and back, near 0, where f32 holds the steps well",
       {Tensor(std::vector<double>{0, 0})},
       [](const Values& x) -> Values {
         const Value narrow = ops::cast(x[0], DType::f32);
         return {ops::cast(narrow, DType::f64)};
       }});
  return rows;
}

std::vector<GradientRow> binary_rows() {
  std::vector<GradientRow> rows;
  add_binary(rows, Op::add, ops::add);
  add_binary(rows, Op::subtract, ops::subtract);
  add_binary(rows, Op::multiply, ops::multiply);
  add_binary(rows, Op::divide, ops::divide, 0.5, 3);
  add_binary(rows, Op::divide, ops::divide, -3, -0.5);
  add_binary(rows, Op::power, ops::power, 0.3, 2);
  add_binary(rows, Op::maximum, ops::maximum);
  add_binary(rows, Op::minimum, ops::minimum);
  add_binary(rows, Op::mod, ops::mod, 0.5, 3);
  add_binary(rows, Op::arctan2, ops::arctan2, 0.2, 3);
  for (const double exponent : {0.0, 1.0, 2.0, 3.0, 0.5, -1.0}) {
    rows.push_back(
        {Op::power,
         "by the number " + std::to_string(exponent),
         {spread({4}, 0.4, 2)},
         [exponent](const Values& x) -> Values {
           return {ops::power(x[0], exponent)};
         }});
  }
  rows.push_back(
      {Op::power,
       "whole exponents of negative and zero bases",
       {Tensor(std::vector<double>{-1.5, 0, 0, 0.5, -0.7})},
       [](const Values& x) -> Values {
         return {ops::power(
             x[0],
             ops::constant(
                 x[0].graph(), Tensor(std::vector<double>{2, 2, 3, 2, 3})))};
       }});
  rows.push_back(
      {Op::select,
       "all three broadcast",
       {Tensor(std::vector<bool>{true, false, false}, {3}),
        spread({2, 1}),
        spread({4, 1, 1})},
       [](const Values& x) -> Values {
         return {ops::where(x[0], x[1] * x[1], x[2] * x[1])};
       }});
  rows.push_back(
      {Op::maximum,
       "clip inside, below and above",
       {spread({9}, -2, 2)},
       [](const Values& x) -> Values { return {ops::clip(x[0], -1, 0.5)}; }});
  return rows;
}

}  // namespace keratin::testing
