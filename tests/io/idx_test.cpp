#include "src/io/idx.hpp"

#include <doctest/doctest.h>

#include <string>
#include <vector>

#include <keratin/error.hpp>

#include "tests/io/memory.hpp"
#include "tests/support/throws.hpp"

namespace keratin {

using testing::in_memory;
using testing::message_of;

namespace {

// Type, rank, dimensions (big-endian), elements.
std::string idx(
    char type, const std::string& dims, const std::string& elements) {
  std::string out(2, '\0');
  out += type;
  out += static_cast<char>(dims.size());
  for (const char dim : dims) out += std::string(3, '\0') + dim;
  return out + elements;
}

Tensor parse(const std::string& bytes) {
  return io::parse_idx(in_memory(bytes), "[x]");
}

}  // namespace

TEST_CASE("IDX elements of every type read from big-endian") {
  CHECK(
      parse(idx(8, "\x02\x03", "abcdef")) ==
      Tensor(std::vector<std::uint8_t>{97, 98, 99, 100, 101, 102}, {2, 3}));
  CHECK(parse(idx(9, "\x01", "\xff")) == Tensor(std::vector<std::int8_t>{-1}));
  CHECK(
      parse(idx(11, "\x02", std::string("\x01\x02\xff\xfe", 4))) ==
      Tensor(std::vector<std::int16_t>{258, -2}));
  CHECK(
      parse(idx(12, "\x01", std::string("\0\0\1\0", 4))) ==
      Tensor(std::vector<std::int32_t>{256}));
  CHECK(
      parse(idx(13, "\x01", std::string("\x3f\x80\0\0", 4))) ==
      Tensor(std::vector<float>{1}));
  CHECK(
      parse(idx(14, "\x01", std::string("\x3f\xf0\0\0\0\0\0\0", 8))) ==
      Tensor(std::vector<double>{1}));
}

TEST_CASE("IDX files that do not fit are refused") {
  const auto message = [](const std::string& bytes) {
    return message_of<InvalidArgument>([&] { parse(bytes); });
  };
  CHECK(
      message(idx(8, "\x02\x03", "abcde")) ==
      "[x]: expected 6 bytes for u8[2,3], got 5; the file is truncated or "
      "damaged");
  CHECK(
      message(idx(7, "\x01", "a")) ==
      "[x]: expected an IDX element type 8 to 14, got 7");
  CHECK(
      message("text") ==
      "[x]: expected an IDX file, got 4 bytes that do not begin with two "
      "zeros");
  CHECK(
      message(std::string("\0\0\x0e\x03", 4) + std::string(12, '\xff')) ==
      "[x]: impossible shape [4294967295,4294967295]");
}

}  // namespace keratin
