#pragma once

#include <initializer_list>
#include <optional>
#include <string>
#include <vector>

#include <keratin/export.hpp>
#include <keratin/layer.hpp>
#include <keratin/layers/core.hpp>
#include <keratin/tensor.hpp>

namespace keratin::layers {

/// A number, or numbers that broadcast against x.
class KERATIN_API Numbers {
 public:
  // NOLINTBEGIN(google-explicit-constructor): read as numbers
  Numbers(double value) : tensor_(value) {}

  Numbers(int value) : Numbers(static_cast<double>(value)) {}

  Numbers(std::initializer_list<double> values)
      : tensor_(std::vector<double>(values)) {}

  Numbers(const std::vector<double>& values) : tensor_(values) {}

  Numbers(const Tensor& values) : tensor_(values.cast(DType::f64)) {}

  // NOLINTEND(google-explicit-constructor)

  const Tensor& tensor() const { return tensor_; }  // f64

 private:
  Tensor tensor_;
};

/// y = x * scale + offset, in the compute dtype; x may be of any number dtype.
class KERATIN_API Rescaling : public Layer {
 public:
  explicit Rescaling(
      Numbers scale, Numbers offset = 0, LayerOptions options = {});
};

struct NormalizationOptions {
  /// The axes with statistics of their own; empty: one mean for all of x.
  std::vector<std::int64_t> axis = {-1};
  /// Both or none; with none, `adapt` finds them.
  std::optional<Numbers> mean = {};
  std::optional<Numbers> variance = {};
  bool invert = false;  // back to the data's own scale
  std::string name = {};
  DTypePolicy dtype = {};
  bool trainable = true;
};

/// y = (x - mean) / sqrt(variance), from statistics given or adapted to.
///
///   weights, unless given: mean, variance: the extents of `axis`; count: i64[]
class KERATIN_API Normalization : public Layer {
 public:
  explicit Normalization(NormalizationOptions options = {});

  /// Sets mean and variance to those of the data: [samples, ...]. Throws
  /// InvalidArgument when the layer was given both, or built for other shapes.
  void adapt(const Tensor& data);
};

}  // namespace keratin::layers
