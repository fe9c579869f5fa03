#pragma once

#include <map>
#include <string>
#include <string_view>

#include "src/io/bytes.hpp"

namespace keratin::data {

/// The regular files of a tar archive in memory, by the last part of their
/// names; names are never used as paths. Throws InvalidArgument naming `who`.
std::map<std::string, io::Bytes> read_tar(
    io::Bytes archive, std::string_view who);

}  // namespace keratin::data
