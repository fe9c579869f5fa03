#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

namespace keratin::io {

using Bytes = std::span<const std::byte>;

/// Text out of a file, made fit for one line of an error message: quoted,
/// control characters escaped, long ones cut.
std::string quoted(std::string_view text, std::size_t max_length = 80);

std::string_view as_text(Bytes bytes);

Bytes as_bytes(std::string_view text);

/// A position in bytes that come from outside. Every step is checked: running
/// off the end throws InvalidArgument, "<who>: expected 8 bytes at ...".
///
/// `who` opens the message ("[m.h5] layers/dense") and must outlive the reader.
class ByteReader {
 public:
  ByteReader(Bytes bytes, std::string_view who) : bytes_(bytes), who_(who) {}

  std::uint64_t position() const { return position_; }

  std::uint64_t remaining() const { return bytes_.size() - position_; }

  void seek(std::uint64_t position);
  void skip(std::uint64_t count);

  /// The next `count` bytes, not copied.
  Bytes take(std::uint64_t count);

  std::string_view take_text(std::uint64_t count) {
    return as_text(take(count));
  }

  /// An unsigned little-endian integer of 1 to 8 bytes.
  std::uint64_t uint(std::size_t width);

  std::uint8_t u8() { return static_cast<std::uint8_t>(uint(1)); }

  std::uint16_t u16() { return static_cast<std::uint16_t>(uint(2)); }

  std::uint32_t u32() { return static_cast<std::uint32_t>(uint(4)); }

  std::uint64_t u64() { return uint(8); }

  /// Throws InvalidArgument: "<who>: <message>".
  [[noreturn]] void fail(std::string_view message) const;

 private:
  void need(std::uint64_t count) const;

  Bytes bytes_;
  std::string_view who_;
  std::uint64_t position_ = 0;
};

}  // namespace keratin::io
