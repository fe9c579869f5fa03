#include "layers/registry.hpp"

#include <algorithm>

#include "layers/base/input_layer.hpp"
#include "layers/support/factories.hpp"

namespace keratin {

namespace {

/// An explicit table: self-registering objects vanish from static libraries.
constexpr BuiltinLayer kLayers[] = {
    {"Activation", &layers::make_activation},
    {"ActivityRegularization", &layers::make_activity_regularization},
    {"Add", &layers::make_add},
    {"AlphaDropout", &layers::make_alpha_dropout},
    {"Average", &layers::make_average},
    {"AveragePooling1D", &layers::make_average_pooling1d},
    {"AveragePooling2D", &layers::make_average_pooling2d},
    {"AveragePooling3D", &layers::make_average_pooling3d},
    {"AvgPool1D", &layers::make_average_pooling1d},
    {"AvgPool2D", &layers::make_average_pooling2d},
    {"AvgPool3D", &layers::make_average_pooling3d},
    {"BatchNormalization", &layers::make_batch_normalization},
    {"Concatenate", &layers::make_concatenate},
    {"Conv1D", &layers::make_conv1d},
    {"Conv1DTranspose", &layers::make_conv1d_transpose},
    {"Conv2D", &layers::make_conv2d},
    {"Conv2DTranspose", &layers::make_conv2d_transpose},
    {"Conv3D", &layers::make_conv3d},
    {"Conv3DTranspose", &layers::make_conv3d_transpose},
    {"Convolution1D", &layers::make_conv1d},
    {"Convolution1DTranspose", &layers::make_conv1d_transpose},
    {"Convolution2D", &layers::make_conv2d},
    {"Convolution2DTranspose", &layers::make_conv2d_transpose},
    {"Convolution3D", &layers::make_conv3d},
    {"Convolution3DTranspose", &layers::make_conv3d_transpose},
    {"Cropping1D", &layers::make_cropping1d},
    {"Cropping2D", &layers::make_cropping2d},
    {"Cropping3D", &layers::make_cropping3d},
    {"Dense", &layers::make_dense},
    {"DepthwiseConv1D", &layers::make_depthwise_conv1d},
    {"DepthwiseConv2D", &layers::make_depthwise_conv2d},
    {"Dot", &layers::make_dot},
    {"Dropout", &layers::make_dropout},
    {"ELU", &layers::make_elu},
    {"Embedding", &layers::make_embedding},
    {"Flatten", &layers::make_flatten},
    {"Function", &layers::make_function},
    {"GaussianDropout", &layers::make_gaussian_dropout},
    {"GaussianNoise", &layers::make_gaussian_noise},
    {"GlobalAveragePooling1D", &layers::make_global_average_pooling1d},
    {"GlobalAveragePooling2D", &layers::make_global_average_pooling2d},
    {"GlobalAveragePooling3D", &layers::make_global_average_pooling3d},
    {"GlobalAvgPool1D", &layers::make_global_average_pooling1d},
    {"GlobalAvgPool2D", &layers::make_global_average_pooling2d},
    {"GlobalAvgPool3D", &layers::make_global_average_pooling3d},
    {"GlobalMaxPool1D", &layers::make_global_max_pooling1d},
    {"GlobalMaxPool2D", &layers::make_global_max_pooling2d},
    {"GlobalMaxPool3D", &layers::make_global_max_pooling3d},
    {"GlobalMaxPooling1D", &layers::make_global_max_pooling1d},
    {"GlobalMaxPooling2D", &layers::make_global_max_pooling2d},
    {"GlobalMaxPooling3D", &layers::make_global_max_pooling3d},
    {"GroupNormalization", &layers::make_group_normalization},
    {"Identity", &layers::make_identity},
    {"InputLayer", &make_input_layer},
    {"LayerNormalization", &layers::make_layer_normalization},
    {"LeakyReLU", &layers::make_leaky_relu},
    {"Masking", &layers::make_masking},
    {"MaxPool1D", &layers::make_max_pooling1d},
    {"MaxPool2D", &layers::make_max_pooling2d},
    {"MaxPool3D", &layers::make_max_pooling3d},
    {"MaxPooling1D", &layers::make_max_pooling1d},
    {"MaxPooling2D", &layers::make_max_pooling2d},
    {"MaxPooling3D", &layers::make_max_pooling3d},
    {"Maximum", &layers::make_maximum},
    {"Minimum", &layers::make_minimum},
    {"Multiply", &layers::make_multiply},
    {"Normalization", &layers::make_normalization},
    {"PReLU", &layers::make_prelu},
    {"Permute", &layers::make_permute},
    {"RMSNormalization", &layers::make_rms_normalization},
    {"ReLU", &layers::make_relu},
    {"RepeatVector", &layers::make_repeat_vector},
    {"Rescaling", &layers::make_rescaling},
    {"Reshape", &layers::make_reshape},
    {"SeparableConv1D", &layers::make_separable_conv1d},
    {"SeparableConv2D", &layers::make_separable_conv2d},
    {"SeparableConvolution1D", &layers::make_separable_conv1d},
    {"SeparableConvolution2D", &layers::make_separable_conv2d},
    {"Softmax", &layers::make_softmax},
    {"SpatialDropout1D", &layers::make_spatial_dropout1d},
    {"SpatialDropout2D", &layers::make_spatial_dropout2d},
    {"SpatialDropout3D", &layers::make_spatial_dropout3d},
    {"Subtract", &layers::make_subtract},
    {"UnitNormalization", &layers::make_unit_normalization},
    {"UpSampling1D", &layers::make_up_sampling1d},
    {"UpSampling2D", &layers::make_up_sampling2d},
    {"UpSampling3D", &layers::make_up_sampling3d},
    {"ZeroPadding1D", &layers::make_zero_padding1d},
    {"ZeroPadding2D", &layers::make_zero_padding2d},
    {"ZeroPadding3D", &layers::make_zero_padding3d},
};

}  // namespace

std::span<const BuiltinLayer> builtin_layers() {
  return kLayers;
}

const BuiltinLayer* find_builtin_layer(std::string_view name) {
  const auto* const found = std::lower_bound(
      std::begin(kLayers),
      std::end(kLayers),
      name,
      [](const BuiltinLayer& layer, std::string_view wanted) {
        return layer.name < wanted;
      });
  if (found == std::end(kLayers) || found->name != name) return nullptr;
  return found;
}

}  // namespace keratin
