#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <keratin/tensor.hpp>

#include "src/io/bytes.hpp"

namespace keratin::io {

enum class ImageFormat { jpeg, png, gif, bmp };

/// "JPEG", "PNG", "GIF" or "BMP".
std::string_view image_format_name(ImageFormat format);

/// Told from the first bytes; a file's name says nothing. Nothing when they
/// are no picture's.
std::optional<ImageFormat> image_format(Bytes file);

/// Which samples a decoded picture shall have.
enum class ImageChannels { grey = 1, rgb = 3, rgba = 4 };

/// Whose samples a picture shall have. Of JPEGs, Pillow's cosine transform is
/// accurate and grey is the luma of the colours; TensorFlow's transform is fast
/// and some levels off, and grey is the luma that the file holds. Of PNGs, grey
/// from colour is rounded by Pillow and cut by TensorFlow.
enum class DecodeAs { pillow, tensorflow };

/// The picture in `file`: u8[height, width, channels], rows from the top.
///
/// As Pillow's `convert` does it, unless asked for TensorFlow's: grey from
/// colour is ITU-R 601's luma in 16-bit fixed point, colour from grey repeats
/// it, CMYK is the product of the inks and black, an alpha nobody asked for is
/// dropped, a missing one is 255. 16-bit samples keep their high byte. Of an
/// animation, the first frame. EXIF orientation is not followed (Keras follows
/// it neither).
///
/// Throws InvalidArgument naming `who` for damaged files, other kinds of files
/// and pictures of more than kMaxImagePixels.
///
/// `at_least` (height, width): a JPEG may come smaller than it is, but not
/// smaller than this, which is several times faster.
Tensor decode_image(
    Bytes file,
    ImageChannels channels,
    std::string_view who,
    DecodeAs as = DecodeAs::pillow,
    const std::optional<std::array<std::int64_t, 2>>& at_least = {});

/// Pillow's limit against decompression bombs, doubled as there.
inline constexpr std::uint64_t kMaxImagePixels = 2 * 89'478'485ULL;

/// The file of a picture u8[height, width, 1, 3 or 4]; JPEG has no fourth
/// channel. `quality` from 1 to 100 is JPEG's.
std::vector<std::byte> encode_png(const Tensor& picture);
std::vector<std::byte> encode_jpeg(const Tensor& picture, int quality);

}  // namespace keratin::io
