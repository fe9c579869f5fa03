#include <algorithm>
#include <cmath>
#include <numeric>

#include <keratin/data/split.hpp>
#include <keratin/error.hpp>

#include "src/core/format.hpp"
#include "src/data/labels.hpp"
#include "src/data/shuffle.hpp"

namespace keratin::data {
namespace {

constexpr const char* kWho = "train_test_split";

using Indices = std::vector<std::int64_t>;

std::int64_t test_count(std::int64_t n, double test_size) {
  const bool share = test_size > 0 && test_size < 1;
  const bool whole = test_size >= 1 && test_size == std::floor(test_size);
  if (!share && !whole) {
    throw InvalidArgument(format(
        "[{}] expected test_size in (0, 1) or a whole number >= 1, got {}",
        kWho,
        test_size));
  }
  const double wanted =
      share ? std::ceil(test_size * static_cast<double>(n)) : test_size;
  if (wanted >= static_cast<double>(n)) {
    throw InvalidArgument(format(
        "[{}] test_size = {} of {} examples leaves none to train on",
        kWho,
        test_size,
        n));
  }
  return static_cast<std::int64_t>(wanted);
}

/// How many of each class make `draws` in all, nearest to the classes' shares:
/// the whole parts, then one more for the largest remainders.
Indices allocate(const Indices& counts, std::int64_t draws) {
  const auto total = static_cast<double>(
      std::accumulate(counts.begin(), counts.end(), std::int64_t{0}));
  Indices out;
  std::vector<std::pair<double, std::size_t>> remainders;
  for (std::size_t i = 0; i < counts.size(); ++i) {
    const double ideal =
        static_cast<double>(counts[i]) / total * static_cast<double>(draws);
    out.push_back(static_cast<std::int64_t>(std::floor(ideal)));
    remainders.emplace_back(std::floor(ideal) - ideal, i);  // largest first
  }
  std::sort(remainders.begin(), remainders.end());
  auto left = draws - std::accumulate(out.begin(), out.end(), std::int64_t{0});
  for (std::size_t i = 0; left > 0; ++i, --left) {
    ++out[remainders[i % remainders.size()].second];
  }
  return out;
}

/// Shuffled row numbers, the training ones first.
Indices stratified_order(
    const Tensor& y, std::int64_t train_count, RandomBits& bits) {
  const ClassNumbers classes = number_classes(y, kWho);
  const auto n = static_cast<std::int64_t>(classes.of_row.size());
  const auto class_count = static_cast<std::int64_t>(classes.counts.size());
  const auto rarest =
      std::min_element(classes.counts.begin(), classes.counts.end());
  if (*rarest < 2) {
    throw InvalidArgument(format(
        "[{}] expected at least two examples of every class to stratify, got "
        "one; merge rare classes",
        kWho));
  }
  for (const std::int64_t part : {train_count, n - train_count}) {
    if (part < class_count) {
      throw InvalidArgument(format(
          "[{}] expected each part to hold the {} classes, got one of {} "
          "examples",
          kWho,
          class_count,
          part));
    }
  }
  std::vector<Indices> rows(classes.counts.size());
  for (std::int64_t row = 0; row < n; ++row) {
    const auto at = static_cast<std::size_t>(row);
    rows[static_cast<std::size_t>(classes.of_row[at])].push_back(row);
  }
  const Indices in_train = allocate(classes.counts, train_count);
  Indices train;
  Indices test;
  for (std::size_t i = 0; i < rows.size(); ++i) {
    shuffle(rows[i], bits);
    const auto middle = rows[i].begin() + in_train[i];
    train.insert(train.end(), rows[i].begin(), middle);
    test.insert(test.end(), middle, rows[i].end());
  }
  shuffle(train, bits);
  shuffle(test, bits);
  train.insert(train.end(), test.begin(), test.end());
  return train;
}

}  // namespace

TrainTest train_test_split(
    const Tensor& x, const Tensor& y, const SplitOptions& options) {
  if (x.rank() == 0 || y.rank() == 0 || x.shape()[0] != y.shape()[0]) {
    throw InvalidArgument(format(
        "[{}] expected x and y with equally many rows, got {}{} and {}{}",
        kWho,
        x.dtype(),
        x.shape(),
        y.dtype(),
        y.shape()));
  }
  const std::int64_t n = x.shape()[0];
  const std::int64_t tested = test_count(n, options.test_size);
  const auto trained = static_cast<std::size_t>(n - tested);
  Indices order;
  if (!options.shuffle) {
    if (options.stratify) {
      throw InvalidArgument(format("[{}] stratify needs shuffle = true", kWho));
    }
    order = count_up(n);
  } else {
    RandomBits bits = random_bits(options.seed);
    if (options.stratify) {
      order = stratified_order(y, n - tested, bits);
    } else {
      order = count_up(n);
      shuffle(order, bits);
    }
  }
  const std::span<const std::int64_t> all(order);
  const auto train = all.first(trained);
  const auto test = all.subspan(trained);
  return {{x.take(train), y.take(train)}, {x.take(test), y.take(test)}};
}

}  // namespace keratin::data
