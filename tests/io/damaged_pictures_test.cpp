// Every kind of picture, damaged: it is read or refused, within the memory that
// its header names at most, and that has a limit.

#include <doctest/doctest.h>

#include <string>

#include <keratin/error.hpp>

#include "src/io/image_codec.hpp"
#include "tests/io/damage.hpp"
#include "tests/io/memory.hpp"
#include "tests/support/allocations.hpp"
#include "tests/support/files.hpp"
#include "tests/support/paths.hpp"
#include "tests/support/throws.hpp"

namespace keratin {

using testing::AllocationPeak;
using testing::check_both;
using testing::damage;
using testing::in_memory;
using testing::message_of;
using testing::ten_times_and_tables;

namespace {

std::string picture(const std::string& name) {
  return testing::read_file(testing::fixture("images/" + name));
}

/// Decodes as both libraries do it. When the sides are still those of the
/// fixtures, 13 x 9 pixels, all the memory is by the size of the file.
void decode(const std::string& bytes) {
  const auto file = in_memory(bytes);
  const AllocationPeak peak;
  const Tensor rgb =
      io::decode_image(file.bytes, io::ImageChannels::rgb, "[x]");
  if (rgb.shape() == Shape{9, 13, 3}) {
    CHECK(peak.bytes() <= ten_times_and_tables(bytes.size()));
  }
  if (rgb.size() > 1'000'000) return;  // of a header that lies: once is enough
  io::decode_image(
      file.bytes, io::ImageChannels::grey, "[x]", io::DecodeAs::tensorflow);
}

/// The most that a header may name: RGBA, and the coefficients of a progressive
/// JPEG with it.
std::uint64_t largest_picture(std::uint64_t size) {
  return ten_times_and_tables(size) + 12 * io::kMaxImagePixels;
}

void check_damaged(const char* name) {
  CAPTURE(name);
  check_both(damage(picture(name), decode, largest_picture));
}

/// Refused for its sides, before memory is taken for them.
void check_bomb(const std::string& bytes) {
  const auto file = in_memory(bytes);
  const AllocationPeak peak;
  const std::string what = message_of<InvalidArgument>(
      [&] { io::decode_image(file.bytes, io::ImageChannels::rgb, "[x]"); });
  CAPTURE(what);
  CHECK(
      what.find("expected a picture of 1 to 178956970 pixels") !=
      std::string::npos);
  CHECK(peak.bytes() <= ten_times_and_tables(bytes.size()));
}

}  // namespace

TEST_CASE("Damaged JPEGs end in an error or a picture") {
  check_damaged("colour.jpg");
  check_damaged("progressive.jpg");
  check_damaged("inks.jpg");
}

TEST_CASE("Damaged PNGs end in an error or a picture") {
  check_damaged("clear.png");
  check_damaged("palette_clear.png");
}

TEST_CASE("Damaged GIFs end in an error or a picture") {
  check_damaged("interlaced.gif");
  check_damaged("clear.gif");
}

TEST_CASE("Damaged BMPs end in an error or a picture") {
  check_damaged("colour.bmp");
  check_damaged("one_bit.bmp");
}

TEST_CASE("Sides beyond the limit are refused before memory is taken") {
  std::string jpeg = picture("colour.jpg");
  const std::size_t frame = jpeg.find("\xff\xc0");
  REQUIRE(frame != std::string::npos);
  jpeg.replace(frame + 5, 4, "\xff\xdc\xff\xdc");  // libjpeg's most: 65500
  check_bomb(jpeg);

  std::string png = picture("colour.png");
  // 65536 x 65536, with the checksum of that header.
  png.replace(16, 8, std::string("\0\1\0\0\0\1\0\0", 8));
  png.replace(29, 4, "\xe3\xe6\xa7\xb4");
  check_bomb(png);

  std::string gif = picture("colour.gif");
  gif.replace(6, 4, "\xff\xff\xff\xff");
  check_bomb(gif);

  std::string bmp = picture("colour.bmp");
  bmp.replace(18, 8, std::string("\0\0\1\0\0\0\1\0", 8));
  check_bomb(bmp);
}

}  // namespace keratin
