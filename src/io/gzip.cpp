#include "src/io/gzip.hpp"

#include <zlib.h>

#include <algorithm>
#include <limits>

#include <keratin/error.hpp>

#include "src/core/format.hpp"

namespace keratin::io {
namespace {

constexpr std::uint64_t kStep = 1U << 30;  // zlib counts in 32 bits

/// zlib's inflate with its memory given back at the end.
class Inflater {
 public:
  Inflater(int window_bits, Bytes packed, std::string_view who)
      : packed_(packed), who_(who) {
    if (inflateInit2(&stream_, window_bits) != Z_OK) {
      throw SystemError(format("{}: inflateInit2 failed", who));
    }
  }

  Inflater(const Inflater&) = delete;
  Inflater& operator=(const Inflater&) = delete;

  ~Inflater() { inflateEnd(&stream_); }

  /// Fills `out` as far as the stream goes; true at the end of the stream.
  bool fill(std::span<std::byte> out, std::uint64_t& produced) {
    while (true) {
      feed();
      const auto room = std::min<std::uint64_t>(out.size() - produced, kStep);
      stream_.next_out = reinterpret_cast<Bytef*>(out.data() + produced);
      stream_.avail_out = static_cast<uInt>(room);
      const int code = inflate(&stream_, Z_NO_FLUSH);
      produced += room - stream_.avail_out;
      if (code == Z_STREAM_END) return true;
      if (code != Z_OK && code != Z_BUF_ERROR) fail("is damaged");
      if (produced == out.size()) return false;
      if (code == Z_BUF_ERROR && stream_.avail_in == 0 && packed_.empty()) {
        fail("ends too early");
      }
    }
  }

  bool at_end() const { return packed_.empty() && stream_.avail_in == 0; }

  void restart() { inflateReset(&stream_); }

 private:
  void feed() {
    if (stream_.avail_in > 0) return;
    const auto count = std::min<std::uint64_t>(packed_.size(), kStep);
    stream_.next_in =
        reinterpret_cast<Bytef*>(const_cast<std::byte*>(packed_.data()));
    stream_.avail_in = static_cast<uInt>(count);
    packed_ = packed_.subspan(count);
  }

  [[noreturn]] void fail(const char* what) const {
    throw InvalidArgument(format("{}: compressed data {}", who_, what));
  }

  z_stream stream_{};
  Bytes packed_;
  std::string_view who_;
};

}  // namespace

bool is_gzip(Bytes bytes) {
  return bytes.size() > 2 && bytes[0] == std::byte{0x1f} &&
         bytes[1] == std::byte{0x8b};
}

std::vector<std::byte> gunzip(
    Bytes packed, std::uint64_t limit_bytes, std::string_view who) {
  if (!is_gzip(packed)) {
    throw InvalidArgument(format("{}: expected gzip data, got other", who));
  }
  Inflater inflater(15 + 16, packed, who);  // 16: a gzip header
  std::vector<std::byte> out;
  std::uint64_t produced = 0;
  while (true) {
    if (produced == out.size()) {
      // One more than the limit shows that there is more.
      const std::uint64_t grown = std::max<std::uint64_t>(
          {out.size() * 2, packed.size() * 4, 1U << 16});
      out.resize(std::min(grown, limit_bytes + 1));
    }
    const bool ended = inflater.fill(out, produced);
    if (produced > limit_bytes) {
      throw InvalidArgument(format(
          "{}: expected at most {} bytes when unpacked, got more",
          who,
          limit_bytes));
    }
    if (!ended) continue;
    if (inflater.at_end()) break;
    inflater.restart();  // another member follows
  }
  out.resize(produced);
  return out;
}

std::vector<std::byte> inflate_exactly(
    Bytes packed, std::uint64_t size, std::string_view who) {
  Inflater inflater(-15, packed, who);  // no header at all
  std::vector<std::byte> out;
  std::uint64_t produced = 0;
  bool ended = false;
  while (!ended && produced <= size) {
    // Room to see that there is more. Not at once: `size` may be a lie.
    const std::uint64_t grown =
        std::max<std::uint64_t>({out.size() * 2, packed.size() * 8, 1U << 12});
    out.resize(std::min(grown, size + 1));
    ended = inflater.fill(out, produced);
  }
  if (!ended || produced != size) {
    throw InvalidArgument(format(
        "{}: expected {} bytes when unpacked, got {}",
        who,
        size,
        ended ? format("{}", produced) : std::string("more")));
  }
  out.resize(size);
  return out;
}

}  // namespace keratin::io
