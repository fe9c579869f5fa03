// "Searching for MobileNetV3", Howard et al., 2019: tables 1 and 2.

#include <span>

#include <keratin/ops.hpp>

#include "models/zoo/builder.hpp"
#include "src/core/format.hpp"

namespace keratin::applications {

using layers::Add;
using layers::BatchNormalization;
using layers::Conv2D;
using layers::DepthwiseConv2D;
using layers::Dropout;
using layers::Flatten;
using layers::GlobalAveragePooling2D;
using layers::Multiply;
using layers::ReLU;
using layers::Rescaling;
using layers::ZeroPadding2D;

namespace {

enum class Rectifier { relu, hard_swish };

constexpr Rectifier RE = Rectifier::relu;
constexpr Rectifier HS = Rectifier::hard_swish;

/// The columns of the tables, with Keras's expansion factors.
struct Row {
  double expansion;
  std::int64_t filters;
  std::int64_t kernel;
  std::int64_t stride;
  bool squeeze;
  Rectifier rectifier;
};

constexpr Row kSmallTable[] = {
    {1, 16, 3, 2, true, RE},
    {72. / 16, 24, 3, 2, false, RE},
    {88. / 24, 24, 3, 1, false, RE},
    {4, 40, 5, 2, true, HS},
    {6, 40, 5, 1, true, HS},
    {6, 40, 5, 1, true, HS},
    {3, 48, 5, 1, true, HS},
    {3, 48, 5, 1, true, HS},
    {6, 96, 5, 2, true, HS},
    {6, 96, 5, 1, true, HS},
    {6, 96, 5, 1, true, HS},
};

constexpr Row kLargeTable[] = {
    {1, 16, 3, 1, false, RE},
    {4, 24, 3, 2, false, RE},
    {3, 24, 3, 1, false, RE},
    {3, 40, 5, 2, true, RE},
    {3, 40, 5, 1, true, RE},
    {3, 40, 5, 1, true, RE},
    {6, 80, 3, 2, false, HS},
    {2.5, 80, 3, 1, false, HS},
    {2.3, 80, 3, 1, false, HS},
    {2.3, 80, 3, 1, false, HS},
    {6, 112, 3, 1, true, HS},
    {6, 112, 3, 1, true, HS},
    {6, 160, 5, 2, true, HS},
    {6, 160, 5, 1, true, HS},
    {6, 160, 5, 1, true, HS},
};

struct Variant {
  const char* name;
  const char* type;  // in the files' names
  std::span<const Row> table;
  std::int64_t last;  // filters of the last layer before the classes
};

constexpr Variant kSmall = {"MobileNetV3Small", "small", kSmallTable, 1024};
constexpr Variant kLarge = {"MobileNetV3Large", "large", kLargeTable, 1280};

SymbolicTensor rectified(const SymbolicTensor& x, Rectifier rectifier) {
  return rectifier == RE ? SymbolicTensor(ReLU()(x))
                         : activation(x, "hard_swish");
}

SymbolicTensor normalized(const SymbolicTensor& x, const std::string& name) {
  return BatchNormalization({.momentum = 0.999, .epsilon = 1e-3, .name = name})(
      x);
}

SymbolicTensor pointwise(
    const SymbolicTensor& x,
    std::int64_t filters,
    const std::string& name,
    bool bias = false) {
  return Conv2D(
      filters, 1, {.padding = "same", .use_bias = bias, .name = name})(x);
}

/// Channels weighed by what the whole picture holds.
SymbolicTensor squeeze_excite(
    const SymbolicTensor& input,
    std::int64_t filters,
    const std::string& prefix) {
  const std::string name = prefix + "squeeze_excite_";
  SymbolicTensor x = GlobalAveragePooling2D(
      {.keepdims = true, .name = name + "avg_pool"})(input);
  x = pointwise(
      x, divisible(static_cast<double>(filters) * 0.25), name + "conv", true);
  x = ReLU({.name = name + "relu"})(x);
  x = pointwise(x, filters, name + "conv_1", true);
  x = x + 3.0;  // a hard sigmoid, as Keras spells it
  x = ReLU({.max_value = 6})(x) * (1.0 / 6.0);
  return Multiply({.name = name + "mul"})({input, x});
}

SymbolicTensor inverted_residual(
    const SymbolicTensor& input, Row row, int block, const Request& r) {
  if (r.minimalistic) {
    row.kernel = 3;
    row.squeeze = false;
    row.rectifier = RE;
  }
  const std::string prefix =
      block == 0 ? "expanded_conv_" : format("expanded_conv_{}_", block);
  const std::int64_t filters =
      divisible(static_cast<double>(row.filters) * r.alpha);
  const std::int64_t wide =
      divisible(static_cast<double>(channels(input)) * row.expansion);
  SymbolicTensor x = input;
  if (block > 0) {
    x = normalized(pointwise(x, wide, prefix + "expand"), prefix + "expand_bn");
    x = rectified(x, row.rectifier);
  }
  if (row.stride == 2) {
    x = ZeroPadding2D(
        correct_pad(x, row.kernel), {.name = prefix + "depthwise_pad"})(x);
  }
  x = DepthwiseConv2D(
      row.kernel,
      {.strides = row.stride,
       .padding = row.stride == 1 ? "same" : "valid",
       .use_bias = false,
       .name = prefix + "depthwise"})(x);
  x = rectified(normalized(x, prefix + "depthwise_bn"), row.rectifier);
  if (row.squeeze) x = squeeze_excite(x, wide, prefix);
  x = normalized(
      pointwise(x, filters, prefix + "project"), prefix + "project_bn");
  if (row.stride != 1 || channels(input) != filters) return x;
  return Add({.name = prefix + "add"})({input, x});
}

struct Hashes {
  const char* model;
  const char* hash;
  const char* hash_without_top;
};

constexpr Hashes kHashes[] = {
    {"large_224_0.75_float",
     "765b44a33ad4005b3ac83185abf1d0eb",
     "40af19a13ebea4e2ee0c676887f69a2e"},
    {"large_224_1.0_float",
     "59e551e166be033d707958cf9e29a6a7",
     "07fb09a5933dd0c8eaafa16978110389"},
    {"large_minimalistic_224_1.0_float",
     "675e7b876c45c57e9e63e6d90a36599c",
     "ec5221f64a2f6d1ef965a614bdae7973"},
    {"small_224_0.75_float",
     "cb65d4e5be93758266aa0a7f2c6708b7",
     "ebdb5cc8e0b497cd13a7c275d475c819"},
    {"small_224_1.0_float",
     "8768d4c2e7dee89b9d02b2d03d65d862",
     "d3e8ec802a04aa4fc771ee12a9a9b836"},
    {"small_minimalistic_224_1.0_float",
     "99cd97fb2fcdad2bf028eb838de69e37",
     "cde8136e733e811080d9fcd8a252f7e4"},
};

Published weights_of(const Variant& variant, const Request& r) {
  if (!r.imagenet()) return {};
  const std::string model = format(
      "{}{}_224_{}_float",
      variant.type,
      r.minimalistic ? "_minimalistic" : "",
      r.alpha == 1 ? "1.0" : format("{}", r.alpha));
  for (const Hashes& known : kHashes) {
    if (model != known.model) continue;
    return {
        format(
            "{}mobilenet_v3/weights_mobilenet_v3_{}{}.h5",
            kStorage,
            model,
            r.include_top ? "" : "_no_top_v2"),
        r.include_top ? known.hash : known.hash_without_top};
  }
  r.fail(format(
      "expected alpha to be {} with weights 'imagenet', got {}",
      r.minimalistic ? "1 for a minimalistic model" : "0.75 or 1",
      r.alpha));
}

Model build(const Variant& variant, Request r) {
  if (!r.input_shape && r.input_tensor && r.input_tensor.rank() == 4) {
    r.input_shape =
        Shape{r.input_tensor.shape()[1], r.input_tensor.shape()[2], 3};
  }
  const SymbolicTensor image =
      image_input(r, {.usual = 224, .least = 32, .any_with_top = true});
  const Published weights = weights_of(variant, r);
  const Rectifier rectifier = r.minimalistic ? RE : HS;

  SymbolicTensor x = image;
  if (r.include_preprocessing) x = Rescaling(1.0 / 127.5, -1.0)(x);
  x = Conv2D(
      16,
      3,
      {.strides = 2, .padding = "same", .use_bias = false, .name = "conv"})(x);
  x = rectified(normalized(x, "conv_bn"), rectifier);
  int block = 0;
  for (const Row& row : variant.table) {
    x = inverted_residual(x, row, block++, r);
  }
  const std::int64_t wide = divisible(static_cast<double>(channels(x)) * 6);
  x = normalized(pointwise(x, wide, "conv_1"), "conv_1_bn");
  x = rectified(x, rectifier);
  if (r.include_top) {
    const auto last = static_cast<double>(variant.last);
    x = GlobalAveragePooling2D({.keepdims = true})(x);
    x = pointwise(
        x,
        r.alpha > 1 ? divisible(last * r.alpha) : variant.last,
        "conv_2",
        true);
    x = rectified(x, rectifier);
    if (r.dropout > 0) x = Dropout(r.dropout)(x);
    x = pointwise(x, r.classes, "logits", true);
    x = Flatten()(x);
    x = activation(x, r.classifier_activation, "predictions");
  } else {
    x = pooled(x, r, "avg_pool", "max_pool");
  }
  return finish(r, image, x, variant.name, weights);
}

template <const Variant& kVariant>
Model make(const Request& r) {
  return build(kVariant, r);
}

constexpr unsigned kExtras =
    kAlpha | kMinimalistic | kDropoutRate | kIncludePreprocessing;

constexpr Architecture kFamily[] = {
    {"MobileNetV3Small", make<kSmall>, 224, "none", kExtras, 0.2},
    {"MobileNetV3Large", make<kLarge>, 224, "none", kExtras, 0.2},
};

Request request_v3(const char* function, const MobileNetV3Options& options) {
  Request r = request(function, options);
  r.alpha = options.alpha;
  r.minimalistic = options.minimalistic;
  r.dropout = options.dropout_rate;
  return r;
}

}  // namespace

std::span<const Architecture> mobilenet_v3_family() {
  return kFamily;
}

Model MobileNetV3Small(MobileNetV3Options options) {
  return build(kSmall, request_v3("MobileNetV3Small", options));
}

Model MobileNetV3Large(MobileNetV3Options options) {
  return build(kLarge, request_v3("MobileNetV3Large", options));
}

}  // namespace keratin::applications
