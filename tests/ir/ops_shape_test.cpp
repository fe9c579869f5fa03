#include <doctest/doctest.h>

#include "src/ir/op_info.hpp"
#include "tests/ir/ops_support.hpp"

using namespace keratin;  // NOLINT
using keratin::testing::Bench;
using keratin::testing::op_of;
using keratin::testing::type_of;

TEST_CASE("reshape works out one unknown dimension") {
  Bench b;
  const Value x = b.f32({2, 6});
  CHECK(type_of(ops::reshape(x, {3, kUnknown})) == "f32[3,4]");
  CHECK(type_of(ops::reshape(x, {kUnknown})) == "f32[12]");
  CHECK(type_of(ops::reshape(b.f32({1}), {})) == "f32[]");
  CHECK(type_of(ops::reshape(b.f32({0, 3}), {3, kUnknown})) == "f32[3,0]");
  CHECK(ops::reshape(x, {2, 6}) == x);
  CHECK_INVALID(
      ops::reshape(x, {5, 2}),
      "[reshape] expected a shape of 12 elements for f32[2,6], got [5,2] with "
      "10");
  CHECK_INVALID(
      ops::reshape(x, {5, kUnknown}),
      "[reshape] expected a shape for 12 elements, got [5,?]: the others "
      "multiply to 5");
  CHECK_INVALID(
      ops::reshape(x, {kUnknown, kUnknown}),
      "[reshape] expected one unknown dimension at most, got [?,?]");
  CHECK_THROWS_AS(ops::reshape(b.f32({0, 3}), {0, kUnknown}), InvalidArgument);
}

TEST_CASE("transpose reverses the axes unless told otherwise") {
  Bench b;
  const Value x = b.f32({2, 3, 4});
  CHECK(type_of(ops::transpose(x)) == "f32[4,3,2]");
  CHECK(type_of(ops::transpose(x, {-1, 0, 1})) == "f32[4,2,3]");
  CHECK(ops::transpose(x, {0, 1, 2}) == x);
  CHECK(ops::transpose(b.f32({})).rank() == 0);
  CHECK_INVALID(
      ops::transpose(x, {0, 0, 1}),
      "[transpose] expected each axis of f32[2,3,4] once in the permutation, "
      "got axis 0 twice");
  CHECK_INVALID(
      ops::transpose(x, {0, 1}),
      "[transpose] expected one entry of permutation per axis of f32[2,3,4], "
      "got 2");
  CHECK_THROWS_AS(ops::transpose(x, {0, 1, 3}), InvalidArgument);
}

TEST_CASE("broadcast_to stretches ones and adds axes in front") {
  Bench b;
  CHECK(type_of(ops::broadcast_to(b.f32({3, 1}), {2, 3, 4})) == "f32[2,3,4]");
  CHECK_INVALID(
      ops::broadcast_to(b.f32({3}), {3, 2}),
      "[broadcast_to] expected an operand that broadcasts to [3,2], got "
      "f32[3]; "
      "sizes counted from the last axis must be equal or 1");
  CHECK_THROWS_AS(ops::broadcast_to(b.f32({1, 1}), {1}), InvalidArgument);
  CHECK_THROWS_AS(ops::broadcast_to(b.f32({1}), {kUnknown}), InvalidArgument);
}

TEST_CASE("expand_dims and squeeze add and remove ones") {
  Bench b;
  CHECK(type_of(ops::expand_dims(b.f32({2, 3}), -1)) == "f32[2,3,1]");
  CHECK(type_of(ops::expand_dims(b.f32({2, 3}), 0)) == "f32[1,2,3]");
  CHECK(type_of(ops::expand_dims(b.f32({}), 0)) == "f32[1]");
  CHECK_THROWS_AS(ops::expand_dims(b.f32({2}), 2), InvalidArgument);
  CHECK(type_of(ops::squeeze(b.f32({1, 2, 1}))) == "f32[2]");
  CHECK(type_of(ops::squeeze(b.f32({1, 2, 1}), {-1})) == "f32[1,2]");
  CHECK_INVALID(
      ops::squeeze(b.f32({1, 2}), {1}),
      "[squeeze] expected axes of size 1, got axis 1 of [1,2] with 2");
}

TEST_CASE("concatenate joins along one axis") {
  Bench b;
  CHECK(
      type_of(ops::concatenate({b.f32({2, 3}), b.f32({2, 1})})) == "f32[2,4]");
  CHECK(type_of(ops::concatenate({b.f32({2, 3})}, 0)) == "f32[2,3]");
  CHECK(
      type_of(ops::stack({b.f32({2}), b.f32({2}), b.f32({2})}, 1)) ==
      "f32[2,3]");
  CHECK(type_of(ops::stack({b.f32({}), b.f32({})})) == "f32[2]");
  CHECK_INVALID(
      ops::concatenate({b.f32({2, 3}), b.f32({3, 3})}),
      "[concatenate] expected operands that differ along axis 1 only, got "
      "f32[2,3] and f32[3,3] (operand 1)");
  CHECK_INVALID(
      ops::concatenate({}),
      "[concatenate] expected at least one value, got none");
  CHECK_THROWS_AS(ops::concatenate({b.f32({2}), b.i32({2})}), InvalidArgument);
  CHECK_THROWS_AS(
      ops::concatenate({b.f32({2}), b.f32({2, 1})}), InvalidArgument);
  CHECK_THROWS_AS(ops::concatenate({b.f32({})}), InvalidArgument);
  CHECK_THROWS_AS(ops::stack({b.f32({2}), b.f32({3})}), InvalidArgument);
}

