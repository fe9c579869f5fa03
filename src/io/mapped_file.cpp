#include "src/io/mapped_file.hpp"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <utility>
#include <vector>

#include <keratin/error.hpp>

#include "src/core/format.hpp"
#include "src/io/file_stream.hpp"

namespace keratin::io {
namespace {

[[noreturn]] void fail(
    const char* call, const std::string& path, int code = errno) {
  throw SystemError(
      format("[{}] {} failed: {}", path, call, std::strerror(code)));
}

struct Descriptor {
  int fd;

  ~Descriptor() { ::close(fd); }
};

}  // namespace

std::shared_ptr<MappedFile> MappedFile::open(const std::string& path) {
  // O_NONBLOCK: opening a pipe must not wait for a writer.
  const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (fd < 0) fail("open", path);
  const Descriptor closer{fd};

  struct stat info {};

  if (::fstat(fd, &info) != 0) fail("fstat", path);
  if (!S_ISREG(info.st_mode)) {
    throw SystemError(format(
        "[{}] expected a regular file, got {}",
        path,
        S_ISDIR(info.st_mode) ? "a folder" : "a device, socket or pipe"));
  }
  const auto size = static_cast<std::size_t>(info.st_size);
  if (size == 0) {  // mmap refuses to map nothing
    return std::shared_ptr<MappedFile>(new MappedFile({}));
  }
  void* data = ::mmap(nullptr, size, PROT_READ, MAP_PRIVATE, fd, 0);
  if (data == MAP_FAILED) fail("mmap", path);
  return std::shared_ptr<MappedFile>(
      new MappedFile({static_cast<const std::byte*>(data), size}));
}

MappedFile::~MappedFile() {
  if (!bytes_.empty()) {
    ::munmap(const_cast<std::byte*>(bytes_.data()), bytes_.size());
  }
}

SharedBytes map_file(const std::string& path) {
  auto file = MappedFile::open(path);
  const Bytes bytes = file->bytes();
  return {bytes, std::move(file)};
}

SharedBytes load_file(const std::string& path) {
  constexpr std::uint64_t kSmall = 256 << 10;
  FileStream file(path);
  if (file.size() > kSmall) return map_file(path);
  auto content = std::make_shared<std::vector<std::byte>>(
      static_cast<std::size_t>(file.size()));
  content->resize(file.read(*content));
  const Bytes bytes = *content;
  return {bytes, std::move(content)};
}

std::string base_name(const std::string& path) {
  const auto slash = path.find_last_of('/');
  return slash == std::string::npos ? path : path.substr(slash + 1);
}

}  // namespace keratin::io
