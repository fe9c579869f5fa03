#include "src/io/download.hpp"

#include <curl/curl.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <memory>
#include <mutex>

#include <keratin/error.hpp>

#include "src/core/env.hpp"
#include "src/core/format.hpp"
#include "src/core/log.hpp"
#include "src/io/atomic_file.hpp"
#include "src/io/mapped_file.hpp"
#include "src/io/sha256.hpp"

namespace keratin::io {
namespace {

bool file_exists(const std::string& path) {
  struct stat info {};

  return ::stat(path.c_str(), &info) == 0;
}

bool has_checksum(const std::string& path, const std::string& sha256) {
  return file_exists(path) && sha256_of(map_file(path).bytes) == sha256;
}

void check_address(const std::string& url) {
  if (!url.starts_with("http://") && !url.starts_with("https://")) {
    throw InvalidArgument(format(
        "[download] expected an address that begins with http:// or https://, "
        "got {}",
        quoted(url)));
  }
}

/// The part of a file that has come so far, locked against other processes.
class Part {
 public:
  Part(const std::string& path, const std::string& url) : path_(path) {
    while (true) {
      fd_ = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0666);
      if (fd_ < 0) fail("open", url);
      if (::flock(fd_, LOCK_EX) != 0) fail("flock", url);

      // Whoever held the lock may have renamed or removed the file meanwhile.
      struct stat ours {};

      struct stat named {};

      if (::fstat(fd_, &ours) == 0 && ::stat(path.c_str(), &named) == 0 &&
          ours.st_ino == named.st_ino && ours.st_dev == named.st_dev) {
        return;
      }
      ::close(fd_);
    }
  }

  Part(const Part&) = delete;
  Part& operator=(const Part&) = delete;

  ~Part() { ::close(fd_); }

  std::uint64_t size() const {
    struct stat info {};

    ::fstat(fd_, &info);
    return static_cast<std::uint64_t>(info.st_size);
  }

  void restart(const std::string& url) {
    if (::ftruncate(fd_, 0) != 0) fail("ftruncate", url);
  }

  bool append(const char* data, std::size_t count) {
    if (::lseek(fd_, 0, SEEK_END) < 0) return false;
    while (count > 0) {
      const ::ssize_t written = ::write(fd_, data, count);
      if (written < 0 && errno != EINTR) return false;
      if (written < 0) continue;
      data += written;
      count -= static_cast<std::size_t>(written);
    }
    return true;
  }

  void sync(const std::string& url) {
    if (::fsync(fd_) != 0) fail("fsync", url);
  }

 private:
  [[noreturn]] void fail(const char* call, const std::string& url) const {
    const int code = errno;
    throw SystemError(format(
        "[download] {}: {} of {} failed: {}",
        url,
        call,
        path_,
        std::strerror(code)));
  }

