#include <doctest/doctest.h>

#include <string>

#include "src/ir/text.hpp"
#include "src/passes/pass.hpp"
#include "tests/passes/pass_check.hpp"

namespace keratin {
namespace {

using testing::after_pass;
using testing::as_it_is;
using testing::graph_of;
using testing::parameters;

void check_common(
    const std::string& types,
    const std::string& before,
    const std::string& after) {
  const std::string header = parameters(types);
  CHECK_EQ(
      after_pass(eliminate_common, header + before), as_it_is(header + after));
}

TEST_CASE("eliminate_common keeps the first of equal nodes and its layer") {
  check_common(
      "f32[4]",
      "%1 = exp(%0) : f32[4] @first\n%2 = exp(%0) : f32[4] @second\n"
      "%3 = add(%1, %2) : f32[4]\nreturn %3",
      "%1 = exp(%0) : f32[4] @first\n%2 = add(%1, %1) : f32[4]\nreturn %2");
}

TEST_CASE("eliminate_common sees equality through a chain") {
  check_common(
      "f32[4]",
      "%1 = exp(%0) : f32[4]\n%2 = sin(%1) : f32[4]\n"
      "%3 = exp(%0) : f32[4]\n%4 = sin(%3) : f32[4]\nreturn %2, %4",
      "%1 = exp(%0) : f32[4]\n%2 = sin(%1) : f32[4]\nreturn %2, %2");
}

TEST_CASE("eliminate_common knows which operands may be swapped") {
  check_common(
      "f32[4], f32[4]",
      "%2 = add(%0, %1) : f32[4]\n%3 = add(%1, %0) : f32[4]\nreturn %2, %3",
      "%2 = add(%0, %1) : f32[4]\nreturn %2, %2");
  const std::string subtract =
      "%2 = subtract(%0, %1) : f32[4]\n%3 = subtract(%1, %0) : f32[4]\n"
      "return %2, %3";
  check_common("f32[4], f32[4]", subtract, subtract);
}

TEST_CASE("eliminate_common compares constants by their bits") {
  check_common(
      "",
      "%0 = constant() {value=tensor(f32[2], 1.0, 2.0)} : f32[2]\n"
      "%1 = constant() {value=tensor(f32[2], 1.0, 2.0)} : f32[2]\n"
      "return %0, %1",
      "%0 = constant() {value=tensor(f32[2], 1.0, 2.0)} : f32[2]\n"
      "return %0, %0");
  const std::string zeros =
      "%0 = constant() {value=tensor(f32[], 0.0)} : f32[]\n"
      "%1 = constant() {value=tensor(f32[], -0.0)} : f32[]\n"
      "%2 = constant() {value=tensor(i32[], 0.0)} : i32[]\n"
      "%3 = constant() {value=tensor(f32[1], 0.0)} : f32[1]\n"
      "return %0, %1, %2, %3";
  check_common("", zeros, zeros);
}

TEST_CASE("eliminate_common keeps nodes whose attributes differ") {
  const std::string pads =
      "%1 = pad(%0) {low=[1], high=[0], value=0.0} : f32[5]\n"
      "%2 = pad(%0) {low=[0], high=[1], value=0.0} : f32[5]\n"
      "%3 = pad(%0) {low=[1], high=[0], value=-0.0} : f32[5]\n"
      "return %1, %2, %3";
  check_common("f32[4]", pads, pads);
}

TEST_CASE("eliminate_common joins random numbers of one state") {
  check_common(
      "u32[2], u32[2]",
      "%2 = random_bits(%0) {shape=[4]} : u32[4]\n"
      "%3 = random_bits(%0) {shape=[4]} : u32[4]\n"
      "%4 = random_bits(%1) {shape=[4]} : u32[4]\nreturn %2, %3, %4",
      "%2 = random_bits(%0) {shape=[4]} : u32[4]\n"
      "%3 = random_bits(%1) {shape=[4]} : u32[4]\nreturn %2, %2, %3");
}

TEST_CASE("eliminate_common joins nodes with several results") {
  check_common(
      "f32[4]",
      "%1, %2 = sort(%0) {axis=0} : f32[4], i32[4]\n"
      "%3, %4 = sort(%0) {axis=0} : f32[4], i32[4]\nreturn %1, %4",
      "%1, %2 = sort(%0) {axis=0} : f32[4], i32[4]\nreturn %1, %2");
}

TEST_CASE("eliminate_common keeps parameters and assigns apart") {
  const std::string text =
      "%2 = add(%0, %1) : f32[4]\nassign(\"v\", %2)\nassign(\"w\", %2)\n"
      "return %2";
  check_common("f32[4], f32[4]", text, text);
}

TEST_CASE("eliminate_dead keeps parameters, outputs, assigns, their needs") {
  const std::string header = parameters("f32[4], f32[4]");
  const Graph before = graph_of(
      header +
      "%2 = read(\"v\") : f32[4]\n"
      "%3 = read(\"unused\") : f32[4]\n"
      "%4 = exp(%2) : f32[4]\n"
      "%5 = sin(%4) : f32[4]\n"
      "%6 = cos(%0) : f32[4]\n"
      "assign(\"v\", %4)\n"
      "return %6");
  const Graph after = graph_of(
      header +
      "%2 = read(\"v\") : f32[4]\n"
      "%3 = exp(%2) : f32[4]\n"
      "%4 = cos(%0) : f32[4]\n"
      "assign(\"v\", %3)\n"
      "return %4");
  CHECK_EQ(print(eliminate_dead(before)), print(after));
}

TEST_CASE("eliminate_dead keeps a node of which one result is used") {
  const std::string text =
      parameters("f32[4]") +
      "%1, %2 = sort(%0) {axis=0} : f32[4], i32[4]\nreturn %2";
  CHECK_EQ(print(eliminate_dead(graph_of(text))), print(graph_of(text)));
}

}  // namespace
}  // namespace keratin
