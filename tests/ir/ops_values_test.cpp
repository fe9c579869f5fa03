#include <doctest/doctest.h>

#include <cmath>
#include <functional>
#include <limits>

#include "tests/ir/gradient_check.hpp"
#include "tests/ir/ops_support.hpp"

// What the functions made of several ops compute, and the edges of those that
// are one op. The kernels have tests of their own.

using namespace keratin;  // NOLINT
using keratin::testing::integers;

namespace {

using Values = std::vector<Value>;

constexpr double kInf = std::numeric_limits<double>::infinity();

/// f of the inputs, on the reference backend.
Tensor compute(
    const std::vector<Tensor>& inputs,
    const std::function<Value(const Values&)>& f) {
  Graph graph;
  Values xs;
  for (const Tensor& input : inputs) {
    xs.push_back(graph.parameter({input.dtype(), input.shape()}, "x"));
  }
  graph.set_outputs({f(xs)});
  return testing::evaluate(graph, inputs)[0];
}

Tensor doubles(const std::vector<double>& values, const Shape& shape) {
  return Tensor(values, shape);
}

}  // namespace

TEST_CASE("var is the mean square distance from the mean, also far from 0") {
  const Tensor x = doubles({1e8 + 1, 1e8 + 2, 1e8 + 3, 5, 5, 5}, {2, 3});
  const Tensor y =
      compute({x}, [](const Values& v) { return ops::var(v[0], {1}); });
  CHECK(y.at(0) == doctest::Approx(2.0 / 3));
  CHECK(y.at(1) == 0);
}

TEST_CASE("logsumexp takes large numbers and infinities") {
  const Tensor x = doubles(
      {1000, 1000, -1000, -1000, -kInf, -kInf, kInf, 1, -kInf, 2}, {5, 2});
  const Tensor y =
      compute({x}, [](const Values& v) { return ops::logsumexp(v[0], {1}); });
  CHECK(y.at(0) == doctest::Approx(1000 + std::log(2.0)));
  CHECK(y.at(1) == doctest::Approx(-1000 + std::log(2.0)));
  CHECK(y.at(2) == -kInf);
  CHECK(y.at(3) == kInf);
  CHECK(y.at(4) == 2);
}

TEST_CASE("mean of integers is a fraction") {
  const Tensor y = compute(
      {integers({1, 2}, {2})}, [](const Values& v) { return ops::mean(v[0]); });
  CHECK(y == Tensor(1.5F));
}

TEST_CASE("any and all take what is not 0 for true") {
  const Tensor x = doubles({0, -0.5, 0, 0, 2, 3}, {3, 2});
  const auto any =
      compute({x}, [](const Values& v) { return ops::any(v[0], {1}); });
  CHECK(any == Tensor(std::vector<bool>{true, false, true}));
  const auto all =
      compute({x}, [](const Values& v) { return ops::all(v[0], {1}); });
  CHECK(all == Tensor(std::vector<bool>{false, false, true}));
}

TEST_CASE("sums of bools count them") {
  const Tensor y = compute(
      {Tensor(std::vector<bool>{true, true, false})},
      [](const Values& v) { return ops::sum(v[0]); });
  CHECK(y == Tensor(2));
}

TEST_CASE("integer division and remainder follow the sign of the divisor") {
  const Tensor a = integers({7, -7, 7, -7}, {4});
  const Tensor b = integers({2, 2, -2, -2}, {4});
  CHECK(compute({a, b}, [](const Values& v) {
          return ops::floor_divide(v[0], v[1]);
        }) == integers({3, -4, -4, 3}, {4}));
  CHECK(compute({a, b}, [](const Values& v) {
          return ops::mod(v[0], v[1]);
        }) == integers({1, 1, -1, -1}, {4}));
}

TEST_CASE("a number on the left is the left operand") {
  const Tensor x = doubles({1, 2}, {2});
  CHECK(compute({x}, [](const Values& v) {
          return 1 - v[0];
        }) == doubles({0, -1}, {2}));
  CHECK(compute({x}, [](const Values& v) {
          return 1 / v[0];
        }) == doubles({1, 0.5}, {2}));
}

