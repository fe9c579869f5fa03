// "A ConvNet for the 2020s", Liu et al., 2022: section 3's last block, in the
// sizes of its table.

#include <array>

#include <keratin/layers/applications.hpp>
#include <keratin/ops.hpp>

#include "models/zoo/builder.hpp"
#include "src/core/format.hpp"

namespace keratin::applications {

using layers::Conv2D;
using layers::Dense;
using layers::GlobalAveragePooling2D;
using layers::LayerNormalization;
using layers::LayerScale;
using layers::Normalization;

namespace {

struct Variant {
  const char* name;
  std::array<int, 4> depths;
  std::array<std::int64_t, 4> widths;
  const char* hash;
  const char* hash_without_top;
};

constexpr Variant kTiny = {
    "convnext_tiny",
    {3, 3, 9, 3},
    {96, 192, 384, 768},
    "8ae6e78ce2933352b1ef4008e6dd2f17bc40771563877d156bc6426c7cf503ff",
    "d547c096cabd03329d7be5562c5e14798aa39ed24b474157cef5e85ab9e49ef1"};
constexpr Variant kSmall = {
    "convnext_small",
    {3, 3, 27, 3},
    {96, 192, 384, 768},
    "ce1277d8f1ee5a0ef0e171469089c18f5233860ceaf9b168049cb9263fd7483c",
    "6fc8009faa2f00c1c1dfce59feea9b0745eb260a7dd11bee65c8e20843da6eab"};
constexpr Variant kBase = {
    "convnext_base",
    {3, 3, 27, 3},
    {128, 256, 512, 1024},
    "52cbb006d3dadd03f6e095a8ca1aca47aecdd75acb4bc74bce1f5c695d0086e6",
    "40a20c5548a5e9202f69735ecc06c990e6b7c9d2de39f0361e27baeb24cb7c45"};
constexpr Variant kLarge = {
    "convnext_large",
    {3, 3, 27, 3},
    {192, 384, 768, 1536},
    "070c5ed9ed289581e477741d3b34beffa920db8cf590899d6d2c67fba2a198a6",
    "96f02b6f0753d4f543261bc9d09bed650f24dd6bc02ddde3066135b63d23a1cd"};
constexpr Variant kXLarge = {
    "convnext_xlarge",
    {3, 3, 27, 3},
    {256, 512, 1024, 2048},
    "c1f5ccab661354fc3a79a10fa99af82f0fbf10ec65cb894a3ae0815f17a889ee",
    "de3f8a54174130e0cecdc71583354753d557fcf1f4487331558e2a16ba0cfe05"};

LayerNormalization layer_norm(const std::string& name) {
  return LayerNormalization({.epsilon = 1e-6, .name = name});
}

/// 7x7 depthwise, normalised, four times as wide, gelu, narrow again, scaled.
SymbolicTensor block(
    const SymbolicTensor& input, std::int64_t width, const std::string& name) {
  SymbolicTensor x = Conv2D(
      width,
      7,
      {.padding = "same", .groups = width, .name = name + "_depthwise_conv"})(
      input);
  x = layer_norm(name + "_layernorm")(x);
  x = Dense(4 * width, {.name = name + "_pointwise_conv_1"})(x);
  x = activation(x, "gelu", name + "_gelu");
  x = Dense(width, {.name = name + "_pointwise_conv_2"})(x);
  x = LayerScale(1e-6, width, {.name = name + "_layer_scale"})(x);
  // Where Keras would drop paths; none of its variants does.
  x = activation(x, "linear", name + "_identity");
  return input + x;
}

/// Patches of 4 x 4 or 2 x 2 become pixels.
SymbolicTensor downsample(
    const SymbolicTensor& x,
    std::size_t stage,
    std::int64_t width,
    const std::string& name) {
  if (stage == 0) {
    const Conv2D conv(width, 4, {.strides = 4, .name = name + "_stem_conv"});
    return Sequential(
        {conv, layer_norm(name + "_stem_layernorm")}, name + "_stem")(x);
  }
  const std::string part = name + "_downsampling_";
  const LayerNormalization norm =
      layer_norm(format("{}layernorm_{}", part, stage - 1));
  const Conv2D conv(
      width, 2, {.strides = 2, .name = format("{}conv_{}", part, stage - 1)});
  return Sequential({norm, conv}, format("{}block_{}", part, stage - 1))(x);
}

Model build(const Variant& variant, Request r) {
  r.name = r.name_or(variant.name);
  const std::string& name = r.name;
  const SymbolicTensor image = image_input(r, {224, 32});
  SymbolicTensor x = image;
  if (r.include_preprocessing && channels(x) == 3) {
    x = Normalization(
        {.mean = layers::Numbers{0.485 * 255, 0.456 * 255, 0.406 * 255},
         .variance =
             layers::Numbers{
                 (0.229 * 255) * (0.229 * 255),
                 (0.224 * 255) * (0.224 * 255),
                 (0.225 * 255) * (0.225 * 255)},
         .name = name + "_prestem_normalization"})(x);
  }
  for (std::size_t stage = 0; stage < variant.depths.size(); ++stage) {
    const std::int64_t width = variant.widths[stage];
    x = downsample(x, stage, width, name);
    for (int i = 0; i < variant.depths[stage]; ++i) {
      x = block(x, width, format("{}_stage_{}_block_{}", name, stage, i));
    }
  }
  if (r.include_top) {
    x = GlobalAveragePooling2D({.name = name + "_head_gap"})(x);
    x = layer_norm(name + "_head_layernorm")(x);
    x = Dense(
        r.classes,
        {.activation = r.classifier_activation, .name = name + "_head_dense"})(
        x);
  } else {
    x = layer_norm("")(pooled(x, r));
  }
  return finish(
      r,
      image,
      x,
      variant.name,
      published_at(
          r,
          kStorage + "convnext/" + variant.name,
          variant.hash,
          variant.hash_without_top));
}

template <const Variant& kVariant>
Model make(const Request& r) {
  return build(kVariant, r);
}

constexpr unsigned kExtras = kIncludePreprocessing;

constexpr Architecture kFamily[] = {
    {"ConvNeXtTiny", make<kTiny>, 224, "none", kExtras},
    {"ConvNeXtSmall", make<kSmall>, 224, "none", kExtras},
    {"ConvNeXtBase", make<kBase>, 224, "none", kExtras},
    {"ConvNeXtLarge", make<kLarge>, 224, "none", kExtras},
    {"ConvNeXtXLarge", make<kXLarge>, 224, "none", kExtras},
};

}  // namespace

std::span<const Architecture> convnext_family() {
  return kFamily;
}

Model ConvNeXtTiny(ConvNeXtOptions options) {
  return build(kTiny, request("ConvNeXtTiny", options));
}

Model ConvNeXtSmall(ConvNeXtOptions options) {
  return build(kSmall, request("ConvNeXtSmall", options));
}

Model ConvNeXtBase(ConvNeXtOptions options) {
  return build(kBase, request("ConvNeXtBase", options));
}

Model ConvNeXtLarge(ConvNeXtOptions options) {
  return build(kLarge, request("ConvNeXtLarge", options));
}

Model ConvNeXtXLarge(ConvNeXtOptions options) {
  return build(kXLarge, request("ConvNeXtXLarge", options));
}

}  // namespace keratin::applications
