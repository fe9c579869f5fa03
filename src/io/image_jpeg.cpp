#include <turbojpeg.h>

#include <memory>

#include <keratin/error.hpp>

#include "src/core/format.hpp"
#include "src/io/image_codec.hpp"
#include "src/io/image_formats.hpp"

namespace keratin::io {
namespace {

using Handle = std::unique_ptr<void, decltype(&tjDestroy)>;

Handle open(tjhandle handle, std::string_view who) {
  if (handle == nullptr) {
    throw SystemError(format("{}: tjInit failed: {}", who, tjGetErrorStr()));
  }
  return {handle, &tjDestroy};
}

const unsigned char* data_of(Bytes file) {
  return reinterpret_cast<const unsigned char*>(file.data());
}

/// Whether a decoder's complaint leaves a picture that is worth having. What it
/// says is the only way to know: after a warning, TurboJPEG takes every error
/// for one.
bool is_harmless(std::string_view complaint) {
  if (complaint.find("remature end") != std::string_view::npos) return false;
  for (const std::string_view known :
       {"Corrupt JPEG data",
        "Inconsistent progression",
        "Invalid SOS parameters",
        "Unknown Adobe color transform"}) {
    if (complaint.starts_with(known)) return true;
  }
  return false;
}

/// Adobe's inks are stored inverted: 255 is none.
void inks_to_rgb(
    const std::uint8_t* inks, std::size_t count, std::uint8_t* rgb) {
  const auto product = [](unsigned a, unsigned b) {
    const unsigned t = a * b + 128;  // a * b / 255, rounded
    return static_cast<std::uint8_t>((t + (t >> 8)) >> 8);
  };
  for (std::size_t i = 0; i < count; ++i, inks += 4, rgb += 3) {
    for (int c = 0; c < 3; ++c) rgb[c] = product(inks[c], inks[3]);
  }
}

/// Makes a size the smallest that the decoder can scale it to, no smaller than
/// `least` (height, width).
void scale_down(
    const std::array<std::int64_t, 2>& least, int& height, int& width) {
  int count = 0;
  const tjscalingfactor* const factors = tjGetScalingFactors(&count);
  const int whole_height = height;
  const int whole_width = width;
  for (int i = 0; i < count; ++i) {
    const int rows = TJSCALED(whole_height, factors[i]);
    const int columns = TJSCALED(whole_width, factors[i]);
    if (rows < least[0] || columns < least[1] || rows > height) continue;
    height = rows;
    width = columns;
  }
}

}  // namespace

Tensor decode_jpeg(
    Bytes file,
    std::string_view who,
    DecodeAs as,
    bool grey,
    const std::optional<std::array<std::int64_t, 2>>& at_least) {
  const Handle handle = open(tjInitDecompress(), who);
  int width = 0;
  int height = 0;
  int subsampling = 0;
  int colours = 0;
  const auto fail = [&] [[noreturn]] (std::string_view what) {
    throw InvalidArgument(format("{}: JPEG is damaged: {}", who, what));
  };
  const auto header = tjDecompressHeader3(
      handle.get(),
      data_of(file),
      file.size(),
      &width,
      &height,
      &subsampling,
      &colours);
  if (header != 0 && !is_harmless(tjGetErrorStr2(handle.get()))) {
    fail(tjGetErrorStr2(handle.get()));
  }
  check_image_size(
      static_cast<std::uint64_t>(width),
      static_cast<std::uint64_t>(height),
      who);

  if (at_least) scale_down(*at_least, height, width);
  const bool inks = colours == TJCS_CMYK || colours == TJCS_YCCK;
  const int pixel_format = inks                           ? TJPF_CMYK
                           : grey || colours == TJCS_GRAY ? TJPF_GRAY
                                                          : TJPF_RGB;
  Tensor decoded(DType::u8, Shape{height, width, tjPixelSize[pixel_format]});
  // A bound on scans, as a few kB of progressive scans can take minutes.
  const int code = tjDecompress2(
      handle.get(),
      data_of(file),
      file.size(),
      decoded.mutable_data<std::uint8_t>().data(),
      width,
      0,
      height,
      pixel_format,
      TJFLAG_LIMITSCANS | (as == DecodeAs::tensorflow ? TJFLAG_FASTDCT : 0));
  if (code != 0 && !is_harmless(tjGetErrorStr2(handle.get()))) {
    fail(tjGetErrorStr2(handle.get()));
  }
  if (!inks) return decoded;
  Tensor rgb = Tensor::uninitialized(DType::u8, Shape{height, width, 3});
  inks_to_rgb(
      decoded.data<std::uint8_t>().data(),
      static_cast<std::size_t>(decoded.size() / 4),
      rgb.mutable_data<std::uint8_t>().data());
  return rgb;
}

std::vector<std::byte> encode_jpeg(const Tensor& picture, int quality) {
  constexpr std::string_view kWho = "[save_img]";
  const Handle handle = open(tjInitCompress(), kWho);
  const bool grey = picture.shape()[2] == 1;
  unsigned char* packed = nullptr;
  unsigned long size = 0;  // NOLINT(runtime/int): TurboJPEG's type
  const int code = tjCompress2(
      handle.get(),
      picture.data<std::uint8_t>().data(),
      static_cast<int>(picture.shape()[1]),
      0,
      static_cast<int>(picture.shape()[0]),
      grey ? TJPF_GRAY : TJPF_RGB,
      &packed,
      &size,
      grey ? TJSAMP_GRAY : TJSAMP_420,
      quality,
      0);
  const std::unique_ptr<unsigned char, decltype(&tjFree)> owner(
      packed, &tjFree);
  if (code != 0) {
    throw SystemError(format(
        "{} tjCompress2 failed: {}", kWho, tjGetErrorStr2(handle.get())));
  }
  const auto* begin = reinterpret_cast<const std::byte*>(packed);
  return {begin, begin + size};
}

}  // namespace keratin::io
