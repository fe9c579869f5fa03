#define STB_IMAGE_IMPLEMENTATION
#define STB_IMAGE_STATIC
#define STBI_ONLY_BMP
#define STBI_NO_STDIO
#define STBI_NO_LINEAR
#define STBI_NO_FAILURE_STRINGS
#include <stb/stb_image.h>

#include <climits>
#include <cstdlib>
#include <cstring>
#include <memory>

#include <keratin/error.hpp>

#include "src/core/format.hpp"
#include "src/io/image_formats.hpp"

namespace keratin::io {
namespace {

/// Where the rows of the file end; stb would read zeros beyond its end.
std::uint64_t needed_bytes(
    Bytes file, int width, int height, std::string_view who) {
  ByteReader reader(file, who);
  reader.seek(10);
  const std::uint64_t begin = reader.u32();
  const std::uint64_t header_bytes = reader.u32();
  reader.seek(header_bytes == 12 ? 24 : 28);  // OS/2's header is shorter
  const std::uint64_t bits = reader.u16();
  const std::uint64_t row_bytes =
      (static_cast<std::uint64_t>(width) * bits + 31) / 32 * 4;
  return begin + row_bytes * static_cast<std::uint64_t>(height);
}

}  // namespace

Tensor decode_bmp(Bytes file, std::string_view who) {
  const auto fail = [&] [[noreturn]] {
    throw InvalidArgument(format("{}: BMP is damaged or of a rare kind", who));
  };
  if (file.size() > INT_MAX) fail();
  const auto* data = reinterpret_cast<const stbi_uc*>(file.data());
  const auto size = static_cast<int>(file.size());
  int width = 0;
  int height = 0;
  int channels = 0;
  if (stbi_info_from_memory(data, size, &width, &height, &channels) == 0) {
    fail();
  }
  // A picture whose first row is its top says so by a negative height.
  if (height == INT_MIN) fail();
  height = std::abs(height);
  check_image_size(
      static_cast<std::uint64_t>(width),
      static_cast<std::uint64_t>(height),
      who);
  if (file.size() < needed_bytes(file, width, height, who)) fail();
  const std::unique_ptr<stbi_uc, decltype(&stbi_image_free)> decoded(
      stbi_load_from_memory(data, size, &width, &height, &channels, 0),
      &stbi_image_free);
  if (decoded == nullptr) fail();
  Tensor picture = Tensor::uninitialized(
      DType::u8,
      Shape{std::int64_t{height}, std::int64_t{width}, std::int64_t{channels}});
  std::memcpy(picture.mutable_raw(), decoded.get(), picture.size_bytes());
  return picture;
}

}  // namespace keratin::io
