#include <doctest/doctest.h>

#include <string>
#include <utility>
#include <vector>

#include <keratin/error.hpp>
#include <keratin/io/npy.hpp>
#include <keratin/utils.hpp>

#include "tests/support/paths.hpp"
#include "tests/support/throws.hpp"

namespace keratin {

using data::Dataset;
using data::Element;
using testing::message_of;
using utils::split_dataset;
using utils::SplitDatasetOptions;

namespace {

using Ints = std::vector<std::int64_t>;

Ints values(const Dataset& dataset) {
  Ints out;
  for (const Element& element : dataset) {
    out.push_back(element.x.tensors()[0].to_vector<std::int64_t>()[0]);
  }
  return out;
}

}  // namespace

TEST_CASE("The parts of a dataset are Keras's, shuffled ones too") {
  const auto expected =
      io::load_npz(testing::fixture("sounds/split.npz").string());
  const std::vector<std::pair<std::string, SplitDatasetOptions>> cases = {
      {"share", {.left_size = 0.5}},
      {"both", {.left_size = 0.3, .right_size = 5}},
      {"seed7", {.right_size = 10, .shuffle = true, .seed = 7}},
      {"seed0", {.left_size = 0.9, .shuffle = true, .seed = 0}},
      {"large", {.left_size = 12, .shuffle = true, .seed = 4294967295U}}};
  CHECK(expected.size() == 2 * cases.size());
  for (const auto& entry : cases) {
    const auto& name = entry.first;
    const auto& options = entry.second;
    CAPTURE(name);
    const auto [left, right] = split_dataset(Dataset::range(25), options);
    CHECK(
        values(left) == expected.at(name + "/left").to_vector<std::int64_t>());
    CHECK(
        values(right) ==
        expected.at(name + "/right").to_vector<std::int64_t>());
    CHECK(left.cardinality() == expected.at(name + "/left").size());
  }
}

TEST_CASE("Rows of arrays keep their targets, and no row is in both parts") {
  const Tensor x(Ints{0, 1, 2, 3, 4, 5});
  const Tensor y(Ints{0, 10, 20, 30, 40, 50});
  const auto [left, right] =
      split_dataset(x, y, {.left_size = 4, .shuffle = true});
  Ints all = values(left);
  for (const Element& element : right) {
    all.push_back(element.x.tensors()[0].to_vector<std::int64_t>()[0]);
    CHECK(
        element.y.tensors()[0].to_vector<std::int64_t>()[0] == 10 * all.back());
  }
  std::sort(all.begin(), all.end());
  CHECK(all == Ints{0, 1, 2, 3, 4, 5});
  // A part of a shuffled dataset does not change from pass to pass.
  const auto [once, rest] =
      split_dataset(Dataset::range(9).shuffle(9), {.left_size = 5});
  CHECK(values(once) == values(once));
}

TEST_CASE("Sizes that leave a part empty or do not fit are refused") {
  const auto message = [](const SplitDatasetOptions& options) {
    return message_of<InvalidArgument>(
        [&] { split_dataset(Dataset::range(10), options); });
  };
  CHECK(
      message({}) ==
      "[split_dataset] expected left_size or right_size, got neither");
  for (const double size : {0.0, -1.0, 10.0, 2.5}) {
    CHECK(message({.left_size = size})
              .starts_with("[split_dataset] expected left_size in (0, 1) or a "
                           "whole number from 1 to 9, got "));
  }
  CHECK(
      message({.left_size = 6, .right_size = 5}) ==
      "[split_dataset] expected parts with elements of 10 in all, got 6 and 5; "
      "change left_size or right_size");
  CHECK(
      message({.right_size = 0.01}).find("got 10 and 0") != std::string::npos);
  CHECK(
      message_of<InvalidArgument>([] {
        split_dataset(Dataset::range(3).repeat(), {.left_size = 1});
      }) ==
      "[split_dataset] expected a dataset that ends, got one that repeats for "
      "ever; take a number of its elements");
}

}  // namespace keratin
