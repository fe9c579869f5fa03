#include <doctest/doctest.h>

#include "tests/ir/ops_support.hpp"

using namespace keratin;  // NOLINT
using keratin::testing::Bench;
using keratin::testing::type_of;

TEST_CASE("take replaces an axis by the shape of the indices") {
  Bench b;
  const Value x = b.f32({5, 6, 7});
  CHECK(type_of(ops::take(x, b.i32({2, 3}))) == "f32[2,3,6,7]");
  CHECK(type_of(ops::take(x, b(DType::u8, {}), -2)) == "f32[5,7]");
  CHECK(type_of(ops::take(x, b.i32({4}), 2)) == "f32[5,6,4]");
  CHECK_INVALID(
      ops::take(x, b.f32({2})),
      "[take] expected an integer operand, got f32[2] as operand 1; convert it "
      "with ops::cast");
  CHECK_INVALID(
      ops::take(x, b.i32({2}), 3),
      "[take] expected an axis from -3 to 2 for rank 3, got 3");
}

TEST_CASE("scatter_add wants updates as take reads them") {
  Bench b;
  CHECK(
      type_of(ops::scatter_add(b.i32({2, 3}), b.f32({2, 3, 4}), {5, 4})) ==
      "f32[5,4]");
  CHECK(
      type_of(ops::scatter_add(b.i32({2}), b.i32({4, 2}), {4, 5}, -1)) ==
      "i32[4,5]");
  CHECK_INVALID(
      ops::scatter_add(b.i32({2}), b.f32({3, 4}), {5, 4}),
      "[scatter_add] expected updates of shape [2,4] for indices i32[2] on "
      "axis "
      "0 of [5,4], got f32[3,4]");
  CHECK_THROWS_AS(
      ops::scatter_add(b.f32({2}), b.f32({2}), {5}), InvalidArgument);
  CHECK_THROWS_AS(
      ops::scatter_add(b.i32({2}), b.boolean({2}), {5}), InvalidArgument);
}

TEST_CASE("take_along_axis and scatter_along_axis agree on other axes") {
  Bench b;
  CHECK(
      type_of(ops::take_along_axis(b.f32({2, 5}), b.i32({2, 3}))) ==
      "f32[2,3]");
  CHECK(
      type_of(ops::scatter_along_axis(b.i32({2, 3}), b.f32({2, 3}), {2, 5})) ==
      "f32[2,5]");
  CHECK_INVALID(
      ops::take_along_axis(b.f32({2, 5}), b.i32({3, 3})),
      "[take_along_axis] expected shapes that differ along axis 1 only, got "
      "[2,5] and indices [3,3]");
  CHECK_INVALID(
      ops::scatter_along_axis(b.i32({2, 3}), b.f32({2, 2}), {2, 5}),
      "[scatter_along_axis] expected updates and indices of one shape, got "
      "f32[2,2] and i32[2,3]");
  CHECK_THROWS_AS(
      ops::take_along_axis(b.f32({2, 5}), b.i32({2})), InvalidArgument);
}

TEST_CASE("one_hot adds an axis") {
  Bench b;
  CHECK(type_of(ops::one_hot(b.i32({2, 3}), 4)) == "f32[2,3,4]");
  CHECK(type_of(ops::one_hot(b.i32({}), 2, DType::boolean)) == "bool[2]");
  CHECK_INVALID(
      ops::one_hot(b.i32({2}), -1), "[one_hot] expected a depth >= 0, got -1");
  CHECK_THROWS_AS(ops::one_hot(b.f32({2}), 3), InvalidArgument);
}

TEST_CASE("sort and top_k yield values and i32 indices") {
  Bench b;
  const ops::SortResult sorted = ops::sort(b(DType::f64, {2, 5}), 0);
  CHECK(type_of(sorted.values) == "f64[2,5]");
  CHECK(type_of(sorted.indices) == "i32[2,5]");
  const ops::SortResult top = ops::top_k(b.i32({2, 5}), 3);
  CHECK(type_of(top.values) == "i32[2,3]");
  CHECK(type_of(top.indices) == "i32[2,3]");
  CHECK_INVALID(
      ops::top_k(b.f32({2, 5}), 6),
      "[top_k] expected k from 0 to 5 for f32[2,5], got 6");
  CHECK_INVALID(
      ops::top_k(b.f32({}), 1),
      "[top_k] expected operand 0 of rank >= 1, got f32[]; add an axis with "
      "ops::expand_dims");
  CHECK_THROWS_AS(ops::sort(b.f32({2}), 1), InvalidArgument);
}

TEST_CASE("cumsum keeps its operand's type, but counts bools") {
  Bench b;
  CHECK(type_of(ops::cumsum(b.boolean({2, 3}), 0)) == "i32[2,3]");
  CHECK(type_of(ops::cumsum(b.f32({2, 3}))) == "f32[2,3]");
  CHECK_THROWS_AS(ops::cumsum(b.f32({2, 3}), 2), InvalidArgument);
}

TEST_CASE("random ops want a state of seed and counter") {
  Bench b;
  const Value state = b(DType::u32, {2});
  CHECK(type_of(ops::random_bits(state, {3})) == "u32[3]");
  CHECK(type_of(ops::random_uniform(state, {2, 3})) == "f32[2,3]");
  CHECK(type_of(ops::random_normal(state, {}, 0, 1, DType::f64)) == "f64[]");
  CHECK_INVALID(
      ops::random_bits(b(DType::u32, {3}), {2}),
      "[random_bits] expected a state u32[2] = (seed, counter), got u32[3]");
  CHECK_INVALID(
      ops::random_uniform(state, {2}, 1, 0),
      "[random_uniform] expected low <= high, got 1 and 0");
  CHECK_INVALID(
      ops::random_normal(state, {2}, 0, -1),
      "[random_normal] expected a stddev >= 0, got -1");
  CHECK_INVALID(
      ops::random_uniform(state, {2}, 0, 9, DType::i32),
      "[random_uniform] expected a floating-point dtype, got i32; draw f32 and "
      "convert it with ops::cast");
  CHECK_THROWS_AS(ops::random_bits(state, {kUnknown}), InvalidArgument);
}
