#include <doctest/doctest.h>

#include <cmath>
#include <exception>
#include <initializer_list>
#include <limits>
#include <set>

#include "src/core/format.hpp"
#include "src/ir/autodiff.hpp"
#include "src/ir/graph.hpp"
#include "src/ir/op_info.hpp"
#include "tests/ir/gradient_check.hpp"

using namespace keratin;  // NOLINT
using keratin::testing::GradientRow;

namespace {

using Values = std::vector<Value>;

/// Ops through which no gradient flows: their results are integers, bools or
/// steps, or they have no operand to differentiate by.
const std::set<Op> kNoGradient = {
    // state and constants
    Op::parameter,
    Op::constant,
    Op::read,
    Op::assign,
    Op::iota,
    // flat almost everywhere, or stopped
    Op::sign,
    Op::floor,
    Op::ceil,
    Op::round,
    Op::floor_divide,
    Op::stop_gradient,
    // integers and bools
    Op::isnan,
    Op::isfinite,
    Op::logical_not,
    Op::bitwise_not,
    Op::logical_and,
    Op::logical_or,
    Op::logical_xor,
    Op::bitwise_and,
    Op::bitwise_or,
    Op::bitwise_xor,
    Op::left_shift,
    Op::right_shift,
    Op::equal,
    Op::not_equal,
    Op::less,
    Op::less_equal,
    Op::greater,
    Op::greater_equal,
    Op::reduce_any,
    Op::reduce_all,
    Op::argmax,
    Op::argmin,
    Op::one_hot,
    // the state is integers
    Op::random_bits,
    Op::random_uniform,
    Op::random_normal,
};

void check_rows(const std::vector<GradientRow>& rows) {
  for (const GradientRow& row : rows) {
    CAPTURE(op_name(row.op));
    CAPTURE(row.what);
    std::string problem;
    try {
      problem = keratin::testing::check_gradients(row);
    } catch (const std::exception& error) {
      problem = error.what();
    }
    CHECK(problem == "");
  }
}

/// The gradients of sum(f(x)) by each of `inputs`.
std::vector<Tensor> gradients_at(
    const std::vector<Tensor>& inputs,
    const std::function<Value(const Values&)>& f) {
  Graph graph;
  Values xs;
  for (const Tensor& input : inputs) {
    xs.push_back(graph.parameter({input.dtype(), input.shape()}, "x"));
  }
  graph.set_outputs(gradients(ops::sum(f(xs)), xs));
  return keratin::testing::evaluate(graph, inputs);
}

Tensor doubles(const std::vector<double>& values) {
  return Tensor(values);
}

}  // namespace

TEST_CASE("every op has a row in the gradient table") {
  std::set<Op> tested;
  for (const auto& rows :
       {testing::unary_rows(),
        testing::binary_rows(),
        testing::reduce_rows(),
        testing::shape_rows(),
        testing::index_rows(),
        testing::matmul_rows(),
        testing::window_rows(),
        testing::network_rows(),
        testing::control_rows()}) {
    for (const GradientRow& row : rows) tested.insert(row.op);
  }
  for (const OpInfo& info : all_ops()) {
    CAPTURE(info.name);
    const bool has_gradient = info.gradient != nullptr;
    CHECK(tested.contains(info.op) == has_gradient);
    CHECK(kNoGradient.contains(info.op) != has_gradient);
  }
}

TEST_CASE("the gradient check notices a wrong gradient") {
  // stop_gradient hides one factor: the gradient is x where it should be 2x.
  const GradientRow wrong = {
      Op::multiply,
      "half of it stopped",
      {testing::spread({3}, 1, 2)},
      [](const Values& x) -> Values {
        return {x[0] * ops::stop_gradient(x[0])};
      }};
  CHECK(testing::check_gradients(wrong).starts_with("first derivative"));
  // Right at first: x by a constant of the value of x.
  const GradientRow wrong_second = {
      Op::multiply,
      "the first derivative is stopped",
      {testing::spread({3}, 1, 2)},
      [](const Values& x) -> Values {
        const Value c = ops::stop_gradient(x[0]);
        return {x[0] * c * 2 - ops::stop_gradient(x[0] * c)};
      }};
  CHECK(
      testing::check_gradients(wrong_second).starts_with("second derivative"));
  const GradientRow absent = {
      Op::exp,
      "another op",
      {testing::spread({3})},
      [](const Values& x) -> Values { return {ops::sin(x[0])}; }};
  CHECK(testing::check_gradients(absent) == "the graph lacks the op itself");
}

TEST_CASE("gradients of one operand agree with differences") {
  check_rows(testing::unary_rows());
}

