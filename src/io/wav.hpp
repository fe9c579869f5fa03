#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include <keratin/tensor.hpp>

#include "src/io/bytes.hpp"

namespace keratin::io {

/// The sound in a RIFF WAVE file of 16-bit PCM: f32[samples, channels] from -1
/// to 1, as tf.audio.decode_wav gives it. With `length`, that many samples:
/// cut, or zeros after the end. More than TensorFlow takes are extensible
/// formats and chunks padded to even sizes, as the standard has them.
///
/// Throws InvalidArgument naming `who` for damaged files, other kinds of files
/// and other encodings.
Tensor decode_wav(
    Bytes file, std::string_view who, std::optional<std::int64_t> length = {});

}  // namespace keratin::io
