#include "src/io/bytes.hpp"

#include <cstring>

#include <keratin/error.hpp>

#include "src/core/format.hpp"

namespace keratin::io {

std::string quoted(std::string_view text, std::size_t max_length) {
  std::string out = "'";
  for (const char c : text.substr(0, max_length)) {
    const auto code = static_cast<unsigned char>(c);
    if (code < 0x20 || code == 0x7f) {
      out += format("\\x{:02x}", code);
    } else {
      out += c;
    }
  }
  out += text.size() > max_length ? "...'" : "'";
  return out;
}

std::string_view as_text(Bytes bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

Bytes as_bytes(std::string_view text) {
  return {reinterpret_cast<const std::byte*>(text.data()), text.size()};
}

void ByteReader::fail(std::string_view message) const {
  throw InvalidArgument(format("{}: {}", who_, message));
}

void ByteReader::need(std::uint64_t count) const {
  if (count > remaining()) {
    fail(format(
        "expected {} more bytes at offset {}, got {}; the file is truncated or "
        "damaged",
        count,
        position_,
        remaining()));
  }
}

void ByteReader::seek(std::uint64_t position) {
  position_ = 0;
  need(position);
  position_ = position;
}

void ByteReader::skip(std::uint64_t count) {
  need(count);
  position_ += count;
}

Bytes ByteReader::take(std::uint64_t count) {
  need(count);
  const Bytes out = bytes_.subspan(position_, count);
  position_ += count;
  return out;
}

std::uint64_t ByteReader::uint(std::size_t width) {
  const Bytes raw = take(width);
  std::uint64_t value = 0;
  for (std::size_t i = width; i-- > 0;) {
    value = value << 8 | std::to_integer<std::uint64_t>(raw[i]);
  }
  return value;
}

}  // namespace keratin::io