  std::string path_;
  int fd_ = -1;
};

struct Transfer {
  Part* part;
  std::uint64_t size;
  std::uint64_t max_bytes;
  int write_error = 0;
  bool too_big = false;
};

std::size_t on_data(char* data, std::size_t, std::size_t count, void* user) {
  auto& transfer = *static_cast<Transfer*>(user);
  if (transfer.size + count > transfer.max_bytes) {
    transfer.too_big = true;
    return 0;
  }
  if (!transfer.part->append(data, count)) {
    transfer.write_error = errno;
    return 0;
  }
  transfer.size += count;
  return count;
}

enum class Outcome { done, cannot_resume };

/// Appends the rest of the file to what is there.
Outcome transfer(const Download& what, Part& part) {
  static std::once_flag once;
  std::call_once(once, [] { curl_global_init(CURL_GLOBAL_DEFAULT); });
  const std::unique_ptr<CURL, void (*)(CURL*)> curl(
      curl_easy_init(), curl_easy_cleanup);
  if (curl == nullptr) throw SystemError("[download] curl_easy_init failed");
  const std::uint64_t start = part.size();
  Transfer state{&part, start, what.max_bytes};
  char message[CURL_ERROR_SIZE] = "";
  const auto set = [&](CURLoption option, auto value) {
    if (const CURLcode code = curl_easy_setopt(curl.get(), option, value)) {
      throw SystemError(format(
          "[download] curl_easy_setopt failed: {}", curl_easy_strerror(code)));
    }
  };
  set(CURLOPT_URL, what.url.c_str());
  // Neither the address nor a redirection may lead to a file or elsewhere.
  set(CURLOPT_PROTOCOLS_STR, "http,https");
  set(CURLOPT_REDIR_PROTOCOLS_STR,
      what.url.starts_with("https") ? "https" : "http,https");
  set(CURLOPT_FOLLOWLOCATION, 1L);
  set(CURLOPT_MAXREDIRS, 10L);
  set(CURLOPT_FAILONERROR, 1L);
  set(CURLOPT_NOSIGNAL, 1L);
  set(CURLOPT_CONNECTTIMEOUT, 30L);
  set(CURLOPT_LOW_SPEED_LIMIT, 100L);
  set(CURLOPT_LOW_SPEED_TIME, 60L);
  set(CURLOPT_ERRORBUFFER, static_cast<char*>(message));
  set(CURLOPT_RESUME_FROM_LARGE, static_cast<curl_off_t>(start));
  set(CURLOPT_WRITEFUNCTION, on_data);
  set(CURLOPT_WRITEDATA, static_cast<void*>(&state));
  set(CURLOPT_USERAGENT, "keratin");
  const CURLcode code = curl_easy_perform(curl.get());
  if (code == CURLE_OK) return Outcome::done;

  long status = 0;
  curl_easy_getinfo(curl.get(), CURLINFO_RESPONSE_CODE, &status);
  constexpr long kRangeNotSatisfiable = 416;
  if (start > 0 &&
      (code == CURLE_RANGE_ERROR || status == kRangeNotSatisfiable)) {
    return Outcome::cannot_resume;
  }
  if (state.too_big) {
    throw SystemError(format(
        "[download] {}: expected at most {} bytes, got more",
        what.url,
        what.max_bytes));
  }
  if (state.write_error != 0) {
    throw SystemError(format(
        "[download] {}: write failed: {}",
        what.url,
        std::strerror(state.write_error)));
  }
  throw SystemError(format(
      "[download] {}: transfer failed: {}; run again to go on, or put the file "
      "into the folder that KERATIN_DATA names",
      what.url,
      message[0] != '\0' ? message : curl_easy_strerror(code)));
}

}  // namespace

std::string fetch(const Download& what) {
  check_address(what.url);
  const std::string folder = env::cache_dir();
  const std::string path = folder + "/" + what.name;
  if (has_checksum(path, what.sha256)) return path;
  if (env::offline()) {
    throw SystemError(format(
        "[download] {}: not in the cache {}, and KERATIN_OFFLINE forbids to "
        "fetch it from {}",
        what.name,
        folder,
        what.url));
  }
  make_folders(folder);
  const std::string part_path = path + ".part";
  Part part(part_path, what.url);
  if (has_checksum(path, what.sha256)) {  // another process was faster
    ::unlink(part_path.c_str());
    return path;
  }
  KERATIN_LOG(data, "fetching {} to {}", what.url, path);
  const bool resumed = part.size() > 0;
  if (transfer(what, part) == Outcome::cannot_resume) {
    part.restart(what.url);
    transfer(what, part);
  }
  part.sync(what.url);
  std::string got = sha256_of(map_file(part_path).bytes);
  if (got != what.sha256 && resumed) {
    // What was there before may have been of another version.
    part.restart(what.url);
    transfer(what, part);
    part.sync(what.url);
    got = sha256_of(map_file(part_path).bytes);
  }
  if (got != what.sha256) {
    ::unlink(part_path.c_str());
    throw SystemError(format(
        "[download] {}: checksum differs: expected SHA-256 {}, got {}",
        what.url,
        what.sha256,
        got));
  }
  if (::rename(part_path.c_str(), path.c_str()) != 0) {
    throw SystemError(format(
        "[download] rename to {} failed: {}", path, std::strerror(errno)));
  }
  return path;
}

}  // namespace keratin::io
