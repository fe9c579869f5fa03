#pragma once

namespace keratin::layers {

/// Keras, or TensorFlow under it, keeps some constants in float32 whatever the
/// dtype of what they are combined with; results in float64 show it.
inline double float_rounded(double value) {
  return static_cast<double>(static_cast<float>(value));
}

}  // namespace keratin::layers
