#include "tests/layers/layer_support.hpp"

namespace keratin {

using namespace testing;
namespace kl = layers;

TEST_CASE("pooling takes the largest or the mean of each window") {
  const Tensor x = array({1, 5, 2, 4, 3}, {1, 5, 1});
  check_values(apply(kl::MaxPooling1D(2), x), {1, 2, 1}, {5, 4});
  check_values(apply(kl::AveragePooling1D(2), x), {1, 2, 1}, {3, 3});
  check_values(
      apply(kl::MaxPooling1D(2, {.strides = 1}), x), {1, 4, 1}, {5, 5, 4, 4});
}

TEST_CASE("padding never wins and does not count") {
  const Tensor x = array({-1, -5, -2}, {1, 3, 1});
  check_values(
      apply(kl::MaxPooling1D(2, {.padding = "same"}), x), {1, 2, 1}, {-1, -2});
  check_values(
      apply(kl::AveragePooling1D(2, {.padding = "same"}), x),
      {1, 2, 1},
      {-3, -2});
}

TEST_CASE("channels-first pooling is that of the transposed tensor") {
  const Tensor x = array({1, 2, 3, 4, 10, 20, 30, 40}, {1, 2, 2, 2});
  check_values(
      apply(kl::MaxPooling2D(2, {.data_format = "channels_first"}), x),
      {1, 2, 1, 1},
      {4, 40});
  check_values(
      apply(kl::GlobalAveragePooling2D({.data_format = "channels_first"}), x),
      {1, 2},
      {2.5, 25});
}

TEST_CASE("global pooling reduces all spatial axes, kept on demand") {
  const Tensor x = array({1, 10, 3, 20}, {1, 2, 2});
  check_values(apply(kl::GlobalMaxPooling1D(), x), {1, 2}, {3, 20});
  check_values(
      apply(kl::GlobalAveragePooling1D({.keepdims = true}), x),
      {1, 1, 2},
      {2, 15});
}

TEST_CASE("pooling layers say what is wrong") {
  CHECK(
      call_error(kl::MaxPooling2D(2, {.name = "p"}), {4, 4, 1}) ==
      "[p: MaxPooling2D] expected input rank >= 4, got [?,4,1]; add a batch "
      "axis");
  CHECK(
      call_error(kl::GlobalMaxPooling1D({.name = "g"}), {1, 4, 4, 1}) ==
      "[g: GlobalMaxPooling1D] expected an input of rank 3, got [?,4,4,1]");
  CHECK(make_error([] {
          kl::AveragePooling2D(0, {.name = "p"});
        }) == "[p: AveragePooling2D] expected pool_size >= 1, got 0");
  CHECK(
      make_error(
          [] { kl::MaxPooling1D(2, {.padding = "full", .name = "p"}); }) ==
      "[p: MaxPooling1D] expected padding to be one of \"valid\", \"same\", "
      "got \"full\"");
}

TEST_CASE("adaptive pooling keeps the layer contract") {
  check_layer(
      {.layer = [] { return kl::AdaptiveAveragePooling1D(3); },
       .inputs = {{2, 7, 2}},
       .output = {2, 3, 2}});
  check_layer(
      {.layer =
           [] {
             return kl::AdaptiveMaxPooling2D(
                 {2, 3}, {.data_format = "channels_first"});
           },
       .inputs = {{2, 2, 5, 4}},
       .output = {2, 2, 2, 3}});
  check_layer(
      {.layer =
           [] {
             return kl::AdaptiveAveragePooling3D({1, 2, 4});
           },
       .inputs = {{1, 3, 3, 2, 2}},
       .output = {1, 1, 2, 4, 2}});
}

TEST_CASE("adaptive windows meet or overlap, by hand") {
  const Tensor x = array({1, 2, 3, 4, 5}, {1, 5, 1});
  // [0, 2), [1, 4), [3, 5)
  check_values(
      apply(kl::AdaptiveAveragePooling1D(3), x), {1, 3, 1}, {1.5, 3, 4.5});
  check_values(apply(kl::AdaptiveMaxPooling1D(3), x), {1, 3, 1}, {2, 4, 5});
  check_values(apply(kl::AdaptiveMaxPooling1D(1), x), {1, 1, 1}, {5});
  CHECK(make_error([] {
          kl::AdaptiveMaxPooling1D(0, {.name = "p"});
        }) == "[p: AdaptiveMaxPooling1D] expected output_size >= 1, got 0");
}

}  // namespace keratin
