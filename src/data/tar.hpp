#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "src/io/bytes.hpp"

namespace keratin::data {

struct TarMember {
  enum class Kind { file, folder, other };

  std::string name;  // as the archive has it: never a path without a check
  Kind kind = Kind::file;
  io::Bytes content = {};
};

/// The members of a tar archive in memory, with the long names of GNU's and
/// POSIX's tar. Throws InvalidArgument naming `who`.
std::vector<TarMember> tar_members(io::Bytes archive, std::string_view who);

/// Its regular files, by the last part of their names.
std::map<std::string, io::Bytes> read_tar(
    io::Bytes archive, std::string_view who);

}  // namespace keratin::data
