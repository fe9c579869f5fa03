// A record: its length u64, the masked CRC-32C of these 8 bytes u32, the bytes,
// their masked CRC-32C u32; little-endian.

#include <zlib.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <vector>

#include <keratin/error.hpp>
#include <keratin/io/tfrecord.hpp>

#include "src/core/format.hpp"
#include "src/io/atomic_file.hpp"
#include "src/io/crc32c.hpp"
#include "src/io/file_stream.hpp"
#include "src/io/mapped_file.hpp"

namespace keratin::io {
namespace {

constexpr std::size_t kLengthBytes = 8;
constexpr std::size_t kCrcBytes = 4;
constexpr std::size_t kHead = kLengthBytes + kCrcBytes;
constexpr std::size_t kBuffer = 256 << 10;

std::uint64_t little_endian(Bytes bytes) {
  std::uint64_t value = 0;
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    value |= std::to_integer<std::uint64_t>(bytes[i]) << (8 * i);
  }
  return value;
}

void put(std::uint64_t value, std::span<std::byte> to) {
  for (std::size_t i = 0; i < to.size(); ++i) {
    to[i] = static_cast<std::byte>(value >> (8 * i));
  }
}

/// A file's bytes, unpacked where they are a .gz file's.
class Source {
 public:
  Source(const std::string& path, std::string who)
      : who_(std::move(who)), file_(path) {
    std::array<std::byte, kHead> head{};
    const std::size_t count = file_.read(head);
    file_.rewind();
    const bool gzip = count > 2 && head[0] == std::byte{0x1f} &&
                      head[1] == std::byte{0x8b} && head[2] == std::byte{8};
    // A record of some 559,903 bytes may begin like that.
    if (gzip && !(count == kHead && length_is_whole(head))) {
      const int code = ::inflateInit2(&stream_, 16 + MAX_WBITS);
      if (code != Z_OK) {
        throw SystemError(
            format("{} inflateInit2 failed with code {}", who_, code));
      }
      packed_ = true;
    }
  }

  Source(const Source&) = delete;
  Source& operator=(const Source&) = delete;

  ~Source() {
    if (packed_) ::inflateEnd(&stream_);
  }

  static bool length_is_whole(const std::array<std::byte, kHead>& head) {
    const Bytes bytes = head;
    return little_endian(bytes.subspan(kLengthBytes)) ==
           masked_crc32c(bytes.first(kLengthBytes));
  }

  bool packed() const { return packed_; }

  std::uint64_t size() const { return file_.size(); }

  /// Fewer at the end alone.
  std::size_t read(std::span<std::byte> out) {
    std::size_t done = 0;
    while (done < out.size()) {
      if (packed_) {
        if (over_ && at_ == end_ && !refill()) break;
        const std::size_t got = inflate(out.subspan(done));
        done += got;
        // Without input zlib may still hold output back.
        if (got > 0 || over_ || at_ < end_ || refill()) continue;
        throw InvalidArgument(
            format("{} the compressed file is cut off", who_));
      }
      if (at_ == end_ && !refill()) break;
      const std::size_t some = std::min(out.size() - done, end_ - at_);
      std::memcpy(out.data() + done, &buffer_[at_], some);
      at_ += some;
      done += some;
    }
    return done;
  }

 private:
  bool refill() {
    at_ = 0;
    end_ = file_.read(buffer_);
    return end_ > 0;
  }

  std::size_t inflate(std::span<std::byte> out) {
    if (over_) {  // another member follows
      ::inflateReset(&stream_);
      over_ = false;
    }
    stream_.next_in = reinterpret_cast<unsigned char*>(buffer_.data() + at_);
    stream_.avail_in = static_cast<unsigned>(end_ - at_);
    stream_.next_out = reinterpret_cast<unsigned char*>(out.data());
    const std::size_t room = std::min<std::size_t>(out.size(), 1U << 30);
    stream_.avail_out = static_cast<unsigned>(room);
    const int code = ::inflate(&stream_, Z_NO_FLUSH);
    at_ = end_ - stream_.avail_in;
    if (code != Z_OK && code != Z_STREAM_END && code != Z_BUF_ERROR) {
      throw InvalidArgument(format(
          "{} the compressed file is damaged: {}",
          who_,
          stream_.msg != nullptr ? stream_.msg : "unknown data"));
    }
    over_ = code == Z_STREAM_END;
    return room - stream_.avail_out;
  }

  std::string who_;
  FileStream file_;
  std::vector<std::byte> buffer_ = std::vector<std::byte>(kBuffer);
  std::size_t at_ = 0;
  std::size_t end_ = 0;
  bool packed_ = false;
  bool over_ = false;  // the end of a member of the .gz file
  z_stream stream_{};
};

}  // namespace

