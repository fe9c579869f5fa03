#include <doctest/doctest.h>

#include <cmath>
#include <cstdint>
#include <vector>

#include <keratin/error.hpp>
#include <keratin/ops.hpp>

#include "src/ir/autodiff.hpp"
#include "src/ir/op_info.hpp"
#include "tests/ir/op_testing.hpp"

namespace keratin::testing {

namespace {

/// |pattern|.
Tensor magnitudes(const Shape& shape, int seed) {
  Tensor result = pattern(shape, seed);
  for (double& value : result.mutable_data<double>()) value = std::abs(value);
  return result;
}

std::size_t count(const Graph& graph, Op op) {
  std::size_t found = 0;
  for (const Node& node : graph.nodes()) found += node.op == op ? 1 : 0;
  return found;
}

}  // namespace

TEST_CASE("softmax and log_softmax compute Keras's numbers on any axis") {
  const Tensor x = pattern({2, 3, 4}, 1);
  check_case_and_gradients(
      "softmax last",
      Op::softmax,
      [](const Values& v) -> Values { return {ops::softmax(v[0])}; },
      {x});
  check_case_and_gradients(
      "softmax middle",
      Op::softmax,
      [](const Values& v) -> Values { return {ops::softmax(v[0], 1)}; },
      {x});
  check_case_and_gradients(
      "log_softmax first",
      Op::log_softmax,
      [](const Values& v) -> Values { return {ops::log_softmax(v[0], -3)}; },
      {x});
}

TEST_CASE("softmax survives large numbers, as a node and decomposed") {
  const Tensor x(std::vector<float>{1000, 1000, -1000}, Shape{1, 3});
  const std::vector<Tensor> results = run(
      [](const Values& v) -> Values {
        const Attrs attrs = {{"axis", std::int64_t{1}}};
        Graph& g = v[0].graph();
        return {
            ops::softmax(v[0]),
            op_info(Op::softmax).decompose({g, Op::softmax, attrs, v})[0]};
      },
      {x});
  const Tensor expected(std::vector<float>{0.5F, 0.5F, 0}, Shape{1, 3});
  for (const Tensor& y : results) check_close(y, expected, "softmax");
}

TEST_CASE("softmax needs an axis and a floating dtype") {
  Graph g;
  CHECK_THROWS_AS(ops::softmax(parameter(g, {2, 3}), 2), InvalidArgument);
  CHECK_THROWS_AS(ops::softmax(parameter(g, {})), InvalidArgument);
  CHECK_THROWS_AS(ops::softmax(parameter(g, {2}, DType::i32)), InvalidArgument);
}

TEST_CASE("the cross-entropies compute TensorFlow's numbers") {
  const Tensor x = pattern({2, 3, 4}, 1);
  const Tensor labels = magnitudes({2, 3, 4}, 2);
  // TensorFlow takes labels that sum to one for granted in its gradient.
  check_case(
      "softmax_cross_entropy",
      [](const Values& v) -> Values {
        return {ops::softmax_cross_entropy(v[0], v[1])};
      },
      {x, labels});
  const Tensor classes(
      std::vector<std::int64_t>{0, 3, 1, 2, 2, 0}, Shape{2, 3});
  check_case_and_gradients(
      "sparse_softmax_cross_entropy",
      Op::sparse_softmax_cross_entropy,
      [](const Values& v) -> Values {
        return {ops::sparse_softmax_cross_entropy(v[0], v[1])};
      },
      {x, classes});
}

TEST_CASE("a label out of range gives NaN, as a node and decomposed") {
  const Tensor labels(std::vector<std::int32_t>{-1, 4, 0}, Shape{3});
  const std::vector<Tensor> results = run(
      [](const Values& v) -> Values {
        const OpInfo& info = op_info(Op::sparse_softmax_cross_entropy);
        const Attrs attrs;
        return {
            ops::sparse_softmax_cross_entropy(v[0], v[1]),
            info.decompose({v[0].graph(), info.op, attrs, v})[0]};
      },
      {pattern({3, 4}, 1), labels});
  for (const Tensor& loss : results) {
    CHECK(std::isnan(loss.at(0)));
    CHECK(std::isnan(loss.at(1)));
    CHECK(std::isfinite(loss.at(2)));
  }
}

TEST_CASE("the cross-entropies reject labels of another shape or dtype") {
  Graph g;
  const Value logits = parameter(g, {2, 3});
  CHECK_THROWS_WITH_AS(
      ops::softmax_cross_entropy(logits, parameter(g, {2})),
      doctest::Contains("class indices go to sparse_softmax_cross_entropy"),
      InvalidArgument);
  CHECK_THROWS_WITH_AS(
      ops::sparse_softmax_cross_entropy(
          logits, parameter(g, {2, 3}, DType::i32)),
      doctest::Contains("so labels of shape [2], got i32[2,3]"),
      InvalidArgument);
  CHECK_THROWS_AS(
      ops::sparse_softmax_cross_entropy(logits, parameter(g, {2})),
      InvalidArgument);
}

TEST_CASE("batch_norm computes Keras's numbers") {
  const Tensor x = pattern({2, 3, 4}, 1);
  const Tensor gamma = pattern({4}, 2);
  const Tensor beta = pattern({4}, 3);
  const auto training = [](std::size_t result) {
    return [result](const Values& v) -> Values {
      const auto r = ops::batch_norm_training(v[0], v[1], v[2], 1e-3);
      return {std::vector<Value>{r.y, r.mean, r.variance}[result]};
    };
  };
  check_case_and_gradients(
      "batch_norm training",
      Op::batch_norm_training,
      training(0),
      {x, gamma, beta});
  check_case("batch_norm mean", training(1), {x, gamma, beta});
  check_case("batch_norm variance", training(2), {x, gamma, beta});
  check_case_and_gradients(
      "batch_norm inference",
      Op::batch_norm_inference,
      [](const Values& v) -> Values {
        return {ops::batch_norm_inference(v[0], v[1], v[2], v[3], v[4], 1e-3)};
      },
      {x, gamma, beta, pattern({4}, 4), magnitudes({4}, 5)});
}

TEST_CASE("layer_norm computes Keras's numbers") {
  check_case_and_gradients(
      "layer_norm",
      Op::layer_norm,
      [](const Values& v) -> Values {
        return {ops::layer_norm(v[0], v[1], v[2], 1e-3)};
      },
      {pattern({2, 3, 4}, 1), pattern({4}, 2), pattern({4}, 3)});
}

TEST_CASE("the gradient of a normalisation's y stays one node") {
  Graph g;
  const Value x = parameter(g, {2, 3, 4});
  const Value gamma = parameter(g, {4});
  const Value beta = parameter(g, {4});
  const auto r = ops::batch_norm_training(x, gamma, beta, 1e-3);
  gradients(ops::sum(ops::square(r.y)), {x, gamma, beta});
  CHECK(count(g, Op::batch_norm_grad) == 1);
  gradients(ops::sum(r.variance), {x});
  CHECK(count(g, Op::batch_norm_grad) == 1);  // through the decomposition
  const Value y = ops::layer_norm(x, gamma, beta, 1e-3);
  gradients(ops::sum(ops::square(y)), {x, gamma, beta});
  CHECK(count(g, Op::layer_norm_grad) == 1);
}

TEST_CASE("normalisations take f32 parameters beside half-precision x") {
  Graph g;
  const Value x = parameter(g, {2, 4}, DType::f16);
  const Value p = parameter(g, {4});
  const auto r = ops::batch_norm_training(x, p, p, 1e-3);
  CHECK(r.y.dtype() == DType::f16);
  CHECK(r.mean.dtype() == DType::f32);
  CHECK(ops::layer_norm(x, p, p, 1e-3).dtype() == DType::f16);
  CHECK_THROWS_AS(
      ops::layer_norm(parameter(g, {2, 4}, DType::f64), p, p, 1e-3),
      InvalidArgument);
}

TEST_CASE("normalisations reject parameters of another size") {
  Graph g;
  const Value x = parameter(g, {2, 4});
  const Value p = parameter(g, {4});
  CHECK_THROWS_WITH_AS(
      ops::batch_norm_training(x, p, parameter(g, {3}), 1e-3),
      doctest::Contains("expected operand 2 of type f32[4] for x f32[2,4], "
                        "got f32[3]"),
      InvalidArgument);
  CHECK_THROWS_AS(ops::layer_norm(x, p, p, -1), InvalidArgument);
  CHECK_THROWS_AS(ops::layer_norm(p, p, p, 1e-3), InvalidArgument);
}

TEST_CASE("attention is softmax of scaled products, and its gradient a node") {
  Graph g;
  const Value q = parameter(g, {2, 3, 2, 4});
  const Value k = parameter(g, {2, 5, 2, 4});
  const Value v = parameter(g, {2, 5, 2, 6});
  const Value y = ops::dot_product_attention(q, k, v, 0.5);
  CHECK(y.shape() == Shape{2, 3, 2, 6});
  gradients(ops::sum(ops::square(y)), {q, k, v});
  CHECK(count(g, Op::attention_grad) == 1);
}

TEST_CASE("attention says what does not fit") {
  Graph g;
  const Value q = parameter(g, {2, 3, 2, 4});
  const Value k = parameter(g, {2, 5, 2, 4});
  const Value mask = parameter(g, {2, 1, 3, 4}, DType::boolean);
  CHECK_THROWS_WITH_AS(
      ops::dot_product_attention(q, k, q, 0.5),
      doctest::Contains("expected a query [batch, t, heads, h], a key [batch, "
                        "s, heads, h] and a value [batch, s, heads, n] of one "
                        "dtype, got f32[2,3,2,4], f32[2,5,2,4] and "
                        "f32[2,3,2,4]"),
      InvalidArgument);
  CHECK_THROWS_WITH_AS(
      ops::dot_product_attention(q, k, k, 0.5, mask),
      doctest::Contains("expected a mask of rank 4 that broadcasts to the "
                        "scores [2,2,3,5], got [2,1,3,4]"),
      InvalidArgument);
  CHECK_THROWS_AS(
      ops::dot_product_attention(q, k, k, 0.5, parameter(g, {2, 1, 3, 5})),
      InvalidArgument);
}

}  // namespace keratin::testing
