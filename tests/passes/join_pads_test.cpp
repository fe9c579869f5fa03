#include <doctest/doctest.h>

#include <string>

#include "src/passes/pass.hpp"
#include "tests/passes/pass_check.hpp"

namespace keratin {
namespace {

using testing::after_pass;
using testing::as_it_is;
using testing::parameters;

std::string pad(
    int result, int operand, const std::string& low, const std::string& high) {
  return "%" + std::to_string(result) + " = pad(%" + std::to_string(operand) +
         ") {low=" + low + ", high=" + high + ", value=0.0} : f32[2,6]\n";
}

TEST_CASE("join_pads makes a sum of parts a concatenation") {
  CHECK_EQ(
      after_pass(
          join_pads,
          parameters("f32[2,1], f32[2,3], f32[2,2]") +
              pad(3, 1, "[0, 3]", "[0, 0]") + pad(4, 0, "[0, 2]", "[0, 3]") +
              pad(5, 2, "[0, 0]", "[0, 4]") +
              "%6 = add(%3, %4) : f32[2,6]\n%7 = add(%6, %5) : f32[2,6]\n"
              "return %7"),
      as_it_is(
          parameters("f32[2,1], f32[2,3], f32[2,2]") +
          "%3 = concatenate(%2, %0, %1) {axis=1} : f32[2,6]\nreturn %3"));
}

void check_unchanged(const std::string& statements) {
  CHECK_EQ(after_pass(join_pads, statements), as_it_is(statements));
}

TEST_CASE("join_pads leaves gaps, overlaps and other operands") {
  const std::string two = parameters("f32[2,3], f32[2,3]");
  const std::string sum = "%4 = add(%2, %3) : f32[2,6]\nreturn %4";
  check_unchanged(
      two + pad(2, 0, "[0, 0]", "[0, 3]") + pad(3, 1, "[0, 2]", "[0, 1]") +
      sum);
  check_unchanged(
      parameters("f32[2,3], f32[2,2]") + pad(2, 0, "[0, 0]", "[0, 3]") +
      pad(3, 1, "[0, 4]", "[0, 0]") + sum);
  check_unchanged(
      parameters("f32[2,3], f32[2,6]") + pad(2, 0, "[0, 0]", "[0, 3]") +
      "%3 = add(%2, %1) : f32[2,6]\nreturn %3");
  check_unchanged(
      parameters("f32[2,3], f32[1,6]") + pad(2, 0, "[0, 0]", "[0, 3]") +
      pad(3, 1, "[1, 0]", "[0, 0]") + sum);
  // One is broadcast inside.
  check_unchanged(
      parameters("f32[2,2], f32[1,2], f32[2,2]") +
      pad(3, 0, "[0, 0]", "[0, 4]") +
      "%4 = pad(%1) {low=[0, 2], high=[0, 2], value=0.0} : f32[1,6]\n" +
      pad(5, 2, "[0, 4]", "[0, 0]") +
      "%6 = add(%3, %4) : f32[2,6]\n%7 = add(%6, %5) : f32[2,6]\nreturn %7");
}

}  // namespace
}  // namespace keratin