TEST_CASE("repeat doubles elements, tile doubles the whole") {
  const Tensor x = integers({1, 2, 3, 4}, {2, 2});
  CHECK(compute({x}, [](const Values& v) {
          return ops::repeat(v[0], 2, 1);
        }) == integers({1, 1, 2, 2, 3, 3, 4, 4}, {2, 4}));
  CHECK(compute({x}, [](const Values& v) {
          return ops::tile(v[0], {2});
        }) == integers({1, 2, 1, 2, 3, 4, 3, 4}, {2, 4}));
  CHECK(compute({x}, [](const Values& v) {
          return ops::tile(v[0], {2, 1, 1});
        }) == integers({1, 2, 3, 4, 1, 2, 3, 4}, {2, 2, 2}));
}

TEST_CASE("stack, flip, slice and pad put elements where NumPy does") {
  const Tensor x = integers({1, 2, 3}, {3});
  CHECK(compute({x}, [](const Values& v) {
          return ops::stack({v[0], ops::flip(v[0], {0})}, 1);
        }) == integers({1, 3, 2, 2, 3, 1}, {3, 2}));
  CHECK(compute({x}, [](const Values& v) {
          return ops::slice(v[0], {0}, {3}, {2});
        }) == integers({1, 3}, {2}));
  CHECK(compute({x}, [](const Values& v) {
          return ops::pad(v[0], {-1}, {2}, 9);
        }) == integers({2, 3, 9, 9}, {4}));
}

TEST_CASE("indices below zero count from the back, as in Keras") {
  const Tensor x = doubles({5, 6, 7}, {3});
  const auto take = [&](const Tensor& indices) {
    return compute(
        {x, indices}, [](const Values& v) { return ops::take(v[0], v[1]); });
  };
  CHECK(take(integers({-1, 0, -3}, {3})) == doubles({7, 5, 5}, {3}));
  CHECK(
      take(Tensor(std::vector<std::uint8_t>{2, 0}, {2})) ==
      doubles({7, 5}, {2}));
  CHECK(
      compute(
          {doubles({1, 2, 3, 4}, {2, 2}), integers({-1, 0}, {2, 1})},
          [](const Values& v) {
            return ops::take_along_axis(v[0], v[1], 1);
          }) == doubles({2, 3}, {2, 1}));
  // An index type that cannot count as far as the axis is long.
  std::vector<double> many(300);
  many[299] = 1;
  CHECK(
      compute(
          {doubles(many, {300}), Tensor(std::vector<std::int8_t>{-1})},
          [](const Values& v) { return ops::take(v[0], v[1]); }) ==
      doubles({1}, {1}));
}

TEST_CASE("integers divide to float32, as in Keras; the rest keeps its dtype") {
  const Tensor a = integers({7, 3, 1}, {3});
  const Tensor b = integers({2, 3, 2}, {3});
  const auto floats = [](const std::vector<float>& values) {
    return Tensor(values);
  };
  CHECK(compute({a, b}, [](const Values& v) {
          return v[0] / v[1];
        }) == floats({3.5, 1, 0.5}));
  CHECK(compute({a}, [](const Values& v) {
          return v[0] / 2.0;
        }) == floats({3.5, 1.5, 0.5}));
  CHECK(compute({b}, [](const Values& v) {
          return 3.0 / v[0];
        }) == floats({1.5, 1, 1.5}));
  CHECK(compute({a, b}, [](const Values& v) {
          return ops::floor_divide(v[0], v[1]);
        }) == integers({3, 1, 0}, {3}));
  CHECK_THROWS_WITH_AS(
      compute(
          {a, floats({1, 2, 3})}, [](const Values& v) { return v[0] / v[1]; }),
      doctest::Contains("dtype"),
      InvalidArgument);
}

TEST_CASE("a wrong index shows when read and is skipped when written") {
  const Tensor bad = integers({1, 2, -3}, {3});
  const Tensor taken = compute(
      {doubles({5, 6}, {2}), bad},
      [](const Values& v) { return ops::take(v[0], v[1]); });
  CHECK(taken.at(0) == 6);
  CHECK(std::isnan(taken.at(1)));
  CHECK(std::isnan(taken.at(2)));
  CHECK(compute({bad, doubles({1, 2, 3}, {3})}, [](const Values& v) {
          return ops::scatter_add(v[0], v[1], {2});
        }) == doubles({0, 1}, {2}));
}

TEST_CASE("clip limits on both sides") {
  CHECK(compute({doubles({-3, 0.5, 3}, {3})}, [](const Values& v) {
          return ops::clip(v[0], -1, 2);
        }) == doubles({-1, 0.5, 2}, {3}));
}
