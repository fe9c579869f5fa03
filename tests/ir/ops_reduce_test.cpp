#include <doctest/doctest.h>

#include "src/ir/op_info.hpp"
#include "tests/ir/ops_support.hpp"

using namespace keratin;  // NOLINT
using keratin::testing::Bench;
using keratin::testing::op_of;
using keratin::testing::type_of;

TEST_CASE("a reduction drops its axes or keeps them as ones") {
  Bench b;
  const Value x = b.f32({2, 3, 4});
  CHECK(type_of(ops::sum(x)) == "f32[]");
  CHECK(type_of(ops::sum(x, {}, true)) == "f32[1,1,1]");
  CHECK(type_of(ops::mean(x, {1})) == "f32[2,4]");
  CHECK(type_of(ops::max(x, {-1, 0})) == "f32[3]");
  CHECK(type_of(ops::prod(x, {-1, 0}, true)) == "f32[1,3,1]");
  CHECK(type_of(ops::var(x, {0})) == "f32[3,4]");
  CHECK(type_of(ops::logsumexp(x, {2})) == "f32[2,3]");
  CHECK(type_of(ops::logsumexp(x, {2}, true)) == "f32[2,3,1]");
  CHECK(type_of(ops::sum(b.f32({}))) == "f32[]");
}

TEST_CASE("reduced dtypes are Keras's") {
  Bench b;
  CHECK(type_of(ops::sum(b.boolean({2}))) == "i32[]");
  CHECK(type_of(ops::sum(b(DType::i8, {2}))) == "i32[]");
  CHECK(type_of(ops::prod(b(DType::u16, {2}))) == "u32[]");
  CHECK(type_of(ops::sum(b(DType::i64, {2}))) == "i64[]");
  CHECK(type_of(ops::mean(b.i32({2}))) == "f32[]");
  CHECK(type_of(ops::var(b.boolean({2}))) == "f32[]");
  CHECK(type_of(ops::any(b.f32({2}))) == "bool[]");
  CHECK(type_of(ops::all(b.boolean({2, 3}), {0})) == "bool[3]");
  CHECK(type_of(ops::min(b(DType::u8, {2}))) == "u8[]");
}

TEST_CASE("argmax and argmin yield i32 along one axis") {
  Bench b;
  const Value x = b.f32({2, 3});
  CHECK(type_of(ops::argmax(x)) == "i32[2]");
  CHECK(type_of(ops::argmin(x, 0, true)) == "i32[1,3]");
  CHECK_INVALID(
      ops::argmax(x, 2),
      "[argmax] expected an axis from -2 to 1 for rank 2, got 2");
  CHECK_INVALID(
      ops::argmax(b.f32({})), "[argmax] expected no axis of a scalar, got -1");
}

TEST_CASE("axes out of range or named twice are refused") {
  Bench b;
  const LayerScope scope(b.graph, "pool");
  CHECK_INVALID(
      ops::sum(b.f32({2, 3}), {2}),
      "[sum @pool] expected an axis from -2 to 1 for rank 2, got 2");
  CHECK_INVALID(
      ops::sum(b.f32({2, 3}), {1, -1}),
      "[sum @pool] expected each axis once, got axis 1 twice");
  CHECK_INVALID(
      b.graph.add1(
          Op::reduce_sum,
          {b.f32({2, 3})},
          {{"axes", Ints{1, 0}}, {"keepdims", false}}),
      "[reduce_sum @pool] expected ascending axes in [0, 2) for f32[2,3], got "
      "0 at place 1");
}

TEST_CASE("nothing has no extremum, but a sum and a product") {
  Bench b;
  CHECK_INVALID(
      ops::max(b.f32({0, 3}), {0}),
      "[reduce_max] expected at least one element to reduce, got f32[0,3] over "
      "axis 0");
  CHECK(type_of(ops::max(b.f32({0, 3}), {1})) == "f32[0]");
  CHECK_THROWS_AS(ops::argmin(b.f32({2, 0})), InvalidArgument);
  CHECK(type_of(ops::sum(b.f32({0, 3}))) == "f32[]");
  CHECK(type_of(ops::prod(b.f32({0, 3}), {0})) == "f32[3]");
}

TEST_CASE("false is less than true") {
  Bench b;
  CHECK(op_of(ops::max(b.boolean({2}))) == Op::reduce_any);
  CHECK(op_of(ops::min(b.boolean({2, 3}), {0}, true)) == Op::reduce_all);
  CHECK(type_of(ops::argmax(b.boolean({2, 3}))) == "i32[2]");
}

TEST_CASE("a mean decomposes into a sum and a factor") {
  Bench b;
  const Value x = b.f32({2, 5});
  const Value y = ops::mean(x, {1}, true);
  const Node node = b.graph.node(b.graph.producer(y.id()));
  const std::vector<Value> simpler =
      op_info(Op::reduce_mean)
          .decompose({b.graph, Op::reduce_mean, node.attrs, {x}});
  REQUIRE(simpler.size() == 1);
  CHECK(type_of(simpler[0]) == type_of(y));
  CHECK(op_of(simpler[0]) == Op::multiply);
}
