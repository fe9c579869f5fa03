#include <doctest/doctest.h>

#include "src/ir/op_info.hpp"
#include "tests/ir/ops_support.hpp"

using namespace keratin;  // NOLINT
using keratin::testing::Bench;
using keratin::testing::op_of;
using keratin::testing::type_of;

TEST_CASE("an op of one operand keeps shape and dtype") {
  Bench b;
  CHECK(type_of(ops::exp(b.f32({2, 3}))) == "f32[2,3]");
  CHECK(type_of(ops::tanh(b(DType::bf16, {}))) == "bf16[]");
  CHECK(type_of(ops::negative(b.i32({4}))) == "i32[4]");
  CHECK(type_of(ops::square(b(DType::u8, {0}))) == "u8[0]");
  CHECK(type_of(ops::bitwise_not(b(DType::u8, {2}))) == "u8[2]");
  CHECK(type_of(ops::isnan(b.f32({2}))) == "bool[2]");
  CHECK(type_of(ops::stop_gradient(b.boolean({2}))) == "bool[2]");
}

TEST_CASE("functions with fractional results make f32 of integers and bools") {
  Bench b;
  CHECK(type_of(ops::exp(b.i32({2}))) == "f32[2]");
  CHECK(type_of(ops::sqrt(b.boolean({2}))) == "f32[2]");
  CHECK(type_of(ops::floor(b.i32({2}))) == "f32[2]");
  CHECK(type_of(ops::isfinite(b.i32({2}))) == "bool[2]");
  CHECK(type_of(ops::round(b.i32({2}))) == "i32[2]");
  CHECK(type_of(ops::arctan2(b.i32({2}), b.i32({}))) == "f32[2]");
}

TEST_CASE("logical functions take anything that is not 0 for true") {
  Bench b;
  CHECK(type_of(ops::logical_not(b.f32({2}))) == "bool[2]");
  CHECK(
      type_of(ops::logical_and(b.i32({2}), b.boolean({3, 1}))) == "bool[3,2]");
  CHECK(
      op_of(ops::logical_xor(b.boolean({}), b.boolean({}))) == Op::logical_xor);
}

TEST_CASE("the larger and the smaller of two bools are bools") {
  Bench b;
  CHECK(op_of(ops::maximum(b.boolean({2}), b.boolean({}))) == Op::logical_or);
  CHECK(op_of(ops::minimum(b.boolean({2}), b.boolean({}))) == Op::logical_and);
}

TEST_CASE("operands of wrong dtypes are refused with a fix") {
  Bench b;
  CHECK_INVALID(
      ops::negative(b.boolean({2})),
      "[negative] expected a number as operand, got bool[2]; convert it with "
      "ops::cast");
  CHECK_INVALID(
      ops::bitwise_not(b.f32({2})),
      "[bitwise_not] expected an integer operand, got f32[2]; convert it with "
      "ops::cast");
  CHECK_INVALID(
      ops::add(b.f32({2}), b(DType::f64, {2})),
      "[add] expected operands of one dtype, got f32[2] and f64[2]; convert "
      "one with ops::cast");
  CHECK_INVALID(
      ops::left_shift(b.f32({2}), b.f32({2})),
      "[left_shift] expected an integer operand, got f32[2] as operand 0; "
      "convert it with ops::cast");
  CHECK_INVALID(
      ops::add(b.boolean({}), b.boolean({})),
      "[add] expected a number as operand, got bool[] as operand 0; convert it "
      "with ops::cast");
  CHECK_INVALID(
      ops::cast(b.f32({}), DType::string),
      "[cast] expected a dtype of numbers, got string");
}

TEST_CASE("errors name the layer") {
  Bench b;
  const LayerScope scope(b.graph, "dense_1");
  CHECK_INVALID(
      ops::add(b.f32({2, 3}), b.f32({4})),
      "[add @dense_1] expected shapes that broadcast, got f32[2,3] and f32[4]: "
      "3 does not match 4; sizes counted from the last axis must be equal or "
      "1");
  CHECK_INVALID(
      ops::clip(b.f32({}), 2, 1),
      "[clip @dense_1] expected low <= high, got 2 and 1");
}

