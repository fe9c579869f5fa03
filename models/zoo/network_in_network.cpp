// "Network in network", Lin, Chen and Yan, 2013: the ImageNet model that its
// authors published with Caffe. No dense layer: the last maps are averaged.

#include <array>

#include "models/zoo/builder.hpp"
#include "src/core/format.hpp"

namespace keratin::applications {

using layers::Conv2D;
using layers::Dropout;
using layers::GlobalAveragePooling2D;
using layers::MaxPooling2D;

namespace {

/// A convolution and the two 1x1 that make a small network of every place.
struct Row {
  std::int64_t filters;
  std::int64_t kernel;
  std::int64_t stride;
  const char* padding;
};

constexpr std::array<Row, 4> kTable = {{
    {96, 11, 4, "valid"},
    {256, 5, 1, "same"},
    {384, 3, 1, "same"},
    {1024, 3, 1, "same"},
}};

Model build(const Request& r) {
  const SymbolicTensor image = image_input(r, {224, 67});
  SymbolicTensor x = image;
  for (std::size_t i = 0; i < kTable.size(); ++i) {
    const Row& row = kTable[i];
    const bool last = i + 1 == kTable.size();
    if (last && r.include_top) x = Dropout(0.5, {.name = "dropout"})(x);
    x = Conv2D(
        row.filters,
        row.kernel,
        {.strides = row.stride,
         .padding = row.padding,
         .activation = "relu",
         .name = format("conv{}", i + 1)})(x);
    for (int k = 1; k <= 2; ++k) {
      const bool scores = last && k == 2;  // one map per class
      if (scores && !r.include_top) break;
      x = Conv2D(
          scores ? r.classes : row.filters,
          1,
          {.activation = "relu", .name = format("cccp{}_{}", i + 1, k)})(x);
    }
    if (!last) {
      x = MaxPooling2D(3, {.strides = 2, .name = format("pool{}", i + 1)})(x);
    }
  }
  if (r.include_top) {
    x = GlobalAveragePooling2D({.name = "avg_pool"})(x);
    x = activation(x, r.classifier_activation, "predictions");
  } else {
    x = pooled(x, r);
  }
  return finish(r, image, x, "network_in_network");
}

constexpr Architecture kFamily[] = {
    {"NetworkInNetwork", build, 224, "caffe", kNoImagenet}};

}  // namespace

std::span<const Architecture> network_in_network_family() {
  return kFamily;
}

Model NetworkInNetwork(ClassicOptions options) {
  return build(request("NetworkInNetwork", options));
}

}  // namespace keratin::applications
