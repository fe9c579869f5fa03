#include <doctest/doctest.h>

#include <string>
#include <vector>

#include <keratin/error.hpp>
#include <keratin/ops.hpp>

#include "tests/ir/op_testing.hpp"

namespace keratin::testing {

namespace {

Tensor einsum_value(
    const std::string& equation, const std::vector<Tensor>& operands) {
  return run(
      [&](const Values& v) -> Values { return {ops::einsum(equation, v)}; },
      operands)[0];
}

void check_einsum(
    const std::string& equation, const std::vector<Shape>& shapes) {
  std::vector<Tensor> operands;
  for (const Shape& shape : shapes) {
    operands.push_back(pattern(shape, static_cast<int>(operands.size()) + 1));
  }
  check_case(
      "einsum " + equation,
      [&](const Values& v) -> Values { return {ops::einsum(equation, v)}; },
      operands);
}

/// The message of the InvalidArgument that einsum throws.
std::string einsum_error(
    const std::string& equation, const std::vector<Shape>& shapes) {
  Graph graph;
  Values operands;
  for (const Shape& shape : shapes) {
    operands.push_back(parameter(graph, shape));
  }
  try {
    ops::einsum(equation, operands);
  } catch (const InvalidArgument& error) {
    return error.what();
  }
  return "no error";
}

}  // namespace

TEST_CASE("matmul's shape follows transposes and broadcast batches") {
  Graph g;
  const auto shape =
      [&](const Shape& a, const Shape& b, ops::MatmulOptions options = {}) {
        return ops::matmul(parameter(g, a), parameter(g, b), options).shape();
      };
  CHECK(shape({2, 3}, {3, 4}) == Shape{2, 4});
  CHECK(shape({3, 2}, {3, 4}, {.transpose_a = true}) == Shape{2, 4});
  CHECK(shape({2, 3}, {4, 3}, {.transpose_b = true}) == Shape{2, 4});
  CHECK(shape({3, 2}, {4, 3}, {true, true}) == Shape{2, 4});
  CHECK(shape({5, 1, 2, 3}, {6, 3, 4}) == Shape{5, 6, 2, 4});
  CHECK(shape({5, 2, 3}, {3, 4}) == Shape{5, 2, 4});
  CHECK(shape({3}, {3}) == Shape{});
  CHECK(shape({3}, {5, 3, 4}) == Shape{5, 4});
  CHECK(shape({5, 2, 3}, {3}) == Shape{5, 2});
  CHECK(shape({2, 0}, {0, 4}) == Shape{2, 4});
}

TEST_CASE("matmul names both shapes when inner dims differ") {
  Graph g;
  const Value a = parameter(g, {32, 128});
  const Value b = parameter(g, {64, 10});
  CHECK_THROWS_WITH_AS(
      ops::matmul(a, b),
      "[matmul] inner dims differ: lhs f32[32,128] has 128, rhs f32[64,10] "
      "has 64",
      InvalidArgument);
  const LayerScope scope(g, "dense_1");
  CHECK_THROWS_WITH_AS(
      ops::matmul(a, b),
      doctest::Contains("[matmul @dense_1] inner dims differ"),
      InvalidArgument);
}

TEST_CASE("matmul rejects scalars, other dtypes and batches that differ") {
  Graph g;
  CHECK_THROWS_AS(
      ops::matmul(parameter(g, {}), parameter(g, {2})), InvalidArgument);
  CHECK_THROWS_AS(
      ops::matmul(parameter(g, {2, 2}), parameter(g, {2, 2}, DType::f64)),
      InvalidArgument);
  CHECK_THROWS_WITH_AS(
      ops::matmul(parameter(g, {2, 2, 2}), parameter(g, {3, 2, 2})),
      doctest::Contains("2 does not match 3"),
      InvalidArgument);
  CHECK_THROWS_WITH_AS(
      ops::matmul(
          parameter(g, {2}), parameter(g, {2, 2}), {.transpose_a = true}),
      doctest::Contains("rank >= 2"),
      InvalidArgument);
}

TEST_CASE("matmul computes NumPy's numbers for vectors and batches") {
  const Builder product = [](const Values& v) -> Values {
    return {ops::matmul(v[0], v[1])};
  };
  check_case("matmul vectors", product, {pattern({3}, 1), pattern({3}, 2)});
  check_case("matmul row", product, {pattern({3}, 1), pattern({2, 3, 4}, 2)});
  check_case(
      "matmul column", product, {pattern({2, 3, 4}, 1), pattern({4}, 2)});
  check_case(
      "matmul broadcast",
      product,
      {pattern({2, 1, 2, 3}, 1), pattern({3, 3, 2}, 2)});
}

TEST_CASE("tensordot computes NumPy's numbers") {
  check_case(
      "tensordot",
      [](const Values& v) -> Values {
        return {ops::tensordot(v[0], v[1], {2, 0}, {0, 1})};
      },
      {pattern({2, 3, 4}, 1), pattern({4, 2, 5}, 2)});
}

TEST_CASE("tensordot rejects axes that do not pair up") {
  Graph g;
  const Value a = parameter(g, {2, 3});
  const Value b = parameter(g, {3, 4});
  CHECK_THROWS_WITH_AS(
      ops::tensordot(a, b, {0}, {0}),
      doctest::Contains("axis 0 of [2,3] has 2, axis 0 of [3,4] has 3"),
      InvalidArgument);
  CHECK_THROWS_AS(ops::tensordot(a, b, {1}, {0, 1}), InvalidArgument);
  CHECK_THROWS_AS(ops::tensordot(a, b, {1, 1}, {0, 0}), InvalidArgument);
  CHECK_THROWS_AS(ops::tensordot(a, b, {2}, {0}), InvalidArgument);
}

TEST_CASE("einsum computes NumPy's numbers") {
  check_einsum("ab,bc->ac", {{2, 3}, {3, 4}});
  check_einsum("ab,bc->ca", {{2, 3}, {3, 4}});
  check_einsum("ab,cb", {{2, 3}, {4, 3}});
  check_einsum("ba", {{2, 3}});
  check_einsum("...x,xy->...y", {{2, 2, 3}, {3, 2}});
  check_einsum("...ab,...bc->...ac", {{2, 1, 2, 3}, {3, 3, 2}});
  check_einsum("bthd,bshd->bhts", {{2, 2, 2, 3}, {2, 3, 2, 3}});
  check_einsum("bhts,bshd->bthd", {{2, 2, 2, 3}, {2, 3, 2, 2}});
  check_einsum("ba,bc->ac", {{3, 2}, {3, 4}});
  check_einsum("a,b->ab", {{2}, {3}});
  check_einsum("a,a->", {{4}, {4}});
  check_einsum("ab,ab->ab", {{2, 3}, {2, 3}});
  check_einsum("abc,ad->d", {{2, 3, 2}, {2, 4}});
  check_einsum("ii->i", {{3, 3}});
  check_einsum("ii", {{3, 3}});
  check_einsum("iji->j", {{2, 3, 2}});
  check_einsum("abc->cab", {{2, 3, 4}});
  check_einsum("a...->...", {{2, 3}});
  check_einsum("ab,b...->a...", {{2, 3}, {3, 2, 2}});
}

TEST_CASE("einsum ignores spaces and broadcasts extents of one") {
  const Tensor a = pattern({2, 3}, 1);
  const Tensor b = pattern({3, 4}, 2);
  CHECK(
      einsum_value("a b, b c -> a c", {a, b}) ==
      einsum_value("ab,bc->ac", {a, b}));
  const Tensor one = pattern({1, 4}, 2);
  const Tensor got = einsum_value("ab,bc->ac", {a, one});
  const Tensor sums = einsum_value("ab->a", {a});
  for (std::int64_t i = 0; i < 8; ++i) {
    CHECK(got.at(i) == doctest::Approx(sums.at(i / 4) * one.at(i % 4)));
  }
}

TEST_CASE("einsum transposes nothing that matmul can read as it lies") {
  Graph g;
  ops::einsum("ba,bc->ac", {parameter(g, {3, 2}), parameter(g, {3, 4})});
  ops::einsum("ab,cb->ac", {parameter(g, {2, 3}), parameter(g, {4, 3})});
  for (const Node& node : g.nodes()) CHECK(node.op != Op::transpose);
}

TEST_CASE("einsum says what is wrong with an equation") {
  CHECK(
      einsum_error("ab,bc->ac", {{2, 3}}) ==
      "[einsum] \"ab,bc->ac\": expected one term for each operand, got 2 terms "
      "and 1 operands");
  CHECK(
      einsum_error("ab,bc->ac", {{2, 3}, {4, 5}}) ==
      "[einsum] \"ab,bc->ac\": label 'b' has extents 3 and 4");
  CHECK(
      einsum_error("ab->ac", {{2, 3}}) ==
      "[einsum] \"ab->ac\": label 'c' of the output is in no operand");
  CHECK(
      einsum_error("ab->aa", {{2, 3}}) ==
      "[einsum] \"ab->aa\": label 'a' is twice in the output");
  CHECK(
      einsum_error("abc->a", {{2, 3}}) ==
      "[einsum] \"abc->a\": term \"abc\" names 3 axes, the operand has 2");
  CHECK(
      einsum_error("a->a", {{2, 3}}) ==
      "[einsum] \"a->a\": term \"a\" names 1 axes, the operand has 2");
  CHECK(
      einsum_error("ii->i", {{2, 3}}) ==
      "[einsum] \"ii->i\": label 'i' has extents 2 and 3");
  CHECK(einsum_error("a1->a", {{2, 3}}).find("got '1'") != std::string::npos);
  CHECK(
      einsum_error("ab->a->b", {{2, 3}}).find("one \"->\"") !=
      std::string::npos);
  CHECK(
      einsum_error("a...->a", {{2, 3}}).find("in the output too") !=
      std::string::npos);
  CHECK(
      einsum_error("a,b,c->abc", {{2}, {3}, {4}}).find("pair by pair") !=
      std::string::npos);
  CHECK(
      einsum_error("ab->ab,a", {{2, 3}}).find("one term after") !=
      std::string::npos);
}

}  // namespace keratin::testing
