// "Very deep convolutional networks for large-scale image recognition",
// Simonyan and Zisserman, 2014: the columns of its table 1.

#include <array>

#include "models/zoo/builder.hpp"
#include "src/core/format.hpp"

namespace keratin::applications {

using layers::Conv2D;
using layers::Dense;
using layers::Flatten;
using layers::MaxPooling2D;

namespace {

/// A column: how many convolutions each of the five blocks has.
struct Column {
  const char* name;
  std::array<int, 5> convolutions;
  bool last_is_1x1 = false;     // of blocks 3 to 5
  bool local_response = false;  // normalised after the first convolution
  const char* hash = "";
  const char* hash_without_top = "";
};

constexpr Column kA = {"vgg_a", {1, 1, 2, 2, 2}};
constexpr Column kALrn = {"vgg_a_lrn", {1, 1, 2, 2, 2}, false, true};
constexpr Column kB = {"vgg_b", {2, 2, 2, 2, 2}};
constexpr Column kC = {"vgg_c", {2, 2, 3, 3, 3}, true};
constexpr Column kD = {"vgg_d", {2, 2, 3, 3, 3}};
constexpr Column kE = {"vgg_e", {2, 2, 4, 4, 4}};
constexpr Column kVgg16 = {
    "vgg16",
    {2, 2, 3, 3, 3},
    false,
    false,
    "64373286793e3c8b2b4e3219cbf3544b",
    "6d6bbae143d832006294945121d1f1fc"};
constexpr Column kVgg19 = {
    "vgg19",
    {2, 2, 4, 4, 4},
    false,
    false,
    "cbe5617147190e668d6c5d5026f83318",
    "253f8cb515780f3b799900260a226db6"};

constexpr std::array<std::int64_t, 5> kFilters = {64, 128, 256, 512, 512};

Model build(const Column& column, const Request& r) {
  const SymbolicTensor image = image_input(r, {224, 32});
  SymbolicTensor x = image;
  for (std::size_t block = 0; block < kFilters.size(); ++block) {
    const int count = column.convolutions[block];
    for (int i = 1; i <= count; ++i) {
      const bool small = column.last_is_1x1 && block >= 2 && i == count;
      x = Conv2D(
          kFilters[block],
          small ? 1 : 3,
          {.padding = "same",
           .activation = "relu",
           .name = format("block{}_conv{}", block + 1, i)})(x);
      if (column.local_response && block == 0) {
        x = local_response(x, "block1_lrn");
      }
    }
    x = MaxPooling2D(
        2, {.strides = 2, .name = format("block{}_pool", block + 1)})(x);
  }
  if (r.include_top) {
    x = Flatten({.name = "flatten"})(x);
    x = Dense(4096, {.activation = "relu", .name = "fc1"})(x);
    x = Dense(4096, {.activation = "relu", .name = "fc2"})(x);
    x = predictions(x, r);
  } else {
    x = pooled(x, r);
  }
  const bool weights = *column.hash != '\0';
  return finish(
      r,
      image,
      x,
      column.name,
      weights ? published(
                    r,
                    column.name,
                    column.name,
                    column.hash,
                    column.hash_without_top)
              : Published{});
}

template <const Column& kColumn>
Model make(const Request& r) {
  return build(kColumn, r);
}

constexpr Architecture kKeras[] = {
    {"VGG16", make<kVgg16>, 224, "caffe"},
    {"VGG19", make<kVgg19>, 224, "caffe"},
};

constexpr Architecture kClassics[] = {
    {"VGG_A", make<kA>, 224, "caffe", kNoImagenet},
    {"VGG_A_LRN", make<kALrn>, 224, "caffe", kNoImagenet},
    {"VGG_B", make<kB>, 224, "caffe", kNoImagenet},
    {"VGG_C", make<kC>, 224, "caffe", kNoImagenet},
    {"VGG_D", make<kD>, 224, "caffe", kNoImagenet},
    {"VGG_E", make<kE>, 224, "caffe", kNoImagenet},
};

}  // namespace

std::span<const Architecture> vgg_family() {
  return kKeras;
}

std::span<const Architecture> vgg_classics() {
  return kClassics;
}

Model VGG16(ApplicationOptions options) {
  return build(kVgg16, request("VGG16", options));
}

Model VGG19(ApplicationOptions options) {
  return build(kVgg19, request("VGG19", options));
}

Model VGG_A(ClassicOptions options) {
  return build(kA, request("VGG_A", options));
}

Model VGG_A_LRN(ClassicOptions options) {
  return build(kALrn, request("VGG_A_LRN", options));
}

Model VGG_B(ClassicOptions options) {
  return build(kB, request("VGG_B", options));
}

Model VGG_C(ClassicOptions options) {
  return build(kC, request("VGG_C", options));
}

Model VGG_D(ClassicOptions options) {
  return build(kD, request("VGG_D", options));
}

Model VGG_E(ClassicOptions options) {
  return build(kE, request("VGG_E", options));
}

}  // namespace keratin::applications
