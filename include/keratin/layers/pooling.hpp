#pragma once

#include <string>

#include <keratin/export.hpp>
#include <keratin/layer.hpp>

/// Pooling over 1 to 3 spatial axes of [batch, spatial..., channels]
/// ([batch, channels, spatial...] with data_format "channels_first").
namespace keratin::layers {

struct PoolingOptions {
  Dims strides = {};              // not given: pool_size
  std::string padding = "valid";  // or "same", which never wins or counts
  std::string data_format = "channels_last";
  std::string name = {};
  DTypePolicy dtype = {};
  bool trainable = true;
};

class KERATIN_API MaxPooling1D : public Layer {
 public:
  explicit MaxPooling1D(Dims pool_size = 2, PoolingOptions options = {});
};

class KERATIN_API MaxPooling2D : public Layer {
 public:
  explicit MaxPooling2D(Dims pool_size = 2, PoolingOptions options = {});
};

class KERATIN_API MaxPooling3D : public Layer {
 public:
  explicit MaxPooling3D(Dims pool_size = 2, PoolingOptions options = {});
};

class KERATIN_API AveragePooling1D : public Layer {
 public:
  explicit AveragePooling1D(Dims pool_size, PoolingOptions options = {});
};

class KERATIN_API AveragePooling2D : public Layer {
 public:
  explicit AveragePooling2D(Dims pool_size, PoolingOptions options = {});
};

class KERATIN_API AveragePooling3D : public Layer {
 public:
  explicit AveragePooling3D(Dims pool_size, PoolingOptions options = {});
};

struct GlobalPoolingOptions {
  std::string data_format = "channels_last";
  bool keepdims = false;
  std::string name = {};
  DTypePolicy dtype = {};
  bool trainable = true;
};

/// [batch, spatial..., channels] -> [batch, channels]; with keepdims the
/// spatial axes stay with extent 1.
class KERATIN_API GlobalMaxPooling1D : public Layer {
 public:
  explicit GlobalMaxPooling1D(GlobalPoolingOptions options = {});
};

class KERATIN_API GlobalMaxPooling2D : public Layer {
 public:
  explicit GlobalMaxPooling2D(GlobalPoolingOptions options = {});
};

class KERATIN_API GlobalMaxPooling3D : public Layer {
 public:
  explicit GlobalMaxPooling3D(GlobalPoolingOptions options = {});
};

/// Means over the steps that the mask leaves, if there is one.
class KERATIN_API GlobalAveragePooling1D : public Layer {
 public:
  explicit GlobalAveragePooling1D(GlobalPoolingOptions options = {});
};

class KERATIN_API GlobalAveragePooling2D : public Layer {
 public:
  explicit GlobalAveragePooling2D(GlobalPoolingOptions options = {});
};

class KERATIN_API GlobalAveragePooling3D : public Layer {
 public:
  explicit GlobalAveragePooling3D(GlobalPoolingOptions options = {});
};

struct AdaptivePoolingOptions {
  std::string data_format = "channels_last";
  std::string name = {};
  DTypePolicy dtype = {};
  bool trainable = true;
};

/// Pools to a given extent: the i-th of n windows over an axis of extent L goes
/// from floor(i L / n) to ceil((i + 1) L / n).
class KERATIN_API AdaptiveAveragePooling1D : public Layer {
 public:
  explicit AdaptiveAveragePooling1D(
      Dims output_size, AdaptivePoolingOptions options = {});
};

class KERATIN_API AdaptiveAveragePooling2D : public Layer {
 public:
  explicit AdaptiveAveragePooling2D(
      Dims output_size, AdaptivePoolingOptions options = {});
};

class KERATIN_API AdaptiveAveragePooling3D : public Layer {
 public:
  explicit AdaptiveAveragePooling3D(
      Dims output_size, AdaptivePoolingOptions options = {});
};

class KERATIN_API AdaptiveMaxPooling1D : public Layer {
 public:
  explicit AdaptiveMaxPooling1D(
      Dims output_size, AdaptivePoolingOptions options = {});
};

class KERATIN_API AdaptiveMaxPooling2D : public Layer {
 public:
  explicit AdaptiveMaxPooling2D(
      Dims output_size, AdaptivePoolingOptions options = {});
};

class KERATIN_API AdaptiveMaxPooling3D : public Layer {
 public:
  explicit AdaptiveMaxPooling3D(
      Dims output_size, AdaptivePoolingOptions options = {});
};

using MaxPool1D = MaxPooling1D;
using MaxPool2D = MaxPooling2D;
using MaxPool3D = MaxPooling3D;
using AvgPool1D = AveragePooling1D;
using AvgPool2D = AveragePooling2D;
using AvgPool3D = AveragePooling3D;
using GlobalMaxPool1D = GlobalMaxPooling1D;
using GlobalMaxPool2D = GlobalMaxPooling2D;
using GlobalMaxPool3D = GlobalMaxPooling3D;
using GlobalAvgPool1D = GlobalAveragePooling1D;
using GlobalAvgPool2D = GlobalAveragePooling2D;
using GlobalAvgPool3D = GlobalAveragePooling3D;

}  // namespace keratin::layers
