#include "models/zoo/efficientnet_blocks.hpp"

#include <algorithm>
#include <cmath>

namespace keratin::applications::efficient {

using layers::Conv2D;
using layers::Dropout;
using layers::GlobalAveragePooling2D;
using layers::Multiply;
using layers::Reshape;

Initializer convolution_initializer() {
  return initializers::VarianceScaling(
      {.scale = 2, .mode = "fan_out", .distribution = "truncated_normal"});
}

Initializer dense_initializer() {
  return initializers::VarianceScaling(
      {.scale = 1.0 / 3.0, .mode = "fan_out", .distribution = "uniform"});
}

SymbolicTensor swish(const SymbolicTensor& x, const std::string& name) {
  return activation(x, "swish", name);
}

SymbolicTensor pointwise(
    const SymbolicTensor& x, std::int64_t filters, const std::string& name) {
  return Conv2D(
      filters,
      1,
      {.padding = "same",
       .use_bias = false,
       .kernel_initializer = convolution_initializer(),
       .name = name})(x);
}

SymbolicTensor squeeze_excite(
    const SymbolicTensor& x, std::int64_t squeezed, const std::string& prefix) {
  const std::int64_t filters = channels(x);
  SymbolicTensor s = GlobalAveragePooling2D({.name = prefix + "se_squeeze"})(x);
  s = Reshape({1, 1, filters}, {.name = prefix + "se_reshape"})(s);
  s = Conv2D(
      std::max<std::int64_t>(squeezed, 1),
      1,
      {.padding = "same",
       .activation = "swish",
       .kernel_initializer = convolution_initializer(),
       .name = prefix + "se_reduce"})(s);
  s = Conv2D(
      filters,
      1,
      {.padding = "same",
       .activation = "sigmoid",
       .kernel_initializer = convolution_initializer(),
       .name = prefix + "se_expand"})(s);
  return Multiply({.name = prefix + "se_excite"})({x, s});
}

SymbolicTensor residual(
    const SymbolicTensor& input,
    const SymbolicTensor& x,
    double rate,
    const std::string& prefix) {
  SymbolicTensor y = x;
  if (rate > 0) {
    y = Dropout(
        rate,
        {.noise_shape = Shape{kUnknown, 1, 1, 1}, .name = prefix + "drop"})(y);
  }
  return layers::Add({.name = prefix + "add"})({y, input});
}

SymbolicTensor top(
    const SymbolicTensor& x,
    const Request& r,
    double dropout,
    const Initializer& bias) {
  if (!r.include_top) return pooled(x, r, "avg_pool", "max_pool");
  SymbolicTensor y = GlobalAveragePooling2D({.name = "avg_pool"})(x);
  if (dropout > 0) y = Dropout(dropout, {.name = "top_dropout"})(y);
  return predictions(y, r, dense_initializer(), bias);
}

int deeper(int repeats, double depth) {
  return static_cast<int>(std::ceil(depth * repeats));
}

}  // namespace keratin::applications::efficient
