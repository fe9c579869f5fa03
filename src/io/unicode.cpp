#include "src/io/unicode.hpp"

namespace keratin::io {
namespace {

bool is_code_point(std::uint32_t c) {
  return c < 0x110000 && (c < 0xd800 || c > 0xdfff);
}

}  // namespace

bool append_utf8(std::string& out, std::uint32_t c) {
  if (!is_code_point(c)) return false;
  const auto put = [&](std::uint32_t byte) {
    out += static_cast<char>(static_cast<unsigned char>(byte));
  };
  if (c < 0x80) {
    put(c);
  } else if (c < 0x800) {
    put(0xc0 | c >> 6);
    put(0x80 | (c & 63));
  } else if (c < 0x10000) {
    put(0xe0 | c >> 12);
    put(0x80 | (c >> 6 & 63));
    put(0x80 | (c & 63));
  } else {
    put(0xf0 | c >> 18);
    put(0x80 | (c >> 12 & 63));
    put(0x80 | (c >> 6 & 63));
    put(0x80 | (c & 63));
  }
  return true;
}

bool decode_utf8(std::string_view text, std::vector<std::uint32_t>& out) {
  std::size_t i = 0;
  while (i < text.size()) {
    const auto first = static_cast<unsigned char>(text[i++]);
    int more = 0;
    std::uint32_t c = first;
    std::uint32_t least = 0;  // smaller ones have a shorter form
    if (first >= 0xf0 && first < 0xf8) {
      more = 3, c = first & 7U, least = 0x10000;
    } else if (first >= 0xe0 && first < 0xf0) {
      more = 2, c = first & 15U, least = 0x800;
    } else if (first >= 0xc0 && first < 0xe0) {
      more = 1, c = first & 31U, least = 0x80;
    } else if (first >= 0x80) {
      return false;
    }
    for (; more > 0; --more) {
      if (i == text.size()) return false;
      const auto next = static_cast<unsigned char>(text[i++]);
      if ((next & 0xc0) != 0x80) return false;
      c = c << 6 | (next & 63U);
    }
    if (c < least || !is_code_point(c)) return false;
    out.push_back(c);
  }
  return true;
}

}  // namespace keratin::io
