#include <algorithm>

#include <keratin/data/split.hpp>
#include <keratin/error.hpp>

#include "src/core/format.hpp"
#include "src/data/labels.hpp"
#include "src/data/shuffle.hpp"

namespace keratin::data {
namespace {

/// Folds from the number of the fold that tests each row.
std::vector<Fold> folds_of(
    const std::vector<std::int64_t>& fold_of_row, std::int64_t n_splits) {
  std::vector<Fold> out(static_cast<std::size_t>(n_splits));
  for (std::size_t row = 0; row < fold_of_row.size(); ++row) {
    for (std::size_t fold = 0; fold < out.size(); ++fold) {
      const bool tested = fold_of_row[row] == static_cast<std::int64_t>(fold);
      (tested ? out[fold].test : out[fold].train)
          .push_back(static_cast<std::int64_t>(row));
    }
  }
  return out;
}

void check_splits(
    std::int64_t n, const KFoldOptions& options, const char* who) {
  if (options.n_splits < 2 || options.n_splits > n) {
    throw InvalidArgument(format(
        "[{}] expected n_splits from 2 to the {} examples, got {}",
        who,
        n,
        options.n_splits));
  }
}

}  // namespace

std::vector<Fold> k_fold(std::int64_t n, const KFoldOptions& options) {
  check_splits(n, options, "k_fold");
  std::vector<std::int64_t> order = count_up(n);
  if (options.shuffle) {
    RandomBits bits = random_bits(options.seed);
    shuffle(order, bits);
  }
  // The first n % n_splits folds have one more.
  std::vector<std::int64_t> fold_of_row(order.size());
  std::size_t at = 0;
  for (std::int64_t fold = 0; fold < options.n_splits; ++fold) {
    const std::int64_t size =
        n / options.n_splits + (fold < n % options.n_splits ? 1 : 0);
    for (std::int64_t i = 0; i < size; ++i) {
      fold_of_row[static_cast<std::size_t>(order[at++])] = fold;
    }
  }
  return folds_of(fold_of_row, options.n_splits);
}

std::vector<Fold> stratified_k_fold(
    const Tensor& y, const KFoldOptions& options) {
  const ClassNumbers classes = number_classes(y, "stratified_k_fold");
  const auto n = static_cast<std::int64_t>(classes.of_row.size());
  check_splits(n, options, "stratified_k_fold");
  const auto most =
      *std::max_element(classes.counts.begin(), classes.counts.end());
  if (most < options.n_splits) {
    throw InvalidArgument(format(
        "[stratified_k_fold] expected a class of {} examples or more, got at "
        "most {}",
        options.n_splits,
        most));
  }
  // scikit-learn's way: the sorted classes are dealt out like cards, which says
  // how many of each class a fold tests; the rows follow in their order.
  std::vector<std::int64_t> sorted = classes.of_row;
  std::sort(sorted.begin(), sorted.end());
  const auto splits = static_cast<std::size_t>(options.n_splits);
  std::vector<std::vector<std::int64_t>> folds_of_class(classes.counts.size());
  for (std::size_t fold = 0; fold < splits; ++fold) {
    for (std::size_t card = fold; card < sorted.size(); card += splits) {
      folds_of_class[static_cast<std::size_t>(sorted[card])].push_back(
          static_cast<std::int64_t>(fold));
    }
  }
  if (options.shuffle) {
    RandomBits bits = random_bits(options.seed);
    for (auto& folds : folds_of_class) shuffle(folds, bits);
  }
  std::vector<std::size_t> next(folds_of_class.size(), 0);
  std::vector<std::int64_t> fold_of_row;
  for (const std::int64_t number : classes.of_row) {
    const auto k = static_cast<std::size_t>(number);
    fold_of_row.push_back(folds_of_class[k][next[k]++]);
  }
  return folds_of(fold_of_row, options.n_splits);
}

}  // namespace keratin::data
