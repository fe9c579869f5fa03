// "Rethinking the Inception architecture for computer vision", Szegedy,
// Vanhoucke, Ioffe, Shlens and Wojna, 2015: table 1. Keras names few of its
// layers, so layers are made in Keras's order.

#include <vector>

#include "models/zoo/builder.hpp"
#include "src/core/format.hpp"

namespace keratin::applications {

using layers::AveragePooling2D;
using layers::BatchNormalization;
using layers::Concatenate;
using layers::Conv2D;
using layers::MaxPooling2D;

namespace {

SymbolicTensor conv(
    const SymbolicTensor& x,
    std::int64_t filters,
    Dims size,
    std::int64_t stride = 1,
    const std::string& padding = "same") {
  SymbolicTensor y = Conv2D(
      filters,
      std::move(size),
      {.strides = stride, .padding = padding, .use_bias = false})(x);
  y = BatchNormalization({.axis = 3, .scale = false})(y);
  return relu(y);
}

/// Halves rows and columns.
SymbolicTensor conv_down(const SymbolicTensor& x, std::int64_t filters) {
  return conv(x, filters, 3, 2, "valid");
}

SymbolicTensor pool_down(const SymbolicTensor& x) {
  return MaxPooling2D(3, {.strides = 2})(x);
}

SymbolicTensor pool_branch(const SymbolicTensor& x, std::int64_t filters) {
  const SymbolicTensor y =
      AveragePooling2D(3, {.strides = 1, .padding = "same"})(x);
  return conv(y, filters, 1);
}

SymbolicTensor join(
    const std::vector<SymbolicTensor>& branches, const std::string& name = {}) {
  return Concatenate({.axis = 3, .name = name})(branches);
}

/// 35 x 35: figure 5.
SymbolicTensor block_a(
    const SymbolicTensor& x, std::int64_t pool, const std::string& name) {
  const SymbolicTensor one = conv(x, 64, 1);
  const SymbolicTensor five = conv(conv(x, 48, 1), 64, 5);
  const SymbolicTensor three = conv(conv(conv(x, 64, 1), 96, 3), 96, 3);
  return join({one, five, three, pool_branch(x, pool)}, name);
}

/// 17 x 17: figure 6, with n = 7.
SymbolicTensor block_b(
    const SymbolicTensor& x, std::int64_t inner, const std::string& name) {
  const SymbolicTensor one = conv(x, 192, 1);
  SymbolicTensor seven = conv(x, inner, 1);
  seven = conv(seven, inner, {1, 7});
  seven = conv(seven, 192, {7, 1});
  SymbolicTensor twice = conv(x, inner, 1);
  twice = conv(twice, inner, {7, 1});
  twice = conv(twice, inner, {1, 7});
  twice = conv(twice, inner, {7, 1});
  twice = conv(twice, 192, {1, 7});
  return join({one, seven, twice, pool_branch(x, 192)}, name);
}

/// 8 x 8: figure 7.
SymbolicTensor block_c(const SymbolicTensor& x, int index) {
  const SymbolicTensor one = conv(x, 320, 1);
  SymbolicTensor three = conv(x, 384, 1);
  const SymbolicTensor three_wide = conv(three, 384, {1, 3});
  const SymbolicTensor three_tall = conv(three, 384, {3, 1});
  three = join({three_wide, three_tall}, format("mixed9_{}", index));
  SymbolicTensor twice = conv(conv(x, 448, 1), 384, 3);
  const SymbolicTensor twice_wide = conv(twice, 384, {1, 3});
  const SymbolicTensor twice_tall = conv(twice, 384, {3, 1});
  twice = join({twice_wide, twice_tall});
  return join(
      {one, three, twice, pool_branch(x, 192)}, format("mixed{}", 9 + index));
}

Model build(const Request& r) {
  const SymbolicTensor image = image_input(r, {299, 75});
  SymbolicTensor x = conv_down(image, 32);
  x = conv(x, 32, 3, 1, "valid");
  x = pool_down(conv(x, 64, 3));
  x = conv(x, 80, 1, 1, "valid");
  x = pool_down(conv(x, 192, 3, 1, "valid"));

  x = block_a(x, 32, "mixed0");
  x = block_a(x, 64, "mixed1");
  x = block_a(x, 64, "mixed2");

  SymbolicTensor three = conv_down(x, 384);
  SymbolicTensor twice = conv_down(conv(conv(x, 64, 1), 96, 3), 96);
  x = join({three, twice, pool_down(x)}, "mixed3");

  x = block_b(x, 128, "mixed4");
  x = block_b(x, 160, "mixed5");
  x = block_b(x, 160, "mixed6");
  x = block_b(x, 192, "mixed7");

  three = conv_down(conv(x, 192, 1), 320);
  SymbolicTensor seven = conv(conv(x, 192, 1), 192, {1, 7});
  seven = conv_down(conv(seven, 192, {7, 1}), 192);
  x = join({three, seven, pool_down(x)}, "mixed8");

  x = block_c(x, 0);
  x = block_c(x, 1);

  x = r.include_top ? averaged_predictions(x, r) : pooled(x, r);
  return finish(
      r,
      image,
      x,
      "inception_v3",
      published(
          r,
          "inception_v3",
          "inception_v3",
          "9a0d58056eeedaa3f26cb7ebd46da564",
          "bcbd6486424b2319ff4ef7d526e38f63"));
}

constexpr Architecture kFamily[] = {{"InceptionV3", build, 299, "tf"}};

}  // namespace

std::span<const Architecture> inception_v3_family() {
  return kFamily;
}

Model InceptionV3(ApplicationOptions options) {
  return build(request("InceptionV3", options));
}

}  // namespace keratin::applications
