#include <gif_lib.h>

#include <algorithm>
#include <cstring>
#include <memory>

#include <keratin/error.hpp>

#include "src/core/format.hpp"
#include "src/io/image_formats.hpp"

namespace keratin::io {
namespace {

struct Close {
  void operator()(GifFileType* gif) const { DGifCloseFile(gif, nullptr); }
};

using Gif = std::unique_ptr<GifFileType, Close>;

/// GIFLIB's pull of bytes: what is left of a span.
int read_bytes(GifFileType* gif, GifByteType* to, int count) {
  auto& rest = *static_cast<Bytes*>(gif->UserData);
  const auto taken = std::min(rest.size(), static_cast<std::size_t>(count));
  std::memcpy(to, rest.data(), taken);
  rest = rest.subspan(taken);
  return static_cast<int>(taken);
}

class Decoder {
 public:
  Decoder(Bytes file, std::string_view who) : rest_(file), who_(who) {
    int code = 0;
    gif_.reset(DGifOpen(&rest_, read_bytes, &code));
    if (gif_ == nullptr) fail(code);
    check_image_size(side(gif_->SWidth), side(gif_->SHeight), who_);
  }

  /// RGBA of the first frame on an empty canvas.
  Tensor first_frame() {
    Tensor canvas(
        DType::u8,
        Shape{std::int64_t{gif_->SHeight}, std::int64_t{gif_->SWidth}, 4});
    find_frame();
    check(DGifGetImageDesc(gif_.get()));
    const GifImageDesc& frame = gif_->Image;
    const ColorMapObject* colours =
        frame.ColorMap != nullptr ? frame.ColorMap : gif_->SColorMap;
    if (colours == nullptr) fail("it has no table of colours");
    if (frame.Width <= 0 || frame.Height <= 0 || frame.Left < 0 ||
        frame.Top < 0 || frame.Left + frame.Width > gif_->SWidth ||
        frame.Top + frame.Height > gif_->SHeight) {
      fail("a frame lies outside the picture");
    }
    std::vector<GifPixelType> line(static_cast<std::size_t>(frame.Width));
    std::uint8_t* pixels = canvas.mutable_data<std::uint8_t>().data();
    for (const auto& [first, step] : passes(frame.Interlace)) {
      for (int y = first; y < frame.Height; y += step) {
        check(DGifGetLine(gif_.get(), line.data(), frame.Width));
        const auto at = static_cast<std::size_t>(
            (std::int64_t{frame.Top} + y) * gif_->SWidth + frame.Left);
        draw(line, *colours, pixels + 4 * at);
      }
    }
    return canvas;
  }

 private:
  struct Pass {
    int first;
    int step;
  };

  static std::vector<Pass> passes(bool interlaced) {
    if (!interlaced) return {{0, 1}};
    return {{0, 8}, {4, 8}, {2, 4}, {1, 2}};
  }

  static std::uint64_t side(int pixels) {
    return static_cast<std::uint64_t>(std::max(pixels, 0));
  }

  /// Walks over extensions to the first frame; keeps its transparent colour.
  void find_frame() {
    while (true) {
      GifRecordType type = UNDEFINED_RECORD_TYPE;
      check(DGifGetRecordType(gif_.get(), &type));
      if (type == IMAGE_DESC_RECORD_TYPE) return;
      if (type == TERMINATE_RECORD_TYPE) fail("it has no frame");
      int code = 0;
      GifByteType* block = nullptr;
      check(DGifGetExtension(gif_.get(), &code, &block));
      while (block != nullptr) {
        GraphicsControlBlock control{};
        if (code == GRAPHICS_EXT_FUNC_CODE &&
            DGifExtensionToGCB(block[0], block + 1, &control) == GIF_OK) {
          transparent_ = control.TransparentColor;
        }
        check(DGifGetExtensionNext(gif_.get(), &block));
      }
    }
  }

  void draw(
      const std::vector<GifPixelType>& line,
      const ColorMapObject& colours,
      std::uint8_t* rgba) const {
    for (const GifPixelType index : line) {
      if (index >= colours.ColorCount) {
        fail("a pixel's colour is not in the table");
      }
      const GifColorType& colour = colours.Colors[index];
      rgba[0] = colour.Red;
      rgba[1] = colour.Green;
      rgba[2] = colour.Blue;
      rgba[3] = index == transparent_ ? 0 : 255;
      rgba += 4;
    }
  }

  void check(int code) const {
    if (code != GIF_OK) fail(gif_->Error);
  }

  [[noreturn]] void fail(int code) const {
    const char* what = GifErrorString(code);
    fail(what != nullptr ? what : "unknown error");
  }

  [[noreturn]] void fail(const char* what) const {
    throw InvalidArgument(format("{}: GIF is damaged: {}", who_, what));
  }

  Bytes rest_;
  std::string_view who_;
  Gif gif_;
  int transparent_ = NO_TRANSPARENT_COLOR;
};

}  // namespace

Tensor decode_gif(Bytes file, std::string_view who) {
  return Decoder(file, who).first_frame();
}

}  // namespace keratin::io
