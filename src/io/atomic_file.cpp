#include "src/io/atomic_file.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <random>

#include <keratin/error.hpp>

#include "src/core/format.hpp"

namespace keratin::io {
namespace {

std::string folder_of(const std::string& path) {
  const auto slash = path.find_last_of('/');
  if (slash == std::string::npos) return ".";
  return slash == 0 ? "/" : path.substr(0, slash);
}

/// The file a chain of symbolic links ends at.
std::string follow_links(const std::string& path) {
  std::error_code error;
  if (!std::filesystem::is_symlink(path, error)) return path;
  const auto target = std::filesystem::weakly_canonical(path, error);
  return error ? path : target.string();
}

int sync_and_close(const std::string& path, int flags) {
  const int fd = ::open(path.c_str(), flags | O_CLOEXEC);
  if (fd < 0) return errno;
  const int code = ::fsync(fd) == 0 ? 0 : errno;
  ::close(fd);
  return code;
}

}  // namespace

AtomicFile::AtomicFile(const std::string& path) : target_(follow_links(path)) {
  struct stat old {};

  const bool exists = ::stat(target_.c_str(), &old) == 0;
  if (exists && !S_ISREG(old.st_mode)) {
    throw SystemError(format(
        "[{}] expected to write a regular file, got {} of that name",
        target_,
        S_ISDIR(old.st_mode) ? "a folder" : "a device, socket or pipe"));
  }
  // A name of our own rather than mkstemp's 0600: the user's umask decides who
  // may read what is written.
  std::random_device random;
  for (int attempt = 0;; ++attempt) {
    temporary_ = format("{}.{:08x}.tmp", target_, random());
    fd_ = ::open(
        temporary_.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
    if (fd_ >= 0) break;
    if (errno != EEXIST || attempt == 100) {
      throw SystemError(format(
          "[{}] open failed: {}; check that the folder {} exists and can be "
          "written to",
          target_,
          std::strerror(errno),
          folder_of(target_)));
    }
  }
  if (exists && ::fchmod(fd_, old.st_mode & 07777) != 0) {
    const int code = errno;
    ::unlink(temporary_.c_str());
    ::close(fd_);
    fail("fchmod", code);
  }
}

AtomicFile::~AtomicFile() {
  if (fd_ >= 0) ::close(fd_);
  if (!committed_) ::unlink(temporary_.c_str());
}

void AtomicFile::fail(const char* call, int code) const {
  throw SystemError(format(
      "[{}] {} failed: {}; what was there before is unchanged",
      target_,
      call,
      std::strerror(code)));
}

void AtomicFile::write(Bytes bytes) {
  while (!bytes.empty()) {
    const ::ssize_t written = ::write(fd_, bytes.data(), bytes.size());
    if (written < 0) {
      if (errno == EINTR) continue;
      fail("write", errno);
    }
    bytes = bytes.subspan(static_cast<std::size_t>(written));
  }
}

void AtomicFile::commit() {
  // By name, as a library may have put another file there.
  if (const int code = sync_and_close(temporary_, O_RDONLY)) {
    fail("fsync", code);
  }
  if (::rename(temporary_.c_str(), target_.c_str()) != 0) {
    fail("rename", errno);
  }
  committed_ = true;
  // Some file systems cannot sync a folder; the data are safe all the same.
  const int code = sync_and_close(folder_of(target_), O_RDONLY | O_DIRECTORY);
  if (code != 0 && code != EINVAL && code != ENOTSUP && code != EACCES) {
    throw SystemError(format(
        "[{}] fsync of its folder failed: {}", target_, std::strerror(code)));
  }
}

void write_file(const std::string& path, Bytes bytes) {
  AtomicFile file(path);
  file.write(bytes);
  file.commit();
}

void make_folders(const std::string& path) {
  std::error_code error;
  std::filesystem::create_directories(path, error);
  if (error) {
    throw SystemError(
        format("[{}] create_directories failed: {}", path, error.message()));
  }
}

}  // namespace keratin::io
