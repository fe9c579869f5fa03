// "EfficientNetV2: smaller models and faster training", Tan and Le, 2021:
// table 4 and its variants.

#include <algorithm>
#include <span>

#include "models/zoo/efficientnet_blocks.hpp"
#include "src/core/format.hpp"

namespace keratin::applications {

using efficient::Row;
using layers::BatchNormalization;
using layers::Conv2D;
using layers::Dense;
using layers::DepthwiseConv2D;
using layers::Normalization;
using layers::Rescaling;

namespace {

// kernel, repeats, filters in, out, expansion, stride, squeeze, fused
constexpr Row kTableS[] = {
    {3, 2, 24, 24, 1, 1, 0, true},
    {3, 4, 24, 48, 4, 2, 0, true},
    {3, 4, 48, 64, 4, 2, 0, true},
    {3, 6, 64, 128, 4, 2, 0.25, false},
    {3, 9, 128, 160, 6, 1, 0.25, false},
    {3, 15, 160, 256, 6, 2, 0.25, false},
};

constexpr Row kTableM[] = {
    {3, 3, 24, 24, 1, 1, 0, true},
    {3, 5, 24, 48, 4, 2, 0, true},
    {3, 5, 48, 80, 4, 2, 0, true},
    {3, 7, 80, 160, 4, 2, 0.25, false},
    {3, 14, 160, 176, 6, 1, 0.25, false},
    {3, 18, 176, 304, 6, 2, 0.25, false},
    {3, 5, 304, 512, 6, 1, 0.25, false},
};

constexpr Row kTableL[] = {
    {3, 4, 32, 32, 1, 1, 0, true},
    {3, 7, 32, 64, 4, 2, 0, true},
    {3, 7, 64, 96, 4, 2, 0, true},
    {3, 10, 96, 192, 4, 2, 0.25, false},
    {3, 19, 192, 224, 6, 1, 0.25, false},
    {3, 25, 224, 384, 6, 2, 0.25, false},
    {3, 7, 384, 640, 6, 1, 0.25, false},
};

constexpr Row kTableB[] = {
    {3, 1, 32, 16, 1, 1, 0, true},
    {3, 2, 16, 32, 4, 2, 0, true},
    {3, 2, 32, 48, 4, 2, 0, true},
    {3, 3, 48, 96, 4, 2, 0.25, false},
    {3, 5, 96, 112, 6, 1, 0.25, false},
    {3, 8, 112, 192, 6, 2, 0.25, false},
};

struct Variant {
  const char* name;
  std::span<const Row> table;
  double width;
  double depth;
  std::int64_t size;
  const char* hash;
  const char* hash_without_top;
};

constexpr Variant kB0 = {
    "efficientnetv2-b0",
    kTableB,
    1.0,
    1.0,
    224,
    "21ecbf6da12460d5c40bb2f29ceb2188",
    "893217f2bb855e2983157299931e43ff"};
constexpr Variant kB1 = {
    "efficientnetv2-b1",
    kTableB,
    1.0,
    1.1,
    240,
    "069f0534ff22adf035c89e2d9547a9dc",
    "0e80663031ca32d657f9caa404b6ec37"};
constexpr Variant kB2 = {
    "efficientnetv2-b2",
    kTableB,
    1.1,
    1.2,
    260,
    "424e49f28180edbde1e94797771950a7",
    "1dfe2e7a5d45b6632553a8961ea609eb"};
constexpr Variant kB3 = {
    "efficientnetv2-b3",
    kTableB,
    1.2,
    1.4,
    300,
    "1f1fc43bd98a6e4fd8fdfd551e02c7a0",
    "f6abf7b5849ac99a89b50dd3fd532856"};
constexpr Variant kS = {
    "efficientnetv2-s",
    kTableS,
    1.0,
    1.0,
    384,
    "e1d88a8495beba45748fedd0cecbe016",
    "af0682fb74e8c54910f2d4393339c070"};
constexpr Variant kM = {
    "efficientnetv2-m",
    kTableM,
    1.0,
    1.0,
    480,
    "a3bf6aa3276309f4fc6a34aa114c95cd",
    "1b8dc055df72dde80d614482840fe342"};
constexpr Variant kL = {
    "efficientnetv2-l",
    kTableL,
    1.0,
    1.0,
    480,
    "27e6d408b53c7ebc868fefa357689935",
    "b0b66b5c863aef5b46e8608fe1711615"};

SymbolicTensor normalized(const SymbolicTensor& x, const std::string& name) {
  return BatchNormalization({.axis = 3, .momentum = 0.9, .name = name})(x);
}

SymbolicTensor convolution(
    const SymbolicTensor& x,
    std::int64_t filters,
    std::int64_t kernel,
    std::int64_t stride,
    const std::string& name) {
  return Conv2D(
      filters,
      kernel,
      {.strides = stride,
       .padding = "same",
       .use_bias = false,
       .kernel_initializer = efficient::convolution_initializer(),
       .name = name})(x);
}

SymbolicTensor squeezed(
    const SymbolicTensor& x, const Row& row, const std::string& prefix) {
  if (row.squeeze == 0) return x;
  const auto filters = static_cast<std::int64_t>(
      static_cast<double>(row.filters_in) * row.squeeze);
  return efficient::squeeze_excite(x, filters, prefix);
}

SymbolicTensor block(
    const SymbolicTensor& input,
    const Row& row,
    double drop,
    const std::string& prefix) {
  const std::int64_t wide = row.filters_in * row.expansion;
  const bool expands = row.expansion != 1;
  SymbolicTensor x = input;
  if (expands) {
    x = convolution(
        x,
        wide,
        row.fused ? row.kernel : 1,
        row.fused ? row.stride : 1,
        prefix + "expand_conv");
    x = efficient::swish(
        normalized(x, prefix + "expand_bn"), prefix + "expand_activation");
  }
  if (!row.fused) {
    x = DepthwiseConv2D(
        row.kernel,
        {.strides = row.stride,
         .padding = "same",
         .use_bias = false,
         .depthwise_initializer = efficient::convolution_initializer(),
         .name = prefix + "dwconv2"})(x);
    x = efficient::swish(normalized(x, prefix + "bn"), prefix + "activation");
  }
  x = squeezed(x, row, prefix);
  // A fused block that does not expand has but one convolution.
  const bool single = row.fused && !expands;
  x = convolution(
      x,
      row.filters_out,
      single ? row.kernel : 1,
      single ? row.stride : 1,
      prefix + "project_conv");
  x = normalized(x, prefix + "project_bn");
  if (single) x = efficient::swish(x, prefix + "project_activation");
  if (row.stride != 1 || row.filters_in != row.filters_out) return x;
  return efficient::residual(input, x, drop, prefix);
}

/// Pixels of 0 to 255 as the variant was trained: the B ones by ImageNet's
/// statistics, the others to [-1, 1].
SymbolicTensor preprocessed(
    const SymbolicTensor& image, const Variant& variant) {
  const bool b = variant.table.data() == std::data(kTableB);
  if (!b || channels(image) != 3) return Rescaling(1.0 / 128.0, -1)(image);
  const SymbolicTensor x = Rescaling(1.0 / 255)(image);
  return Normalization(
      {.axis = {3},
       .mean = layers::Numbers{0.485, 0.456, 0.406},
       .variance =
           layers::Numbers{0.229 * 0.229, 0.224 * 0.224, 0.225 * 0.225}})(x);
}

Model build(const Variant& variant, const Request& r) {
  const SymbolicTensor image = image_input(r, {variant.size, 32});
  const auto wider = [&](std::int64_t filters) {
    // Unlike in the first version, a tenth below is not too much.
    const double wide = static_cast<double>(filters) * variant.width;
    const auto rounded = static_cast<std::int64_t>(wide + 4) / 8 * 8;
    return std::max<std::int64_t>(rounded, 8);
  };
  SymbolicTensor x =
      r.include_preprocessing ? preprocessed(image, variant) : image;
  x = convolution(x, wider(variant.table[0].filters_in), 3, 2, "stem_conv");
  x = efficient::swish(normalized(x, "stem_bn"), "stem_activation");

  int total = 0;  // Keras counts the rows before they are deepened
  for (const Row& row : variant.table) total += row.repeats;
  int done = 0;
  for (std::size_t i = 0; i < variant.table.size(); ++i) {
    Row row = variant.table[i];
    row.filters_in = wider(row.filters_in);
    row.filters_out = wider(row.filters_out);
    const int repeats = efficient::deeper(row.repeats, variant.depth);
    for (int j = 0; j < repeats; ++j) {
      const double drop = 0.2 * done++ / static_cast<double>(total);
      x = block(
          x,
          row,
          drop,
          format("block{}{}_", i + 1, static_cast<char>('a' + j)));
      row.stride = 1;
      row.filters_in = row.filters_out;
    }
  }
  x = convolution(x, wider(1280), 1, 1, "top_conv");
  x = efficient::swish(normalized(x, "top_bn"), "top_activation");
  x = efficient::top(x, r, 0.2, initializers::Constant(0));
  return finish(
      r,
      image,
      x,
      variant.name,
      published_at(
          r,
          kStorage + "efficientnet_v2/" + variant.name,
          variant.hash,
          variant.hash_without_top));
}

template <const Variant& kVariant>
Model make(const Request& r) {
  return build(kVariant, r);
}

constexpr unsigned kExtras = kIncludePreprocessing;

constexpr Architecture kFamily[] = {
    {"EfficientNetV2B0", make<kB0>, kB0.size, "none", kExtras},
    {"EfficientNetV2B1", make<kB1>, kB1.size, "none", kExtras},
    {"EfficientNetV2B2", make<kB2>, kB2.size, "none", kExtras},
    {"EfficientNetV2B3", make<kB3>, kB3.size, "none", kExtras},
    {"EfficientNetV2S", make<kS>, kS.size, "none", kExtras},
    {"EfficientNetV2M", make<kM>, kM.size, "none", kExtras},
    {"EfficientNetV2L", make<kL>, kL.size, "none", kExtras},
};

}  // namespace

std::span<const Architecture> efficientnet_v2_family() {
  return kFamily;
}

Model EfficientNetV2B0(EfficientNetV2Options options) {
  return build(kB0, request("EfficientNetV2B0", options));
}

Model EfficientNetV2B1(EfficientNetV2Options options) {
  return build(kB1, request("EfficientNetV2B1", options));
}

Model EfficientNetV2B2(EfficientNetV2Options options) {
  return build(kB2, request("EfficientNetV2B2", options));
}

Model EfficientNetV2B3(EfficientNetV2Options options) {
  return build(kB3, request("EfficientNetV2B3", options));
}

Model EfficientNetV2S(EfficientNetV2Options options) {
  return build(kS, request("EfficientNetV2S", options));
}

Model EfficientNetV2M(EfficientNetV2Options options) {
  return build(kM, request("EfficientNetV2M", options));
}

Model EfficientNetV2L(EfficientNetV2Options options) {
  return build(kL, request("EfficientNetV2L", options));
}

}  // namespace keratin::applications
