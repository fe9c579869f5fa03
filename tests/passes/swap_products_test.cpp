#include <doctest/doctest.h>

#include <string>

#include "src/passes/pass.hpp"
#include "tests/passes/pass_check.hpp"

namespace keratin {
namespace {

using testing::after_pass;
using testing::as_it_is;
using testing::parameters;

const std::string kOperands = parameters("f32[2,3,4,5], f32[2,3,5,6]");

const std::string kProduct =
    "%2 = matmul(%0, %1) {transpose_a=false, transpose_b=false} : "
    "f32[2,3,4,6]\n";

std::string after(const std::string& statements) {
  return after_pass(swap_products, statements);
}

TEST_CASE("swap_products makes a transposed product one of its operands") {
  CHECK_EQ(
      after(
          kOperands + kProduct +
          "%3 = transpose(%2) {permutation=[0, 1, 3, 2]} : f32[2,3,6,4]\n"
          "return %3"),
      as_it_is(
          kOperands +
          "%2 = matmul(%1, %0) {transpose_a=true, transpose_b=true} : "
          "f32[2,3,6,4]\nreturn %2"));
}

TEST_CASE("swap_products turns the operands that are turned already") {
  const std::string operands = parameters("f32[5,4], f32[6,5]");
  CHECK_EQ(
      after(
          operands +
          "%2 = matmul(%0, %1) {transpose_a=true, transpose_b=true} : "
          "f32[4,6]\n"
          "%3 = transpose(%2) {permutation=[1, 0]} : f32[6,4]\nreturn %3"),
      as_it_is(
          operands +
          "%2 = matmul(%1, %0) {transpose_a=false, transpose_b=false} : "
          "f32[6,4]\nreturn %2"));
}

TEST_CASE("swap_products keeps what moves whole rows") {
  CHECK_EQ(
      after(
          kOperands + kProduct +
          "%3 = transpose(%2) {permutation=[0, 3, 1, 2]} : f32[2,6,3,4]\n"
          "return %3"),
      as_it_is(
          kOperands +
          "%2 = matmul(%1, %0) {transpose_a=true, transpose_b=true} : "
          "f32[2,3,6,4]\n"
          "%3 = transpose(%2) {permutation=[0, 2, 1, 3]} : f32[2,6,3,4]\n"
          "return %3"));
}

TEST_CASE("swap_products leaves products alone that have other users") {
  const std::string statements =
      kOperands + kProduct +
      "%3 = transpose(%2) {permutation=[0, 1, 3, 2]} : f32[2,3,6,4]\n"
      "return %3, %2";
  CHECK_EQ(after(statements), as_it_is(statements));
}

TEST_CASE("swap_products leaves transposes alone that keep rows together") {
  const std::string statements =
      kOperands + kProduct +
      "%3 = transpose(%2) {permutation=[1, 2, 0, 3]} : f32[3,4,2,6]\n"
      "return %3";
  CHECK_EQ(after(statements), as_it_is(statements));
}

TEST_CASE("swap_products leaves transposes of anything else alone") {
  const std::string statements =
      parameters("f32[4,6]") +
      "%1 = exp(%0) : f32[4,6]\n"
      "%2 = transpose(%1) {permutation=[1, 0]} : f32[6,4]\nreturn %2";
  CHECK_EQ(after(statements), as_it_is(statements));
}

}  // namespace
}  // namespace keratin
