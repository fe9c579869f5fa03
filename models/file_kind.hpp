#pragma once

#include <string>

#include "src/io/mapped_file.hpp"

namespace keratin {

enum class FileKind {
  keras,  // a zip archive
  hdf5,
  json,
  other,
};

/// What a file is by its content, whatever its name says.
FileKind kind_of(const io::SharedBytes& content);

/// In words, for files that are no model: "a text", "a page of HTML", "a
/// pointer of git-lfs (the file itself was not fetched)".
std::string describe_content(const io::SharedBytes& content);

/// Throws InvalidArgument that says what the file really is.
[[noreturn]] void refuse_content(
    const io::SharedBytes& content,
    const std::string& name,
    const std::string& expected);

}  // namespace keratin
