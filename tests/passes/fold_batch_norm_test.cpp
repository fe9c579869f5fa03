#include <doctest/doctest.h>

#include <string>

#include "src/passes/fixed_values.hpp"
#include "src/passes/pass.hpp"
#include "tests/passes/pass_check.hpp"

namespace keratin {
namespace {

using testing::after_pass;
using testing::as_it_is;
using testing::graph_of;

const std::string kWindow =
    "{strides=[1, 1], pad_low=[0, 0], pad_high=[0, 0], dilation=[1, 1], "
    "groups=1}";

const std::string kReads =
    "%0 = parameter(\"x\") : f32[2,4,4,3]\n"
    "%1 = read(\"w\") : f32[1,1,3,5]\n"
    "%2 = read(\"gamma\") : f32[5]\n"
    "%3 = read(\"beta\") : f32[5]\n"
    "%4 = read(\"mean\") : f32[5]\n"
    "%5 = read(\"variance\") : f32[5]\n"
    "%6 = read(\"b\") : f32[5]\n";

const std::string kConv = "%7 = conv(%0, %1) " + kWindow + " : f32[2,4,4,5]\n";

std::string norm_of(const std::string& value) {
  return "%9 = batch_norm_inference(" + value +
         ", %2, %3, %4, %5) {epsilon=0.5} : f32[2,4,4,5]\n";
}

bool has_norm(const std::string& text) {
  return text.find("batch_norm") != std::string::npos;
}

bool folds(const std::string& statements) {
  return !has_norm(after_pass(fold_batch_norm, statements));
}

TEST_CASE("fold_batch_norm scales the weights of the convolution before it") {
  const std::string text =
      after_pass(fold_batch_norm, kReads + kConv + norm_of("%7") + "return %9");
  CHECK_FALSE(has_norm(text));
  CHECK_NE(text.find("rsqrt"), std::string::npos);
  CHECK_NE(text.find("conv("), std::string::npos);
}

TEST_CASE("fold_batch_norm takes a bias with it") {
  CHECK(folds(
      kReads + kConv + "%8 = add(%7, %6) : f32[2,4,4,5]\n" + norm_of("%8") +
      "return %9"));
}

TEST_CASE("fold_batch_norm folds into a product of matrices") {
  const std::string product =
      "%0 = parameter(\"x\") : f32[2,3]\n"
      "%1 = read(\"w\") : f32[3,5]\n"
      "%2 = read(\"gamma\") : f32[5]\n"
      "%3 = matmul(%0, %1) {transpose_a=false, transpose_b=false} : f32[2,5]\n"
      "%4 = batch_norm_inference(%3, %2, %2, %2, %2) {epsilon=0.5} : "
      "f32[2,5]\nreturn %4";
  CHECK(folds(product));
  const std::string transposed =
      "%0 = parameter(\"x\") : f32[2,3]\n"
      "%1 = read(\"w\") : f32[5,3]\n"
      "%2 = read(\"gamma\") : f32[5]\n"
      "%3 = matmul(%0, %1) {transpose_a=false, transpose_b=true} : f32[2,5]\n"
      "%4 = batch_norm_inference(%3, %2, %2, %2, %2) {epsilon=0.5} : "
      "f32[2,5]\nreturn %4";
  CHECK_FALSE(folds(transposed));
}

TEST_CASE("fold_batch_norm leaves what somebody else uses or changes") {
  SUBCASE("the convolution's result is an output") {
    CHECK_FALSE(folds(kReads + kConv + norm_of("%7") + "return %9, %7"));
  }
  SUBCASE("the weights are trained") {
    CHECK_FALSE(
        folds(kReads + kConv + norm_of("%7") + "assign(\"w\", %1) return %9"));
  }
  SUBCASE("the statistics are assigned") {
    CHECK_FALSE(folds(
        kReads + kConv + norm_of("%7") + "assign(\"mean\", %3) return %9"));
  }
  SUBCASE("something else comes between") {
    CHECK_FALSE(folds(
        kReads + kConv + "%8 = relu(%7) : f32[2,4,4,5]\n" + norm_of("%8") +
        "return %9"));
  }
}

TEST_CASE("fixed values come from unassigned variables and constants alone") {
  const Graph graph = graph_of(
      "%0 = parameter(\"x\") : f32[2]\n"
      "%1 = read(\"kept\") : f32[2]\n"
      "%2 = read(\"trained\") : f32[2]\n"
      "%3 = exp(%1) : f32[2]\n"
      "%4 = add(%3, %0) : f32[2]\n"
      "%5 = add(%3, %2) : f32[2]\n"
      "assign(\"trained\", %5) return %4");
  CHECK_EQ(
      fixed_values(graph),
      std::vector<bool>({false, true, false, true, false, false}));
}

}  // namespace
}  // namespace keratin
