// The functions of ops on arrays.

#include "src/train/eager_ops.hpp"

#include <doctest/doctest.h>

#include <cmath>
#include <thread>
#include <vector>

#include <keratin/backend.hpp>
#include <keratin/error.hpp>
#include <keratin/ops.hpp>

#include "tests/support/throws.hpp"

namespace keratin {

namespace {

using testing::message_of;

Tensor row(const std::vector<float>& values) {
  return Tensor(values);
}

Tensor matrix() {
  return Tensor(std::vector<float>{1, 2, 3, 4, 5, 6}, {2, 3});
}

}  // namespace

TEST_CASE("Arithmetic on arrays runs at once and broadcasts") {
  const Tensor x = matrix();
  const Tensor y = row({10, 20, 30});
  CHECK(x + y == Tensor(std::vector<float>{11, 22, 33, 14, 25, 36}, {2, 3}));
  CHECK(-y * 2 == row({-20, -40, -60}));
  CHECK(1 - y / 10.0 == row({0, -1, -2}));
  CHECK(60 / y == row({6, 3, 2}));
  CHECK(ops::power(y, 2) == row({100, 400, 900}));
  CHECK(ops::maximum(15, y) == row({15, 20, 30}));
}

TEST_CASE("Reductions, shapes and products of arrays") {
  const Tensor x = matrix();
  CHECK(ops::sum(x).item<float>() == 21);
  CHECK(ops::mean(x, {0}) == row({2.5, 3.5, 4.5}));
  CHECK(ops::max(x, {1}, true).shape() == Shape{2, 1});
  CHECK(ops::argmax(x, 1) == Tensor(std::vector<std::int32_t>{2, 2}));
  CHECK(ops::transpose(x).shape() == Shape{3, 2});
  CHECK(ops::reshape(x, {3, kUnknown}).shape() == Shape{3, 2});
  CHECK(
      ops::matmul(x, ops::transpose(x)) ==
      Tensor(std::vector<float>{14, 32, 32, 77}, {2, 2}));
  CHECK(ops::einsum("ij,kj->ik", {x, x}) == ops::matmul(x, ops::transpose(x)));
  CHECK(ops::concatenate({x, x}, 0).shape() == Shape{4, 3});
  CHECK(ops::stack({x, x, x}).shape() == Shape{3, 2, 3});
  CHECK(ops::slice(x, {0, 1}, {2, 3}).shape() == Shape{2, 2});
  CHECK(
      ops::slice_axis(x, -1, 0, 1) == Tensor(std::vector<float>{1, 4}, {2, 1}));
  CHECK(ops::pad(row({1}), {1}, {2}, 9) == row({9, 1, 9, 9}));
  CHECK(
      ops::where(ops::greater(x, 3), x, 0) ==
      Tensor(std::vector<float>{0, 0, 0, 4, 5, 6}, {2, 3}));
  const auto [values, indices] = ops::top_k(row({3, 9, 5}), 2);
  CHECK(values == row({9, 5}));
  CHECK(indices == Tensor(std::vector<std::int32_t>{1, 2}));
  const auto sorted = ops::sort(row({3, 9, 5}));
  CHECK(sorted.values == row({3, 5, 9}));
  CHECK(sorted.indices == Tensor(std::vector<std::int32_t>{0, 2, 1}));
  CHECK(
      ops::take(x, Tensor(std::vector<std::int32_t>{-1}), 1) ==
      Tensor(std::vector<float>{3, 6}, {2, 1}));
}

TEST_CASE("Arrays of different dtypes meet as in Keras") {
  const Tensor ints(std::vector<std::int32_t>{1, 2, 3});
  CHECK((ints + row({0.5, 0.5, 0.5})).dtype() == DType::f32);
  CHECK((ints * 2).dtype() == DType::i32);
  CHECK((ints * 0.5) == row({0.5, 1, 1.5}));
  CHECK((ints / 2) == row({0.5, 1, 1.5}));
  CHECK(
      ops::floor_divide(ints, 2) == Tensor(std::vector<std::int32_t>{0, 1, 1}));
  CHECK((ints + Tensor(std::vector<double>{1})).dtype() == DType::f64);
  CHECK(ops::exp(ints).dtype() == DType::f32);
  CHECK(ops::sum(Tensor(std::vector<std::uint8_t>{200, 100})).at(0) == 300);
}

TEST_CASE("Doubles keep their precision on arrays") {
  const Tensor x(std::vector<double>{0.1, 0.2});
  CHECK(ops::sum(ops::exp(x)).item<double>() == std::exp(0.1) + std::exp(0.2));
}

TEST_CASE("Wrong arrays are named") {
  CHECK(message_of<InvalidArgument>([] {
          matrix() + row({1, 2});
        }).starts_with("[add]"));
  CHECK_THROWS_AS(ops::matmul(matrix(), matrix()), InvalidArgument);
  CHECK_THROWS_AS(ops::sum(matrix(), {2}), InvalidArgument);
  CHECK_THROWS_AS(ops::clip(matrix(), 2, 1), InvalidArgument);
  CHECK_THROWS_AS(ops::slice(matrix(), {0}, {1, 2}), InvalidArgument);
  CHECK_THROWS_AS(ops::slice_axis(matrix(), 2, 0, 1), InvalidArgument);
  CHECK_THROWS_AS(ops::pad(matrix(), {0, -1}, {0, 0}), InvalidArgument);
  CHECK_THROWS_AS(ops::concatenate(std::vector<Tensor>{}), InvalidArgument);
  CHECK(message_of<InvalidArgument>([] {
          ops::abs(Tensor(std::vector<std::string>{"a"}));
        }) == "[Absolute] expected numbers, got strings");
}

TEST_CASE("Programs for arrays are kept, but not without bound") {
  const Tensor x = row({1, 2, 3});
  ops::tanh(x);
  x * 0.5 + 1;
  const std::size_t before = eager_program_count();
  for (int i = 0; i < 10; ++i) {
    ops::tanh(x);
    // Numbers are operands of the program, not part of it.
    CHECK((x * (i / 8.0) + i).at(1) == i / 4.0 + i);
  }
  CHECK(eager_program_count() == before);
  set_backend("reference");
  for (std::size_t n = 1; n <= kEagerPrograms + 20; ++n) {
    ops::negative(Tensor(DType::f32, {static_cast<std::int64_t>(n), 2}));
  }
  set_backend({});
  CHECK(eager_program_count() == kEagerPrograms);
}

TEST_CASE("Arrays are computed with from several threads at once") {
  std::vector<int> wrong(4, 0);
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([t, &wrong] {
      for (int i = 0; i < 60; ++i) {
        // Sizes shared with the other threads, made in another order.
        const int n = 1 + (i * (t + 3)) % 17;
        const Tensor x = Tensor::full(DType::f32, {n}, t);
        wrong[t] += ops::sum(x * 2 + 1).item<float>() != n * (2 * t + 1);
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  CHECK(wrong == std::vector<int>(4, 0));
}

}  // namespace keratin
