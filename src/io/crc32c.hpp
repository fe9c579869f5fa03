#pragma once

#include <cstdint>

#include "src/io/bytes.hpp"

namespace keratin::io {

/// Castagnoli's CRC-32 (RFC 3720): 0xe3069283 of "123456789".
std::uint32_t crc32c(Bytes bytes);

/// As TFRecord files hold it: rotated and shifted, so that a checksum of data
/// with checksums in them is none of theirs.
std::uint32_t masked_crc32c(Bytes bytes);

}  // namespace keratin::io
