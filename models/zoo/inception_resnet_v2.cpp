// "Inception-v4, Inception-ResNet and the impact of residual connections on
// learning", Szegedy, Ioffe, Vanhoucke and Alemi, 2016: figure 15. Layers are
// made in Keras's order, since most of them have no name of their own.

#include <vector>

#include <keratin/layers/applications.hpp>

#include "models/zoo/builder.hpp"
#include "src/core/format.hpp"

namespace keratin::applications {

using layers::AveragePooling2D;
using layers::BatchNormalization;
using layers::Concatenate;
using layers::Conv2D;
using layers::CustomScaleLayer;
using layers::MaxPooling2D;

namespace {

SymbolicTensor conv(
    const SymbolicTensor& x,
    std::int64_t filters,
    Dims size,
    std::int64_t stride = 1,
    const std::string& padding = "same",
    const std::string& name = {}) {
  const auto part = [&](const char* tail) {
    return name.empty() ? name : name + tail;
  };
  SymbolicTensor y = Conv2D(
      filters,
      std::move(size),
      {.strides = stride, .padding = padding, .use_bias = false, .name = name})(
      x);
  y = BatchNormalization({.axis = 3, .scale = false, .name = part("_bn")})(y);
  return relu(y, part("_ac"));
}

/// Halves rows and columns.
SymbolicTensor conv_down(const SymbolicTensor& x, std::int64_t filters) {
  return conv(x, filters, 3, 2, "valid");
}

SymbolicTensor pool_down(const SymbolicTensor& x) {
  return MaxPooling2D(3, {.strides = 2})(x);
}

SymbolicTensor join(
    const std::vector<SymbolicTensor>& branches, const std::string& name) {
  return Concatenate({.axis = 3, .name = name})(branches);
}

/// x + scale * (the branches, brought to x's channels), rectified.
SymbolicTensor residual(
    const SymbolicTensor& x,
    const std::vector<SymbolicTensor>& branches,
    double scale,
    const std::string& name,
    bool rectified = true) {
  const SymbolicTensor mixed = join(branches, name + "_mixed");
  const SymbolicTensor up = Conv2D(
      channels(x), 1, {.padding = "same", .name = name + "_conv"})(mixed);
  const SymbolicTensor y = CustomScaleLayer(scale)({x, up});
  return rectified ? relu(y, name + "_ac") : y;
}

/// 35 x 35.
SymbolicTensor block35(const SymbolicTensor& x, int index) {
  const SymbolicTensor a = conv(x, 32, 1);
  const SymbolicTensor b = conv(conv(x, 32, 1), 32, 3);
  const SymbolicTensor c = conv(conv(conv(x, 32, 1), 48, 3), 64, 3);
  return residual(x, {a, b, c}, 0.17, format("block35_{}", index));
}

/// 17 x 17.
SymbolicTensor block17(const SymbolicTensor& x, int index) {
  const SymbolicTensor a = conv(x, 192, 1);
  SymbolicTensor b = conv(x, 128, 1);
  b = conv(b, 160, {1, 7});
  b = conv(b, 192, {7, 1});
  return residual(x, {a, b}, 0.1, format("block17_{}", index));
}

/// 8 x 8; the last one is neither scaled down nor rectified.
SymbolicTensor block8(const SymbolicTensor& x, int index) {
  const SymbolicTensor a = conv(x, 192, 1);
  SymbolicTensor b = conv(x, 192, 1);
  b = conv(b, 224, {1, 3});
  b = conv(b, 256, {3, 1});
  const bool last = index == 10;
  return residual(
      x, {a, b}, last ? 1.0 : 0.2, format("block8_{}", index), !last);
}

SymbolicTensor stem(const SymbolicTensor& image) {
  SymbolicTensor x = conv_down(image, 32);
  x = conv(x, 32, 3, 1, "valid");
  x = pool_down(conv(x, 64, 3));
  x = conv(x, 80, 1, 1, "valid");
  x = pool_down(conv(x, 192, 3, 1, "valid"));

  const SymbolicTensor a = conv(x, 96, 1);
  const SymbolicTensor b = conv(conv(x, 48, 1), 64, 5);
  const SymbolicTensor c = conv(conv(conv(x, 64, 1), 96, 3), 96, 3);
  SymbolicTensor pool =
      AveragePooling2D(3, {.strides = 1, .padding = "same"})(x);
  pool = conv(pool, 64, 1);
  return join({a, b, c, pool}, "mixed_5b");
}

SymbolicTensor reduction_a(const SymbolicTensor& x) {
  const SymbolicTensor a = conv_down(x, 384);
  const SymbolicTensor b = conv_down(conv(conv(x, 256, 1), 256, 3), 384);
  return join({a, b, pool_down(x)}, "mixed_6a");
}

SymbolicTensor reduction_b(const SymbolicTensor& x) {
  const SymbolicTensor a = conv_down(conv(x, 256, 1), 384);
  const SymbolicTensor b = conv_down(conv(x, 256, 1), 288);
  const SymbolicTensor c = conv_down(conv(conv(x, 256, 1), 288, 3), 320);
  return join({a, b, c, pool_down(x)}, "mixed_7a");
}

Model build(const Request& r) {
  const SymbolicTensor image = image_input(r, {299, 75});
  SymbolicTensor x = stem(image);
  for (int i = 1; i <= 10; ++i) x = block35(x, i);
  x = reduction_a(x);
  for (int i = 1; i <= 20; ++i) x = block17(x, i);
  x = reduction_b(x);
  for (int i = 1; i <= 10; ++i) x = block8(x, i);
  x = conv(x, 1536, 1, 1, "same", "conv_7b");
  x = r.include_top ? averaged_predictions(x, r) : pooled(x, r);
  return finish(
      r,
      image,
      x,
      "inception_resnet_v2",
      published(
          r,
          "inception_resnet_v2",
          "inception_resnet_v2",
          "e693bd0210a403b3192acc6073ad2e96",
          "d19885ff4a710c122648d3b5c3b684e4"));
}

constexpr Architecture kFamily[] = {{"InceptionResNetV2", build, 299, "tf"}};

}  // namespace

std::span<const Architecture> inception_resnet_v2_family() {
  return kFamily;
}

Model InceptionResNetV2(ApplicationOptions options) {
  return build(request("InceptionResNetV2", options));
}

}  // namespace keratin::applications
