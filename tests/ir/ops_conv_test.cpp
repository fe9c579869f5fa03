#include <doctest/doctest.h>

#include <string>
#include <vector>

#include <keratin/error.hpp>
#include <keratin/ops.hpp>

#include "tests/ir/op_testing.hpp"

namespace keratin::testing {

namespace {

struct ConvCase {
  std::string name;
  Shape x;
  Shape w;
  ops::Ints strides;
  std::string padding = "valid";
  ops::Ints dilation = {};
  std::int64_t groups = 1;
};

ops::Window window_of(const ConvCase& c) {
  const ops::Ints spatial(c.x.begin() + 1, c.x.end() - 1);
  const ops::Ints kernel(c.w.begin(), c.w.end() - 2);
  return ops::make_window(c.padding, spatial, kernel, c.strides, c.dilation);
}

void check_conv(const ConvCase& c) {
  check_case_and_gradients(
      "conv " + c.name,
      Op::conv,
      [&](const Values& v) -> Values {
        return {ops::conv(v[0], v[1], window_of(c), c.groups)};
      },
      {pattern(c.x, 1), pattern(c.w, 2)});
}

}  // namespace

TEST_CASE("conv and its gradients compute TensorFlow's numbers") {
  check_conv({"1d valid", {2, 6, 2}, {3, 2, 3}, {1}});
  check_conv({"1d same stride 2", {1, 6, 2}, {3, 2, 2}, {2}, "same"});
  check_conv({"2d valid stride", {1, 6, 5, 2}, {3, 2, 2, 3}, {2, 1}});
  check_conv(
      {"2d same even kernel", {2, 4, 5, 1}, {2, 4, 1, 2}, {1, 1}, "same"});
  check_conv({"2d same stride 2", {1, 5, 4, 2}, {3, 3, 2, 2}, {2, 2}, "same"});
  check_conv(
      {"2d same dilation", {1, 5, 6, 1}, {3, 2, 1, 2}, {1, 1}, "same", {2, 2}});
  check_conv({"2d groups", {1, 4, 4, 4}, {3, 3, 2, 4}, {1, 1}, "same", {}, 2});
  check_conv({"3d same", {1, 3, 2, 3, 2}, {2, 2, 2, 2, 2}, {2, 1, 1}, "same"});
}

TEST_CASE("conv with causal padding computes Keras's numbers") {
  const ConvCase c = {"causal", {1, 6, 2}, {2, 2, 2}, {1}, "causal", {2}};
  check_case(
      "conv causal",
      [&](const Values& v) -> Values {
        return {ops::conv(v[0], v[1], window_of(c))};
      },
      {pattern(c.x, 1), pattern(c.w, 2)});
}

TEST_CASE("make_window follows TensorFlow's rule for the same padding") {
  const auto same = [](std::int64_t input,
                       std::int64_t kernel,
                       std::int64_t stride,
                       std::int64_t dilation = 1) {
    const ops::Window w =
        ops::make_window("same", {input}, {kernel}, {stride}, {dilation});
    return ops::Ints{w.pad_low[0], w.pad_high[0]};
  };
  CHECK(same(5, 3, 1) == ops::Ints{1, 1});
  CHECK(same(5, 2, 1) == ops::Ints{0, 1});  // the odd one goes behind
  CHECK(same(6, 3, 2) == ops::Ints{0, 1});
  CHECK(same(5, 3, 2) == ops::Ints{1, 1});
  CHECK(same(224, 7, 2) == ops::Ints{2, 3});
  CHECK(same(4, 1, 2) == ops::Ints{0, 0});  // never negative
  CHECK(same(8, 3, 1, 4) == ops::Ints{4, 4});
}

TEST_CASE("make_window fills in what is left out and rejects what is wrong") {
  const ops::Window w = ops::make_window("valid", {5, 6}, {3, 3}, {}, {});
  CHECK(w.strides == ops::Ints{1, 1});
  CHECK(w.pad_low == ops::Ints{0, 0});
  CHECK(w.dilation == ops::Ints{1, 1});
  CHECK_THROWS_WITH_AS(
      ops::make_window("full", {5}, {3}, {}, {}),
      "[make_window] expected padding \"valid\", \"same\" or \"causal\", got "
      "\"full\"",
      InvalidArgument);
  CHECK_THROWS_AS(
      ops::make_window("causal", {5, 5}, {3, 3}, {}, {}), InvalidArgument);
  CHECK_THROWS_AS(
      ops::make_window("same", {5, 5}, {3}, {}, {}), InvalidArgument);
  CHECK_THROWS_AS(ops::make_window("same", {5}, {3}, {0}, {}), InvalidArgument);
  CHECK_THROWS_AS(
      ops::make_window("same", {kUnknown}, {3}, {}, {}), InvalidArgument);
}

TEST_CASE("conv's shape counts whole strides") {
  Graph g;
  const Value x = parameter(g, {2, 7, 8, 4});
  const Value w = parameter(g, {3, 2, 4, 5});
  CHECK(ops::conv(x, w).shape() == Shape{2, 5, 7, 5});
  CHECK(ops::conv(x, w, {.strides = {2, 3}}).shape() == Shape{2, 3, 3, 5});
  CHECK(
      ops::conv(x, w, {.pad_low = {1, 0}, .pad_high = {0, 2}}).shape() ==
      Shape{2, 6, 9, 5});
  CHECK(ops::conv(x, w, {.dilation = {3, 7}}).shape() == Shape{2, 1, 1, 5});
  CHECK(
      ops::conv(x, parameter(g, {3, 2, 1, 8}), {}, 4).shape() ==
      Shape{2, 5, 7, 8});
}

TEST_CASE("conv says which rule its operands break") {
  Graph g;
  const Value x = parameter(g, {2, 7, 8, 4});
  const auto conv = [&](const Shape& w,
                        const ops::Window& window = {},
                        std::int64_t groups = 1) {
    ops::conv(x, parameter(g, w), window, groups);
  };
  CHECK_THROWS_WITH_AS(
      conv({8, 2, 4, 5}),
      "[conv] kernel larger than input on spatial axis 0: 8 taps at dilation "
      "1 span 8, the padded input [2,7,8,4] has 7; use padding \"same\", a "
      "smaller kernel or a larger input",
      InvalidArgument);
  CHECK_THROWS_WITH_AS(
      conv({3, 3, 3, 5}),
      doctest::Contains("channels differ: the input [2,7,8,4] has 4"),
      InvalidArgument);
  CHECK_THROWS_WITH_AS(
      conv({3, 3, 1, 6}, {}, 3),
      doctest::Contains("groups to divide the 4 channels"),
      InvalidArgument);
  CHECK_THROWS_WITH_AS(
      conv({3, 3, 2, 5}, {}, 2),
      doctest::Contains("groups to divide the 5 filters"),
      InvalidArgument);
  CHECK_THROWS_WITH_AS(
      conv({3, 3, 4, 5}, {}, 0),
      doctest::Contains("groups >= 1, got 0"),
      InvalidArgument);
  CHECK_THROWS_WITH_AS(
      conv({3, 4, 5}), doctest::Contains("of rank 4"), InvalidArgument);
  CHECK_THROWS_WITH_AS(
      conv({3, 3, 4, 5}, {.pad_low = {-1, 0}}),
      doctest::Contains("pad_low >= 0, got -1"),
      InvalidArgument);
  CHECK_THROWS_WITH_AS(
      conv({3, 3, 4, 5}, {.strides = {1}}),
      doctest::Contains("one entry for each of 2 spatial axes"),
      InvalidArgument);
  CHECK_THROWS_WITH_AS(
      conv({3, 3, 4, 5}, {.dilation = {1, 0}}),
      doctest::Contains("dilation >= 1"),
      InvalidArgument);
  CHECK_THROWS_AS(
      ops::conv(parameter(g, {2, 4}), parameter(g, {2, 4})), InvalidArgument);
  CHECK_THROWS_AS(
      ops::conv(x, parameter(g, {3, 3, 4, 5}, DType::f64)), InvalidArgument);
}

TEST_CASE("the gradients of conv check the shape of dy") {
  Graph g;
  const Value x = parameter(g, {2, 7, 4});
  const Value w = parameter(g, {3, 4, 5});
  const Value wrong = parameter(g, {2, 6, 5});
  CHECK_THROWS_WITH_AS(
      ops::conv_backward_data(wrong, w, {2, 7, 4}),
      doctest::Contains("expected dy of shape [2,5,5]"),
      InvalidArgument);
  CHECK_THROWS_WITH_AS(
      ops::conv_backward_weights(x, wrong, {3, 4, 5}),
      doctest::Contains("expected dy of shape [2,5,5]"),
      InvalidArgument);
  // Several inputs have a result of this shape, so the shape is given.
  const ops::Window window = {.strides = {2}};
  const Value dy = parameter(g, {2, 3, 5});
  CHECK(
      ops::conv_backward_data(dy, w, {2, 7, 4}, window).shape() ==
      Shape{2, 7, 4});
  CHECK(
      ops::conv_backward_data(dy, w, {2, 8, 4}, window).shape() ==
      Shape{2, 8, 4});
}

}  // namespace keratin::testing
