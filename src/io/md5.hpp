#pragma once

#include <string>

#include "src/io/bytes.hpp"

namespace keratin::io {

/// The MD5 (RFC 1321) in hexadecimal. Good against damage, not against malice:
/// only for files whose publisher gives nothing better.
std::string md5_of(Bytes bytes);

}  // namespace keratin::io
