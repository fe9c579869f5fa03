// "EfficientNet: rethinking model scaling for convolutional neural networks",
// Tan and Le, 2019: table 1, scaled in width and depth.

#include <array>
#include <cmath>

#include "models/zoo/efficientnet_blocks.hpp"
#include "src/core/format.hpp"

namespace keratin::applications {

using efficient::Row;
using layers::BatchNormalization;
using layers::Conv2D;
using layers::DepthwiseConv2D;
using layers::Normalization;
using layers::Rescaling;
using layers::ZeroPadding2D;

namespace {

// kernel, repeats, filters in, out, expansion, stride, squeeze, fused
constexpr std::array<Row, 7> kTable = {{
    {3, 1, 32, 16, 1, 1, 0.25, false},
    {3, 2, 16, 24, 6, 2, 0.25, false},
    {5, 2, 24, 40, 6, 2, 0.25, false},
    {3, 3, 40, 80, 6, 2, 0.25, false},
    {5, 3, 80, 112, 6, 1, 0.25, false},
    {5, 4, 112, 192, 6, 2, 0.25, false},
    {3, 1, 192, 320, 6, 1, 0.25, false},
}};

struct Variant {
  const char* name;
  double width;
  double depth;
  std::int64_t size;
  double dropout;
  const char* hash;
  const char* hash_without_top;
};

constexpr Variant kB0 = {
    "efficientnetb0",
    1.0,
    1.0,
    224,
    0.2,
    "902e53a9f72be733fc0bcb005b3ebbac",
    "50bc09e76180e00e4465e1a485ddc09d"};
constexpr Variant kB1 = {
    "efficientnetb1",
    1.0,
    1.1,
    240,
    0.2,
    "1d254153d4ab51201f1646940f018540",
    "74c4e6b3e1f6a1eea24c589628592432"};
constexpr Variant kB2 = {
    "efficientnetb2",
    1.1,
    1.2,
    260,
    0.3,
    "b15cce36ff4dcbd00b6dd88e7857a6ad",
    "111f8e2ac8aa800a7a99e3239f7bfb39"};
constexpr Variant kB3 = {
    "efficientnetb3",
    1.2,
    1.4,
    300,
    0.3,
    "ffd1fdc53d0ce67064dc6a9c7960ede0",
    "af6d107764bb5b1abb91932881670226"};
constexpr Variant kB4 = {
    "efficientnetb4",
    1.4,
    1.8,
    380,
    0.4,
    "18c95ad55216b8f92d7e70b3a046e2fc",
    "ebc24e6d6c33eaebbd558eafbeedf1ba"};
constexpr Variant kB5 = {
    "efficientnetb5",
    1.6,
    2.2,
    456,
    0.4,
    "ace28f2a6363774853a83a0b21b9421a",
    "38879255a25d3c92d5e44e04ae6cec6f"};
constexpr Variant kB6 = {
    "efficientnetb6",
    1.8,
    2.6,
    528,
    0.5,
    "165f6e37dce68623721b423839de8be5",
    "9ecce42647a20130c1f39a5d4cb75743"};
constexpr Variant kB7 = {
    "efficientnetb7",
    2.0,
    3.1,
    600,
    0.5,
    "8c03f828fec3ef71311cd463b6759d99",
    "cbcfe4450ddf6f3ad90b1b398090fe4a"};

SymbolicTensor normalized(const SymbolicTensor& x, const std::string& name) {
  return BatchNormalization({.axis = 3, .name = name})(x);
}

/// Widened by a 1x1, filtered depthwise, squeezed and excited, narrowed.
SymbolicTensor block(
    const SymbolicTensor& input,
    const Row& row,
    double drop,
    const std::string& prefix) {
  SymbolicTensor x = input;
  if (row.expansion != 1) {
    x = efficient::pointwise(
        x, row.filters_in * row.expansion, prefix + "expand_conv");
    x = efficient::swish(
        normalized(x, prefix + "expand_bn"), prefix + "expand_activation");
  }
  if (row.stride == 2) {
    x = ZeroPadding2D(
        correct_pad(x, row.kernel), {.name = prefix + "dwconv_pad"})(x);
  }
  x = DepthwiseConv2D(
      row.kernel,
      {.strides = row.stride,
       .padding = row.stride == 2 ? "valid" : "same",
       .use_bias = false,
       .depthwise_initializer = efficient::convolution_initializer(),
       .name = prefix + "dwconv"})(x);
  x = efficient::swish(normalized(x, prefix + "bn"), prefix + "activation");
  const auto squeezed = static_cast<std::int64_t>(
      static_cast<double>(row.filters_in) * row.squeeze);
  x = efficient::squeeze_excite(x, squeezed, prefix);
  x = efficient::pointwise(x, row.filters_out, prefix + "project_conv");
  x = normalized(x, prefix + "project_bn");
  if (row.stride != 1 || row.filters_in != row.filters_out) return x;
  return efficient::residual(input, x, drop, prefix);
}

Model build(const Variant& variant, const Request& r) {
  const SymbolicTensor image = image_input(r, {variant.size, 32});
  const auto wider = [&](std::int64_t filters) {
    return divisible(static_cast<double>(filters) * variant.width);
  };
  SymbolicTensor x = Rescaling(1.0 / 255.0)(image);
  x = Normalization({.axis = {3}})(x);
  if (r.imagenet()) {
    // The published weights were trained with twice the division.
    x = Rescaling(
        {1 / std::sqrt(0.229), 1 / std::sqrt(0.224), 1 / std::sqrt(0.225)})(x);
  }
  x = ZeroPadding2D(correct_pad(x, 3), {.name = "stem_conv_pad"})(x);
  x = Conv2D(
      wider(32),
      3,
      {.strides = 2,
       .use_bias = false,
       .kernel_initializer = efficient::convolution_initializer(),
       .name = "stem_conv"})(x);
  x = efficient::swish(normalized(x, "stem_bn"), "stem_activation");

  int total = 0;
  for (const Row& row : kTable) {
    total += efficient::deeper(row.repeats, variant.depth);
  }
  int done = 0;
  for (std::size_t i = 0; i < kTable.size(); ++i) {
    Row row = kTable[i];
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
  x = efficient::pointwise(x, wider(1280), "top_conv");
  x = efficient::swish(normalized(x, "top_bn"), "top_activation");
  x = efficient::top(x, r, variant.dropout);
  return finish(
      r,
      image,
      x,
      variant.name,
      published_at(
          r,
          std::string("https://storage.googleapis.com/keras-applications/") +
              variant.name,
          variant.hash,
          variant.hash_without_top));
}

template <const Variant& kVariant>
Model make(const Request& r) {
  return build(kVariant, r);
}

constexpr Architecture kFamily[] = {
    {"EfficientNetB0", make<kB0>, kB0.size, "none"},
    {"EfficientNetB1", make<kB1>, kB1.size, "none"},
    {"EfficientNetB2", make<kB2>, kB2.size, "none"},
    {"EfficientNetB3", make<kB3>, kB3.size, "none"},
    {"EfficientNetB4", make<kB4>, kB4.size, "none"},
    {"EfficientNetB5", make<kB5>, kB5.size, "none"},
    {"EfficientNetB6", make<kB6>, kB6.size, "none"},
    {"EfficientNetB7", make<kB7>, kB7.size, "none"},
};

}  // namespace

std::span<const Architecture> efficientnet_family() {
  return kFamily;
}

Model EfficientNetB0(ApplicationOptions options) {
  return build(kB0, request("EfficientNetB0", options));
}

Model EfficientNetB1(ApplicationOptions options) {
  return build(kB1, request("EfficientNetB1", options));
}

Model EfficientNetB2(ApplicationOptions options) {
  return build(kB2, request("EfficientNetB2", options));
}

Model EfficientNetB3(ApplicationOptions options) {
  return build(kB3, request("EfficientNetB3", options));
}

Model EfficientNetB4(ApplicationOptions options) {
  return build(kB4, request("EfficientNetB4", options));
}

Model EfficientNetB5(ApplicationOptions options) {
  return build(kB5, request("EfficientNetB5", options));
}

Model EfficientNetB6(ApplicationOptions options) {
  return build(kB6, request("EfficientNetB6", options));
}

Model EfficientNetB7(ApplicationOptions options) {
  return build(kB7, request("EfficientNetB7", options));
}

}  // namespace keratin::applications
