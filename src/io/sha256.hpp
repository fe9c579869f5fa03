#pragma once

#include <array>
#include <cstdint>
#include <string>

#include "src/io/bytes.hpp"

namespace keratin::io {

/// SHA-256 (FIPS 180-4), fed in pieces.
class Sha256 {
 public:
  void update(Bytes bytes);

  /// The digest in hexadecimal. Nothing may be fed after.
  std::string finish();

 private:
  void block(const std::byte* bytes);

  std::array<std::uint32_t, 8> state_ = {
      0x6a09e667,
      0xbb67ae85,
      0x3c6ef372,
      0xa54ff53a,
      0x510e527f,
      0x9b05688c,
      0x1f83d9ab,
      0x5be0cd19};
  std::array<std::byte, 64> pending_{};
  std::size_t pending_size_ = 0;
  std::uint64_t total_ = 0;
};

std::string sha256_of(Bytes bytes);

}  // namespace keratin::io
