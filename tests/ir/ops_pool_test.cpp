#include <doctest/doctest.h>

#include <limits>
#include <string>
#include <vector>

#include <keratin/error.hpp>
#include <keratin/ops.hpp>

#include "src/ir/op_info.hpp"
#include "tests/ir/op_testing.hpp"

namespace keratin::testing {

namespace {

struct PoolCase {
  std::string name;
  Shape x;
  ops::Ints size;
  ops::Ints strides;
  std::string padding = "valid";
};

ops::Window window_of(const PoolCase& c) {
  const ops::Ints spatial(c.x.begin() + 1, c.x.end() - 1);
  return ops::make_window(c.padding, spatial, c.size, c.strides, {});
}

void check_pools(const PoolCase& c) {
  check_case_and_gradients(
      "max_pool " + c.name,
      Op::max_pool,
      [&](const Values& v) -> Values {
        return {ops::max_pool(v[0], c.size, window_of(c))};
      },
      {pattern(c.x, 3)});
  check_case_and_gradients(
      "average_pool " + c.name,
      Op::average_pool,
      [&](const Values& v) -> Values {
        return {ops::average_pool(v[0], c.size, window_of(c))};
      },
      {pattern(c.x, 3)});
}

/// max_pool_grad, as a node and decomposed.
std::vector<Tensor> max_pool_grads(
    const Tensor& x, const Tensor& dy, const Attrs& attrs) {
  return run(
      [&](const Values& v) -> Values {
        Graph& g = v[0].graph();
        const DecomposeArgs args = {g, Op::max_pool_grad, attrs, v};
        return {
            g.add1(Op::max_pool_grad, v, attrs),
            op_info(Op::max_pool_grad).decompose(args)[0]};
      },
      {x, dy});
}

Attrs attrs_1d(std::int64_t size, std::int64_t low, std::int64_t high) {
  return {
      {"strides", Ints{1}},
      {"pad_low", Ints{low}},
      {"pad_high", Ints{high}},
      {"dilation", Ints{1}},
      {"size", Ints{size}}};
}

}  // namespace

TEST_CASE("pools and their gradients compute TensorFlow's numbers") {
  check_pools({"1d", {2, 6, 2}, {3}, {2}});
  check_pools({"2d", {1, 4, 6, 2}, {2, 3}, {2, 3}});
  check_pools({"2d same", {1, 5, 4, 1}, {3, 2}, {2, 2}, "same"});
  check_pools({"2d overlapping", {1, 4, 5, 1}, {3, 3}, {1, 2}, "same"});
  check_pools({"3d", {1, 4, 2, 3, 1}, {2, 2, 2}, {2, 2, 1}});
}

TEST_CASE("the gradient of max_pool goes to the first of equal elements") {
  const Tensor x(std::vector<double>{1, 3, 3, 3, 2}, Shape{1, 5, 1});
  const Tensor dy(std::vector<double>{1, 10, 100}, Shape{1, 3, 1});
  const Tensor expected(std::vector<double>{0, 11, 100, 0, 0}, Shape{1, 5, 1});
  for (const Tensor& dx : max_pool_grads(x, dy, attrs_1d(3, 0, 0))) {
    check_close(dx, expected, "dx");
  }
}

TEST_CASE("padding wins no maximum, not even against minus infinity") {
  constexpr double kLow = -std::numeric_limits<double>::infinity();
  const Tensor x(std::vector<double>{kLow, kLow}, Shape{1, 2, 1});
  const Tensor dy(std::vector<double>{1, 10}, Shape{1, 2, 1});
  const Tensor expected(std::vector<double>{11, 0}, Shape{1, 2, 1});
  for (const Tensor& dx : max_pool_grads(x, dy, attrs_1d(2, 1, 0))) {
    check_close(dx, expected, "dx");
  }
}

TEST_CASE("max_pool takes integers below all padding") {
  const Tensor x(std::vector<std::int32_t>{-7, -5, -9}, Shape{1, 3, 1});
  const ops::Window window = {.pad_low = {1}, .pad_high = {1}};
  const std::vector<Tensor> results = run(
      [&](const Values& v) -> Values {
        const Value y = ops::max_pool(v[0], {2}, window);
        const Attrs attrs = attrs_1d(2, 1, 1);
        return {
            y,
            op_info(Op::max_pool)
                .decompose({v[0].graph(), Op::max_pool, attrs, v})[0]};
      },
      {x});
  const Tensor expected(
      std::vector<std::int32_t>{-7, -5, -5, -9}, Shape{1, 4, 1});
  CHECK(results[0] == expected);
  CHECK(results[1] == expected);
}

TEST_CASE("pools reject windows that do not fit") {
  Graph g;
  const Value x = parameter(g, {2, 5, 3});
  CHECK_THROWS_WITH_AS(
      ops::max_pool(x, {6}, {}),
      doctest::Contains("[max_pool] kernel larger than input"),
      InvalidArgument);
  CHECK_THROWS_WITH_AS(
      ops::average_pool(x, {2}, {.pad_low = {2}}),
      doctest::Contains("window 0 along spatial axis 0 has no element"),
      InvalidArgument);
  CHECK_THROWS_WITH_AS(
      ops::max_pool(x, {2, 2}, {}),
      doctest::Contains("kernel size to have one entry"),
      InvalidArgument);
  CHECK_THROWS_WITH_AS(
      ops::max_pool(x, {0}, {}),
      doctest::Contains("kernel size >= 1, got 0"),
      InvalidArgument);
  CHECK_THROWS_AS(
      ops::max_pool(parameter(g, {2, 5}), {2}, {}), InvalidArgument);
  CHECK_THROWS_AS(
      ops::average_pool(parameter(g, {2, 5, 3}, DType::i32), {2}, {}),
      InvalidArgument);
}

TEST_CASE("the gradients of pools check the shape of dy") {
  Graph g;
  const Value x = parameter(g, {2, 5, 3});
  Attrs attrs = attrs_1d(2, 0, 0);
  CHECK_THROWS_WITH_AS(
      g.add1(Op::max_pool_grad, {x, x}, attrs),
      doctest::Contains("expected dy of shape [2,4,3]"),
      InvalidArgument);
  attrs.set("shape", Ints{2, 6, 3});
  CHECK(g.add1(Op::average_pool_grad, {x}, attrs).shape() == Shape{2, 6, 3});
  attrs.set("shape", Ints{2, 7, 3});
  CHECK_THROWS_AS(g.add1(Op::average_pool_grad, {x}, attrs), InvalidArgument);
}

}  // namespace keratin::testing
