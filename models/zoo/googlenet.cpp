// "Going deeper with convolutions", Szegedy et al., 2014: table 1. Without the
// two auxiliary classifiers, which are thrown away after training.

#include <array>

#include "models/zoo/builder.hpp"

namespace keratin::applications {

using layers::Concatenate;
using layers::Conv2D;
using layers::Dropout;
using layers::GlobalAveragePooling2D;
using layers::MaxPooling2D;

namespace {

/// The columns of the table, and whether a pooling comes before.
struct Row {
  const char* name;
  std::int64_t one;             // 1x1
  std::int64_t three_reduced;   // before 3x3
  std::int64_t three;           // 3x3
  std::int64_t five_reduced;    // before 5x5
  std::int64_t five;            // 5x5
  std::int64_t pool_projected;  // after the pooling
  bool pooled_before;
};

constexpr std::array<Row, 9> kTable = {{
    {"3a", 64, 96, 128, 16, 32, 32, true},
    {"3b", 128, 128, 192, 32, 96, 64, false},
    {"4a", 192, 96, 208, 16, 48, 64, true},
    {"4b", 160, 112, 224, 24, 64, 64, false},
    {"4c", 128, 128, 256, 24, 64, 64, false},
    {"4d", 112, 144, 288, 32, 64, 64, false},
    {"4e", 256, 160, 320, 32, 128, 128, false},
    {"5a", 256, 160, 320, 32, 128, 128, true},
    {"5b", 384, 192, 384, 48, 128, 128, false},
}};

SymbolicTensor conv(
    const SymbolicTensor& x,
    std::int64_t filters,
    std::int64_t kernel,
    const std::string& name,
    std::int64_t stride = 1) {
  return Conv2D(
      filters,
      kernel,
      {.strides = stride,
       .padding = "same",
       .activation = "relu",
       .name = name})(x);
}

SymbolicTensor pool(
    const SymbolicTensor& x, std::int64_t stride, const std::string& name) {
  return MaxPooling2D(
      3, {.strides = stride, .padding = "same", .name = name})(x);
}

SymbolicTensor inception(const SymbolicTensor& x, const Row& row) {
  const std::string name = std::string("inception_") + row.name + "_";
  const SymbolicTensor one = conv(x, row.one, 1, name + "1x1");
  SymbolicTensor three = conv(x, row.three_reduced, 1, name + "3x3_reduce");
  three = conv(three, row.three, 3, name + "3x3");
  SymbolicTensor five = conv(x, row.five_reduced, 1, name + "5x5_reduce");
  five = conv(five, row.five, 5, name + "5x5");
  SymbolicTensor projected = pool(x, 1, name + "pool");
  projected = conv(projected, row.pool_projected, 1, name + "pool_proj");
  return Concatenate({.axis = 3, .name = name + "output"})(
      {one, three, five, projected});
}

Model build(const Request& r) {
  const SymbolicTensor image = image_input(r, {224, 32});
  SymbolicTensor x = conv(image, 64, 7, "conv1_7x7_s2", 2);
  x = local_response(pool(x, 2, "pool1_3x3_s2"), "pool1_norm1");
  x = conv(conv(x, 64, 1, "conv2_3x3_reduce"), 192, 3, "conv2_3x3");
  x = local_response(x, "conv2_norm2");
  for (const Row& row : kTable) {
    if (row.pooled_before) {
      x = pool(x, 2, std::string("pool_before_") + row.name);
    }
    x = inception(x, row);
  }
  if (r.include_top) {
    x = GlobalAveragePooling2D({.name = "avg_pool"})(x);
    x = Dropout(0.4, {.name = "dropout"})(x);
    x = predictions(x, r);
  } else {
    x = pooled(x, r);
  }
  return finish(r, image, x, "googlenet");
}

constexpr Architecture kFamily[] = {
    {"GoogLeNet", build, 224, "caffe", kNoImagenet}};

}  // namespace

std::span<const Architecture> googlenet_family() {
  return kFamily;
}

Model GoogLeNet(ClassicOptions options) {
  return build(request("GoogLeNet", options));
}

}  // namespace keratin::applications
