// "Densely connected convolutional networks", Huang, Liu, van der Maaten and
// Weinberger, 2016: table 1, growth rate 32, halved between the blocks.

#include <array>

#include "models/zoo/builder.hpp"
#include "src/core/format.hpp"

namespace keratin::applications {

using layers::AveragePooling2D;
using layers::BatchNormalization;
using layers::Concatenate;
using layers::Conv2D;
using layers::MaxPooling2D;
using layers::ZeroPadding2D;

namespace {

struct Column {
  const char* name;
  std::array<int, 4> layers;  // of the four dense blocks
  const char* hash;
  const char* hash_without_top;
};

constexpr Column kDenseNet121 = {
    "densenet121",
    {6, 12, 24, 16},
    "9d60b8095a5708f2dcce2bca79d332c7",
    "30ee3e1110167f948a6b9946edeeb738"};
constexpr Column kDenseNet169 = {
    "densenet169",
    {6, 12, 32, 32},
    "d699b8f76981ab1b30698df4c175e90b",
    "b8c4d4c20dd625c148057b9ff1c1176b"};
constexpr Column kDenseNet201 = {
    "densenet201",
    {6, 12, 48, 32},
    "1ceb130c1ea1b78c3bf6114dbdfd8807",
    "c13680b51ded0fb44dff2d8f86ac8bb1"};

constexpr std::int64_t kGrowth = 32;

SymbolicTensor rectified(
    const SymbolicTensor& x, const std::string& norm, const std::string& relu) {
  const SymbolicTensor y =
      BatchNormalization({.axis = 3, .epsilon = 1.001e-5, .name = norm})(x);
  return activation(y, "relu", relu);
}

/// What it makes is joined to what it was given.
SymbolicTensor dense_layer(const SymbolicTensor& x, const std::string& name) {
  SymbolicTensor y = rectified(x, name + "_0_bn", name + "_0_relu");
  y = Conv2D(4 * kGrowth, 1, {.use_bias = false, .name = name + "_1_conv"})(y);
  y = rectified(y, name + "_1_bn", name + "_1_relu");
  y = Conv2D(
      kGrowth,
      3,
      {.padding = "same", .use_bias = false, .name = name + "_2_conv"})(y);
  return Concatenate({.axis = 3, .name = name + "_concat"})({x, y});
}

SymbolicTensor transition(const SymbolicTensor& x, const std::string& name) {
  SymbolicTensor y = rectified(x, name + "_bn", name + "_relu");
  y = Conv2D(
      channels(y) / 2, 1, {.use_bias = false, .name = name + "_conv"})(y);
  return AveragePooling2D(2, {.strides = 2, .name = name + "_pool"})(y);
}

Model build(const Column& column, const Request& r) {
  const SymbolicTensor image = image_input(r, {224, 32});
  SymbolicTensor x = ZeroPadding2D({{3, 3}, {3, 3}})(image);
  x = Conv2D(64, 7, {.strides = 2, .use_bias = false, .name = "conv1_conv"})(x);
  x = rectified(x, "conv1_bn", "conv1_relu");
  x = ZeroPadding2D({{1, 1}, {1, 1}})(x);
  x = MaxPooling2D(3, {.strides = 2, .name = "pool1"})(x);
  for (std::size_t block = 0; block < column.layers.size(); ++block) {
    if (block > 0) x = transition(x, format("pool{}", block + 1));
    for (int i = 1; i <= column.layers[block]; ++i) {
      x = dense_layer(x, format("conv{}_block{}", block + 2, i));
    }
  }
  x = rectified(x, "bn", "relu");
  x = r.include_top ? averaged_predictions(x, r)
                    : pooled(x, r, "avg_pool", "max_pool");
  return finish(
      r,
      image,
      x,
      column.name,
      published(
          r, "densenet", column.name, column.hash, column.hash_without_top));
}

template <const Column& kColumn>
Model make(const Request& r) {
  return build(kColumn, r);
}

constexpr Architecture kFamily[] = {
    {"DenseNet121", make<kDenseNet121>, 224, "torch"},
    {"DenseNet169", make<kDenseNet169>, 224, "torch"},
    {"DenseNet201", make<kDenseNet201>, 224, "torch"},
};

}  // namespace

std::span<const Architecture> densenet_family() {
  return kFamily;
}

Model DenseNet121(ApplicationOptions options) {
  return build(kDenseNet121, request("DenseNet121", options));
}

Model DenseNet169(ApplicationOptions options) {
  return build(kDenseNet169, request("DenseNet169", options));
}

Model DenseNet201(ApplicationOptions options) {
  return build(kDenseNet201, request("DenseNet201", options));
}

}  // namespace keratin::applications