TEST_CASE("slice counts what its steps reach") {
  Bench b;
  const Value x = b.f32({7, 4});
  CHECK(type_of(ops::slice(x, {1, 0}, {6, 4})) == "f32[5,4]");
  CHECK(type_of(ops::slice(x, {1, 0}, {6, 4}, {2, 3})) == "f32[3,2]");
  CHECK(type_of(ops::slice(x, {7, 2}, {7, 2}, {9, 1})) == "f32[0,0]");
  CHECK_INVALID(
      ops::slice(x, {0, 0}, {7, 5}),
      "[slice] expected 0 <= start <= stop <= 4 and step >= 1 for axis 1 of "
      "f32[7,4], got 0:5:1");
  CHECK_THROWS_AS(ops::slice(x, {-1, 0}, {7, 4}), InvalidArgument);
  CHECK_THROWS_AS(ops::slice(x, {3, 0}, {2, 4}), InvalidArgument);
  CHECK_THROWS_AS(ops::slice(x, {0, 0}, {7, 4}, {0, 1}), InvalidArgument);
  CHECK_THROWS_AS(ops::slice(x, {0}, {7}), InvalidArgument);
}

TEST_CASE("slice_axis counts negative indices from the back") {
  Bench b;
  const Value x = b.f32({3, 5});
  CHECK(type_of(ops::slice_axis(x, -1, -3, -1)) == "f32[3,2]");
  CHECK(type_of(ops::slice_axis(x, 0, 1, 3)) == "f32[2,5]");
  CHECK(ops::slice_axis(x, 0, 0, 3) == x);
  CHECK_THROWS_AS(ops::slice_axis(x, 0, -4, 3), InvalidArgument);
}

TEST_CASE("pad adds, and crops by negative amounts") {
  Bench b;
  const Value x = b.f32({3, 4});
  CHECK(type_of(ops::pad(x, {1, 0}, {2, 0})) == "f32[6,4]");
  CHECK(type_of(ops::pad(x, {-1, 2}, {-1, -4})) == "f32[1,2]");
  CHECK(type_of(ops::pad(x, {-3, 0}, {1, 0})) == "f32[1,4]");
  CHECK(ops::pad(x, {0, 0}, {0, 0}) == x);
  CHECK_INVALID(
      ops::pad(x, {-2, 0}, {-2, 0}),
      "[pad] expected to crop at most 3 elements from axis 0 of f32[3,4], got "
      "low -2 and high -2");
  CHECK_THROWS_AS(ops::pad(x, {-4, 0}, {4, 0}), InvalidArgument);
  CHECK_THROWS_AS(ops::pad(x, {1}, {1}), InvalidArgument);
}

TEST_CASE("flip, repeat and tile follow NumPy") {
  Bench b;
  CHECK(type_of(ops::flip(b.f32({2, 3}), {-1})) == "f32[2,3]");
  CHECK_THROWS_AS(ops::flip(b.f32({2, 3}), {0, 0}), InvalidArgument);
  CHECK(type_of(ops::repeat(b.f32({2, 3}), 4, -1)) == "f32[2,12]");
  CHECK(type_of(ops::repeat(b.f32({2}), 0, 0)) == "f32[0]");
  CHECK_INVALID(
      ops::repeat(b.f32({2}), -1, 0), "[repeat] expected a count >= 0, got -1");
  CHECK(type_of(ops::tile(b.f32({2, 3}), {2})) == "f32[2,6]");
  CHECK(type_of(ops::tile(b.f32({2, 3}), {2, 1, 3})) == "f32[2,2,9]");
  CHECK_THROWS_AS(ops::tile(b.f32({2}), {-1}), InvalidArgument);
}

TEST_CASE("iota counts along one axis") {
  Bench b;
  CHECK(type_of(ops::iota(b.graph, {2, 3}, -1, DType::i32)) == "i32[2,3]");
  CHECK_INVALID(
      ops::iota(b.graph, {2, 3}, 2, DType::i32),
      "[iota] expected an axis from -2 to 1 for rank 2, got 2");
  CHECK_INVALID(
      ops::iota(b.graph, {2}, 0, DType::boolean),
      "[iota] expected a dtype of numbers, got bool");
  CHECK_THROWS_AS(ops::iota(b.graph, {}, 0, DType::i32), InvalidArgument);
}
