#include "tests/layers/layer_support.hpp"

namespace keratin {

using namespace testing;
namespace kl = layers;

TEST_CASE("Flatten moves the channels to the end when they come first") {
  const Tensor x = array({1, 2, 3, 4}, {1, 2, 2});
  check_values(apply(kl::Flatten(), x), {1, 4}, {1, 2, 3, 4});
  check_values(
      apply(kl::Flatten({.data_format = "channels_first"}), x),
      {1, 4},
      {1, 3, 2, 4});
  check_values(apply(kl::Flatten(), array({1, 2}, {2})), {2, 1}, {1, 2});
}

TEST_CASE("Reshape finds the extent it is not given") {
  const Tensor x = array({1, 2, 3, 4}, {1, 4});
  check_values(apply(kl::Reshape({2, -1}), x), {1, 2, 2}, {1, 2, 3, 4});
  CHECK(
      call_error(kl::Reshape({3}, {.name = "r"}), {1, 4}) ==
      "[r: Reshape] expected a target_shape of 4 elements, as the input [?,4] "
      "has after the batch axis, got [3]");
  CHECK(
      make_error([] {
        kl::Reshape({-1, -1}, {.name = "r"});
      }) ==
      "[r: Reshape] expected at most one -1 in target_shape, got [-1, -1]");
}

TEST_CASE("Reshape knows its shape when the input's is not known") {
  const kl::Input in(Shape{kUnknown, 4});
  CHECK(kl::Reshape({-1, 2})(in.tensor()).shape().str() == "[?,?,2]");
}

TEST_CASE("Permute and RepeatVector move and repeat") {
  check_values(
      apply(kl::Permute({2, 1}), array({1, 2, 3, 4}, {1, 2, 2})),
      {1, 2, 2},
      {1, 3, 2, 4});
  check_values(
      apply(kl::RepeatVector(2), array({1, 2}, {1, 2})),
      {1, 2, 2},
      {1, 2, 1, 2});
  CHECK(
      make_error([] {
        kl::Permute({1, 3}, {.name = "p"});
      }) ==
      "[p: Permute] expected dims to hold each of 1 to 2 once, got [1, 3]");
  CHECK(
      call_error(kl::RepeatVector(2, {.name = "v"}), {1, 2, 3}) ==
      "[v: RepeatVector] expected an input of rank 2, got [?,2,3]");
}

TEST_CASE("ZeroPadding and Cropping take one number, numbers or pairs") {
  const Tensor x = array({1, 2, 3}, {1, 3, 1});
  check_values(
      apply(kl::ZeroPadding1D({1, 2}), x), {1, 6, 1}, {0, 1, 2, 3, 0, 0});
  check_values(apply(kl::ZeroPadding1D(1), x), {1, 5, 1}, {0, 1, 2, 3, 0});
  check_values(apply(kl::Cropping1D({0, 2}), x), {1, 1, 1}, {1});
  const Tensor square = array({1, 2, 3, 4}, {1, 2, 2, 1});
  check_values(
      apply(kl::Cropping2D({{1, 0}, {0, 1}}), square), {1, 1, 1, 1}, {3});
  CHECK(apply(kl::ZeroPadding2D({1, 2}), square).shape() == Shape{1, 4, 6, 1});
  CHECK(
      apply(
          kl::ZeroPadding2D({1, 2}, {.data_format = "channels_first"}),
          Tensor(DType::f32, {1, 3, 2, 2}))
          .shape() == Shape{1, 3, 4, 6});
}

TEST_CASE("margins that do not fit are refused") {
  CHECK(
      make_error([] {
        kl::ZeroPadding2D({1, 2, 3}, {.name = "z"});
      }) ==
      "[z: ZeroPadding2D] expected padding of one number, or numbers or pairs "
      "for 2 axes, got [1, 2, 3]");
  CHECK(make_error([] {
          kl::Cropping1D(-1, {.name = "c"});
        }) == "[c: Cropping1D] expected cropping >= 0, got -1");
  CHECK(
      call_error(kl::Cropping1D(2, {.name = "c"}), {1, 4, 1}) ==
      "[c: Cropping1D] expected an input of more than 4 elements on axis 1, "
      "got [?,4,1]");
  kl::Margins margins(1);
  CHECK_THROWS_AS(
      margins.from_config(Config::parse("[1, [2, 3]]"), "m"), InvalidArgument);
  CHECK(margins.to_config().as_int() == 1);
}

TEST_CASE("UpSampling repeats steps, rows and columns") {
  check_values(
      apply(kl::UpSampling1D(2), array({1, 2}, {1, 2, 1})),
      {1, 4, 1},
      {1, 1, 2, 2});
  check_values(
      apply(kl::UpSampling2D({2, 1}), array({1, 2}, {1, 1, 2, 1})),
      {1, 2, 2, 1},
      {1, 2, 1, 2});
  CHECK(make_error([] {
          kl::UpSampling2D({0, 1}, {.name = "u"});
        }) == "[u: UpSampling2D] expected size >= 1, got 0");
}

}  // namespace keratin