TEST_CASE("gradients of two operands agree with differences") {
  check_rows(testing::binary_rows());
}

TEST_CASE("gradients of reductions agree with differences") {
  check_rows(testing::reduce_rows());
}

TEST_CASE("gradients of shape ops agree with differences") {
  check_rows(testing::shape_rows());
}

TEST_CASE("gradients of indexing ops agree with differences") {
  check_rows(testing::index_rows());
}

TEST_CASE("gradients of products agree with differences") {
  check_rows(testing::matmul_rows());
}

TEST_CASE("gradients of convolutions and poolings agree with differences") {
  check_rows(testing::window_rows());
}

TEST_CASE("gradients of softmax and normalisation agree with differences") {
  check_rows(testing::network_rows());
}

TEST_CASE("gradients of control flow agree with differences") {
  check_rows(testing::control_rows());
}

TEST_CASE("no gradient flows through steps and stop_gradient") {
  using Function = Value (*)(const Value&);
  for (const Function function : std::initializer_list<Function>{
           ops::sign, ops::floor, ops::ceil, ops::round, ops::stop_gradient}) {
    const auto grads = gradients_at(
        {doubles({0.5, -1.5})},
        [&](const Values& x) { return function(x[0]); });
    CHECK(grads[0] == doubles({0, 0}));
  }
}

TEST_CASE("ties: maximum and minimum give the gradient to the first operand") {
  for (const auto function :
       {static_cast<Value (*)(const Value&, const Value&)>(ops::maximum),
        static_cast<Value (*)(const Value&, const Value&)>(ops::minimum)}) {
    const auto grads = gradients_at(
        {doubles({1, 2}), doubles({1, 2})},
        [&](const Values& x) { return function(x[0], x[1]); });
    CHECK(grads[0] == doubles({1, 1}));
    CHECK(grads[1] == doubles({0, 0}));
  }
}

TEST_CASE("ties: reductions to an extremum share the gradient equally") {
  const auto max = gradients_at(
      {doubles({3, 1, 3, 3, 0, 3})},
      [](const Values& x) { return ops::max(x[0]); });
  CHECK(max[0] == doubles({.25, 0, .25, .25, 0, .25}));
  const auto min = gradients_at(
      {doubles({3, 0, 3, 0})}, [](const Values& x) { return ops::min(x[0]); });
  CHECK(min[0] == doubles({0, .5, 0, .5}));
}

TEST_CASE("kinks: relu and abs have gradient 0 at 0") {
  const auto relu = gradients_at(
      {doubles({-1, 0, 1})}, [](const Values& x) { return ops::relu(x[0]); });
  CHECK(relu[0] == doubles({0, 0, 1}));
  const auto abs = gradients_at(
      {doubles({-1, 0, 1})}, [](const Values& x) { return ops::abs(x[0]); });
  CHECK(abs[0] == doubles({-1, 0, 1}));
}

TEST_CASE("power has finite gradients at a base of zero") {
  const auto grads = gradients_at(
      {doubles({0, 0, 0, 4}), doubles({0, 1, 2, 0.5})},
      [](const Values& x) { return ops::power(x[0], x[1]); });
  CHECK(grads[0] == doubles({0, 1, 0, 0.25}));
  CHECK(grads[1].at(0) == 0);
  CHECK(grads[1].at(1) == 0);
  CHECK(grads[1].at(2) == 0);
  CHECK(grads[1].at(3) == doctest::Approx(2 * std::log(4.0)));
}

TEST_CASE("clip passes the gradient on its limits and stops it outside") {
  const auto grads = gradients_at(
      {doubles({-2, -1, 0, 1, 2})},
      [](const Values& x) { return ops::clip(x[0], -1, 1); });
  CHECK(grads[0] == doubles({0, 1, 1, 1, 0}));
}

TEST_CASE("logsumexp neither overflows nor turns infinities into NaN") {
  const double inf = std::numeric_limits<double>::infinity();
  const auto grads = gradients_at(
      {Tensor(std::vector<double>{1000, 1000, -inf, 3}, {2, 2})},
      [](const Values& x) { return ops::logsumexp(x[0], {1}); });
  CHECK(grads[0] == Tensor(std::vector<double>{.5, .5, 0, 1}, {2, 2}));
}

TEST_CASE("integers and bools get no gradient, and give none") {
  Graph graph;
  const Value x = graph.parameter({DType::f64, {2}}, "x");
  const Value i = ops::cast(x, DType::i32);
  graph.set_outputs(gradients(ops::sum(ops::cast(i * i, DType::f64) * x), {x}));
  const auto grads = testing::evaluate(graph, {doubles({2, 3})});
  CHECK(grads[0] == doubles({4, 9}));
}
