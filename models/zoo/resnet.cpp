// "Deep residual learning for image recognition", He, Zhang, Ren and Sun, 2015,
// and "Identity mappings in deep residual networks", 2016 (V2): the bottleneck
// columns of table 1.

#include <array>

#include "models/zoo/builder.hpp"
#include "src/core/format.hpp"

namespace keratin::applications {

using layers::Add;
using layers::BatchNormalization;
using layers::Conv2D;
using layers::MaxPooling2D;
using layers::ZeroPadding2D;

namespace {

struct Column {
  const char* name;
  std::array<int, 4> blocks;  // of conv2 to conv5
  const char* hash;
  const char* hash_without_top;
};

constexpr Column kResNet50 = {
    "resnet50",
    {3, 4, 6, 3},
    "2cb95161c43110f7111970584f804107",
    "4d473c1dd8becc155b73f8504c6f6626"};
constexpr Column kResNet101 = {
    "resnet101",
    {3, 4, 23, 3},
    "f1aeb4b969a6efcfb50fad2f0c20cfc5",
    "88cf7a10940856eca736dc7b7e228a21"};
constexpr Column kResNet152 = {
    "resnet152",
    {3, 8, 36, 3},
    "100835be76be38e30d865e96f2aaae62",
    "ee4c566cf9a93f14d82f913c2dc6dd0c"};
constexpr Column kResNet50V2 = {
    "resnet50v2",
    {3, 4, 6, 3},
    "3ef43a0b657b3be2300d5770ece849e0",
    "fac2f116257151a9d068a22e544a4917"};
constexpr Column kResNet101V2 = {
    "resnet101v2",
    {3, 4, 23, 3},
    "6343647c601c52e1368623803854d971",
    "c0ed64b8031c3730f411d2eb4eea35b5"};
constexpr Column kResNet152V2 = {
    "resnet152v2",
    {3, 8, 36, 3},
    "a49b44d1979771252814e80f8ec446f9",
    "ed17cf2e0169df9d443503ef94b23b33"};

constexpr std::array<std::int64_t, 4> kFilters = {64, 128, 256, 512};

SymbolicTensor normalized(const SymbolicTensor& x, const std::string& name) {
  return BatchNormalization({.axis = 3, .epsilon = 1.001e-5, .name = name})(x);
}

/// 1x1, 3x3, 1x1 with the stride in the first; the shortcut is projected where
/// the shape changes.
SymbolicTensor block_v1(
    const SymbolicTensor& input,
    std::int64_t filters,
    std::int64_t stride,
    bool project,
    const std::string& name) {
  SymbolicTensor shortcut = input;
  if (project) {
    shortcut = Conv2D(
        4 * filters, 1, {.strides = stride, .name = name + "_0_conv"})(input);
    shortcut = normalized(shortcut, name + "_0_bn");
  }
  SymbolicTensor x =
      Conv2D(filters, 1, {.strides = stride, .name = name + "_1_conv"})(input);
  x = relu(normalized(x, name + "_1_bn"), name + "_1_relu");
  x = Conv2D(filters, 3, {.padding = "same", .name = name + "_2_conv"})(x);
  x = relu(normalized(x, name + "_2_bn"), name + "_2_relu");
  x = Conv2D(4 * filters, 1, {.name = name + "_3_conv"})(x);
  x = normalized(x, name + "_3_bn");
  x = Add({.name = name + "_add"})({shortcut, x});
  return relu(x, name + "_out");
}

/// Normalised and rectified before the convolutions; the stride in the 3x3.
SymbolicTensor block_v2(
    const SymbolicTensor& input,
    std::int64_t filters,
    std::int64_t stride,
    bool project,
    const std::string& name) {
  const SymbolicTensor before =
      relu(normalized(input, name + "_preact_bn"), name + "_preact_relu");
  SymbolicTensor shortcut = input;
  if (project) {
    shortcut = Conv2D(
        4 * filters, 1, {.strides = stride, .name = name + "_0_conv"})(before);
  } else if (stride > 1) {
    shortcut = MaxPooling2D(1, {.strides = stride})(input);
  }
  SymbolicTensor x = Conv2D(
      filters, 1, {.strides = 1, .use_bias = false, .name = name + "_1_conv"})(
      before);
  x = relu(normalized(x, name + "_1_bn"), name + "_1_relu");
  x = ZeroPadding2D({{1, 1}, {1, 1}}, {.name = name + "_2_pad"})(x);
  x = Conv2D(
      filters,
      3,
      {.strides = stride, .use_bias = false, .name = name + "_2_conv"})(x);
  x = relu(normalized(x, name + "_2_bn"), name + "_2_relu");
  x = Conv2D(4 * filters, 1, {.name = name + "_3_conv"})(x);
  return Add({.name = name + "_out"})({shortcut, x});
}

SymbolicTensor stage_v1(SymbolicTensor x, std::size_t stage, int blocks) {
  for (int i = 1; i <= blocks; ++i) {
    const std::int64_t stride = i == 1 && stage > 0 ? 2 : 1;
    const std::string name = format("conv{}_block{}", stage + 2, i);
    x = block_v1(x, kFilters[stage], stride, i == 1, name);
  }
  return x;
}

SymbolicTensor stage_v2(SymbolicTensor x, std::size_t stage, int blocks) {
  for (int i = 1; i <= blocks; ++i) {
    const std::int64_t stride = i == blocks && stage < 3 ? 2 : 1;
    const std::string name = format("conv{}_block{}", stage + 2, i);
    x = block_v2(x, kFilters[stage], stride, i == 1, name);
  }
  return x;
}

Model build(const Column& column, bool v2, const Request& r) {
  const SymbolicTensor image = image_input(r, {224, 32});
  SymbolicTensor x =
      ZeroPadding2D({{3, 3}, {3, 3}}, {.name = "conv1_pad"})(image);
  x = Conv2D(64, 7, {.strides = 2, .name = "conv1_conv"})(x);
  if (!v2) x = relu(normalized(x, "conv1_bn"), "conv1_relu");
  x = ZeroPadding2D({{1, 1}, {1, 1}}, {.name = "pool1_pad"})(x);
  x = MaxPooling2D(3, {.strides = 2, .name = "pool1_pool"})(x);
  for (std::size_t stage = 0; stage < kFilters.size(); ++stage) {
    const int blocks = column.blocks[stage];
    x = v2 ? stage_v2(x, stage, blocks) : stage_v1(x, stage, blocks);
  }
  if (v2) x = relu(normalized(x, "post_bn"), "post_relu");
  x = r.include_top ? averaged_predictions(x, r)
                    : pooled(x, r, "avg_pool", "max_pool");
  return finish(
      r,
      image,
      x,
      column.name,
      published(
          r, "resnet", column.name, column.hash, column.hash_without_top));
}

template <const Column& kColumn, bool kV2>
Model make(const Request& r) {
  return build(kColumn, kV2, r);
}

constexpr Architecture kFamily[] = {
    {"ResNet50", make<kResNet50, false>, 224, "caffe"},
    {"ResNet101", make<kResNet101, false>, 224, "caffe"},
    {"ResNet152", make<kResNet152, false>, 224, "caffe"},
    {"ResNet50V2", make<kResNet50V2, true>, 224, "tf"},
    {"ResNet101V2", make<kResNet101V2, true>, 224, "tf"},
    {"ResNet152V2", make<kResNet152V2, true>, 224, "tf"},
};

}  // namespace

std::span<const Architecture> resnet_family() {
  return kFamily;
}

Model ResNet50(ApplicationOptions options) {
  return build(kResNet50, false, request("ResNet50", options));
}

Model ResNet101(ApplicationOptions options) {
  return build(kResNet101, false, request("ResNet101", options));
}

Model ResNet152(ApplicationOptions options) {
  return build(kResNet152, false, request("ResNet152", options));
}

Model ResNet50V2(ApplicationOptions options) {
  return build(kResNet50V2, true, request("ResNet50V2", options));
}

Model ResNet101V2(ApplicationOptions options) {
  return build(kResNet101V2, true, request("ResNet101V2", options));
}

Model ResNet152V2(ApplicationOptions options) {
  return build(kResNet152V2, true, request("ResNet152V2", options));
}

}  // namespace keratin::applications
