#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string_view>

#include <keratin/tensor.hpp>

#include "src/io/bytes.hpp"
#include "src/io/image_codec.hpp"

/// One decoder a format, for image_codec.cpp.
namespace keratin::io {

/// Throws InvalidArgument unless 0 < width * height <= kMaxImagePixels.
void check_image_size(
    std::uint64_t width, std::uint64_t height, std::string_view who);

/// u8[height, width, channels]; the channels are the file's own: 1 grey,
/// 3 RGB, 4 RGBA. CMYK comes as RGB. Of a JPEG, `grey` is the file's luma
/// alone where it has one.
Tensor decode_jpeg(
    Bytes file,
    std::string_view who,
    DecodeAs as,
    bool grey,
    const std::optional<std::array<std::int64_t, 2>>& at_least);
Tensor decode_png(Bytes file, std::string_view who);
Tensor decode_gif(Bytes file, std::string_view who);
Tensor decode_bmp(Bytes file, std::string_view who);

}  // namespace keratin::io
