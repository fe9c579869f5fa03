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

// applications
std::shared_ptr<LayerImpl> make_custom_scale_layer();
std::shared_ptr<LayerImpl> make_layer_scale();
std::shared_ptr<LayerImpl> make_stochastic_depth();

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
std::shared_ptr<LayerImpl> make_einsum_dense();
std::shared_ptr<LayerImpl> make_reversible_embedding();
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
std::shared_ptr<LayerImpl> make_spectral_normalization();
std::shared_ptr<LayerImpl> make_batch_normalization();
std::shared_ptr<LayerImpl> make_group_normalization();
std::shared_ptr<LayerImpl> make_layer_normalization();
std::shared_ptr<LayerImpl> make_rms_normalization();
std::shared_ptr<LayerImpl> make_unit_normalization();

// pooling
std::shared_ptr<LayerImpl> make_adaptive_average_pooling1d();
std::shared_ptr<LayerImpl> make_adaptive_average_pooling2d();
std::shared_ptr<LayerImpl> make_adaptive_average_pooling3d();
std::shared_ptr<LayerImpl> make_adaptive_max_pooling1d();
std::shared_ptr<LayerImpl> make_adaptive_max_pooling2d();
std::shared_ptr<LayerImpl> make_adaptive_max_pooling3d();
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
std::shared_ptr<LayerImpl> make_aug_mix();
std::shared_ptr<LayerImpl> make_auto_contrast();
std::shared_ptr<LayerImpl> make_category_encoding();
std::shared_ptr<LayerImpl> make_center_crop();
std::shared_ptr<LayerImpl>
make_contrast_limited_adaptive_histogram_equalization();
std::shared_ptr<LayerImpl> make_cut_mix();
std::shared_ptr<LayerImpl> make_discretization();
std::shared_ptr<LayerImpl> make_equalization();
std::shared_ptr<LayerImpl> make_hashed_crossing();
std::shared_ptr<LayerImpl> make_hashing();
std::shared_ptr<LayerImpl> make_integer_lookup();
std::shared_ptr<LayerImpl> make_max_num_bounding_boxes();
std::shared_ptr<LayerImpl> make_mix_up();
std::shared_ptr<LayerImpl> make_normalization();
std::shared_ptr<LayerImpl> make_pipeline();
std::shared_ptr<LayerImpl> make_rand_augment();
std::shared_ptr<LayerImpl> make_random_brightness();
std::shared_ptr<LayerImpl> make_random_color_degeneration();
std::shared_ptr<LayerImpl> make_random_color_jitter();
std::shared_ptr<LayerImpl> make_random_contrast();
std::shared_ptr<LayerImpl> make_random_crop();
std::shared_ptr<LayerImpl> make_random_elastic_transform();
std::shared_ptr<LayerImpl> make_random_erasing();
std::shared_ptr<LayerImpl> make_random_flip();
std::shared_ptr<LayerImpl> make_random_gaussian_blur();
std::shared_ptr<LayerImpl> make_random_grayscale();
std::shared_ptr<LayerImpl> make_random_hue();
std::shared_ptr<LayerImpl> make_random_invert();
std::shared_ptr<LayerImpl> make_random_perspective();
std::shared_ptr<LayerImpl> make_random_posterization();
std::shared_ptr<LayerImpl> make_random_rotation();
std::shared_ptr<LayerImpl> make_random_saturation();
std::shared_ptr<LayerImpl> make_random_sharpness();
std::shared_ptr<LayerImpl> make_random_shear();
std::shared_ptr<LayerImpl> make_random_translation();
std::shared_ptr<LayerImpl> make_random_zoom();
std::shared_ptr<LayerImpl> make_rescaling();
std::shared_ptr<LayerImpl> make_resizing();
std::shared_ptr<LayerImpl> make_solarization();
std::shared_ptr<LayerImpl> make_string_lookup();
std::shared_ptr<LayerImpl> make_text_vectorization();

// recurrent
std::shared_ptr<LayerImpl> make_bidirectional();
std::shared_ptr<LayerImpl> make_conv_lstm1d();
std::shared_ptr<LayerImpl> make_conv_lstm2d();
std::shared_ptr<LayerImpl> make_conv_lstm3d();
std::shared_ptr<LayerImpl> make_gru();
std::shared_ptr<LayerImpl> make_gru_cell();
std::shared_ptr<LayerImpl> make_lstm();
std::shared_ptr<LayerImpl> make_lstm_cell();
std::shared_ptr<LayerImpl> make_rnn();
std::shared_ptr<LayerImpl> make_simple_rnn();
std::shared_ptr<LayerImpl> make_simple_rnn_cell();
std::shared_ptr<LayerImpl> make_stacked_rnn_cells();
std::shared_ptr<LayerImpl> make_time_distributed();
std::shared_ptr<LayerImpl> make_wrapper();

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

// attention
std::shared_ptr<LayerImpl> make_additive_attention();
std::shared_ptr<LayerImpl> make_attention();
std::shared_ptr<LayerImpl> make_group_query_attention();
std::shared_ptr<LayerImpl> make_multi_head_attention();

// legacy
std::shared_ptr<LayerImpl> make_highway();
std::shared_ptr<LayerImpl> make_local_response_normalization();
std::shared_ptr<LayerImpl> make_locally_connected1d();
std::shared_ptr<LayerImpl> make_locally_connected2d();
std::shared_ptr<LayerImpl> make_maxout();
std::shared_ptr<LayerImpl> make_maxout_dense();
std::shared_ptr<LayerImpl> make_merge();
std::shared_ptr<LayerImpl> make_thresholded_relu();

// audio
std::shared_ptr<LayerImpl> make_mel_spectrogram();
std::shared_ptr<LayerImpl> make_stft_spectrogram();

}  // namespace keratin::layers
