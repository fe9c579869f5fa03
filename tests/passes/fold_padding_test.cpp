#include <doctest/doctest.h>

#include <string>

#include "src/passes/pass.hpp"
#include "tests/passes/pass_check.hpp"

namespace keratin {
namespace {

using testing::after_pass;
using testing::as_it_is;
using testing::parameters;

std::string window(const std::string& low, const std::string& high) {
  return "strides=[2, 1], pad_low=" + low + ", pad_high=" + high +
         ", dilation=[1, 1], groups=1";
}

std::string after(const std::string& statements) {
  return after_pass(fold_padding, statements);
}

const std::string kPad =
    "%2 = pad(%0) {low=[0, 1, 2, 0], high=[0, 3, 0, 0], value=0.0} : "
    "f32[2,8,7,3]\n";

TEST_CASE("fold_padding makes zeros part of the convolution's own padding") {
  CHECK_EQ(
      after(
          parameters("f32[2,4,5,3], f32[5,3,3,6]") + kPad +
          "%3 = conv(%2, %1) {" + window("[1, 0]", "[0, 0]") +
          "} : f32[2,3,5,6]\nreturn %3"),
      as_it_is(
          parameters("f32[2,4,5,3], f32[5,3,3,6]") + "%2 = conv(%0, %1) {" +
          window("[2, 2]", "[3, 0]") + "} : f32[2,3,5,6]\nreturn %2"));
}

TEST_CASE("fold_padding reaches both gradients") {
  CHECK_EQ(
      after(
          parameters("f32[2,4,5,3], f32[2,2,5,6]") + kPad +
          "%3 = conv_backward_weights(%2, %1) {" + window("[0, 0]", "[0, 0]") +
          ", shape=[5, 3, 3, 6]} : f32[5,3,3,6]\nreturn %3"),
      as_it_is(
          parameters("f32[2,4,5,3], f32[2,2,5,6]") +
          "%2 = conv_backward_weights(%0, %1) {" + window("[1, 2]", "[3, 0]") +
          ", shape=[5, 3, 3, 6]} : f32[5,3,3,6]\nreturn %2"));
  CHECK_EQ(
      after(
          parameters("f32[2,2,5,6], f32[5,3,3,6]") +
          "%2 = conv_backward_data(%0, %1) {" + window("[0, 0]", "[0, 0]") +
          ", shape=[2, 8, 7, 3]} : f32[2,8,7,3]\n"
          "%3 = pad(%2) {low=[0, -1, -2, 0], high=[0, -3, 0, 0], value=0.0} : "
          "f32[2,4,5,3]\nreturn %3"),
      as_it_is(
          parameters("f32[2,2,5,6], f32[5,3,3,6]") +
          "%2 = conv_backward_data(%0, %1) {" + window("[1, 2]", "[3, 0]") +
          ", shape=[2, 4, 5, 3]} : f32[2,4,5,3]\nreturn %2"));
}

TEST_CASE("fold_padding leaves other values, axes, crops and wide margins") {
  const auto unchanged = [](const std::string& pad, const std::string& x) {
    const std::string text =
        parameters(x + ", f32[1,1,3,6]") + pad + "%3 = conv(%2, %1) {" +
        "strides=[1, 1], pad_low=[0, 0], pad_high=[0, 0], dilation=[1, 1], "
        "groups=1} : f32[2,4,5,6]\nreturn %3";
    CHECK_EQ(after(text), as_it_is(text));
  };
  unchanged(
      "%2 = pad(%0) {low=[0, 1, 0, 0], high=[0, 0, 0, 0], value=1.0} : "
      "f32[2,4,5,3]\n",
      "f32[2,3,5,3]");
  unchanged(
      "%2 = pad(%0) {low=[0, 0, 0, 1], high=[0, 0, 0, 0], value=0.0} : "
      "f32[2,4,5,3]\n",
      "f32[2,4,5,2]");
  unchanged(
      "%2 = pad(%0) {low=[0, -1, 0, 0], high=[0, 0, 0, 0], value=0.0} : "
      "f32[2,4,5,3]\n",
      "f32[2,5,5,3]");
  unchanged(  // as wide as the kernel
      "%2 = pad(%0) {low=[0, 1, 0, 0], high=[0, 0, 0, 0], value=0.0} : "
      "f32[2,4,5,3]\n",
      "f32[2,3,5,3]");
}

}  // namespace
}  // namespace keratin
