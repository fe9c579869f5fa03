#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include <keratin/activations.hpp>
#include <keratin/export.hpp>
#include <keratin/layer.hpp>

/// Convolutions over 1 to 3 spatial axes. Kernel sizes, strides and dilation
/// rates are one number or one per spatial axis. With data_format
/// "channels_first" x and y are [batch, channels, spatial...] in place of
/// [batch, spatial..., channels].
namespace keratin::layers {

struct ConvOptions {
  Dims strides = 1;
  std::string padding = "valid";  // "same"; Conv1D also "causal"
  std::string data_format = "channels_last";
  Dims dilation_rate = 1;  // above 1 only with strides of 1
  std::int64_t groups = 1;
  keratin::Activation activation = {};
  bool use_bias = true;
  Initializer kernel_initializer = "glorot_uniform";
  Initializer bias_initializer = "zeros";
  Regularizer kernel_regularizer = {};
  Regularizer bias_regularizer = {};
  Regularizer activity_regularizer = {};
  Constraint kernel_constraint = {};
  Constraint bias_constraint = {};
  std::optional<std::int64_t> lora_rank = {};  // as Dense's
  std::optional<double> lora_alpha = {};
  std::string name = {};
  DTypePolicy dtype = {};
  bool trainable = true;
};

///   x: [batch, steps, channels]   kernel: [size, channels / groups, filters]
///   y: [batch, steps', filters]   bias: [filters]
class KERATIN_API Conv1D : public Layer {
 public:
  Conv1D(std::int64_t filters, Dims kernel_size, ConvOptions options = {});
};

///   x: [batch, h, w, channels]   kernel: [kh, kw, channels / groups, filters]
///   y: [batch, h', w', filters]  bias: [filters]
class KERATIN_API Conv2D : public Layer {
 public:
  Conv2D(std::int64_t filters, Dims kernel_size, ConvOptions options = {});
};

class KERATIN_API Conv3D : public Layer {
 public:
  Conv3D(std::int64_t filters, Dims kernel_size, ConvOptions options = {});
};

using Convolution1D = Conv1D;
using Convolution2D = Conv2D;
using Convolution3D = Conv3D;

struct ConvTransposeOptions {
  Dims strides = 1;
  std::string padding = "valid";  // or "same"
  /// Extent added at the end; not given: inferred, so that "same" yields
  /// extent * stride.
  Dims output_padding = {};
  std::string data_format = "channels_last";
  Dims dilation_rate = 1;
  keratin::Activation activation = {};
  bool use_bias = true;
  Initializer kernel_initializer = "glorot_uniform";
  Initializer bias_initializer = "zeros";
  Regularizer kernel_regularizer = {};
  Regularizer bias_regularizer = {};
  Regularizer activity_regularizer = {};
  Constraint kernel_constraint = {};
  Constraint bias_constraint = {};
  std::string name = {};
  DTypePolicy dtype = {};
  bool trainable = true;
};

/// The gradient of a convolution as a layer: from what a convolution yields to
/// the shape of what it took.
///
///   x: [batch, spatial..., channels]   kernel: [sizes..., filters, channels]
///   y: [batch, spatial'..., filters]   bias: [filters]
class KERATIN_API Conv1DTranspose : public Layer {
 public:
  Conv1DTranspose(
      std::int64_t filters,
      Dims kernel_size,
      ConvTransposeOptions options = {});
};

class KERATIN_API Conv2DTranspose : public Layer {
 public:
  Conv2DTranspose(
      std::int64_t filters,
      Dims kernel_size,
      ConvTransposeOptions options = {});
};

class KERATIN_API Conv3DTranspose : public Layer {
 public:
  Conv3DTranspose(
      std::int64_t filters,
      Dims kernel_size,
      ConvTransposeOptions options = {});
};

struct DepthwiseConvOptions {
  Dims strides = 1;
  std::string padding = "valid";  // or "same"
  std::int64_t depth_multiplier = 1;
  std::string data_format = "channels_last";
  Dims dilation_rate = 1;
  keratin::Activation activation = {};
  bool use_bias = true;
  Initializer depthwise_initializer = "glorot_uniform";
  Initializer bias_initializer = "zeros";
  Regularizer depthwise_regularizer = {};
  Regularizer bias_regularizer = {};
  Regularizer activity_regularizer = {};
  Constraint depthwise_constraint = {};
  Constraint bias_constraint = {};
  std::string name = {};
  DTypePolicy dtype = {};
  bool trainable = true;
};

/// One convolution per channel, depth_multiplier results for each.
///
///   x: [batch, spatial..., c]     kernel: [sizes..., c, m]
///   y: [batch, spatial'..., c m]  bias: [c m]
class KERATIN_API DepthwiseConv1D : public Layer {
 public:
  explicit DepthwiseConv1D(Dims kernel_size, DepthwiseConvOptions options = {});
};

class KERATIN_API DepthwiseConv2D : public Layer {
 public:
  explicit DepthwiseConv2D(Dims kernel_size, DepthwiseConvOptions options = {});
};

struct SeparableConvOptions {
  Dims strides = 1;
  std::string padding = "valid";  // or "same"
  std::string data_format = "channels_last";
  Dims dilation_rate = 1;
  std::int64_t depth_multiplier = 1;
  keratin::Activation activation = {};
  bool use_bias = true;
  Initializer depthwise_initializer = "glorot_uniform";
  Initializer pointwise_initializer = "glorot_uniform";
  Initializer bias_initializer = "zeros";
  Regularizer depthwise_regularizer = {};
  Regularizer pointwise_regularizer = {};
  Regularizer bias_regularizer = {};
  Regularizer activity_regularizer = {};
  Constraint depthwise_constraint = {};
  Constraint pointwise_constraint = {};
  Constraint bias_constraint = {};
  std::string name = {};
  DTypePolicy dtype = {};
  bool trainable = true;
};

/// A depthwise convolution followed by one of size 1 over the channels.
///
///   depthwise_kernel: [sizes..., c, m]   pointwise_kernel: [1..., c m,
///   filters]
class KERATIN_API SeparableConv1D : public Layer {
 public:
  SeparableConv1D(
      std::int64_t filters,
      Dims kernel_size,
      SeparableConvOptions options = {});
};

class KERATIN_API SeparableConv2D : public Layer {
 public:
  SeparableConv2D(
      std::int64_t filters,
      Dims kernel_size,
      SeparableConvOptions options = {});
};

using SeparableConvolution1D = SeparableConv1D;
using SeparableConvolution2D = SeparableConv2D;

}  // namespace keratin::layers
