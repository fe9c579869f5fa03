#pragma once

#include <array>
#include <cstdint>
#include <string>

#include <keratin/tensor.hpp>

namespace keratin::data {

/// What becomes of a picture whose proportions are not the target's.
enum class AspectRatio {
  ignore,  // it is stretched
  crop,    // the middle is cut out: keras.utils' smart_resize
  pad      // black borders: tf.image.resize_with_pad
};

/// tf.image.resize of u8[height, width, channels] without antialiasing:
/// f32[size..., channels], or u8 with "nearest".
Tensor tensorflow_resize(
    const Tensor& picture,
    const std::array<std::int64_t, 2>& size,
    const std::string& method,
    AspectRatio ratio);

/// Throws InvalidArgument, "WHO expected interpolation to be one of ...".
void check_tensorflow_method(const char* who, const std::string& method);

}  // namespace keratin::data
