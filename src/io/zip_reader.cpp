#include <zlib.h>

#include <algorithm>
#include <set>

#include <keratin/error.hpp>

#include "src/core/format.hpp"
#include "src/io/gzip.hpp"
#include "src/io/zip.hpp"

namespace keratin::io {
namespace {

constexpr std::uint32_t kLocalHeader = 0x04034b50;
constexpr std::uint32_t kDirectoryEntry = 0x02014b50;
constexpr std::uint32_t kEndRecord = 0x06054b50;
constexpr std::uint32_t kEndRecord64 = 0x06064b50;
constexpr std::uint32_t kLocator64 = 0x07064b50;
constexpr std::uint64_t kEndSize = 22;
constexpr std::uint64_t kLocatorSize = 20;
constexpr std::uint32_t kBig = 0xffffffff;  // "look in the 64-bit field"
constexpr std::uint64_t kLeastLimit = 1U << 20;

/// Why a name is not one a well-meant archive has; empty when it is fine.
const char* fault_of(std::string_view name) {
  if (name.empty()) return "is empty";
  if (name.find('\0') != name.npos) return "contains a NUL";
  if (name.find('\\') != name.npos) return "contains a backslash";
  if (name.starts_with('/')) return "is an absolute path";
  std::string_view rest = name;
  while (!rest.empty()) {
    const auto slash = rest.find('/');
    if (rest.substr(0, slash) == "..") return "leaves the archive";
    if (slash == rest.npos) break;
    rest.remove_prefix(slash + 1);
  }
  return nullptr;
}

std::uint32_t crc_of(Bytes bytes) {
  return static_cast<std::uint32_t>(
      crc32_z(0, reinterpret_cast<const Bytef*>(bytes.data()), bytes.size()));
}

struct Directory {
  std::uint64_t offset = 0;
  std::uint64_t size = 0;
};

/// Where the central directory is, from the record at the end of the file.
Directory find_directory(Bytes archive, std::string_view who) {
  ByteReader file(archive, who);
  // A comment of up to 64 KiB may follow the record.
  std::uint64_t end = archive.size();
  const std::uint64_t farthest = std::min<std::uint64_t>(end, kEndSize + 65535);
  for (std::uint64_t back = kEndSize; back <= farthest; ++back) {
    const std::uint64_t at = archive.size() - back;
    if (archive[at] != std::byte{'P'}) continue;
    file.seek(at);
    if (file.u32() != kEndRecord) continue;
    file.skip(16);
    if (file.u16() == back - kEndSize) {
      end = at;
      break;
    }
  }
  if (end == archive.size()) {
    file.fail(format(
        "expected a zip archive, got {} bytes without its end record; the file "
        "is truncated or something else",
        archive.size()));
  }
  file.seek(end + 4);
  const auto disk = file.u16();
  const auto first_disk = file.u16();
  file.skip(4);  // members: the directory tells
  Directory out;
  out.size = file.u32();
  out.offset = file.u32();
  if (end >= kLocatorSize) {
    file.seek(end - kLocatorSize);
    if (file.u32() == kLocator64) {
      file.skip(4);
      file.seek(file.u64());
      if (file.u32() != kEndRecord64) file.fail("damaged 64-bit end record");
      file.skip(8 + 2 + 2 + 4 + 4 + 8 + 8);
      out.size = file.u64();
      out.offset = file.u64();
      return out;
    }
  }
  if (disk != 0 || first_disk != 0) {
    file.fail("archives of several parts are outside what Keratin reads");
  }
  return out;
}

/// Takes the sizes that did not fit into 32 bits from the extra field.
void read_zip64(ZipMember& member, ByteReader extra) {
  while (extra.remaining() >= 4) {
    const auto id = extra.u16();
    const std::uint64_t size = extra.u16();
    if (id != 1) {
      extra.skip(std::min(size, extra.remaining()));  // others may be sloppy
      continue;
    }
    if (member.size == kBig) member.size = extra.u64();
    if (member.packed_size == kBig) member.packed_size = extra.u64();
    if (member.header == kBig) member.header = extra.u64();
    return;
  }
}

}  // namespace

ZipReader ZipReader::open(const std::string& path) {
  return ZipReader(map_file(path), base_name(path));
}

ZipReader::ZipReader(SharedBytes archive, const std::string& name)
    : archive_(std::move(archive)), who_(format("[{}]", name)) {
  const Directory at = find_directory(archive_.bytes, who_);
  ByteReader file(archive_.bytes, who_);
  file.seek(at.offset);
  read_directory(at.offset, file.take(at.size));
  check_overlap();
}

void ZipReader::read_directory(std::uint64_t offset, Bytes directory) {
  ByteReader in(directory, who_);
  std::set<std::string_view> names;
  while (in.remaining() > 0) {
    if (in.u32() != kDirectoryEntry) {
      in.fail(format(
          "expected an entry of the directory at {}, got none; the file is "
          "damaged",
          offset + in.position() - 4));
    }
    in.skip(4);  // versions
    const auto flags = in.u16();
    const auto method = in.u16();
    in.skip(4);  // time
    ZipMember member;
    member.crc = in.u32();
    member.packed_size = in.u32();
    member.size = in.u32();
    const std::uint64_t name_size = in.u16();
    const std::uint64_t extra_size = in.u16();
    const std::uint64_t comment_size = in.u16();
    in.skip(4);  // disk, kind of text
    const std::uint32_t mode = in.u32() >> 16;
    member.header = in.u32();
    const std::string_view name = in.take_text(name_size);
    read_zip64(member, ByteReader(in.take(extra_size), who_));
    in.skip(comment_size);

    const auto refuse = [&](std::string_view why) {
      in.fail(format("member {} {}", quoted(name), why));
    };
    if (const char* fault = fault_of(name)) {
      refuse(format("is refused: its name {}", fault));
    }
    if (!names.insert(name).second) refuse("is there twice");
    if ((mode & 0170000) == 0120000) {
      refuse("is a symbolic link, which is refused");
    }
    if (name.ends_with('/')) continue;  // a folder
    if (flags & 1) refuse("is encrypted");
    if (method != 0 && method != 8) {
      refuse(
          format("is packed by method {}, expected stored or deflate", method));
    }
    member.name = std::string(name);
    member.stored = method == 0;
    if (member.stored && member.size != member.packed_size) {
      refuse("is stored in another size than its own");
    }
    members_.push_back(std::move(member));
  }
}

Bytes ZipReader::packed(const ZipMember& member) const {
  ByteReader in(archive_.bytes, who_);
  in.seek(member.header);
  if (in.u32() != kLocalHeader) {
    in.fail(format(
        "member {} has no header at {}; the file is damaged",
        quoted(member.name),
        member.header));
  }
  in.skip(22);  // the directory said all this
  const std::uint64_t name_size = in.u16();
  const std::uint64_t extra_size = in.u16();
  if (in.take_text(name_size) != member.name) {
    in.fail(format(
        "member {} has another name in its own header", quoted(member.name)));
  }
  in.skip(extra_size);
  return in.take(member.packed_size);
}

// Members that share bytes are how small archives unpack to huge ones.
void ZipReader::check_overlap() const {
  std::vector<std::pair<std::uint64_t, std::uint64_t>> ranges;
  for (const ZipMember& member : members_) {
    const Bytes content = packed(member);
    const auto end = static_cast<std::uint64_t>(
        content.data() + content.size() - archive_.bytes.data());
    ranges.emplace_back(member.header, end);
  }
  std::sort(ranges.begin(), ranges.end());
  for (std::size_t i = 1; i < ranges.size(); ++i) {
    if (ranges[i].first < ranges[i - 1].second) {
      ByteReader({}, who_).fail("members overlap, which is refused");
    }
  }
}

const ZipMember* ZipReader::find(std::string_view name) const {
  const auto it = std::find_if(
      members_.begin(), members_.end(), [name](const ZipMember& member) {
        return member.name == name;
      });
  return it == members_.end() ? nullptr : &*it;
}

SharedBytes ZipReader::read(
    std::string_view name, std::uint64_t limit_bytes) const {
  const ZipMember* member = find(name);
  const std::string who = format("{} {}", who_, quoted(name));
  ByteReader error({}, who);
  if (member == nullptr) error.fail("the archive has no member of that name");
  SharedBytes out{packed(*member), archive_.owner};
  if (!member->stored) {
    const std::uint64_t limit =
        limit_bytes != 0
            ? limit_bytes
            : std::max(kLeastLimit, 10 * std::uint64_t{archive_.bytes.size()});
    if (member->size > limit) {
      error.fail(format(
          "unpacks from {} to {} bytes, more than the {} allowed; store it "
          "without compression",
          out.bytes.size(),
          member->size,
          limit));
    }
    auto content = std::make_shared<std::vector<std::byte>>(
        inflate_exactly(out.bytes, member->size, who));
    out = {Bytes(*content), content};
  }
  if (crc_of(out.bytes) != member->crc) {
    error.fail("checksum differs; the file is damaged");
  }
  return out;
}

}  // namespace keratin::io