TEST_CASE("operands broadcast as in NumPy") {
  Bench b;
  const auto shape = [&](const Shape& x, const Shape& y) {
    return ops::add(b.f32(x), b.f32(y)).shape();
  };
  CHECK(shape({2, 3}, {2, 3}) == Shape{2, 3});
  CHECK(shape({}, {2, 3}) == Shape{2, 3});
  CHECK(shape({3, 1}, {4}) == Shape{3, 4});
  CHECK(shape({1}, {5, 1, 2}) == Shape{5, 1, 2});
  CHECK(shape({0, 1}, {1, 3}) == Shape{0, 3});
  CHECK_THROWS_AS(shape({0}, {2}), InvalidArgument);
  CHECK_THROWS_AS(shape({2, 1, 3}, {4, 2, 2}), InvalidArgument);
}

TEST_CASE("comparisons yield bool, also of bools") {
  Bench b;
  CHECK(type_of(ops::less(b.f32({2, 1}), b.f32({3}))) == "bool[2,3]");
  CHECK(type_of(ops::equal(b.boolean({2}), b.boolean({2}))) == "bool[2]");
}

TEST_CASE("where broadcasts all three operands") {
  Bench b;
  const Value y = ops::where(b.boolean({4, 1, 1}), b.f32({3, 1}), b.f32({2}));
  CHECK(type_of(y) == "f32[4,3,2]");
  CHECK(op_of(y) == Op::select);
  CHECK_INVALID(
      ops::where(b.boolean({2}), b.f32({2}), b.i32({2})),
      "[select] expected operands of one dtype, got f32[2] and i32[2]; convert "
      "one with ops::cast");
}

TEST_CASE("a C++ number takes the dtype of the other operand") {
  Bench b;
  CHECK(type_of(b.i32({2}) + 1) == "i32[2]");
  CHECK(type_of(1 / b(DType::f64, {2})) == "f64[2]");
  CHECK(type_of(ops::greater(b(DType::u8, {2}), 255.0)) == "bool[2]");
  CHECK_INVALID(
      b.i32({2}) * 0.5,
      "[constant] expected a value that int32 holds, got 0.5; cast the other "
      "operand first");
  CHECK_THROWS_AS(b(DType::u8, {2}) + 256, InvalidArgument);
  CHECK_THROWS_AS(b(DType::u8, {2}) + -1, InvalidArgument);
  CHECK_THROWS_AS(b(DType::i64, {}) + 9223372036854775808.0, InvalidArgument);
  CHECK_NOTHROW(b(DType::i64, {}) + -9223372036854775808.0);
}

TEST_CASE("cast to the same dtype adds nothing") {
  Bench b;
  const Value x = b.f32({2});
  CHECK(ops::cast(x, DType::f32) == x);
  CHECK(type_of(ops::cast(x, DType::boolean)) == "bool[2]");
}

TEST_CASE("full holds one element however large the shape is") {
  Bench b;
  const Value x = ops::full(b.graph, {1000, 1000}, 2, DType::f32);
  CHECK(type_of(x) == "f32[1000,1000]");
  CHECK(op_of(x) == Op::broadcast_to);
  CHECK(type_of(ops::zeros_like(b.boolean({2}))) == "bool[2]");
  CHECK_THROWS_AS(ops::full(b.graph, {2}, 0.5, DType::i32), InvalidArgument);
}

TEST_CASE("full takes the shape of a value whose graph grows meanwhile") {
  Bench b;
  const Value x = b.f32({2, 3});
  Value y;
  for (int i = 0; i < 40; ++i) y = ops::full(b.graph, x.shape(), i, x.dtype());
  CHECK(type_of(y) == "f32[2,3]");
}

TEST_CASE("an empty value is refused") {
  Bench b;
  CHECK_INVALID(
      ops::exp(Value()),
      "[exp] expected a value, got an empty one; a gradient that does not flow "
      "or a default-constructed Value");
  CHECK_THROWS_AS(ops::add(b.f32({}), Value()), InvalidArgument);
}

TEST_CASE("parameters, constants and variables have their own types") {
  Bench b;
  CHECK(
      type_of(ops::constant(b.graph, Tensor(std::vector<bool>{true}))) ==
      "bool[1]");
  CHECK_THROWS_AS(
      ops::constant(b.graph, Tensor(std::vector<std::string>{"a"})),
      InvalidArgument);
  const Variable w(Tensor(DType::f32, {2, 3}), {.name = "kernel"});
  const Value read = b.graph.read(w);
  CHECK(type_of(read) == "f32[2,3]");
  CHECK(b.graph.read(w) == read);
  CHECK_INVALID(
      b.graph.assign(w, b.f32({3, 2})),
      "[assign] variable kernel is f32[2,3], got f32[3,2]; use ops::cast or "
      "ops::reshape");
}
