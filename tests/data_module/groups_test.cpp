// Grouped folds, class weights and missing numbers, beside scikit-learn's
// (tests/data/make_split_cases.py).

#include <doctest/doctest.h>

#include <cmath>
#include <limits>
#include <set>
#include <string>
#include <vector>

#include <keratin/config.hpp>
#include <keratin/data/imputer.hpp>
#include <keratin/data/split.hpp>
#include <keratin/error.hpp>

#include "tests/support/files.hpp"
#include "tests/support/paths.hpp"
#include "tests/support/throws.hpp"

namespace keratin {

using data::balanced_class_weight;
using data::Fold;
using data::group_k_fold;
using data::SimpleImputer;
using data::stratified_group_k_fold;
using testing::message_of;

namespace {

Config cases() {
  return Config::parse(
      testing::read_file(testing::fixture("splits/cases.json")));
}

void check_folds(const std::vector<Fold>& folds, const Config& wanted) {
  REQUIRE(folds.size() == wanted.size());
  for (std::size_t i = 0; i < folds.size(); ++i) {
    CHECK(folds[i].test == wanted.as_array()[i].as_ints());
  }
}

/// No group on both sides of a fold, and every row tested once.
void check_apart(const std::vector<Fold>& folds, const Tensor& groups) {
  std::set<std::int64_t> tested;
  for (const Fold& fold : folds) {
    std::set<std::int64_t> learnt;
    for (const auto row : fold.train) {
      learnt.insert(static_cast<std::int64_t>(groups.at(row)));
    }
    for (const auto row : fold.test) {
      CHECK_FALSE(learnt.contains(static_cast<std::int64_t>(groups.at(row))));
      CHECK(tested.insert(row).second);
    }
    CHECK_FALSE(fold.test.empty());
  }
  CHECK(std::ssize(tested) == groups.size());
}

Tensor table(const Config& rows) {
  std::vector<double> values;
  for (const Config& row : rows.as_array()) {
    for (const Config& value : row.as_array()) {
      values.push_back(value.is_null() ? std::nan("") : value.as_number());
    }
  }
  return Tensor(values).reshape(
      {static_cast<std::int64_t>(rows.size()), kUnknown});
}

}  // namespace

TEST_CASE("Grouped folds are scikit-learn's") {
  const Config all = cases();
  for (const Config& item : all.at("folds").as_array()) {
    const Tensor y(item.at("y").as_ints());
    const Tensor groups(item.at("groups").as_ints());
    const data::KFoldOptions options{.n_splits = item.at("n_splits").as_int()};
    check_folds(group_k_fold(groups, options), item.at("group"));
    check_folds(
        stratified_group_k_fold(y, groups, options), item.at("stratified"));
    data::KFoldOptions shuffled = options;
    shuffled.shuffle = true;
    shuffled.seed = 4;
    check_apart(group_k_fold(groups, shuffled), groups);
    check_apart(stratified_group_k_fold(y, groups, shuffled), groups);
    CHECK(
        group_k_fold(groups, shuffled)[0].test ==
        group_k_fold(groups, shuffled)[0].test);
    shuffled.seed = 5;
    check_apart(group_k_fold(groups, shuffled), groups);
  }
}

TEST_CASE("Groups may be texts, and too few are refused") {
  const Tensor names(std::vector<std::string>{"b", "a", "b", "c", "a", "b"});
  const auto folds = group_k_fold(names, {.n_splits = 3});
  CHECK(folds[0].test == std::vector<std::int64_t>{0, 2, 5});
  CHECK(folds[1].test == std::vector<std::int64_t>{1, 4});
  CHECK(message_of<InvalidArgument>([&] {
          group_k_fold(names, {.n_splits = 4});
        }) == "[group_k_fold] expected n_splits from 2 to the 3 groups, got 4");
  CHECK(
      message_of<InvalidArgument>([&] {
        stratified_group_k_fold(
            Tensor(std::vector<std::int64_t>{0, 1, 2, 3, 4, 5}),
            names,
            {.n_splits = 2});
      }) ==
      "[stratified_group_k_fold] expected a class of 2 examples or "
      "more, got at most 1");
  CHECK(
      message_of<InvalidArgument>([&] {
        stratified_group_k_fold(Tensor(std::vector<std::int64_t>{0, 1}), names);
      }) ==
      "[stratified_group_k_fold] expected a group for each of 2 rows, "
      "got 6");
}

TEST_CASE("Balanced class weights are scikit-learn's") {
  const Config all = cases();
  for (const Config& item : all.at("folds").as_array()) {
    const auto y = item.at("y").as_ints();
    const auto classes = item.at("classes").as_ints();
    const auto weights = balanced_class_weight(Tensor(y));
    REQUIRE(weights.size() == classes.size());
    for (std::size_t i = 0; i < classes.size(); ++i) {
      CHECK(
          weights.at(classes[i]) ==
          doctest::Approx(item.at("weights").as_array()[i].as_number())
              .epsilon(1e-12));
    }
    CHECK(
        balanced_class_weight(Tensor(y).cast(DType::f32).reshape({-1, 1})) ==
        weights);
  }
  const Tensor one_hot(std::vector<float>{1, 0, 0, 1, 0, 1}, {3, 2});
  CHECK(balanced_class_weight(one_hot).at(1) == 0.75);
  CHECK(
      message_of<InvalidArgument>([] {
        balanced_class_weight(Tensor(std::vector<float>{0, 0.5F}));
      }) ==
      "[balanced_class_weight] expected whole numbers >= 0 as classes, "
      "got 0.5 in row 1");
  CHECK(
      message_of<InvalidArgument>([] {
        balanced_class_weight(Tensor(std::vector<float>{1, 0, 0, 0}, {2, 2}));
      }) ==
      "[balanced_class_weight] expected a 1 in each row, row 1 has "
      "none");
}

TEST_CASE("Missing numbers are filled in as scikit-learn does") {
  const Config all = cases();
  const Tensor x = table(all.at("x"));
  for (const auto& item : all.at("imputed").as_object()) {
    CAPTURE(item.first);
    SimpleImputer imputer(item.first);
    const Tensor filled = imputer.fit_transform(x);
    const Tensor wanted = table(item.second);
    REQUIRE(filled.shape() == wanted.shape());
    for (std::int64_t i = 0; i < filled.size(); ++i) {
      CHECK(filled.at(i) == doctest::Approx(wanted.at(i)).epsilon(1e-12));
    }
    CHECK(imputer.transform(filled) == filled);
  }
  const Tensor nothing(
      std::vector<float>{std::numeric_limits<float>::quiet_NaN()}, {1, 1});
  CHECK(SimpleImputer("median", -1).fit_transform(nothing).at(0) == -1);
  CHECK(SimpleImputer("constant", 5).fit_transform(x).at(0) >= 0);
  CHECK(
      message_of<InvalidArgument>([] { SimpleImputer("mode"); }) ==
      "[SimpleImputer] expected strategy mean, median, most_frequent or "
      "constant, got \"mode\"");
  CHECK(
      message_of<InvalidArgument>([&] { SimpleImputer().transform(x); }) ==
      "[SimpleImputer] expected fit() before it is used; call "
      "fit_transform()");
}

}  // namespace keratin
