#include "src/io/file_stream.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include <keratin/error.hpp>

#include "src/core/format.hpp"

namespace keratin::io {

FileStream::FileStream(const std::string& path) : path_(path) {
  // O_NONBLOCK: opening a pipe must not wait for a writer.
  fd_ = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (fd_ < 0) fail("open");

  struct stat info {};

  if (::fstat(fd_, &info) != 0 || !S_ISREG(info.st_mode)) {
    ::close(fd_);
    throw SystemError(format(
        "[{}] expected a regular file, got {}",
        path,
        S_ISDIR(info.st_mode) ? "a folder" : "a device, socket or pipe"));
  }
  size_ = static_cast<std::uint64_t>(info.st_size);
  constexpr std::uint64_t kLarge = 1 << 20;
  if (size_ > kLarge) ::posix_fadvise(fd_, 0, 0, POSIX_FADV_SEQUENTIAL);
}

FileStream::~FileStream() {
  ::close(fd_);
}

std::size_t FileStream::read(std::span<std::byte> out) {
  std::size_t done = 0;
  while (done < out.size()) {
    const ::ssize_t count = ::read(fd_, out.data() + done, out.size() - done);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) fail("read");
    if (count == 0) break;
    done += static_cast<std::size_t>(count);
  }
  return done;
}

void FileStream::rewind() {
  if (::lseek(fd_, 0, SEEK_SET) != 0) fail("lseek");
}

void FileStream::fail(const char* call) const {
  throw SystemError(
      format("[{}] {} failed: {}", path_, call, std::strerror(errno)));
}

}  // namespace keratin::io
