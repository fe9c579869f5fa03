// "Xception: deep learning with depthwise separable convolutions", Chollet,
// 2016: figure 5.

#include <vector>

#include "models/zoo/builder.hpp"
#include "src/core/format.hpp"

namespace keratin::applications {

using layers::BatchNormalization;
using layers::Conv2D;
using layers::MaxPooling2D;
using layers::SeparableConv2D;

namespace {

SymbolicTensor convolution(
    const SymbolicTensor& x,
    std::int64_t filters,
    std::int64_t stride,
    const std::string& name) {
  const SymbolicTensor y = Conv2D(
      filters, 3, {.strides = stride, .use_bias = false, .name = name})(x);
  const SymbolicTensor z = BatchNormalization({.name = name + "_bn"})(y);
  return relu(z, name + "_act");
}

SymbolicTensor separable(
    const SymbolicTensor& x, std::int64_t filters, const std::string& name) {
  const SymbolicTensor y = SeparableConv2D(
      filters, 3, {.padding = "same", .use_bias = false, .name = name})(x);
  return BatchNormalization({.name = name + "_bn"})(y);
}

/// relu, separable, relu, separable, pool, beside a 1x1 convolution of stride
/// 2. The first such block has its relu before already.
SymbolicTensor down(
    SymbolicTensor x,
    int block,
    std::int64_t first,
    std::int64_t second,
    bool rectified = false) {
  const std::string name = format("block{}", block);
  SymbolicTensor residual = Conv2D(
      second, 1, {.strides = 2, .padding = "same", .use_bias = false})(x);
  residual = BatchNormalization()(residual);
  if (!rectified) x = relu(x, name + "_sepconv1_act");
  x = separable(x, first, name + "_sepconv1");
  x = separable(relu(x, name + "_sepconv2_act"), second, name + "_sepconv2");
  x = MaxPooling2D(
      3, {.strides = 2, .padding = "same", .name = name + "_pool"})(x);
  return layers::add({x, residual});
}

SymbolicTensor middle(const SymbolicTensor& input, int block) {
  SymbolicTensor x = input;
  for (int i = 1; i <= 3; ++i) {
    const std::string name = format("block{}_sepconv{}", block, i);
    x = separable(relu(x, name + "_act"), 728, name);
  }
  return layers::add({x, input});
}

Model build(const Request& r) {
  const SymbolicTensor image = image_input(r, {299, 71});
  SymbolicTensor x = convolution(image, 32, 2, "block1_conv1");
  x = convolution(x, 64, 1, "block1_conv2");
  x = down(x, 2, 128, 128, true);
  x = down(x, 3, 256, 256);
  x = down(x, 4, 728, 728);
  for (int block = 5; block <= 12; ++block) x = middle(x, block);
  x = down(x, 13, 728, 1024);
  x = separable(x, 1536, "block14_sepconv1");
  x = relu(x, "block14_sepconv1_act");
  x = separable(x, 2048, "block14_sepconv2");
  x = relu(x, "block14_sepconv2_act");
  x = r.include_top ? averaged_predictions(x, r) : pooled(x, r);
  return finish(
      r,
      image,
      x,
      "xception",
      published(
          r,
          "xception",
          "xception",
          "0a58e3b7378bc2990ea3b43d5981f1f6",
          "b0042744bf5b25fce3cb969f33bebb97"));
}

constexpr Architecture kFamily[] = {{"Xception", build, 299, "tf"}};

}  // namespace

std::span<const Architecture> xception_family() {
  return kFamily;
}

Model Xception(ApplicationOptions options) {
  return build(request("Xception", options));
}

}  // namespace keratin::applications
