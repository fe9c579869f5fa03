#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include <keratin/export.hpp>
#include <keratin/layer.hpp>

/// Layers that act while training only: elsewhere y = x. Without a seed they
/// take the next of set_random_seed.
namespace keratin::layers {

struct DropoutOptions {
  /// Extents of the random choice, 1 where it is shared, kUnknown for x's.
  std::optional<Shape> noise_shape = {};
  std::optional<std::int64_t> seed = {};
  std::string name = {};
  DTypePolicy dtype = {};
  bool trainable = true;
};

/// Zeroes elements with probability `rate`, scales the others by 1/(1-rate).
class KERATIN_API Dropout : public Layer {
 public:
  explicit Dropout(double rate, DropoutOptions options = {});
};

/// Dropout that keeps x's mean and variance when x comes from a selu.
class KERATIN_API AlphaDropout : public Layer {
 public:
  explicit AlphaDropout(double rate, DropoutOptions options = {});
};

struct SpatialDropoutOptions {
  std::string data_format = "channels_last";
  std::optional<std::int64_t> seed = {};
  std::string name = {};
  DTypePolicy dtype = {};
  bool trainable = true;
};

/// Dropout of whole channels of [batch, spatial..., channels].
class KERATIN_API SpatialDropout1D : public Layer {
 public:
  explicit SpatialDropout1D(double rate, SpatialDropoutOptions options = {});
};

class KERATIN_API SpatialDropout2D : public Layer {
 public:
  explicit SpatialDropout2D(double rate, SpatialDropoutOptions options = {});
};

class KERATIN_API SpatialDropout3D : public Layer {
 public:
  explicit SpatialDropout3D(double rate, SpatialDropoutOptions options = {});
};

struct NoiseOptions {
  std::optional<std::int64_t> seed = {};
  std::string name = {};
  DTypePolicy dtype = {};
  bool trainable = true;
};

/// y = x + normal noise of standard deviation `stddev`, in [0, 1].
class KERATIN_API GaussianNoise : public Layer {
 public:
  explicit GaussianNoise(double stddev, NoiseOptions options = {});
};

/// y = x times normal noise of mean 1 and variance rate/(1-rate).
class KERATIN_API GaussianDropout : public Layer {
 public:
  explicit GaussianDropout(double rate, NoiseOptions options = {});
};

struct ActivityRegularizationOptions {
  double l1 = 0;
  double l2 = 0;
  std::string name = {};
  DTypePolicy dtype = {};
  bool trainable = true;
};

/// y = x; adds l1 sum(|x|) + l2 sum(x^2) to the loss, always.
class KERATIN_API ActivityRegularization : public Layer {
 public:
  explicit ActivityRegularization(ActivityRegularizationOptions options = {});
};

}  // namespace keratin::layers
