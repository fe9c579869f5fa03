#pragma once

#include <string>

#include "src/io/bytes.hpp"

namespace keratin::io {

/// A file that appears under its name whole or not at all.
///
/// What is written goes to a temporary file in the same folder; commit() syncs
/// it, renames it over the target and syncs the folder. Until then, and after
/// any failure, the target is what it was before; the destructor removes the
/// temporary file. All failures throw SystemError naming the call.
class AtomicFile {
 public:
  /// Creates the temporary file. A target that exists must be a regular file
  /// (a symbolic link is followed); its permissions are kept.
  explicit AtomicFile(const std::string& path);

  AtomicFile(const AtomicFile&) = delete;
  AtomicFile& operator=(const AtomicFile&) = delete;
  ~AtomicFile();

  /// For libraries that write by name; they may replace the file there.
  const std::string& temporary_path() const { return temporary_; }

  void write(Bytes bytes);

  void write(std::string_view text) { write(as_bytes(text)); }

  void commit();

 private:
  [[noreturn]] void fail(const char* call, int code) const;

  std::string target_;
  std::string temporary_;
  int fd_ = -1;
  bool committed_ = false;
};

/// Replaces the file at `path` by these bytes, atomically.
void write_file(const std::string& path, Bytes bytes);

/// Makes a folder and its parents. Throws SystemError naming the folder.
void make_folders(const std::string& path);

}  // namespace keratin::io
