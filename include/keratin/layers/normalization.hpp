#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include <keratin/export.hpp>
#include <keratin/layer.hpp>

/// Normalisations. All keep the shape of x; float16 and bfloat16 are computed
/// in float32.
namespace keratin::layers {

/// Bounds of batch renormalisation's corrections; empty: none.
struct RenormClipping {
  std::optional<double> rmax = {};
  std::optional<double> rmin = {};
  std::optional<double> dmax = {};
};

struct BatchNormalizationOptions {
  std::int64_t axis = -1;  // of the features
  double momentum = 0.99;  // of the moving statistics
  double epsilon = 1e-3;
  bool center = true;  // add beta
  bool scale = true;   // multiply by gamma
  Initializer beta_initializer = "zeros";
  Initializer gamma_initializer = "ones";
  Initializer moving_mean_initializer = "zeros";
  Initializer moving_variance_initializer = "ones";
  Regularizer beta_regularizer = {};
  Regularizer gamma_regularizer = {};
  Constraint beta_constraint = {};
  Constraint gamma_constraint = {};
  /// Batch renormalisation (Ioffe, 2017): trains with corrections r and d by
  /// running statistics of their own.
  bool renorm = false;
  RenormClipping renorm_clipping = {};
  double renorm_momentum = 0.99;
  bool synchronized = false;  // a graph sees its whole batch: always so
  std::string name = {};
  DTypePolicy dtype = {};
  bool trainable = true;
};

/// y = (x - mean) / sqrt(variance + epsilon) * gamma + beta, per feature. While
/// training by the batch's statistics, which also move the moving ones;
/// otherwise, and when not trainable, by the moving ones. A mask leaves steps
/// out of the statistics.
///
///   gamma, beta, moving_mean, moving_variance: [features]
class KERATIN_API BatchNormalization : public Layer {
 public:
  explicit BatchNormalization(BatchNormalizationOptions options = {});
};

struct LayerNormalizationOptions {
  Dims axis = -1;  // one or several
  double epsilon = 1e-3;
  bool center = true;
  bool scale = true;
  Initializer beta_initializer = "zeros";
  Initializer gamma_initializer = "ones";
  Regularizer beta_regularizer = {};
  Regularizer gamma_regularizer = {};
  Constraint beta_constraint = {};
  Constraint gamma_constraint = {};
  std::string name = {};
  DTypePolicy dtype = {};
  bool trainable = true;
};

/// Normalises each sample over `axis`.
///
///   gamma, beta: the extents of the axes, sorted as numbers
class KERATIN_API LayerNormalization : public Layer {
 public:
  explicit LayerNormalization(LayerNormalizationOptions options = {});
};

struct GroupNormalizationOptions {
  std::int64_t groups = 32;  // -1: one per channel
  std::int64_t axis = -1;    // of the channels
  double epsilon = 1e-3;
  bool center = true;
  bool scale = true;
  Initializer beta_initializer = "zeros";
  Initializer gamma_initializer = "ones";
  Regularizer beta_regularizer = {};
  Regularizer gamma_regularizer = {};
  Constraint beta_constraint = {};
  Constraint gamma_constraint = {};
  std::string name = {};
  DTypePolicy dtype = {};
  bool trainable = true;
};

/// Normalises each sample over groups of channels and all spatial axes.
///
///   gamma, beta: [channels]
class KERATIN_API GroupNormalization : public Layer {
 public:
  explicit GroupNormalization(GroupNormalizationOptions options = {});
};

struct RMSNormalizationOptions {
  Dims axis = -1;  // one or several
  double epsilon = 1e-6;
  std::string name = {};
  DTypePolicy dtype = {};
  bool trainable = true;
};

/// y = x / sqrt(mean(x^2) + epsilon) * scale, the mean taken over `axis`.
class KERATIN_API RMSNormalization : public Layer {
 public:
  explicit RMSNormalization(RMSNormalizationOptions options = {});
};

struct UnitNormalizationOptions {
  Dims axis = -1;  // one or several
  std::string name = {};
  DTypePolicy dtype = {};
  bool trainable = true;
};

/// y = x divided by its L2 norm over `axis`; zero stays zero.
class KERATIN_API UnitNormalization : public Layer {
 public:
  explicit UnitNormalization(UnitNormalizationOptions options = {});
};

struct SpectralNormalizationOptions {
  std::int64_t power_iterations = 1;
  std::string name = {};
  DTypePolicy dtype = {};
  bool trainable = true;
};

/// Wraps a layer with a weight named kernel or embeddings: each training step
/// divides it by its largest singular value, estimated by power iteration.
///
///   vector_u: [1, last extent of the weight]
class KERATIN_API SpectralNormalization : public Layer {
 public:
  explicit SpectralNormalization(
      Layer layer, SpectralNormalizationOptions options = {});
};

}  // namespace keratin::layers
