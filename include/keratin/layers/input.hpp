#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include <keratin/dtype.hpp>
#include <keratin/export.hpp>
#include <keratin/layer.hpp>
#include <keratin/symbolic.hpp>

namespace keratin::layers {

struct InputOptions {
  std::optional<std::int64_t> batch_size = {};  // default: unknown
  DType dtype = DType::f32;
  std::string name = {};
};

/// Where data enter a model (Keras's Input and InputLayer): a symbolic tensor
/// [batch, shape...], and the first layer of a Sequential. Dimensions may be
/// kUnknown.
class KERATIN_API Input : public Layer {
 public:
  /// `shape` without the batch axis. Throws InvalidArgument for a dimension
  /// that is neither >= 0 nor kUnknown.
  explicit Input(const Shape& shape, InputOptions options = {});

  operator SymbolicTensor() const {  // NOLINT: an input is its tensor
    return output_;
  }

  const SymbolicTensor& tensor() const { return output_; }

 private:
  SymbolicTensor output_;
};

}  // namespace keratin::layers
