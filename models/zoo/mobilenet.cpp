// "MobileNets: efficient convolutional neural networks for mobile vision
// applications", Howard et al., 2017: table 1.

#include <algorithm>
#include <array>

#include "models/zoo/builder.hpp"
#include "src/core/format.hpp"

namespace keratin::applications {

using layers::BatchNormalization;
using layers::Conv2D;
using layers::DepthwiseConv2D;
using layers::Dropout;
using layers::GlobalAveragePooling2D;
using layers::ReLU;
using layers::Reshape;
using layers::ZeroPadding2D;

namespace {

/// A depthwise and a pointwise convolution.
struct Row {
  std::int64_t filters;
  std::int64_t stride;
};

constexpr std::array<Row, 13> kTable = {{
    {64, 1},
    {128, 2},
    {128, 1},
    {256, 2},
    {256, 1},
    {512, 2},
    {512, 1},
    {512, 1},
    {512, 1},
    {512, 1},
    {512, 1},
    {1024, 2},
    {1024, 1},
}};

std::int64_t scaled(std::int64_t filters, double alpha) {
  return static_cast<std::int64_t>(static_cast<double>(filters) * alpha);
}

SymbolicTensor rectified(const SymbolicTensor& x, const std::string& name) {
  const SymbolicTensor y = BatchNormalization({.name = name + "_bn"})(x);
  return ReLU({.max_value = 6, .name = name + "_relu"})(y);
}

SymbolicTensor separable(
    SymbolicTensor x, const Row& row, std::size_t block, const Request& r) {
  if (row.stride != 1) {
    x = ZeroPadding2D(
        {{0, 1}, {0, 1}}, {.name = format("conv_pad_{}", block)})(x);
  }
  std::string name = format("conv_dw_{}", block);
  x = DepthwiseConv2D(
      3,
      {.strides = row.stride,
       .padding = row.stride == 1 ? "same" : "valid",
       .depth_multiplier = r.depth_multiplier,
       .use_bias = false,
       .name = name})(x);
  x = rectified(x, name);
  name = format("conv_pw_{}", block);
  x = Conv2D(
      scaled(row.filters, r.alpha),
      1,
      {.padding = "same", .use_bias = false, .name = name})(x);
  return rectified(x, name);
}

/// The sizes of pictures that weights are published for.
constexpr std::array<std::int64_t, 4> kSizes = {128, 160, 192, 224};

bool published_size(std::int64_t rows, std::int64_t columns) {
  return rows == columns &&
         std::find(kSizes.begin(), kSizes.end(), rows) != kSizes.end();
}

const char* alpha_text(const Request& r) {
  if (r.alpha == 1) return "1_0";
  if (r.alpha == 0.75) return "7_5";
  if (r.alpha == 0.5) return "5_0";
  if (r.alpha == 0.25) return "2_5";
  r.fail(format(
      "expected alpha to be 0.25, 0.5, 0.75 or 1 with weights 'imagenet', got "
      "{}",
      r.alpha));
}

/// Keras publishes no checksums of these.
Published weights_of(const Request& r, std::int64_t size) {
  if (!r.imagenet()) return {};
  if (r.depth_multiplier != 1) {
    r.fail(format(
        "expected depth_multiplier to be 1 with weights 'imagenet', got {}",
        r.depth_multiplier));
  }
  return {
      format(
          "{}mobilenet/mobilenet_{}_{}_tf{}.h5",
          kStorage,
          alpha_text(r),
          size,
          r.include_top ? "" : "_no_top"),
      ""};
}

Model build(const Request& r) {
  std::int64_t size = 224;
  if (r.input_shape && r.input_shape->rank() == 3) {
    const Shape& shape = *r.input_shape;
    if (published_size(shape[0], shape[1])) size = shape[0];
  }
  const SymbolicTensor image = image_input(r, {size, 32});
  const Published weights = weights_of(r, size);

  SymbolicTensor x = Conv2D(
      scaled(32, r.alpha),
      3,
      {.strides = 2, .padding = "same", .use_bias = false, .name = "conv1"})(
      image);
  x = rectified(x, "conv1");
  for (std::size_t i = 0; i < kTable.size(); ++i) {
    x = separable(x, kTable[i], i + 1, r);
  }
  if (r.include_top) {
    x = GlobalAveragePooling2D({.keepdims = true})(x);
    x = Dropout(r.dropout, {.name = "dropout"})(x);
    x = Conv2D(r.classes, 1, {.padding = "same", .name = "conv_preds"})(x);
    x = Reshape({r.classes}, {.name = "reshape_2"})(x);
    x = activation(x, r.classifier_activation, "predictions");
  } else {
    x = pooled(x, r);
  }
  return finish(r, image, x, mobilenet_name("mobilenet", r, size), weights);
}

constexpr Architecture kFamily[] = {
    {"MobileNet",
     build,
     224,
     "tf",
     kAlpha | kDepthMultiplier | kDropout,
     1e-3}};

}  // namespace

std::string mobilenet_name(
    const char* prefix, const Request& r, std::int64_t usual) {
  // Keras names the rows asked for; with weights, the rows they were made for.
  std::string rows = format("{}", usual);
  if (!r.imagenet()) {
    const bool given = r.input_shape.has_value();
    const std::int64_t asked = given ? (*r.input_shape)[0] : kUnknown;
    if (given || !r.include_top) {
      rows = asked == kUnknown ? "None" : format("{}", asked);
    }
  }
  char alpha[32];
  std::snprintf(alpha, sizeof alpha, "%.2f", r.alpha);
  return format("{}_{}_{}", prefix, alpha, rows);
}

std::span<const Architecture> mobilenet_family() {
  return kFamily;
}

Model MobileNet(MobileNetOptions options) {
  Request r = request("MobileNet", options);
  r.alpha = options.alpha;
  r.depth_multiplier = options.depth_multiplier;
  r.dropout = options.dropout;
  return build(r);
}

}  // namespace keratin::applications
