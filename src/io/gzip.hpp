#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "src/io/bytes.hpp"

namespace keratin::io {

/// Unpacked bytes of a .gz file (all its members). Throws InvalidArgument,
/// naming `who`, when the data are damaged or exceed `limit_bytes`.
std::vector<std::byte> gunzip(
    Bytes packed, std::uint64_t limit_bytes, std::string_view who);

/// Whether the bytes begin like a .gz file.
bool is_gzip(Bytes bytes);

/// Unpacks a raw deflate stream that must give exactly `size` bytes. The caller
/// has checked `size`. Throws InvalidArgument naming `who`.
std::vector<std::byte> inflate_exactly(
    Bytes packed, std::uint64_t size, std::string_view who);

}  // namespace keratin::io
