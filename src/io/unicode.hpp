#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace keratin::io {

/// Adds a code point as UTF-8; false when there is no such code point.
bool append_utf8(std::string& out, std::uint32_t code_point);

/// The code points of UTF-8 text; false when it is not UTF-8.
bool decode_utf8(std::string_view text, std::vector<std::uint32_t>& out);

}  // namespace keratin::io