struct TfRecordReader::Impl {
  explicit Impl(const std::string& path)
      : who(format("[{}]", base_name(path))), source(path, who) {}

  [[noreturn]] void fail(const std::string& what) const {
    throw InvalidArgument(
        format("{} record {} at byte {}: {}", who, number, at, what));
  }

  /// Memory follows what is there, not what the length says.
  void read_data(std::uint64_t length, std::string& out) {
    if (!source.packed() && length > source.size()) cut_off(length);
    while (out.size() < length) {
      const std::size_t before = out.size();
      const std::size_t some = std::min<std::uint64_t>(
          length - before, std::max<std::size_t>(before, kBuffer));
      if (source.packed()) {
        out.resize(before + some);
      } else {
        out.resize(length);
      }
      const std::size_t wanted = out.size() - before;
      const std::size_t got =
          source.read({reinterpret_cast<std::byte*>(&out[before]), wanted});
      if (got < wanted) cut_off(length);
    }
  }

  [[noreturn]] void cut_off(std::uint64_t length) {
    ended = true;
    fail(format("expected {} bytes of data, the file ends before", length));
  }

  std::string who;
  Source source;
  std::int64_t number = 0;
  std::uint64_t at = 0;
  bool ended = false;
};

TfRecordReader::TfRecordReader(const std::string& path)
    : impl_(std::make_unique<Impl>(path)) {}

TfRecordReader::~TfRecordReader() = default;
TfRecordReader::TfRecordReader(TfRecordReader&&) noexcept = default;
TfRecordReader& TfRecordReader::operator=(TfRecordReader&&) noexcept = default;

std::int64_t TfRecordReader::position() const {
  return impl_->number;
}

std::optional<std::string> TfRecordReader::next() {
  Impl& impl = *impl_;
  if (impl.ended) return std::nullopt;
  std::array<std::byte, kHead> head{};
  impl.ended = true;  // unless this record is whole
  const std::size_t count = impl.source.read(head);
  if (count == 0) return std::nullopt;
  if (count < kHead) {
    impl.fail(format("expected a head of {} bytes, got {}", kHead, count));
  }
  if (!Source::length_is_whole(head)) {
    impl.fail("the checksum of its length differs");
  }
  const std::uint64_t length = little_endian(Bytes(head).first(kLengthBytes));
  std::string data;
  impl.read_data(length, data);
  std::array<std::byte, kCrcBytes> crc{};
  if (impl.source.read(crc) < kCrcBytes) impl.cut_off(length + kCrcBytes);
  impl.ended = false;
  const bool whole = little_endian(crc) == masked_crc32c(as_bytes(data));
  const std::int64_t number = impl.number;
  const std::uint64_t at = impl.at;
  ++impl.number;
  impl.at += kHead + length + kCrcBytes;
  if (!whole) {
    throw InvalidArgument(format(
        "{} record {} at byte {}: the checksum of its data differs",
        impl.who,
        number,
        at));
  }
  return data;
}

struct TfRecordWriter::Impl {
  explicit Impl(const std::string& path) : file(path) {}

  AtomicFile file;
  std::vector<std::byte> buffer;
};

TfRecordWriter::TfRecordWriter(const std::string& path)
    : impl_(std::make_unique<Impl>(path)) {}

TfRecordWriter::~TfRecordWriter() = default;
TfRecordWriter::TfRecordWriter(TfRecordWriter&&) noexcept = default;
TfRecordWriter& TfRecordWriter::operator=(TfRecordWriter&&) noexcept = default;

void TfRecordWriter::write(std::string_view record) {
  std::array<std::byte, kHead> head{};
  const std::span<std::byte> all(head);
  put(record.size(), all.first(kLengthBytes));
  put(masked_crc32c(Bytes(head).first(kLengthBytes)),
      all.subspan(kLengthBytes));
  std::array<std::byte, kCrcBytes> crc{};
  put(masked_crc32c(as_bytes(record)), crc);
  std::vector<std::byte>& buffer = impl_->buffer;
  const Bytes data = as_bytes(record);
  buffer.insert(buffer.end(), head.begin(), head.end());
  buffer.insert(buffer.end(), data.begin(), data.end());
  buffer.insert(buffer.end(), crc.begin(), crc.end());
  if (buffer.size() < kBuffer) return;
  impl_->file.write(buffer);
  buffer.clear();
}

void TfRecordWriter::close() {
  impl_->file.write(impl_->buffer);
  impl_->buffer.clear();
  impl_->file.commit();
}

}  // namespace keratin::io
