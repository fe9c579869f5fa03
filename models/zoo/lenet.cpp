// "Gradient-based learning applied to document recognition", LeCun, Bottou,
// Bengio and Haffner, 1998: LeNet-5, figure 2, as courses teach it: plain
// averages between the convolutions, all maps of S2 go into every map of C3,
// softmax in place of radial basis functions.

#include "models/zoo/builder.hpp"

namespace keratin::applications {

using layers::AveragePooling2D;
using layers::Conv2D;
using layers::Dense;
using layers::Flatten;

namespace {

Model build(const Request& r) {
  const SymbolicTensor image =
      image_input(r, {.usual = 32, .least = 28, .channels = 1});
  SymbolicTensor x = Conv2D(6, 5, {.activation = "tanh", .name = "C1"})(image);
  x = AveragePooling2D(2, {.strides = 2, .name = "S2"})(x);
  x = Conv2D(16, 5, {.activation = "tanh", .name = "C3"})(x);
  x = AveragePooling2D(2, {.strides = 2, .name = "S4"})(x);
  if (r.include_top) {
    x = Flatten({.name = "flatten"})(x);
    x = Dense(120, {.activation = "tanh", .name = "C5"})(x);
    x = Dense(84, {.activation = "tanh", .name = "F6"})(x);
    x = predictions(x, r);
  } else {
    x = pooled(x, r);
  }
  return finish(r, image, x, "lenet5");
}

constexpr Architecture kFamily[] = {
    {"LeNet5", build, 32, "none", kNoImagenet, 0, 10}};

}  // namespace

std::span<const Architecture> lenet_family() {
  return kFamily;
}

Model LeNet5(LeNetOptions options) {
  return build(request("LeNet5", options));
}

}  // namespace keratin::applications
