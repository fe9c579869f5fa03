#include <doctest/doctest.h>

#include <cstdint>
#include <limits>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include <keratin/error.hpp>
#include <keratin/tensor.hpp>

#include "src/core/visit.hpp"
#include "tests/support/throws.hpp"

namespace keratin {

using testing::message_of;

namespace {

Tensor counting(Shape shape) {
  std::vector<std::int32_t> values(static_cast<std::size_t>(shape.size()));
  for (std::size_t i = 0; i < values.size(); ++i) {
    values[i] = static_cast<std::int32_t>(i);
  }
  return {values, std::move(shape)};
}

}  // namespace

TEST_CASE("a tensor made from values gives them back") {
  const Tensor t(std::vector<float>{1, 2, 3, 4, 5, 6}, {2, 3});
  CHECK(t.dtype() == DType::f32);
  CHECK(t.shape() == Shape{2, 3});
  CHECK(t.size() == 6);
  CHECK(t.size_bytes() == 24);
  CHECK(t.data<float>()[4] == 5.0F);
  CHECK(t.at(5) == 6.0);
  CHECK(t.to_vector<int>() == std::vector<int>{1, 2, 3, 4, 5, 6});
  CHECK(Tensor(2.5).item<float>() == 2.5F);
  // Whole numbers that a double does not hold.
  const std::int64_t odd = (std::int64_t{1} << 53) + 1;
  CHECK(Tensor(std::vector<std::int64_t>{odd}).item<std::int64_t>() == odd);
  CHECK(Tensor(true).dtype() == DType::boolean);
  CHECK(
      Tensor(std::vector<bool>{true, false}).to_vector<bool>() ==
      std::vector<bool>{true, false});
}

TEST_CASE("fresh tensors are zero, whatever the dtype") {
  CHECK(Tensor().shape() == Shape{0});
  for (int i = 0; i < kDTypeCount; ++i) {
    const auto dtype = static_cast<DType>(i);
    const Tensor t(dtype, {3});
    if (dtype == DType::string) {
      CHECK(t.data<std::string>()[2].empty());
    } else {
      CHECK(t.at(2) == 0.0);
      CHECK(Tensor::full(dtype, {2}, 1).at(1) == 1.0);
    }
  }
}

TEST_CASE("elements start at a cache line") {
  for (const std::int64_t n : {1, 3, 1000}) {
    const Tensor t(DType::i8, {n});
    CHECK(reinterpret_cast<std::uintptr_t>(t.raw()) % 64 == 0);
  }
}

TEST_CASE("copies share elements until one is written to") {
  Tensor a(std::vector<float>{1, 2});
  Tensor b = a;
  CHECK(a.raw() == b.raw());
  b.mutable_data<float>()[0] = 9;
  CHECK(a.at(0) == 1.0);
  CHECK(b.at(0) == 9.0);
  const void* own = b.raw();
  b.mutable_data<float>()[1] = 8;  // sole owner: no further copy
  CHECK(b.raw() == own);
}

TEST_CASE("writing to a row changes neither the whole nor other rows") {
  Tensor whole = counting({3, 2});
  Tensor row = whole[1];
  CHECK(row.shape() == Shape{2});
  row.mutable_data<std::int32_t>()[0] = 100;
  CHECK(whole.at(2) == 2.0);
  CHECK(row.to_vector<int>() == std::vector<int>{100, 3});
  Tensor last = whole.slice(2, 3);
  whole.mutable_data<std::int32_t>()[4] = -1;
  CHECK(last.at(0) == 4.0);
}

TEST_CASE("borrowed memory is read in place, kept alive and never written") {
  auto owner =
      std::make_shared<std::vector<float>>(std::vector<float>{1, 2, 3});
  const std::weak_ptr<std::vector<float>> watch = owner;
  {
    Tensor t = Tensor::borrow(owner->data(), DType::f32, {3}, owner);
    CHECK(t.raw() == owner->data());
    float* kept = owner->data();
    owner.reset();
    CHECK_FALSE(watch.expired());
    CHECK(t.at(2) == 3.0);
    Tensor copy = t;
    copy.mutable_data<float>()[0] = 7;
    CHECK(kept[0] == 1.0F);
    t.mutable_data<float>()[0] = 5;  // even the only user copies
    CHECK(watch.expired());
  }
  CHECK_THROWS_AS(
      Tensor::borrow(nullptr, DType::f32, {3}, nullptr), InvalidArgument);
  CHECK_THROWS_AS(
      Tensor::borrow("x", DType::string, {1}, nullptr), InvalidArgument);
}

TEST_CASE("threads may copy, write and drop tensors that share elements") {
  for (int round = 0; round < 50; ++round) {
    const Tensor original = counting({64});
    std::vector<std::thread> threads;
    std::vector<std::int64_t> sums(4);
    for (std::size_t t = 0; t < sums.size(); ++t) {
      threads.emplace_back([mine = original, t, &sums]() mutable {
        for (auto& x : mine.mutable_data<std::int32_t>()) {
          x += static_cast<std::int32_t>(t);
        }
        for (const auto x : mine.data<std::int32_t>()) sums[t] += x;
      });
    }
    for (std::thread& thread : threads) thread.join();
    for (std::size_t t = 0; t < sums.size(); ++t) {
      REQUIRE(sums[t] == 2016 + 64 * static_cast<std::int64_t>(t));
    }
    REQUIRE(original == counting({64}));
  }
}

TEST_CASE("a write after another thread dropped its copy needs no lock") {
  for (int round = 0; round < 200; ++round) {
    Tensor mine = counting({16});
    std::int32_t seen = 0;
    std::thread reader([theirs = mine, &seen]() mutable {
      seen = theirs.data<std::int32_t>()[3];
      theirs = Tensor();
    });
    mine.mutable_data<std::int32_t>()[3] = 77;
    reader.join();
    REQUIRE(seen == 3);
  }
}

TEST_CASE("slicing takes rows and checks its bounds") {
  const Tensor t = counting({4, 2});
  CHECK(t.slice(1, 3).to_vector<int>() == std::vector<int>{2, 3, 4, 5});
  CHECK(t.slice(1, 3).slice(1, 2).to_vector<int>() == std::vector<int>{4, 5});
  CHECK(t.slice(2, 2).shape() == Shape{0, 2});
  CHECK(t.slice(4, 4).size() == 0);
  CHECK_THROWS_AS(t.slice(-1, 2), InvalidArgument);
  CHECK_THROWS_AS(t.slice(3, 2), InvalidArgument);
  CHECK_THROWS_AS(t.slice(0, 5), InvalidArgument);
  CHECK_THROWS_AS(t[4], InvalidArgument);
  CHECK_THROWS_AS(t[-1], InvalidArgument);
  CHECK_THROWS_AS(Tensor(1.0F).slice(0, 1), InvalidArgument);
  CHECK_THROWS_AS(Tensor(1.0F)[0], InvalidArgument);
  CHECK(Tensor(DType::f32, {3, 0})[1].shape() == Shape{0});
}

TEST_CASE("take copies rows in the order asked for") {
  const Tensor t = counting({3, 2});
  const std::vector<std::int64_t> rows = {2, 0, 2};
  CHECK(t.take(rows).to_vector<int>() == std::vector<int>{4, 5, 0, 1, 4, 5});
  const Tensor words(std::vector<std::string>{"a", "b", "c"});
  CHECK(words.take(rows).data<std::string>()[0] == "c");
  CHECK(t.take({}).shape() == Shape{0, 2});
  const std::vector<std::int64_t> bad = {3};
  CHECK_THROWS_AS(t.take(bad), InvalidArgument);
  CHECK_THROWS_AS(Tensor(1).take(rows), InvalidArgument);
}

TEST_CASE("reshape keeps the elements and solves one unknown") {
  const Tensor t = counting({2, 6});
  CHECK(t.reshape({3, 4}).raw() == t.raw());
  CHECK(t.reshape({kUnknown, 3}).shape() == Shape{4, 3});
  CHECK(Tensor(DType::f32, {0, 5}).reshape({0}).shape() == Shape{0});
  CHECK(
      Tensor(DType::f32, {0, 5}).reshape({kUnknown, 5}).shape() == Shape{0, 5});
  CHECK_THROWS_AS(t.reshape({5}), InvalidArgument);
  CHECK_THROWS_AS(t.reshape({kUnknown, 5}), InvalidArgument);
  CHECK_THROWS_AS(t.reshape({kUnknown, kUnknown}), InvalidArgument);
  CHECK_THROWS_AS(t.reshape({kUnknown, 0}), InvalidArgument);
}

TEST_CASE("cast goes from every dtype to every other") {
  for (int from = 0; from < kDTypeCount; ++from) {
    for (int to = 0; to < kDTypeCount; ++to) {
      const auto a = static_cast<DType>(from);
      const auto b = static_cast<DType>(to);
      if (a == DType::string || b == DType::string) continue;
      const Tensor t = Tensor(std::vector<float>{0, 1, 1.75F}).cast(a).cast(b);
      CHECK(t.dtype() == b);
      CHECK(t.at(0) == 0.0);
      CHECK(t.at(1) == 1.0);
      const bool fraction = is_floating(a) && is_floating(b);
      CHECK(t.at(2) == (fraction ? 1.75 : 1.0));
    }
  }
  const Tensor words(std::vector<std::string>{"1"});
  CHECK(words.cast(DType::string) == words);
  CHECK_THROWS_AS(words.cast(DType::f32), InvalidArgument);
  CHECK_THROWS_AS(Tensor(1).cast(DType::string), InvalidArgument);
}

TEST_CASE("equality compares dtype, shape and bits") {
  const float nan = std::numeric_limits<float>::quiet_NaN();
  CHECK(Tensor(nan) == Tensor(nan));
  CHECK_FALSE(Tensor(0.0F) == Tensor(-0.0F));
  CHECK_FALSE(Tensor(0.0F) == Tensor(0.0));
  CHECK_FALSE(counting({2, 3}) == counting({3, 2}));
  CHECK(counting({4}).slice(1, 3) == counting({3}).slice(1, 3));
  CHECK(Tensor(DType::f32, {0}) == Tensor());
  CHECK(
      Tensor(std::vector<std::string>{"a"}) ==
      Tensor(std::vector<std::string>{"a"}));
}

TEST_CASE("stack and concatenate join tensors") {
  const Tensor a = counting({2, 2});
  const std::vector<Tensor> pair = {a, a};
  CHECK(stack(pair).shape() == Shape{2, 2, 2});
  CHECK(stack(pair)[1] == a);
  CHECK(concatenate(pair).shape() == Shape{4, 2});
  CHECK(
      concatenate(pair, -1).to_vector<int>() ==
      std::vector<int>{0, 1, 0, 1, 2, 3, 2, 3});
  const std::vector<Tensor> uneven = {a, counting({2, 1}), counting({2, 0})};
  CHECK(
      concatenate(uneven, 1).to_vector<int>() ==
      std::vector<int>{0, 1, 0, 2, 3, 1});
  const std::vector<Tensor> words = {
      Tensor(std::vector<std::string>{"a"}),
      Tensor(std::vector<std::string>{"b", "c"})};
  CHECK(concatenate(words).data<std::string>()[2] == "c");
}

TEST_CASE("joining what does not fit is refused") {
  const Tensor a = counting({2, 2});
  const std::vector<Tensor> none;
  const std::vector<Tensor> shapes = {a, counting({3, 3})};
  const std::vector<Tensor> ranks = {a, counting({4})};
  const std::vector<Tensor> dtypes = {a, a.cast(DType::f32)};
  const std::vector<Tensor> scalars = {Tensor(1), Tensor(2)};
  for (const auto& bad : {none, shapes, ranks, dtypes}) {
    CHECK_THROWS_AS(stack(bad), InvalidArgument);
    CHECK_THROWS_AS(concatenate(bad), InvalidArgument);
  }
  CHECK_THROWS_AS(concatenate(scalars), InvalidArgument);
  CHECK_THROWS_AS(concatenate(shapes, 2), InvalidArgument);
}

TEST_CASE("sizes that overflow or exceed the memory are errors") {
  const std::int64_t big = std::int64_t{1} << 62;
  CHECK_THROWS_AS(Tensor(DType::f64, {big}), InvalidArgument);
  CHECK_THROWS_AS(Tensor(DType::f32, {big, 4}), InvalidArgument);
  CHECK_THROWS_AS(Tensor(DType::f32, {kUnknown}), InvalidArgument);
  CHECK_THROWS_AS(Tensor::borrow("x", DType::f64, {big}, nullptr), Error);
}

TEST_CASE("wrong counts, dtypes and elements are named") {
  CHECK(message_of<InvalidArgument>([] {
          Tensor(std::vector<float>{1, 2}, {3});
        }) == "[tensor] expected 3 values for [3], got 2");
  const Tensor t(std::vector<float>{1, 2});
  CHECK(message_of<InvalidArgument>([&] {
          t.data<int>();
        }) == "[tensor] expected a tensor of i32, got f32[2]; cast it first");
  CHECK_THROWS_AS(t.item<float>(), InvalidArgument);
  CHECK_THROWS_AS(t.at(2), InvalidArgument);
  CHECK_THROWS_AS(t.at(-1), InvalidArgument);
  const Tensor words(std::vector<std::string>{"a"});
  CHECK_THROWS_AS(words.raw(), InvalidArgument);
  CHECK_THROWS_AS(words.at(0), InvalidArgument);
  CHECK_THROWS_AS(Tensor::full(DType::string, {1}, 0), InvalidArgument);
}

}  // namespace keratin
