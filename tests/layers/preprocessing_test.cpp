#include "tests/layers/layer_support.hpp"

namespace keratin {

using namespace testing;
namespace kl = layers;

TEST_CASE("Rescaling multiplies and adds, integers too") {
  const Tensor pixels(std::vector<std::uint8_t>{0, 255}, {1, 2});
  const Tensor y = apply(kl::Rescaling(1.0 / 255, -0.5), pixels);
  CHECK(y.dtype() == DType::f32);
  check_values(y, {1, 2}, {-0.5, 0.5});
  check_values(
      apply(kl::Rescaling({1, 10}, 0), array({1, 2}, {1, 2})), {1, 2}, {1, 20});
}

TEST_CASE("Normalization adapts to the statistics of data") {
  kl::Normalization layer;
  layer.adapt(array({0, 10, 2, 30}, {2, 2}));  // means 1 and 20
  check_values(layer.get_weights()[0], {2}, {1, 20});
  check_values(layer.get_weights()[1], {2}, {1, 100});
  check_values(apply(layer, array({3, 40}, {1, 2})), {1, 2}, {2, 2});
  CHECK(layer.weights()[2].name() == "count");
  CHECK(layer.weights()[2].dtype() == DType::i64);
}

TEST_CASE("Normalization keeps statistics for any axes, or one for all") {
  kl::Normalization rows({.axis = {1}});
  rows.adapt(array({1, 3, 10, 30}, {1, 2, 2}));
  check_values(rows.get_weights()[0], {2}, {2, 20});
  check_values(
      apply(rows, array({3, 1, 10, 40}, {1, 2, 2})), {1, 2, 2}, {1, -1, -1, 2});
  kl::Normalization all({.axis = {}});
  all.adapt(array({1, 3}, {2, 1}));
  CHECK(all.get_weights()[0].shape() == Shape{});
  check_values(apply(all, array({4}, {1, 1})), {1, 1}, {2});
}

TEST_CASE("Normalization takes mean and variance, and goes back") {
  const kl::Normalization there({.mean = 2, .variance = 4});
  check_values(apply(there, array({6, 2}, {1, 2})), {1, 2}, {2, 0});
  CHECK(there.weights().empty());
  const kl::Normalization back(
      {.mean = {{1, 2}}, .variance = {{4, 9}}, .invert = true});
  check_values(apply(back, array({1, 1}, {1, 2})), {1, 2}, {3, 5});
}

TEST_CASE("Normalization says what is wrong") {
  CHECK(make_error([] {
          kl::Normalization({.mean = 1, .name = "n"});
        }) == "[n: Normalization] expected both mean and variance, or none");
  CHECK(
      make_error([] {
        kl::Normalization(
            {.mean = {{1, 2}}, .variance = {{1, 2, 3}}, .name = "n"});
      }) ==
      "[n: Normalization] expected mean and variance of one shape, got [2] and "
      "[3]");
  kl::Normalization given({.mean = 1, .variance = 1, .name = "n"});
  CHECK(
      make_error([&] {
        given.adapt(array({1}, {1, 1}));
      }) ==
      "[n: Normalization] expected no mean and variance, as adapt finds them");
  kl::Normalization open({.name = "n"});
  CHECK(make_error([&] {
          open.adapt(Tensor(DType::f32, {0, 2}));
        }) == "[n: Normalization] expected data to adapt to, got [0,2]");
  open.adapt(array({1, 2}, {1, 2}));
  CHECK(
      make_error([&] {
        open.adapt(array({1, 2, 3}, {1, 3}));
      }) == "[n: Normalization] expected data as built for, [1,2], got [1,3]");
  const kl::Normalization three(
      {.mean = {{1, 2, 3}}, .variance = {{1, 2, 3}}, .name = "n"});
  CHECK(
      call_error(three, {1, 2}) ==
      "[n: Normalization] expected a mean for the extents [2] of the input "
      "[?,2], got [3]");
}

}  // namespace keratin
