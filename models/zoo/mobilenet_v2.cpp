// "MobileNetV2: inverted residuals and linear bottlenecks", Sandler, Howard,
// Zhu, Zhmoginov and Chen, 2018: table 2.

#include <algorithm>
#include <array>

#include "models/zoo/builder.hpp"
#include "src/core/format.hpp"

namespace keratin::applications {

using layers::Add;
using layers::BatchNormalization;
using layers::Conv2D;
using layers::DepthwiseConv2D;
using layers::GlobalAveragePooling2D;
using layers::ReLU;
using layers::ZeroPadding2D;

namespace {

/// t, c, n and s of the paper.
struct Row {
  std::int64_t expansion;
  std::int64_t filters;
  int repeats;
  std::int64_t stride;  // of the first
};

constexpr std::array<Row, 7> kTable = {{
    {1, 16, 1, 1},
    {6, 24, 2, 2},
    {6, 32, 3, 2},
    {6, 64, 4, 2},
    {6, 96, 3, 1},
    {6, 160, 3, 2},
    {6, 320, 1, 1},
}};

SymbolicTensor normalized(const SymbolicTensor& x, const std::string& name) {
  return BatchNormalization({.momentum = 0.999, .epsilon = 1e-3, .name = name})(
      x);
}

SymbolicTensor relu6(const SymbolicTensor& x, const std::string& name) {
  return ReLU({.max_value = 6, .name = name})(x);
}

SymbolicTensor pointwise(
    const SymbolicTensor& x, std::int64_t filters, const std::string& name) {
  return Conv2D(
      filters, 1, {.padding = "same", .use_bias = false, .name = name})(x);
}

/// Widened by a 1x1, filtered depthwise, narrowed by a linear 1x1.
SymbolicTensor inverted_residual(
    const SymbolicTensor& input,
    const Row& row,
    std::int64_t stride,
    double alpha,
    int block) {
  const std::string prefix =
      block == 0 ? "expanded_conv_" : format("block_{}_", block);
  const std::int64_t filters = divisible(static_cast<double>(
      static_cast<std::int64_t>(static_cast<double>(row.filters) * alpha)));
  SymbolicTensor x = input;
  if (block > 0) {
    x = pointwise(x, row.expansion * channels(input), prefix + "expand");
    x = relu6(normalized(x, prefix + "expand_BN"), prefix + "expand_relu");
  }
  if (stride == 2) {
    x = ZeroPadding2D(correct_pad(x, 3), {.name = prefix + "pad"})(x);
  }
  x = DepthwiseConv2D(
      3,
      {.strides = stride,
       .padding = stride == 1 ? "same" : "valid",
       .use_bias = false,
       .name = prefix + "depthwise"})(x);
  x = relu6(normalized(x, prefix + "depthwise_BN"), prefix + "depthwise_relu");
  x = normalized(
      pointwise(x, filters, prefix + "project"), prefix + "project_BN");
  if (stride != 1 || channels(input) != filters) return x;
  return Add({.name = prefix + "add"})({input, x});
}

constexpr std::array<std::int64_t, 5> kSizes = {96, 128, 160, 192, 224};

/// The size of pictures that there are weights for.
std::int64_t usual_size(const Request& r) {
  Shape shape;
  if (r.input_shape && r.input_shape->rank() == 3) {
    shape = {(*r.input_shape)[0], (*r.input_shape)[1]};
  } else if (r.input_tensor && r.input_tensor.rank() == 4) {
    shape = {r.input_tensor.shape()[1], r.input_tensor.shape()[2]};
  } else {
    return 224;
  }
  const bool known =
      std::find(kSizes.begin(), kSizes.end(), shape[0]) != kSizes.end();
  return known && shape[0] == shape[1] ? shape[0] : 224;
}

/// Keras publishes no checksums of these.
Published weights_of(const Request& r, std::int64_t size) {
  if (!r.imagenet()) return {};
  for (const double alpha : {0.35, 0.5, 0.75, 1.0, 1.3, 1.4}) {
    if (r.alpha != alpha) continue;
    const std::string text = alpha == 1 ? "1.0" : format("{}", alpha);
    return {
        format(
            "{}mobilenet_v2/mobilenet_v2_weights_tf_dim_ordering_tf_kernels_"
            "{}_{}{}.h5",
            kStorage,
            text,
            size,
            r.include_top ? "" : "_no_top"),
        ""};
  }
  r.fail(format(
      "expected alpha to be 0.35, 0.5, 0.75, 1, 1.3 or 1.4 with weights "
      "'imagenet', got {}",
      r.alpha));
}

Model build(const Request& r) {
  const std::int64_t size = usual_size(r);
  const SymbolicTensor image = image_input(r, {size, 32});
  const Published weights = weights_of(r, size);

  SymbolicTensor x = Conv2D(
      divisible(32 * r.alpha),
      3,
      {.strides = 2, .padding = "same", .use_bias = false, .name = "Conv1"})(
      image);
  x = relu6(normalized(x, "bn_Conv1"), "Conv1_relu");
  int block = 0;
  for (const Row& row : kTable) {
    for (int i = 0; i < row.repeats; ++i) {
      const std::int64_t stride = i == 0 ? row.stride : 1;
      x = inverted_residual(x, row, stride, r.alpha, block++);
    }
  }
  // Narrow networks keep the last layer's width.
  const std::int64_t last = r.alpha > 1 ? divisible(1280 * r.alpha) : 1280;
  x = Conv2D(last, 1, {.use_bias = false, .name = "Conv_1"})(x);
  x = relu6(normalized(x, "Conv_1_bn"), "out_relu");
  x = r.include_top ? averaged_predictions(x, r, "") : pooled(x, r);
  return finish(r, image, x, mobilenet_name("mobilenetv2", r, size), weights);
}

constexpr Architecture kFamily[] = {{"MobileNetV2", build, 224, "tf", kAlpha}};

}  // namespace

std::span<const Architecture> mobilenet_v2_family() {
  return kFamily;
}

Model MobileNetV2(MobileNetV2Options options) {
  Request r = request("MobileNetV2", options);
  r.alpha = options.alpha;
  return build(r);
}

}  // namespace keratin::applications
