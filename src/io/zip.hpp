#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "src/io/bytes.hpp"
#include "src/io/mapped_file.hpp"

namespace keratin::io {

struct ZipMember {
  std::string name;
  bool stored = true;  // else deflated
  std::uint32_t crc = 0;
  std::uint64_t packed_size = 0;
  std::uint64_t size = 0;
  std::uint64_t header = 0;  // offset of the local header
};

/// A zip archive, read as if it came from an enemy. Nothing is unpacked to
/// disk and no member's name is ever used as a path.
///
/// Opening reads the central directory and refuses (InvalidArgument,
/// "[m.keras] ...") names that occur twice or leave the archive ("..",
/// absolute), symbolic links, encrypted and overlapping members, methods other
/// than stored and deflate. Folders are left out. Safe for several threads.
class ZipReader {
 public:
  static ZipReader open(const std::string& path);

  ZipReader(SharedBytes archive, const std::string& name);

  const std::vector<ZipMember>& members() const { return members_; }

  bool contains(std::string_view name) const { return find(name) != nullptr; }

  /// The member's content, its checksum verified. A stored member shares the
  /// archive's memory, whatever its size. A deflated one is unpacked when it
  /// declares at most `limit_bytes`; 0 means 1 MiB or ten times the archive's
  /// size, whichever is more. InvalidArgument when there is no such member.
  SharedBytes read(std::string_view name, std::uint64_t limit_bytes = 0) const;

 private:
  const ZipMember* find(std::string_view name) const;
  void read_directory(std::uint64_t offset, Bytes directory);
  Bytes packed(const ZipMember& member) const;
  void check_overlap() const;

  SharedBytes archive_;
  std::string who_;  // "[m.keras]"
  std::vector<ZipMember> members_;
};

/// Writes an archive of stored members, as Keras does. Equal members give equal
/// files: no time of day is recorded. (Implemented with libzip.)
class ZipWriter {
 public:
  void add(std::string name, std::vector<std::byte> content);
  void add(std::string name, std::string_view text);

  /// A member taken from a file, which must stay until save() is done.
  void add_file(std::string name, std::string path);

  /// Writes the archive atomically. Throws SystemError naming the call.
  void save(const std::string& path) const;

 private:
  struct Entry {
    std::string name;
    std::vector<std::byte> content;
    std::string path;  // of add_file
  };

  std::vector<Entry> entries_;
};

}  // namespace keratin::io
