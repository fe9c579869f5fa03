#include "src/io/image_codec.hpp"

#include <cstring>

#include <keratin/error.hpp>

#include "src/core/check.hpp"
#include "src/core/format.hpp"
#include "src/io/image_formats.hpp"

namespace keratin::io {
namespace {

using Sample = std::uint8_t;

struct Signature {
  std::string_view bytes;
  ImageFormat format;
};

constexpr Signature kSignatures[] = {
    {"\xff\xd8\xff", ImageFormat::jpeg},
    {"\x89PNG\r\n\x1a\n", ImageFormat::png},
    {"GIF87a", ImageFormat::gif},
    {"GIF89a", ImageFormat::gif},
    {"BM", ImageFormat::bmp},
};

/// ITU-R 601's luma as Pillow rounds it.
Sample luma(const Sample* rgb) {
  return static_cast<Sample>(
      (rgb[0] * 19595U + rgb[1] * 38470U + rgb[2] * 7471U + 0x8000U) >> 16);
}

/// The same as libpng does it for TensorFlow, in 15 bits and without rounding.
Sample cut_luma(const Sample* rgb) {
  return static_cast<Sample>(
      (rgb[0] * 9797U + rgb[1] * 19234U + rgb[2] * 3737U) >> 15);
}

using Luma = Sample (*)(const Sample* rgb);

void convert_pixel(
    const Sample* from, int have, Sample* to, int want, Luma grey_of) {
  if (want == 1) {
    *to = have == 1 ? *from : grey_of(from);
    return;
  }
  if (have == 1) {
    std::memset(to, *from, 3);
  } else {
    std::memcpy(to, from, 3);
  }
  if (want == 4) to[3] = have == 4 ? from[3] : Sample{255};
}

Tensor with_channels(const Tensor& picture, int want, Luma grey_of) {
  const std::int64_t height = picture.shape()[0];
  const std::int64_t width = picture.shape()[1];
  const auto have = static_cast<int>(picture.shape()[2]);
  if (have == want) return picture;
  Tensor out = Tensor::uninitialized(
      DType::u8, Shape{height, width, std::int64_t{want}});
  const Sample* from = picture.data<Sample>().data();
  Sample* to = out.mutable_data<Sample>().data();
  for (std::int64_t i = 0; i < height * width; ++i) {
    convert_pixel(from, have, to, want, grey_of);
    from += have;
    to += want;
  }
  return out;
}

Tensor decode(
    Bytes file,
    ImageFormat format,
    ImageChannels channels,
    std::string_view who,
    DecodeAs as,
    const std::optional<std::array<std::int64_t, 2>>& at_least) {
  switch (format) {
    case ImageFormat::jpeg:
      return decode_jpeg(
          file,
          who,
          as,
          as == DecodeAs::tensorflow && channels == ImageChannels::grey,
          at_least);
    case ImageFormat::png:
      return decode_png(file, who);
    case ImageFormat::gif:
      return decode_gif(file, who);
    case ImageFormat::bmp:
      return decode_bmp(file, who);
  }
  KERATIN_UNREACHABLE();
}

}  // namespace

std::string_view image_format_name(ImageFormat format) {
  switch (format) {
    case ImageFormat::jpeg:
      return "JPEG";
    case ImageFormat::png:
      return "PNG";
    case ImageFormat::gif:
      return "GIF";
    case ImageFormat::bmp:
      return "BMP";
  }
  KERATIN_UNREACHABLE();
}

std::optional<ImageFormat> image_format(Bytes file) {
  const std::string_view text = as_text(file);
  for (const Signature& signature : kSignatures) {
    if (text.starts_with(signature.bytes)) return signature.format;
  }
  return std::nullopt;
}

void check_image_size(
    std::uint64_t width, std::uint64_t height, std::string_view who) {
  if (width == 0 || height == 0 || width > kMaxImagePixels / height) {
    throw InvalidArgument(format(
        "{}: expected a picture of 1 to {} pixels, got {} x {}",
        who,
        kMaxImagePixels,
        width,
        height));
  }
}

Tensor decode_image(
    Bytes file,
    ImageChannels channels,
    std::string_view who,
    DecodeAs as,
    const std::optional<std::array<std::int64_t, 2>>& at_least) {
  const std::optional<ImageFormat> format = image_format(file);
  if (!format) {
    throw InvalidArgument(keratin::format(
        "{}: expected a JPEG, PNG, GIF or BMP picture, got a file that begins "
        "with {}",
        who,
        file.empty() ? std::string("nothing: it is empty")
                     : quoted(as_text(file).substr(0, 8))));
  }
  const bool cuts = *format == ImageFormat::png && as == DecodeAs::tensorflow;
  return with_channels(
      decode(file, *format, channels, who, as, at_least),
      static_cast<int>(channels),
      cuts ? cut_luma : luma);
}

}  // namespace keratin::io
