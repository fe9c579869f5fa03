#pragma once

#include <memory>
#include <string>

#include "src/io/bytes.hpp"

namespace keratin::io {

/// A regular file mapped for reading. The mapping outlives the path: an atomic
/// replacement of the file does not change what was mapped.
class MappedFile {
 public:
  /// Throws SystemError naming the call and the path; a folder, a device or a
  /// pipe is refused before it is opened for long.
  static std::shared_ptr<MappedFile> open(const std::string& path);

  MappedFile(const MappedFile&) = delete;
  MappedFile& operator=(const MappedFile&) = delete;
  ~MappedFile();

  Bytes bytes() const { return bytes_; }

 private:
  explicit MappedFile(Bytes bytes) : bytes_(bytes) {}

  Bytes bytes_;
};

/// A span and what keeps its memory alive.
struct SharedBytes {
  Bytes bytes;
  std::shared_ptr<void> owner;
};

/// The whole file, mapped.
SharedBytes map_file(const std::string& path);

/// The same for files that are read once: a small one is read, which is faster
/// than mapping it.
SharedBytes load_file(const std::string& path);

/// The last component of a path: what error messages call a file.
std::string base_name(const std::string& path);

}  // namespace keratin::io
