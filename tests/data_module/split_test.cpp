#include <doctest/doctest.h>

#include <algorithm>
#include <map>
#include <numeric>
#include <vector>

#include <keratin/data/split.hpp>
#include <keratin/error.hpp>
#include <keratin/random.hpp>

#include "src/data/shuffle.hpp"
#include "tests/support/throws.hpp"

namespace keratin {

using data::k_fold;
using data::stratified_k_fold;
using data::train_test_split;
using testing::message_of;

namespace {

using Rows = std::vector<std::int64_t>;

Tensor counting(std::int64_t n) {
  return Tensor(data::count_up(n));
}

/// `counts[c]` rows of class c, classes taking turns.
Tensor labels(Rows counts) {
  Rows out;
  bool more = true;
  while (more) {
    more = false;
    for (std::size_t c = 0; c < counts.size(); ++c) {
      if (counts[c]-- > 0) {
        out.push_back(static_cast<std::int64_t>(c));
        more = true;
      }
    }
  }
  return Tensor(out);
}

std::map<std::int64_t, int> histogram(const Tensor& y) {
  std::map<std::int64_t, int> out;
  for (const auto value : y.data<std::int64_t>()) ++out[value];
  return out;
}

}  // namespace

TEST_CASE("A split takes every row once and rounds the test part up") {
  const Tensor x = counting(10);
  const auto [train, test] =
      train_test_split(x, x, {.test_size = 0.25, .seed = 1});
  CHECK(test.x.size() == 3);
  CHECK(train.x.size() == 7);
  CHECK(train.x == train.y);
  CHECK(test.x == test.y);
  auto all = train.x.to_vector<std::int64_t>();
  const auto rest = test.x.to_vector<std::int64_t>();
  all.insert(all.end(), rest.begin(), rest.end());
  CHECK(all != data::count_up(10));
  std::sort(all.begin(), all.end());
  CHECK(all == data::count_up(10));
}

TEST_CASE("A split without shuffling keeps the order") {
  const Tensor x = counting(10);
  const auto [train, test] =
      train_test_split(x, x, {.test_size = 4, .shuffle = false});
  CHECK(train.x == Tensor(Rows{0, 1, 2, 3, 4, 5}));
  CHECK(test.x == Tensor(Rows{6, 7, 8, 9}));
}

TEST_CASE("The seed alone decides a split") {
  const Tensor x = counting(100);
  const auto test_rows = [&](std::optional<std::uint64_t> seed) {
    return train_test_split(x, x, {.seed = seed}).test.x;
  };
  CHECK(test_rows(1) == test_rows(1));
  CHECK_FALSE(test_rows(1) == test_rows(2));
  set_random_seed(5);
  const Tensor first = test_rows({});
  CHECK_FALSE(first == test_rows({}));
  set_random_seed(5);
  CHECK(first == test_rows({}));
}

TEST_CASE("A stratified split keeps the shares of the classes") {
  const Tensor y = labels({50, 30, 20});
  const auto [train, test] =
      train_test_split(y, y, {.test_size = 0.2, .seed = 3, .stratify = true});
  CHECK(
      histogram(test.y) ==
      std::map<std::int64_t, int>{{0, 10}, {1, 6}, {2, 4}});
  CHECK(
      histogram(train.y) ==
      std::map<std::int64_t, int>{{0, 40}, {1, 24}, {2, 16}});
  // Shares that do not come out even: the largest remainder gets one more.
  const Tensor odd = labels({5, 4});
  const auto parts =
      train_test_split(odd, odd, {.test_size = 3, .seed = 3, .stratify = true});
  CHECK(
      histogram(parts.train.y) == std::map<std::int64_t, int>{{0, 3}, {1, 3}});
  const Tensor texts(std::vector<std::string>{"a", "b", "a", "b"});
  CHECK(
      train_test_split(texts, texts, {.test_size = 0.5, .stratify = true})
          .test.y.size() == 2);
}

TEST_CASE("Splits that cannot be are refused") {
  const Tensor x = counting(10);
  const auto message = [&](const Tensor& y, data::SplitOptions options) {
    return message_of<InvalidArgument>(
        [&] { train_test_split(x, y, options); });
  };
  CHECK(
      message(counting(9), {}) ==
      "[train_test_split] expected x and y with equally many rows, got i64[10] "
      "and i64[9]");
  CHECK(
      message(x, {.test_size = 0}) ==
      "[train_test_split] expected test_size in (0, 1) or a whole number >= 1, "
      "got 0");
  CHECK(
      message(x, {.test_size = 10}) ==
      "[train_test_split] test_size = 10 of 10 examples leaves none to train "
      "on");
  CHECK(
      message(labels({9, 1}), {.stratify = true}) ==
      "[train_test_split] expected at least two examples of every class to "
      "stratify, got one; merge rare classes");
  CHECK(
      message(labels({4, 3, 3}), {.test_size = 2, .stratify = true}) ==
      "[train_test_split] expected each part to hold the 3 classes, got one of "
      "2 examples");
  CHECK(
      message(x, {.shuffle = false, .stratify = true}) ==
      "[train_test_split] stratify needs shuffle = true");
  CHECK(
      message(Tensor(DType::f32, {10, 2}), {.stratify = true}) ==
      "[train_test_split] expected one class per row, got f32[10,2]; turn "
      "one-hot rows into class numbers first");
}

TEST_CASE("k_fold gives scikit-learn's folds") {
  const auto folds = k_fold(7, {.n_splits = 3});
  REQUIRE(folds.size() == 3);
  CHECK(folds[0].test == Rows{0, 1, 2});
  CHECK(folds[0].train == Rows{3, 4, 5, 6});
  CHECK(folds[1].test == Rows{3, 4});
  CHECK(folds[2].test == Rows{5, 6});
  const auto shuffled = k_fold(7, {.n_splits = 3, .shuffle = true, .seed = 1});
  std::size_t tested = 0;
  for (const auto& fold : shuffled) tested += fold.test.size();
  CHECK(tested == 7);
  CHECK(message_of<InvalidArgument>([] {
          k_fold(3, {.n_splits = 4});
        }) == "[k_fold] expected n_splits from 2 to the 3 examples, got 4");
}

TEST_CASE("stratified_k_fold gives scikit-learn's folds") {
  // StratifiedKFold(3).split(y, y) of scikit-learn 1.9.
  const Tensor y(Rows{1, 1, 0, 0, 0, 1, 0, 2, 2, 2, 0});
  const auto folds = stratified_k_fold(y, {.n_splits = 3});
  REQUIRE(folds.size() == 3);
  CHECK(folds[0].test == Rows{0, 2, 3, 7});
  CHECK(folds[1].test == Rows{1, 4, 6, 8});
  CHECK(folds[2].test == Rows{5, 9, 10});
  const auto shuffled = stratified_k_fold(
      labels({30, 15}), {.n_splits = 5, .shuffle = true, .seed = 2});
  for (const auto& fold : shuffled) {
    CHECK(
        histogram(labels({30, 15}).take(fold.test)) ==
        std::map<std::int64_t, int>{{0, 6}, {1, 3}});
  }
  CHECK(
      message_of<InvalidArgument>(
          [&] { stratified_k_fold(y, {.n_splits = 6}); }) ==
      "[stratified_k_fold] expected a class of 6 examples or more, got at most "
      "5");
}

TEST_CASE("Random numbers below a bound are even") {
  data::RandomBits bits(7);
  std::vector<int> counts(6, 0);
  for (int i = 0; i < 60000; ++i) ++counts[bits.below(6)];
  for (const int count : counts) CHECK(std::abs(count - 10000) < 500);
}

}  // namespace keratin
