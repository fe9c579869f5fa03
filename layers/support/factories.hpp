#pragma once

#include <memory>

#include <keratin/layer.hpp>

/// What the registry calls to read a layer from a file: one default-constructed
/// layer each.
namespace keratin::layers {

// activation
std::shared_ptr<LayerImpl> make_elu();
std::shared_ptr<LayerImpl> make_leaky_relu();
std::shared_ptr<LayerImpl> make_prelu();
std::shared_ptr<LayerImpl> make_relu();
std::shared_ptr<LayerImpl> make_softmax();

// convolution
std::shared_ptr<LayerImpl> make_conv1d();
std::shared_ptr<LayerImpl> make_conv1d_transpose();
std::shared_ptr<LayerImpl> make_conv2d();
std::shared_ptr<LayerImpl> make_conv2d_transpose();
std::shared_ptr<LayerImpl> make_conv3d();
std::shared_ptr<LayerImpl> make_conv3d_transpose();
std::shared_ptr<LayerImpl> make_depthwise_conv1d();
std::shared_ptr<LayerImpl> make_depthwise_conv2d();
std::shared_ptr<LayerImpl> make_separable_conv1d();
std::shared_ptr<LayerImpl> make_separable_conv2d();

// core
std::shared_ptr<LayerImpl> make_activation();
std::shared_ptr<LayerImpl> make_dense();
std::shared_ptr<LayerImpl> make_embedding();
std::shared_ptr<LayerImpl> make_function();
std::shared_ptr<LayerImpl> make_identity();
std::shared_ptr<LayerImpl> make_masking();

// merging
std::shared_ptr<LayerImpl> make_add();
std::shared_ptr<LayerImpl> make_average();
std::shared_ptr<LayerImpl> make_concatenate();
std::shared_ptr<LayerImpl> make_dot();
std::shared_ptr<LayerImpl> make_maximum();
std::shared_ptr<LayerImpl> make_minimum();
std::shared_ptr<LayerImpl> make_multiply();
std::shared_ptr<LayerImpl> make_subtract();

// normalization
std::shared_ptr<LayerImpl> make_batch_normalization();
std::shared_ptr<LayerImpl> make_group_normalization();
std::shared_ptr<LayerImpl> make_layer_normalization();
std::shared_ptr<LayerImpl> make_rms_normalization();
std::shared_ptr<LayerImpl> make_unit_normalization();

// pooling
std::shared_ptr<LayerImpl> make_average_pooling1d();
std::shared_ptr<LayerImpl> make_average_pooling2d();
std::shared_ptr<LayerImpl> make_average_pooling3d();
std::shared_ptr<LayerImpl> make_global_average_pooling1d();
std::shared_ptr<LayerImpl> make_global_average_pooling2d();
std::shared_ptr<LayerImpl> make_global_average_pooling3d();
std::shared_ptr<LayerImpl> make_global_max_pooling1d();
std::shared_ptr<LayerImpl> make_global_max_pooling2d();
std::shared_ptr<LayerImpl> make_global_max_pooling3d();
std::shared_ptr<LayerImpl> make_max_pooling1d();
std::shared_ptr<LayerImpl> make_max_pooling2d();
std::shared_ptr<LayerImpl> make_max_pooling3d();

// preprocessing
std::shared_ptr<LayerImpl> make_normalization();
std::shared_ptr<LayerImpl> make_rescaling();

// regularization
std::shared_ptr<LayerImpl> make_activity_regularization();
std::shared_ptr<LayerImpl> make_alpha_dropout();
std::shared_ptr<LayerImpl> make_dropout();
std::shared_ptr<LayerImpl> make_gaussian_dropout();
std::shared_ptr<LayerImpl> make_gaussian_noise();
std::shared_ptr<LayerImpl> make_spatial_dropout1d();
std::shared_ptr<LayerImpl> make_spatial_dropout2d();
std::shared_ptr<LayerImpl> make_spatial_dropout3d();

// reshaping
std::shared_ptr<LayerImpl> make_cropping1d();
std::shared_ptr<LayerImpl> make_cropping2d();
std::shared_ptr<LayerImpl> make_cropping3d();
std::shared_ptr<LayerImpl> make_flatten();
std::shared_ptr<LayerImpl> make_permute();
std::shared_ptr<LayerImpl> make_repeat_vector();
std::shared_ptr<LayerImpl> make_reshape();
std::shared_ptr<LayerImpl> make_up_sampling1d();
std::shared_ptr<LayerImpl> make_up_sampling2d();
std::shared_ptr<LayerImpl> make_up_sampling3d();
std::shared_ptr<LayerImpl> make_zero_padding1d();
std::shared_ptr<LayerImpl> make_zero_padding2d();
std::shared_ptr<LayerImpl> make_zero_padding3d();

}  // namespace keratin::layers
