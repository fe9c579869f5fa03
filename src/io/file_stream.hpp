#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>

namespace keratin::io {

/// A regular file read from its beginning, without holding it in memory.
class FileStream {
 public:
  /// Throws SystemError naming the call and the path.
  explicit FileStream(const std::string& path);
  FileStream(const FileStream&) = delete;
  FileStream& operator=(const FileStream&) = delete;
  ~FileStream();

  /// Up to `out.size()` bytes, fewer at the end alone. Throws as above.
  std::size_t read(std::span<std::byte> out);

  void rewind();

  /// When it was opened.
  std::uint64_t size() const { return size_; }

  int descriptor() const { return fd_; }

 private:
  [[noreturn]] void fail(const char* call) const;

  std::string path_;
  int fd_ = -1;
  std::uint64_t size_ = 0;
};

}  // namespace keratin::io
