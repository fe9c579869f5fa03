#include "tests/layers/layer_support.hpp"

// Every layer once or more through check_layer.

namespace keratin {

using testing::check_layer;
using testing::LayerCase;
namespace kl = layers;

TEST_CASE("core layers keep the layer contract") {
  check_layer(
      {.layer = [] { return kl::Dense(4, {.activation = "tanh"}); },
       .inputs = {{2, 3}},
       .output = {2, 4},
       .weights = 2});
  check_layer(
      {.layer =
           [] {
             return kl::Dense(
                 4,
                 {.use_bias = false,
                  .activity_regularizer = regularizers::L2(0.1)});
           },
       .inputs = {{2, 5, 3}},
       .output = {2, 5, 4},
       .weights = 1});
  check_layer(
      {.layer = [] { return kl::Activation("gelu"); },
       .inputs = {{2, 3}},
       .output = {2, 3}});
  check_layer(
      {.layer = [] { return kl::Embedding(5, 3); },
       .inputs = {{2, 4}},
       .output = {2, 4, 3},
       .weights = 1,
       .values = {
           Tensor(std::vector<std::int32_t>{0, 1, 4, 4, 2, 3, 0, 1}, {2, 4})}});
  check_layer(
      {.layer = [] { return kl::Masking({.mask_value = 0.5}); },
       .inputs = {{2, 3, 4}},
       .output = {2, 3, 4}});
  check_layer(
      {.layer = [] { return kl::Identity(); },
       .inputs = {{2, 3}},
       .output = {2, 3}});
  check_layer(
      {.layer =
           [] {
             return kl::Function(
                 "twice", [](const Value& x) { return x * 2.0; });
           },
       .inputs = {{2, 3}},
       .output = {2, 3}});
}

TEST_CASE("activation layers keep the layer contract") {
  check_layer(
      {.layer =
           [] {
             return kl::ReLU(
                 {.max_value = 0.7, .negative_slope = 0.1, .threshold = 0.2});
           },
       .inputs = {{2, 3}},
       .output = {2, 3},
       .gradient_tolerance = 1e-5});
  check_layer(
      {.layer = [] { return kl::LeakyReLU(); },
       .inputs = {{2, 3}},
       .output = {2, 3}});
  check_layer(
      {.layer = [] { return kl::ELU({.alpha = 0.5}); },
       .inputs = {{2, 3}},
       .output = {2, 3}});
  check_layer(
      {.layer = [] { return kl::PReLU({.shared_axes = {1}}); },
       .inputs = {{2, 3, 4}},
       .output = {2, 3, 4},
       .weights = 1});
  check_layer(
      {.layer =
           [] {
             return kl::Softmax({.axis = {1, 2}});
           },
       .inputs = {{2, 3, 4}},
       .output = {2, 3, 4}});
}

TEST_CASE("convolutions keep the layer contract") {
  check_layer(
      {.layer = [] { return kl::Conv1D(4, 3, {.padding = "causal"}); },
       .inputs = {{2, 6, 3}},
       .output = {2, 6, 4},
       .weights = 2});
  check_layer(
      {.layer =
           [] {
             return kl::Conv2D(
                 4,
                 {3, 2},
                 {.strides = 2,
                  .padding = "same",
                  .groups = 2,
                  .activation = "sigmoid"});
           },
       .inputs = {{2, 5, 4, 2}},
       .output = {2, 3, 2, 4},
       .weights = 2});
  check_layer(
      {.layer =
           [] {
             return kl::Conv2D(
                 3, 2, {.data_format = "channels_first", .dilation_rate = 2});
           },
       .inputs = {{2, 2, 5, 4}},
       .output = {2, 3, 3, 2},
       .weights = 2});
  check_layer(
      {.layer = [] { return kl::Conv3D(2, 2, {.use_bias = false}); },
       .inputs = {{1, 3, 2, 3, 2}},
       .output = {1, 2, 1, 2, 2},
       .weights = 1});
  check_layer(
      {.layer = [] { return kl::Conv1DTranspose(2, 3, {.strides = 2}); },
       .inputs = {{2, 4, 3}},
       .output = {2, 9, 2},
       .weights = 2});
  check_layer(
      {.layer =
           [] {
             return kl::Conv2DTranspose(
                 2, 3, {.strides = 2, .padding = "same"});
           },
       .inputs = {{2, 3, 2, 3}},
       .output = {2, 6, 4, 2},
       .weights = 2});
  check_layer(
      {.layer = [] { return kl::Conv3DTranspose(2, 2); },
       .inputs = {{1, 2, 2, 2, 1}},
       .output = {1, 3, 3, 3, 2},
       .weights = 2});
  check_layer(
      {.layer = [] { return kl::DepthwiseConv2D(3, {.depth_multiplier = 2}); },
       .inputs = {{2, 4, 5, 2}},
       .output = {2, 2, 3, 4},
       .weights = 2});
  check_layer(
      {.layer = [] { return kl::DepthwiseConv1D(2, {.strides = 2}); },
       .inputs = {{2, 5, 2}},
       .output = {2, 2, 2},
       .weights = 2});
  check_layer(
      {.layer = [] { return kl::SeparableConv2D(3, 2); },
       .inputs = {{2, 4, 3, 2}},
       .output = {2, 3, 2, 3},
       .weights = 3});
  check_layer(
      {.layer = [] { return kl::SeparableConv1D(3, 2); },
       .inputs = {{2, 4, 2}},
       .output = {2, 3, 3},
       .weights = 3});
}

TEST_CASE("pooling layers keep the layer contract") {
  check_layer(
      {.layer = [] { return kl::MaxPooling1D(); },
       .inputs = {{2, 5, 3}},
       .output = {2, 2, 3}});
  check_layer(
      {.layer =
           [] {
             return kl::MaxPooling2D(2, {.strides = 1, .padding = "same"});
           },
       .inputs = {{2, 4, 3, 2}},
       .output = {2, 4, 3, 2}});
  check_layer(
      {.layer = [] { return kl::MaxPooling3D(); },
       .inputs = {{1, 2, 4, 2, 2}},
       .output = {1, 1, 2, 1, 2}});
  check_layer(
      {.layer = [] { return kl::AveragePooling1D(2, {.padding = "same"}); },
       .inputs = {{2, 5, 3}},
       .output = {2, 3, 3}});
  check_layer(
      {.layer =
           [] {
             return kl::AveragePooling2D(2, {.data_format = "channels_first"});
           },
       .inputs = {{2, 3, 4, 5}},
       .output = {2, 3, 2, 2}});
  check_layer(
      {.layer = [] { return kl::AveragePooling3D(2); },
       .inputs = {{1, 2, 4, 2, 2}},
       .output = {1, 1, 2, 1, 2}});
  check_layer(
      {.layer = [] { return kl::GlobalMaxPooling1D(); },
       .inputs = {{2, 5, 3}},
       .output = {2, 3}});
  check_layer(
      {.layer = [] { return kl::GlobalMaxPooling2D({.keepdims = true}); },
       .inputs = {{2, 4, 3, 2}},
       .output = {2, 1, 1, 2}});
  check_layer(
      {.layer = [] { return kl::GlobalMaxPooling3D(); },
       .inputs = {{1, 2, 3, 2, 2}},
       .output = {1, 2}});
  check_layer(
      {.layer = [] { return kl::GlobalAveragePooling1D(); },
       .inputs = {{2, 5, 3}},
       .output = {2, 3}});
  check_layer(
      {.layer =
           [] {
             return kl::GlobalAveragePooling2D(
                 {.data_format = "channels_first"});
           },
       .inputs = {{2, 4, 3, 2}},
       .output = {2, 4}});
  check_layer(
      {.layer = [] { return kl::GlobalAveragePooling3D(); },
       .inputs = {{1, 2, 3, 2, 2}},
       .output = {1, 2}});
}

TEST_CASE("reshaping layers keep the layer contract") {
  check_layer(
      {.layer = [] { return kl::Flatten(); },
       .inputs = {{2, 3, 4}},
       .output = {2, 12}});
  check_layer(
      {.layer =
           [] {
             return kl::Reshape({-1, 2});
           },
       .inputs = {{2, 3, 4}},
       .output = {2, 6, 2}});
  check_layer(
      {.layer =
           [] {
             return kl::Permute({2, 1});
           },
       .inputs = {{2, 3, 4}},
       .output = {2, 4, 3}});
  check_layer(
      {.layer = [] { return kl::RepeatVector(3); },
       .inputs = {{2, 4}},
       .output = {2, 3, 4}});
  check_layer(
      {.layer =
           [] {
             return kl::ZeroPadding1D({1, 2});
           },
       .inputs = {{2, 3, 4}},
       .output = {2, 6, 4}});
  check_layer(
      {.layer =
           [] {
             return kl::ZeroPadding2D({{1, 2}, {0, 3}});
           },
       .inputs = {{2, 3, 4, 2}},
       .output = {2, 6, 7, 2}});
  check_layer(
      {.layer = [] { return kl::ZeroPadding3D(); },
       .inputs = {{1, 2, 2, 2, 2}},
       .output = {1, 4, 4, 4, 2}});
  check_layer(
      {.layer = [] { return kl::Cropping1D(); },
       .inputs = {{2, 5, 4}},
       .output = {2, 3, 4}});
  check_layer(
      {.layer =
           [] {
             return kl::Cropping2D({{1, 0}, {0, 2}});
           },
       .inputs = {{2, 3, 4, 2}},
       .output = {2, 2, 2, 2}});
  check_layer(
      {.layer = [] { return kl::Cropping3D(); },
       .inputs = {{1, 3, 4, 3, 2}},
       .output = {1, 1, 2, 1, 2}});
  check_layer(
      {.layer = [] { return kl::UpSampling1D(3); },
       .inputs = {{2, 2, 3}},
       .output = {2, 6, 3}});
  check_layer(
      {.layer =
           [] {
             return kl::UpSampling2D({2, 3});
           },
       .inputs = {{2, 2, 2, 3}},
       .output = {2, 4, 6, 3}});
  check_layer(
      {.layer =
           [] { return kl::UpSampling2D(2, {.interpolation = "bicubic"}); },
       .inputs = {{1, 3, 2, 2}},
       .output = {1, 6, 4, 2}});
  check_layer(
      {.layer = [] { return kl::UpSampling3D(); },
       .inputs = {{1, 1, 2, 2, 3}},
       .output = {1, 2, 4, 4, 3}});
}

TEST_CASE("regularization layers keep the layer contract") {
  const std::vector<Shape> flat = {{3, 4}};
  check_layer(
      {.layer = [] { return kl::Dropout(0.4); },
       .inputs = flat,
       .output = {3, 4}});
  check_layer(
      {.layer =
           [] {
             return kl::Dropout(0.4, {.noise_shape = Shape{kUnknown, 1}});
           },
       .inputs = flat,
       .output = {3, 4}});
  check_layer(
      {.layer = [] { return kl::AlphaDropout(0.4); },
       .inputs = flat,
       .output = {3, 4}});
  check_layer(
      {.layer = [] { return kl::GaussianDropout(0.4); },
       .inputs = flat,
       .output = {3, 4}});
  check_layer(
      {.layer = [] { return kl::GaussianNoise(0.4); },
       .inputs = flat,
       .output = {3, 4}});
  check_layer(
      {.layer = [] { return kl::SpatialDropout1D(0.4); },
       .inputs = {{2, 3, 4}},
       .output = {2, 3, 4}});
  check_layer(
      {.layer =
           [] {
             return kl::SpatialDropout2D(
                 0.4, {.data_format = "channels_first"});
           },
       .inputs = {{2, 3, 2, 2}},
       .output = {2, 3, 2, 2}});
  check_layer(
      {.layer = [] { return kl::SpatialDropout3D(0.4); },
       .inputs = {{1, 2, 3, 2, 4}},
       .output = {1, 2, 3, 2, 4}});
  check_layer(
      {.layer =
           [] { return kl::ActivityRegularization({.l1 = 0.1, .l2 = 0.2}); },
       .inputs = flat,
       .output = {3, 4}});
}

TEST_CASE("normalisations keep the layer contract") {
  check_layer(
      {.layer = [] { return kl::BatchNormalization(); },
       .inputs = {{3, 2, 4}},
       .output = {3, 2, 4},
       .weights = 4});
  check_layer(
      {.layer =
           [] {
             return kl::BatchNormalization(
                 {.axis = 1, .center = false, .scale = false});
           },
       .inputs = {{3, 2, 4}},
       .output = {3, 2, 4},
       .weights = 2});
  check_layer(
      {.layer = [] { return kl::LayerNormalization(); },
       .inputs = {{3, 4}},
       .output = {3, 4},
       .weights = 2});
  check_layer(
      {.layer =
           [] {
             return kl::LayerNormalization({.axis = {1, 2}});
           },
       .inputs = {{2, 3, 4}},
       .output = {2, 3, 4},
       .weights = 2});
  check_layer(
      {.layer = [] { return kl::GroupNormalization({.groups = 2}); },
       .inputs = {{2, 3, 4}},
       .output = {2, 3, 4},
       .weights = 2});
  check_layer(
      {.layer = [] { return kl::RMSNormalization(); },
       .inputs = {{2, 4}},
       .output = {2, 4},
       .weights = 1});
  check_layer(
      {.layer = [] { return kl::UnitNormalization(); },
       .inputs = {{2, 4}},
       .output = {2, 4}});
}

TEST_CASE("merging layers keep the layer contract") {
  const std::vector<Shape> three = {{2, 3}, {2, 3}, {2, 3}};
  const std::vector<Shape> mixed = {{2, 3, 4}, {2, 4}};
  check_layer(
      {.layer = [] { return kl::Add(); }, .inputs = three, .output = {2, 3}});
  check_layer(
      {.layer = [] { return kl::Subtract(); },
       .inputs = mixed,
       .output = {2, 3, 4}});
  check_layer(
      {.layer = [] { return kl::Multiply(); },
       .inputs = mixed,
       .output = {2, 3, 4}});
  check_layer(
      {.layer = [] { return kl::Average(); },
       .inputs = three,
       .output = {2, 3}});
  check_layer(
      {.layer = [] { return kl::Maximum(); },
       .inputs = mixed,
       .output = {2, 3, 4}});
  check_layer(
      {.layer = [] { return kl::Minimum(); },
       .inputs = three,
       .output = {2, 3}});
  check_layer(
      {.layer = [] { return kl::Concatenate({.axis = 1}); },
       .inputs = {{2, 3, 4}, {2, 1, 4}},
       .output = {2, 4, 4}});
  check_layer(
      {.layer =
           [] {
             return kl::Dot({2, 1}, {.normalize = true});
           },
       .inputs = {{2, 3, 4}, {2, 4, 5}},
       .output = {2, 3, 5}});
}

TEST_CASE("preprocessing layers keep the layer contract") {
  check_layer(
      {.layer =
           [] {
             return kl::Rescaling(0.5, {1, 2, 3});
           },
       .inputs = {{2, 3}},
       .output = {2, 3}});
  check_layer(
      {.layer = [] { return kl::Normalization(); },
       .inputs = {{2, 3}},
       .output = {2, 3},
       .weights = 3});
}

}  // namespace keratin
