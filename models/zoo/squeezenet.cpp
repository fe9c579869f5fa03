// "SqueezeNet: AlexNet-level accuracy with 50x fewer parameters", Iandola et
// al., 2016: table 1, and the authors' version 1.1. The weights lie in the
// order of the files that R. Malli published for Keras.

#include <array>

#include "models/zoo/builder.hpp"
#include "src/core/format.hpp"

namespace keratin::applications {

using layers::Concatenate;
using layers::Conv2D;
using layers::Dropout;
using layers::GlobalAveragePooling2D;
using layers::MaxPooling2D;

namespace {

struct Variant {
  const char* name;
  std::int64_t first_filters;
  std::int64_t first_kernel;
  std::array<bool, 10> pool_after;  // by the number of the module
};

// clang-format off
constexpr Variant k1_0 = {"squeezenet1_0", 96, 7,
    {false, true, false, false, true, false, false, false, true, false}};
constexpr Variant k1_1 = {"squeezenet1_1", 64, 3,
    {false, true, false, true, false, true, false, false, false, false}};

// clang-format on

SymbolicTensor conv(
    const SymbolicTensor& x,
    std::int64_t filters,
    std::int64_t kernel,
    const std::string& name) {
  const SymbolicTensor y =
      Conv2D(filters, kernel, {.padding = "same", .name = name})(x);
  return relu(y, name + "_relu");
}

/// Few channels, then many from 1x1 and as many from 3x3.
SymbolicTensor fire(const SymbolicTensor& x, int number) {
  const std::int64_t squeeze = 16 * (number / 2);
  const std::string name = format("fire{}_", number);
  const SymbolicTensor s = conv(x, squeeze, 1, name + "squeeze1x1");
  const SymbolicTensor e1 = conv(s, 4 * squeeze, 1, name + "expand1x1");
  const SymbolicTensor e3 = conv(s, 4 * squeeze, 3, name + "expand3x3");
  return Concatenate({.axis = 3, .name = name + "concat"})({e1, e3});
}

Model build(const Variant& variant, const Request& r) {
  const SymbolicTensor image = image_input(r, {227, 48});
  SymbolicTensor x = Conv2D(
      variant.first_filters,
      variant.first_kernel,
      {.strides = 2, .name = "conv1"})(image);
  x = relu(x, "conv1_relu");
  for (int number = 1; number <= 9; ++number) {
    if (number > 1) x = fire(x, number);
    if (!variant.pool_after[static_cast<std::size_t>(number)]) continue;
    x = MaxPooling2D(3, {.strides = 2, .name = format("pool{}", number)})(x);
  }
  if (r.include_top) {
    x = Dropout(0.5, {.name = "drop9"})(x);
    x = Conv2D(r.classes, 1, {.name = "conv10"})(x);
    x = relu(x, "conv10_relu");
    x = GlobalAveragePooling2D({.name = "avg_pool"})(x);
    x = activation(x, r.classifier_activation, "predictions");
  } else {
    x = pooled(x, r);
  }
  return finish(r, image, x, variant.name);
}

template <const Variant& kVariant>
Model make(const Request& r) {
  return build(kVariant, r);
}

constexpr Architecture kFamily[] = {
    {"SqueezeNet1_0", make<k1_0>, 227, "caffe", kNoImagenet},
    {"SqueezeNet1_1", make<k1_1>, 227, "caffe", kNoImagenet},
};

}  // namespace

std::span<const Architecture> squeezenet_family() {
  return kFamily;
}

Model SqueezeNet1_0(ClassicOptions options) {
  return build(k1_0, request("SqueezeNet1_0", options));
}

Model SqueezeNet1_1(ClassicOptions options) {
  return build(k1_1, request("SqueezeNet1_1", options));
}

}  // namespace keratin::applications
