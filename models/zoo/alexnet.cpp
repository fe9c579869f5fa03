// "ImageNet classification with deep convolutional neural networks",
// Krizhevsky, Sutskever and Hinton, 2012, and "Visualizing and understanding
// convolutional networks", Zeiler and Fergus, 2013 (ZFNet): the same network
// with a smaller first kernel and stride.

#include <array>

#include "models/zoo/builder.hpp"
#include "src/core/format.hpp"

namespace keratin::applications {

using layers::Conv2D;
using layers::Dense;
using layers::Dropout;
using layers::Flatten;
using layers::MaxPooling2D;
using layers::ZeroPadding2D;

namespace {

struct Row {
  std::int64_t filters;
  std::int64_t kernel;
  std::int64_t stride;
  const char* padding;
  std::int64_t groups;  // AlexNet lay on two graphics cards
  bool normalised;
  const char* pool;  // padding of the pooling after it; empty: none
};

// Krizhevsky's pictures are 227 x 227, whatever the paper says.
constexpr std::array<Row, 5> kAlexNet = {{
    {96, 11, 4, "valid", 1, true, "valid"},
    {256, 5, 1, "same", 2, true, "valid"},
    {384, 3, 1, "same", 1, false, ""},
    {384, 3, 1, "same", 2, false, ""},
    {256, 3, 1, "same", 2, false, "valid"},
}};

constexpr std::array<Row, 5> kZFNet = {{
    {96, 7, 2, "valid", 1, true, "same"},
    {256, 5, 2, "valid", 1, true, "same"},
    {384, 3, 1, "same", 1, false, ""},
    {384, 3, 1, "same", 1, false, ""},
    {256, 3, 1, "same", 1, false, "valid"},
}};

Model build(
    const std::array<Row, 5>& table,
    const SymbolicTensor& image,
    SymbolicTensor x,
    bool normalised_first,
    const char* name,
    const Request& r) {
  for (std::size_t i = 0; i < table.size(); ++i) {
    const Row& row = table[i];
    x = Conv2D(
        row.filters,
        row.kernel,
        {.strides = row.stride,
         .padding = row.padding,
         .groups = row.groups,
         .activation = "relu",
         .name = format("conv{}", i + 1)})(x);
    const auto normalise = [&] {
      if (row.normalised) x = local_response(x, format("norm{}", i + 1));
    };
    if (normalised_first) normalise();
    if (*row.pool != '\0') {
      x = MaxPooling2D(
          3,
          {.strides = 2, .padding = row.pool, .name = format("pool{}", i + 1)})(
          x);
    }
    if (!normalised_first) normalise();
  }
  if (r.include_top) {
    x = Flatten({.name = "flatten"})(x);
    for (const int i : {6, 7}) {
      x = Dense(4096, {.activation = "relu", .name = format("fc{}", i)})(x);
      x = Dropout(0.5, {.name = format("drop{}", i)})(x);
    }
    x = predictions(x, r);
  } else {
    x = pooled(x, r);
  }
  return finish(r, image, x, name);
}

Model alexnet(const Request& r) {
  const SymbolicTensor image = image_input(r, {227, 67});
  return build(kAlexNet, image, image, true, "alexnet", r);
}

Model zfnet(const Request& r) {
  const SymbolicTensor image = image_input(r, {224, 61});
  const SymbolicTensor x = ZeroPadding2D(1, {.name = "conv1_pad"})(image);
  return build(kZFNet, image, x, false, "zfnet", r);
}

constexpr Architecture kFamily[] = {
    {"AlexNet", alexnet, 227, "caffe", kNoImagenet},
    {"ZFNet", zfnet, 224, "caffe", kNoImagenet},
};

}  // namespace

std::span<const Architecture> alexnet_family() {
  return kFamily;
}

Model AlexNet(ClassicOptions options) {
  return alexnet(request("AlexNet", options));
}

Model ZFNet(ClassicOptions options) {
  return zfnet(request("ZFNet", options));
}

}  // namespace keratin::applications
