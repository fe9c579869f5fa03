#include "src/io/download.hpp"

#include <curl/curl.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <cstring>
#include <memory>
#include <mutex>

#include <keratin/error.hpp>

#include "src/core/env.hpp"
#include "src/core/format.hpp"
#include "src/core/log.hpp"
#include "src/io/atomic_file.hpp"
#include "src/io/mapped_file.hpp"
#include "src/io/md5.hpp"
#include "src/io/sha256.hpp"

namespace keratin::io {
namespace {

bool file_exists(const std::string& path) {
  struct stat info {};

  return ::stat(path.c_str(), &info) == 0;
}

/// What a file must hash to.
struct Checksum {
  const char* kind = "";  // empty: nobody says
  std::string value;

  std::string of(const std::string& path) const {
    const SharedBytes file = map_file(path);
    return value.size() == 64 ? sha256_of(file.bytes) : md5_of(file.bytes);
  }

  bool fits(const std::string& path) const {
    return value.empty() || of(path) == value;
  }
};

Checksum checksum_of(const Download& what) {
  if (!what.sha256.empty()) return {"SHA-256", what.sha256};
  if (!what.md5.empty()) return {"MD5", what.md5};
  return {};
}

std::string checksum_differs(const Checksum& sum, const std::string& path) {
  return format(
      "checksum differs: expected {} {}, got {}",
      sum.kind,
      sum.value,
      sum.of(path));
}

bool is_there(const std::string& path, const Checksum& sum) {
  return file_exists(path) && sum.fits(path);
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
      if (is_named()) return;
      ::close(fd_);
    }
  }

  Part(const Part&) = delete;
  Part& operator=(const Part&) = delete;

  /// Leaves no file where nothing has come.
  ~Part() {
    if (size() == 0 && is_named()) ::unlink(path_.c_str());
    ::close(fd_);
  }

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

  /// Whether the name is still that of the file that is open.
  bool is_named() const {
    struct stat ours {};

    struct stat named {};

    return ::fstat(fd_, &ours) == 0 && ::stat(path_.c_str(), &named) == 0 &&
           ours.st_ino == named.st_ino && ours.st_dev == named.st_dev;
  }

  std::string path_;
  int fd_ = -1;
};

/// Sixteen bytes in base64 as hexadecimal; empty for anything else.
std::string hex_of_base64(std::string_view text) {
  constexpr std::string_view kDigits =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string out;
  std::uint32_t bits = 0;
  int count = 0;
  for (const char c : text.substr(0, text.find('='))) {
    const std::size_t digit = kDigits.find(c);
    if (digit == std::string_view::npos) return "";
    bits = bits << 6 | static_cast<std::uint32_t>(digit);
    count += 6;
    if (count < 8) continue;
    count -= 8;
    out += format("{:02x}", bits >> count & 0xff);
  }
  return out.size() == 32 ? out : "";
}

struct Transfer {
  Part* part;
  std::uint64_t size;
  std::uint64_t max_bytes;
  int write_error = 0;
  bool too_big = false;
  std::string md5 = {};  // as the server tells it
};

/// Google's storage tells the MD5 of what it serves:
/// "x-goog-hash: crc32c=...,md5=BASE64==".
std::size_t on_header(char* data, std::size_t, std::size_t count, void* user) {
  constexpr std::string_view kName = "x-goog-hash:";
  const std::string_view line(data, count);
  const std::size_t at = line.find("md5=");
  if (line.size() > kName.size() && at != std::string_view::npos &&
      ::strncasecmp(data, kName.data(), kName.size()) == 0) {
    const std::string_view value = line.substr(at + 4);
    static_cast<Transfer*>(user)->md5 =
        hex_of_base64(value.substr(0, value.find_first_of(", \r\n")));
  }
  return count;
}

/// Tells the caller about progress, ten times a second at most.
struct Reporter {
  const Download* what;
  std::uint64_t start;
  std::chrono::steady_clock::time_point last = {};
};

int on_progress(
    void* user, curl_off_t of, curl_off_t done, curl_off_t, curl_off_t) {
  auto& reporter = *static_cast<Reporter*>(user);
  const auto now = std::chrono::steady_clock::now();
  if (done == 0 || now - reporter.last < std::chrono::milliseconds(100)) {
    return 0;
  }
  reporter.last = now;
  const auto total = static_cast<std::uint64_t>(of);
  reporter.what->progress(
      reporter.start + static_cast<std::uint64_t>(done),
      total == 0 ? 0 : reporter.start + total);
  return 0;
}

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

/// Appends the rest of the file to what is there. Puts the MD5 that the server
/// tells, if it does, into `told`.
Outcome transfer(const Download& what, Part& part, std::string& told) {
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
  set(CURLOPT_HEADERFUNCTION, on_header);
  set(CURLOPT_HEADERDATA, static_cast<void*>(&state));
  set(CURLOPT_USERAGENT, "keratin");
  Reporter reporter{&what, start};
  if (what.progress) {
    set(CURLOPT_NOPROGRESS, 0L);
    set(CURLOPT_XFERINFOFUNCTION, on_progress);
    set(CURLOPT_XFERINFODATA, static_cast<void*>(&reporter));
  }
  const CURLcode code = curl_easy_perform(curl.get());
  told = state.md5;
  if (code == CURLE_OK) {
    if (what.progress) what.progress(part.size(), part.size());
    return Outcome::done;
  }

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

std::string mirrored(const std::string& address) {
  const auto mirror = env::mirror();
  if (!mirror) return address;
  const std::size_t host = address.find("://") + 3;
  std::string base = *mirror;
  while (base.ends_with('/')) base.pop_back();
  return base + address.substr(address.find('/', host));
}

std::string fetch(const Download& what) {
  check_address(what.url);
  Checksum sum = checksum_of(what);
  const std::string folder = env::cache_dir();
  const std::string path = folder + "/" + what.name;
  if (is_there(path, sum)) return path;
  if (env::offline()) {
    const std::string state = file_exists(path)
                                  ? format(
                                        "in the cache {}, but its {}",
                                        folder,
                                        checksum_differs(sum, path))
                                  : format("not in the cache {}", folder);
    throw SystemError(format(
        "[download] {}: {}, and KERATIN_OFFLINE forbids to fetch it from {}",
        what.name,
        state,
        what.url));
  }
  make_folders(path.substr(0, path.rfind('/')));
  const std::string part_path = path + ".part";
  Part part(part_path, what.url);
  if (is_there(path, sum)) {  // another process was faster
    ::unlink(part_path.c_str());
    return path;
  }
  KERATIN_LOG(data, "fetching {} to {}", what.url, path);
  bool resumed = part.size() > 0;
  const auto get = [&] {
    std::string told;
    if (transfer(what, part, told) == Outcome::cannot_resume) {
      part.restart(what.url);
      resumed = false;
      transfer(what, part, told);
    }
    part.sync(what.url);
    if (checksum_of(what).value.empty())
      sum = {"MD5 (told by the server)", told};
  };
  get();
  if (!sum.fits(part_path) && resumed) {
    // What was there before may have been of another version.
    part.restart(what.url);
    get();
  }
  if (!sum.fits(part_path)) {
    const std::string problem = checksum_differs(sum, part_path);
    ::unlink(part_path.c_str());
    throw SystemError(format("[download] {}: {}", what.url, problem));
  }
  if (::rename(part_path.c_str(), path.c_str()) != 0) {
    throw SystemError(format(
        "[download] rename to {} failed: {}", path, std::strerror(errno)));
  }
  return path;
}

}  // namespace keratin::io
