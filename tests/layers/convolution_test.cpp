#include "tests/layers/layer_support.hpp"

namespace keratin {

using namespace testing;
namespace kl = layers;

namespace {

/// The layer built for x, all weights set to `value` but biases, which are 0.
template <class L>
L filled(L layer, const Shape& x, double value) {
  layer.impl().ensure_built({x});
  std::vector<Tensor> weights = layer.get_weights();
  for (std::size_t i = 0; i < weights.size(); ++i) {
    const bool bias = layer.weights()[i].name() == "bias";
    weights[i] =
        Tensor::full(weights[i].dtype(), weights[i].shape(), bias ? 0 : value);
  }
  layer.set_weights(weights);
  return layer;
}

}  // namespace

TEST_CASE("Conv1D sums a window of steps and channels") {
  const Tensor x = array({1, 2, 3, 4}, {1, 4, 1});
  const auto conv = [&](kl::ConvOptions options) {
    return apply(filled(kl::Conv1D(1, 2, options), x.shape(), 1), x);
  };
  check_values(conv({}), {1, 3, 1}, {3, 5, 7});
  check_values(conv({.padding = "same"}), {1, 4, 1}, {3, 5, 7, 4});
  check_values(conv({.padding = "causal"}), {1, 4, 1}, {1, 3, 5, 7});
  check_values(conv({.strides = 2}), {1, 2, 1}, {3, 7});
  check_values(conv({.dilation_rate = 2}), {1, 2, 1}, {4, 6});
}

TEST_CASE("Conv2D keeps groups of channels apart") {
  kl::Conv2D conv(2, 1, {.groups = 2});
  conv.impl().ensure_built({{1, 1, 1, 4}});
  CHECK(conv.weights()[0].shape() == Shape{1, 1, 2, 2});
  conv.set_weights({array({1, 10, 2, 20}, {1, 1, 2, 2}), array({0, 0}, {2})});
  check_values(
      apply(conv, array({1, 2, 3, 4}, {1, 1, 1, 4})),
      {1, 1, 1, 2},
      {1 + 4, 30 + 80});
}

TEST_CASE("Conv2D takes its activation over the channels it is given") {
  // With channels first the last axis is a spatial one, as in Keras.
  const kl::Conv2D conv(
      1, 1, {.data_format = "channels_first", .activation = "softmax"});
  const Tensor y = apply(conv, Tensor(DType::f32, {1, 1, 1, 2}));
  check_values(y, {1, 1, 1, 2}, {0.5, 0.5});
}

TEST_CASE("Conv2D says what is wrong with arguments and inputs") {
  CHECK(make_error([] {
          kl::Conv2D(3, 2, {.groups = 2, .name = "c"});
        }) == "[c: Conv2D] expected groups that divide the 3 filters, got 2");
  CHECK(
      make_error([] {
        kl::Conv2D(3, {1, 2, 3}, {.name = "c"});
      }) ==
      "[c: Conv2D] expected kernel_size of one number or 2, got [1, 2, 3]");
  CHECK(
      make_error(
          [] { kl::Conv2D(3, 2, {.padding = "causal", .name = "c"}); }) ==
      "[c: Conv2D] expected padding to be one of \"valid\", \"same\", got "
      "\"causal\"");
  CHECK(
      make_error([] {
        kl::Conv2D(3, 2, {.strides = 2, .dilation_rate = 2, .name = "c"});
      }) ==
      "[c: Conv2D] expected strides of 1 together with a dilation_rate above "
      "1");
  const kl::Conv2D conv(4, 2, {.groups = 2, .name = "c"});
  CHECK(
      call_error(conv, {1, 4, 4, 3}) ==
      "[c: Conv2D] expected groups that divide the 3 channels of the input "
      "[?,4,4,3], got 2");
  CHECK(
      call_error(conv, {4, 4, 2}) ==
      "[c: Conv2D] expected input rank >= 4, got [?,4,2]; add a batch axis");
  apply(conv, Tensor(DType::f32, {1, 4, 4, 2}));
  CHECK(
      call_error(conv, {1, 4, 4, 4}) ==
      "[c: Conv2D] expected extent 2 of axis -1, for which it was built, got "
      "f32[1,4,4,4] with 4");
}

TEST_CASE("Conv1DTranspose spreads steps over their strides") {
  const Tensor x = array({1, 2}, {1, 2, 1});
  const auto conv = [&](kl::ConvTransposeOptions options) {
    return apply(filled(kl::Conv1DTranspose(1, 3, options), x.shape(), 1), x);
  };
  check_values(conv({}), {1, 4, 1}, {1, 3, 3, 2});
  check_values(conv({.strides = 2}), {1, 5, 1}, {1, 1, 3, 2, 2});
  check_values(
      conv({.strides = 2, .padding = "same"}), {1, 4, 1}, {1, 1, 3, 2});
  check_values(
      conv({.strides = 2, .output_padding = 1}), {1, 6, 1}, {1, 1, 3, 2, 2, 0});
  CHECK(
      make_error([] {
        kl::Conv1DTranspose(1, 3, {.output_padding = 1, .name = "t"});
      }) ==
      "[t: Conv1DTranspose] expected output_padding below the stride 1, got "
      "1");
}

TEST_CASE("DepthwiseConv2D convolves each channel by itself") {
  kl::DepthwiseConv2D conv(1, {.depth_multiplier = 2, .use_bias = false});
  conv.impl().ensure_built({{1, 1, 1, 2}});
  CHECK(conv.weights()[0].shape() == Shape{1, 1, 2, 2});
  conv.set_weights({array({1, 2, 3, 4}, {1, 1, 2, 2})});
  check_values(
      apply(conv, array({1, 10}, {1, 1, 1, 2})), {1, 1, 1, 4}, {1, 2, 30, 40});
  CHECK(make_error([] {
          kl::DepthwiseConv1D(2, {.depth_multiplier = 0, .name = "d"});
        }) == "[d: DepthwiseConv1D] expected depth_multiplier >= 1, got 0");
}

TEST_CASE("SeparableConv1D mixes channels after it convolved each") {
  kl::SeparableConv1D conv(1, 2);
  conv.impl().ensure_built({{1, 2, 2}});
  conv.set_weights(
      {array({1, 2, 3, 4}, {2, 2, 1}),
       array({1, 10}, {1, 2, 1}),
       array({0.5}, {1})});
  // Channel 0: 1*1 + 3*3 = 10; channel 1: 2*2 + 4*4 = 20.
  check_values(apply(conv, array({1, 2, 3, 4}, {1, 2, 2})), {1, 1, 1}, {210.5});
  CHECK(
      call_error(kl::SeparableConv1D(1, 2, {.name = "s"}), {2, 2}) ==
      "[s: SeparableConv1D] expected input rank >= 3, got [?,2]; add a batch "
      "axis");
}

}  // namespace keratin
