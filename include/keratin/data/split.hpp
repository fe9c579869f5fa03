#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <vector>

#include <keratin/data/examples.hpp>
#include <keratin/export.hpp>
#include <keratin/tensor.hpp>

namespace keratin::data {

struct SplitOptions {
  /// A share of the examples in (0, 1), or a whole number of them.
  double test_size = 0.25;
  /// Without one the split is another every time (set_random_seed decides).
  std::optional<std::uint64_t> seed = {};
  bool shuffle = true;
  /// Keeps the shares of the classes in `y` the same in both parts.
  bool stratify = false;
};

/// scikit-learn's train_test_split: the test part gets ceil(test_size * n)
/// examples. `y` holds one row per row of `x`; to stratify it holds one class
/// (integer, bool or text) per row. Throws InvalidArgument when rows differ in
/// number, a part would be empty, or a class has fewer than two examples.
KERATIN_API TrainTest train_test_split(
    const Tensor& x, const Tensor& y, const SplitOptions& options = {});

/// Row numbers of the training and the test examples.
struct Fold {
  std::vector<std::int64_t> train;
  std::vector<std::int64_t> test;
};

struct KFoldOptions {
  std::int64_t n_splits = 5;
  bool shuffle = false;
  std::optional<std::uint64_t> seed = {};
};

/// scikit-learn's KFold over `n` examples: every one is tested once. Throws
/// InvalidArgument unless 2 <= n_splits <= n.
KERATIN_API std::vector<Fold> k_fold(
    std::int64_t n, const KFoldOptions& options = {});

/// scikit-learn's StratifiedKFold: every fold holds about the same share of
/// each class. Throws InvalidArgument unless some class has n_splits examples.
KERATIN_API std::vector<Fold> stratified_k_fold(
    const Tensor& y, const KFoldOptions& options = {});

/// scikit-learn's GroupKFold: no group (integers or texts, one a row) is in two
/// folds, and folds are about equally long. Of groups of one size the last
/// goes first. Throws InvalidArgument unless there are n_splits groups.
KERATIN_API std::vector<Fold> group_k_fold(
    const Tensor& groups, const KFoldOptions& options = {});

/// scikit-learn's StratifiedGroupKFold: no group is in two folds, and every
/// fold holds about the same share of each class. Throws InvalidArgument unless
/// some class has n_splits examples.
KERATIN_API std::vector<Fold> stratified_group_k_fold(
    const Tensor& y, const Tensor& groups, const KFoldOptions& options = {});

/// scikit-learn's class_weight "balanced": rows / (classes * rows of the
/// class), for fit's class_weight. y: [n] or [n, 1] of whole numbers >= 0, or
/// one-hot [n, classes]. Throws InvalidArgument for others.
KERATIN_API std::map<std::int64_t, double> balanced_class_weight(
    const Tensor& y);

}  // namespace keratin::data
