#pragma once

#include <cstdint>
#include <initializer_list>
#include <string>
#include <utility>
#include <vector>

#include <keratin/export.hpp>
#include <keratin/fields.hpp>
#include <keratin/layer.hpp>
#include <keratin/layers/core.hpp>

namespace keratin::layers {

struct FlattenOptions {
  std::string data_format = "channels_last";
  std::string name = {};
  DTypePolicy dtype = {};
  bool trainable = true;
};

/// [batch, a, b, ...] -> [batch, a b ...]. With "channels_first" the channels
/// are moved to the end first.
class KERATIN_API Flatten : public Layer {
 public:
  explicit Flatten(FlattenOptions options = {});
};

/// [batch, ...] -> [batch, target...]; one extent of the target may be -1.
class KERATIN_API Reshape : public Layer {
 public:
  explicit Reshape(
      std::vector<std::int64_t> target_shape, LayerOptions options = {});
};

/// Axes in another order; `dims` counts from 1 and leaves the batch axis out.
class KERATIN_API Permute : public Layer {
 public:
  explicit Permute(std::vector<std::int64_t> dims, LayerOptions options = {});
};

/// [batch, features] -> [batch, n, features].
class KERATIN_API RepeatVector : public Layer {
 public:
  explicit RepeatVector(std::int64_t n, LayerOptions options = {});
};

/// Amounts at both ends of each spatial axis: one number for all, one number
/// per axis, or {before, after} per axis. For a single axis {before, after}.
class KERATIN_API Margins final : public FieldValue {
 public:
  using Pair = std::pair<std::int64_t, std::int64_t>;

  // NOLINTBEGIN(google-explicit-constructor): read as numbers
  Margins(std::int64_t all) : numbers_{all}, single_(true) {}

  Margins(int all) : Margins(std::int64_t{all}) {}

  Margins(std::initializer_list<std::int64_t> numbers) : numbers_(numbers) {}

  Margins(std::initializer_list<Pair> pairs) : pairs_(pairs) {}

  // NOLINTEND(google-explicit-constructor)

  /// One pair per axis. Throws InvalidArgument naming `who` and `what`.
  std::vector<Pair> resolve(
      std::size_t rank, const std::string& who, const std::string& what) const;

  /// Brings it into the form that Keras's configs have.
  void settle(std::size_t rank, const std::string& who, const char* what);

  Config to_config() const override;
  void from_config(const Config& config, const std::string& where) override;
  Config schema() const override;

 private:
  std::vector<std::int64_t> numbers_;
  std::vector<Pair> pairs_;
  bool single_ = false;
};

struct SpatialOptions {
  std::string data_format = "channels_last";
  std::string name = {};
  DTypePolicy dtype = {};
  bool trainable = true;
};

/// Zeros around the spatial axes of [batch, spatial..., channels].
class KERATIN_API ZeroPadding1D : public Layer {
 public:
  explicit ZeroPadding1D(Margins padding = 1, SpatialOptions options = {});
};

class KERATIN_API ZeroPadding2D : public Layer {
 public:
  explicit ZeroPadding2D(Margins padding = 1, SpatialOptions options = {});
};

class KERATIN_API ZeroPadding3D : public Layer {
 public:
  explicit ZeroPadding3D(Margins padding = 1, SpatialOptions options = {});
};

/// Takes elements away at the ends of the spatial axes.
class KERATIN_API Cropping1D : public Layer {
 public:
  explicit Cropping1D(Margins cropping = 1, LayerOptions options = {});
};

class KERATIN_API Cropping2D : public Layer {
 public:
  explicit Cropping2D(Margins cropping = 0, SpatialOptions options = {});
};

class KERATIN_API Cropping3D : public Layer {
 public:
  explicit Cropping3D(Margins cropping = 1, SpatialOptions options = {});
};

/// Every step `size` times: [batch, steps, features] ->
/// [batch, steps size, features].
class KERATIN_API UpSampling1D : public Layer {
 public:
  explicit UpSampling1D(std::int64_t size = 2, LayerOptions options = {});
};

struct UpSampling2DOptions {
  std::string data_format = "channels_last";
  /// "nearest" repeats; "bilinear", "bicubic", "lanczos3" and "lanczos5"
  /// interpolate.
  std::string interpolation = "nearest";
  std::string name = {};
  DTypePolicy dtype = {};
  bool trainable = true;
};

/// Rows and columns `size` times as many.
class KERATIN_API UpSampling2D : public Layer {
 public:
  explicit UpSampling2D(Dims size = 2, UpSampling2DOptions options = {});
};

/// Every element repeated.

class KERATIN_API UpSampling3D : public Layer {
 public:
  explicit UpSampling3D(Dims size = 2, SpatialOptions options = {});
};

}  // namespace keratin::layers
