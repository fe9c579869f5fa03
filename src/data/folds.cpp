#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

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

/// The standard deviation of the population.
double deviation(const std::vector<double>& values) {
  const auto n = static_cast<double>(values.size());
  double mean = 0;
  for (const double value : values) mean += value;
  mean /= n;
  double squares = 0;
  for (const double value : values) squares += (value - mean) * (value - mean);
  return std::sqrt(squares / n);
}

/// How many rows of each class a group or a fold has.
using Counts = std::vector<double>;

/// How evenly the classes lie in the folds: smaller is better.
double unevenness(
    const std::vector<Counts>& folds,
    const std::vector<std::int64_t>& class_sizes) {
  double sum = 0;
  std::vector<double> shares(folds.size());
  for (std::size_t c = 0; c < class_sizes.size(); ++c) {
    for (std::size_t f = 0; f < folds.size(); ++f) {
      shares[f] = folds[f][c] / static_cast<double>(class_sizes[c]);
    }
    sum += deviation(shares);
  }
  return sum / static_cast<double>(class_sizes.size());
}

void add(Counts& to, const Counts& what, double sign = 1) {
  for (std::size_t i = 0; i < to.size(); ++i) to[i] += sign * what[i];
}

/// scikit-learn's choice: the fold that leaves the classes most even; of equal
/// ones (NumPy's isclose) the one with fewer rows.
std::size_t best_fold(
    std::vector<Counts>& folds,
    const Counts& group,
    const std::vector<std::int64_t>& class_sizes) {
  std::size_t best = 0;
  double least = std::numeric_limits<double>::infinity();
  double fewest = least;
  for (std::size_t f = 0; f < folds.size(); ++f) {
    add(folds[f], group);
    const double now = unevenness(folds, class_sizes);
    add(folds[f], group, -1);
    const double rows = std::accumulate(folds[f].begin(), folds[f].end(), 0.0);
    const bool close = std::abs(now - least) <= 1e-8 + 1e-5 * std::abs(least);
    if (now < least || (close && rows < fewest)) {
      best = f;
      least = now;
      fewest = rows;
    }
  }
  return best;
}

void check_groups(
    std::size_t rows, const ClassNumbers& groups, const char* who) {
  if (groups.of_row.size() == rows) return;
  throw InvalidArgument(format(
      "[{}] expected a group for each of {} rows, got {}",
      who,
      rows,
      groups.of_row.size()));
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

std::vector<Fold> group_k_fold(
    const Tensor& groups, const KFoldOptions& options) {
  const ClassNumbers numbers = number_sorted_classes(groups, "group_k_fold");
  const auto count = static_cast<std::int64_t>(numbers.counts.size());
  if (options.n_splits < 2 || options.n_splits > count) {
    throw InvalidArgument(format(
        "[group_k_fold] expected n_splits from 2 to the {} groups, got {}",
        count,
        options.n_splits));
  }
  std::vector<std::int64_t> fold_of_group(numbers.counts.size());
  std::vector<std::int64_t> order = count_up(count);
  if (options.shuffle) {
    // Groups are cut into folds by their number, whatever their sizes.
    RandomBits bits = random_bits(options.seed);
    shuffle(order, bits);
    for (std::int64_t i = 0; i < count; ++i) {
      // The first count % n_splits folds have one more.
      const std::int64_t each = count / options.n_splits;
      const std::int64_t longer = count % options.n_splits;
      const std::int64_t reach = longer * (each + 1);
      fold_of_group[static_cast<std::size_t>(
          order[static_cast<std::size_t>(i)])] =
          i < reach ? i / (each + 1) : longer + (i - reach) / each;
    }
  } else {
    const auto rows_of = [&](std::int64_t group) {
      return numbers.counts[static_cast<std::size_t>(group)];
    };
    std::ranges::stable_sort(order, [&](std::int64_t a, std::int64_t b) {
      return rows_of(a) < rows_of(b);
    });
    std::ranges::reverse(order);
    std::vector<std::int64_t> rows(static_cast<std::size_t>(options.n_splits));
    for (const std::int64_t group : order) {
      const auto lightest = std::ranges::min_element(rows);
      *lightest += rows_of(group);
      fold_of_group[static_cast<std::size_t>(group)] = lightest - rows.begin();
    }
  }
  std::vector<std::int64_t> fold_of_row;
  for (const std::int64_t group : numbers.of_row) {
    fold_of_row.push_back(fold_of_group[static_cast<std::size_t>(group)]);
  }
  return folds_of(fold_of_row, options.n_splits);
}

std::vector<Fold> stratified_group_k_fold(
    const Tensor& y, const Tensor& groups, const KFoldOptions& options) {
  constexpr const char* kWho = "stratified_group_k_fold";
  const ClassNumbers classes = number_sorted_classes(y, kWho);
  const ClassNumbers numbers = number_sorted_classes(groups, kWho);
  check_groups(classes.of_row.size(), numbers, kWho);
  const std::ptrdiff_t count = std::ssize(numbers.counts);
  if (options.n_splits < 2 || options.n_splits > count) {
    throw InvalidArgument(format(
        "[{}] expected n_splits from 2 to the {} groups, got {}",
        kWho,
        count,
        options.n_splits));
  }
  const auto most = std::ranges::max(classes.counts);
  if (most < options.n_splits) {
    throw InvalidArgument(format(
        "[{}] expected a class of {} examples or more, got at most {}",
        kWho,
        options.n_splits,
        most));
  }
  std::vector<Counts> of_group(
      numbers.counts.size(), Counts(classes.counts.size(), 0));
  for (std::size_t row = 0; row < classes.of_row.size(); ++row) {
    of_group[static_cast<std::size_t>(numbers.of_row[row])]
            [static_cast<std::size_t>(classes.of_row[row])] += 1;
  }
  std::vector<std::int64_t> order = count_up(std::ssize(of_group));
  if (options.shuffle) {
    RandomBits bits = random_bits(options.seed);
    shuffle(order, bits);
  }
  // The most uneven groups first: later ones can make good for them.
  std::ranges::stable_sort(order, [&](std::int64_t a, std::int64_t b) {
    return deviation(of_group[static_cast<std::size_t>(a)]) >
           deviation(of_group[static_cast<std::size_t>(b)]);
  });
  std::vector<Counts> folds(
      static_cast<std::size_t>(options.n_splits),
      Counts(classes.counts.size(), 0));
  std::vector<std::int64_t> fold_of_group(of_group.size());
  for (const std::int64_t group : order) {
    const auto at = static_cast<std::size_t>(group);
    const std::size_t fold = best_fold(folds, of_group[at], classes.counts);
    add(folds[fold], of_group[at]);
    fold_of_group[at] = static_cast<std::int64_t>(fold);
  }
  std::vector<std::int64_t> fold_of_row;
  for (const std::int64_t group : numbers.of_row) {
    fold_of_row.push_back(fold_of_group[static_cast<std::size_t>(group)]);
  }
  return folds_of(fold_of_row, options.n_splits);
}

}  // namespace keratin::data
