#include <spng.h>

#include <cstdlib>
#include <memory>

#include <keratin/error.hpp>

#include "src/core/format.hpp"
#include "src/io/image_codec.hpp"
#include "src/io/image_formats.hpp"

namespace keratin::io {
namespace {

using Context = std::unique_ptr<spng_ctx, decltype(&spng_ctx_free)>;

constexpr std::size_t kMaxChunkBytes = 64U << 20;  // ICC profiles, texts

Context make_context(int flags) {
  Context context(spng_ctx_new(flags), &spng_ctx_free);
  if (context == nullptr) throw SystemError("[png] spng_ctx_new failed");
  return context;
}

struct Layout {
  int format;
  std::int64_t channels;
};

Layout layout_of(const spng_ihdr& header, bool transparent) {
  switch (header.color_type) {
    case SPNG_COLOR_TYPE_GRAYSCALE:
      // 16 bits to grey are refused by spng; the way through RGB is not.
      if (!transparent && header.bit_depth <= 8) return {SPNG_FMT_G8, 1};
      return transparent ? Layout{SPNG_FMT_RGBA8, 4} : Layout{SPNG_FMT_RGB8, 3};
    case SPNG_COLOR_TYPE_GRAYSCALE_ALPHA:
    case SPNG_COLOR_TYPE_TRUECOLOR_ALPHA:
      return {SPNG_FMT_RGBA8, 4};
    default:
      return transparent ? Layout{SPNG_FMT_RGBA8, 4} : Layout{SPNG_FMT_RGB8, 3};
  }
}

}  // namespace

Tensor decode_png(Bytes file, std::string_view who) {
  const Context context = make_context(0);
  const auto check = [&](int code) {
    if (code != 0) {
      throw InvalidArgument(
          format("{}: PNG is damaged: {}", who, spng_strerror(code)));
    }
  };
  check(spng_set_png_buffer(context.get(), file.data(), file.size()));
  check(spng_set_chunk_limits(context.get(), kMaxChunkBytes, kMaxChunkBytes));
  // Checksums of chunks that do not carry the picture do not matter.
  check(spng_set_crc_action(context.get(), SPNG_CRC_ERROR, SPNG_CRC_DISCARD));
  spng_ihdr header{};
  check(spng_get_ihdr(context.get(), &header));
  check_image_size(header.width, header.height, who);
  spng_trns transparency{};
  const bool transparent = spng_get_trns(context.get(), &transparency) == 0;
  const Layout layout = layout_of(header, transparent);
  Tensor picture = Tensor::uninitialized(
      DType::u8,
      Shape{
          std::int64_t{header.height},
          std::int64_t{header.width},
          layout.channels});
  check(spng_decode_image(
      context.get(),
      picture.mutable_raw(),
      picture.size_bytes(),
      layout.format,
      SPNG_DECODE_TRNS));
  return picture;
}

std::vector<std::byte> encode_png(const Tensor& picture) {
  const Context context = make_context(SPNG_CTX_ENCODER);
  const auto check = [](int code) {
    if (code != 0) {
      throw SystemError(
          format("[save_img] spng failed: {}", spng_strerror(code)));
    }
  };
  const std::int64_t channels = picture.shape()[2];
  spng_ihdr header{};
  header.height = static_cast<std::uint32_t>(picture.shape()[0]);
  header.width = static_cast<std::uint32_t>(picture.shape()[1]);
  header.bit_depth = 8;
  header.color_type = channels == 1   ? SPNG_COLOR_TYPE_GRAYSCALE
                      : channels == 3 ? SPNG_COLOR_TYPE_TRUECOLOR
                                      : SPNG_COLOR_TYPE_TRUECOLOR_ALPHA;
  check(spng_set_option(context.get(), SPNG_ENCODE_TO_BUFFER, 1));
  check(spng_set_ihdr(context.get(), &header));
  check(spng_encode_image(
      context.get(),
      picture.raw(),
      picture.size_bytes(),
      SPNG_FMT_PNG,
      SPNG_ENCODE_FINALIZE));
  std::size_t size = 0;
  int code = 0;
  const std::unique_ptr<void, decltype(&std::free)> packed(
      spng_get_png_buffer(context.get(), &size, &code), &std::free);
  check(code);
  const auto* begin = static_cast<const std::byte*>(packed.get());
  return {begin, begin + size};
}

}  // namespace keratin::io
