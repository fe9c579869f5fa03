#pragma once

#include <cstdint>
#include <string>

#include <keratin/export.hpp>
#include <keratin/layer.hpp>
#include <keratin/layers/core.hpp>

/// Layers that Keras keeps in the files of single architectures.
namespace keratin::layers {

/// Inception-ResNet's: y = x0 + scale * x1, of a list of two.
class KERATIN_API CustomScaleLayer : public Layer {
 public:
  explicit CustomScaleLayer(double scale, LayerOptions options = {});
};

/// ConvNeXt's: y = x * gamma, one number per channel that starts at
/// `init_values`.
///
///   gamma: [projection_dim]
class KERATIN_API LayerScale : public Layer {
 public:
  LayerScale(
      double init_values,
      std::int64_t projection_dim,
      LayerOptions options = {});
};

/// ConvNeXt's: while training y is zero for a share `drop_path_rate` of the
/// samples, and x / (1 - drop_path_rate) for the others.
class KERATIN_API StochasticDepth : public Layer {
 public:
  explicit StochasticDepth(double drop_path_rate, LayerOptions options = {});
};

}  // namespace keratin::layers
