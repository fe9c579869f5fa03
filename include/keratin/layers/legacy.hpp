#pragma once

#include <cstdint>
#include <string>

#include <keratin/activations.hpp>
#include <keratin/export.hpp>
#include <keratin/layer.hpp>

/// Layers that Keras 1 or 2 had and Keras 3 has not, for their files and for
/// courses that use them, and two that the field's classic models use though
/// Keras never had them.
namespace keratin::layers {

struct ThresholdedReLUOptions {
  double theta = 1;
  std::string name = {};
  DTypePolicy dtype = {};
  bool trainable = true;
};

/// x > theta: x; else 0. (Keras 2)
class KERATIN_API ThresholdedReLU : public Layer {
 public:
  explicit ThresholdedReLU(ThresholdedReLUOptions options = {});
};

struct LocallyConnectedOptions {
  Dims strides = 1;
  std::string padding = "valid";  // "same" with implementation 2 and 3
  std::string data_format = "channels_last";
  keratin::Activation activation = {};
  bool use_bias = true;
  Initializer kernel_initializer = "glorot_uniform";
  Initializer bias_initializer = "zeros";
  Regularizer kernel_regularizer = {};
  Regularizer bias_regularizer = {};
  Regularizer activity_regularizer = {};
  Constraint kernel_constraint = {};
  Constraint bias_constraint = {};
  /// The form of the kernel, and with it how it is computed:
  /// 1: [positions, size * channels, filters]
  /// 2: [spatial..., channels, spatial'..., filters], mostly unused
  /// 3: a list of the connections, by output and then by input element
  std::int64_t implementation = 1;
  std::string name = {};
  DTypePolicy dtype = {};
  bool trainable = true;
};

/// A convolution with a kernel of its own at every position. (Keras 2)
///
///   x: [batch, steps, channels]   bias: [steps', filters]
class KERATIN_API LocallyConnected1D : public Layer {
 public:
  LocallyConnected1D(
      std::int64_t filters,
      Dims kernel_size,
      LocallyConnectedOptions options = {});
};

///   x: [batch, h, w, channels]   bias: [h', w', filters]
class KERATIN_API LocallyConnected2D : public Layer {
 public:
  LocallyConnected2D(
      std::int64_t filters,
      Dims kernel_size,
      LocallyConnectedOptions options = {});
};

struct MergeOptions {
  /// "sum", "mul", "concat", "ave", "cos", "dot" or "max"
  std::string mode = "sum";
  std::int64_t concat_axis = -1;
  Dims dot_axes = -1;  // of "cos" and "dot": one, or one per input
  std::string name = {};
  DTypePolicy dtype = {};
  bool trainable = true;
};

/// What Add, Multiply, Concatenate, ... were in Keras 1.
class KERATIN_API Merge : public Layer {
 public:
  explicit Merge(MergeOptions options = {});
};

struct MaxoutDenseOptions {
  std::int64_t nb_feature = 4;
  Initializer init = "glorot_uniform";
  Regularizer W_regularizer = {};
  Regularizer b_regularizer = {};
  Regularizer activity_regularizer = {};
  Constraint W_constraint = {};
  Constraint b_constraint = {};
  bool bias = true;
  std::string name = {};
  DTypePolicy dtype = {};
  bool trainable = true;
};

/// The largest of nb_feature linear layers (Goodfellow et al., 2013; Keras 1).
///
///   x: [batch, in]            W: [nb_feature, in, output_dim]
///   y: [batch, output_dim]    b: [nb_feature, output_dim]
class KERATIN_API MaxoutDense : public Layer {
 public:
  explicit MaxoutDense(
      std::int64_t output_dim, MaxoutDenseOptions options = {});
};

struct HighwayOptions {
  Initializer init = "glorot_uniform";
  keratin::Activation activation = {};
  Regularizer W_regularizer = {};
  Regularizer b_regularizer = {};
  Regularizer activity_regularizer = {};
  Constraint W_constraint = {};
  Constraint b_constraint = {};
  bool bias = true;
  std::string name = {};
  DTypePolicy dtype = {};
  bool trainable = true;
};

/// y = t * activation(x . W + b) + (1 - t) * x, t = sigmoid(x . W_carry +
/// b_carry) (Srivastava et al., 2015; Keras 1).
///
///   x, y: [batch, n]   W, W_carry: [n, n]   b, b_carry: [n]
class KERATIN_API Highway : public Layer {
 public:
  explicit Highway(HighwayOptions options = {});
};

struct MaxoutOptions {
  std::int64_t axis = -1;
  std::string name = {};
  DTypePolicy dtype = {};
  bool trainable = true;
};

/// The maximum over groups of channels, as TensorFlow Addons has it: of n
/// channels, unit u is the largest of u, u + num_units, u + 2 num_units, ...
class KERATIN_API Maxout : public Layer {
 public:
  explicit Maxout(std::int64_t num_units, MaxoutOptions options = {});
};

struct LocalResponseNormalizationOptions {
  std::int64_t depth_radius = 5;
  double bias = 1;
  double alpha = 1;
  double beta = 0.5;
  std::string name = {};
  DTypePolicy dtype = {};
  bool trainable = true;
};

/// y = x / (bias + alpha * sum of x^2 over the channels within depth_radius) ^
/// beta, with TensorFlow's arguments. AlexNet: 2, 2, 1e-4, 0.75.
class KERATIN_API LocalResponseNormalization : public Layer {
 public:
  explicit LocalResponseNormalization(
      LocalResponseNormalizationOptions options = {});
};

}  // namespace keratin::layers
