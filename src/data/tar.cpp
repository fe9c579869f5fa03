#include "src/data/tar.hpp"

#include <algorithm>

#include "src/io/mapped_file.hpp"

namespace keratin::data {
namespace {

constexpr std::uint64_t kBlock = 512;

/// An octal number that ends at a blank or NUL.
std::uint64_t octal(std::string_view field, const io::ByteReader& in) {
  std::uint64_t value = 0;
  field.remove_prefix(std::min(field.find_first_not_of(' '), field.size()));
  for (const char c : field) {
    if (c == '\0' || c == ' ') break;
    if (c < '0' || c > '7') in.fail("damaged header in a tar archive");
    value = value * 8 + static_cast<std::uint64_t>(c - '0');
  }
  return value;
}

/// The sum of a header's bytes, its own eight taken for blanks.
std::uint64_t sum_of(std::string_view header) {
  std::uint64_t sum = 8 * std::uint64_t{' '};
  for (std::size_t i = 0; i < header.size(); ++i) {
    if (i < 148 || i >= 156) sum += static_cast<unsigned char>(header[i]);
  }
  return sum;
}

std::string_view until_nul(std::string_view field) {
  return field.substr(0, field.find('\0'));
}

/// The name in a POSIX extended header, "27 path=a/long/name\n..."; empty when
/// there is none.
std::string_view path_in(std::string_view records, const io::ByteReader& in) {
  while (!records.empty()) {
    std::size_t length = 0;
    for (const char c : records.substr(0, records.find(' '))) {
      if (c < '0' || c > '9' || length > records.size()) {
        in.fail("damaged extended header in a tar archive");
      }
      length = length * 10 + static_cast<std::size_t>(c - '0');
    }
    const std::size_t key = records.find(' ') + 1;  // 0: there is no blank
    if (key == 0 || length <= key || length > records.size()) {
      in.fail("damaged extended header in a tar archive");
    }
    const std::string_view record = records.substr(key, length - key - 1);
    if (record.starts_with("path=")) return record.substr(5);
    records.remove_prefix(length);
  }
  return {};
}

/// The name in a header: POSIX's has a first part of its own.
std::string name_in(std::string_view header) {
  const std::string_view name = until_nul(header.substr(0, 100));
  const bool posix = header.substr(257, 6) == std::string_view("ustar\0", 6);
  const std::string_view first =
      posix ? until_nul(header.substr(345, 155)) : std::string_view();
  std::string whole(first);
  if (!whole.empty()) whole += '/';
  return whole.append(name);
}

TarMember::Kind kind_of(char type) {
  switch (type) {
    case '0':
    case '7':
    case '\0':
      return TarMember::Kind::file;
    case '5':
      return TarMember::Kind::folder;
    default:
      return TarMember::Kind::other;
  }
}

}  // namespace

std::vector<TarMember> tar_members(io::Bytes archive, std::string_view who) {
  io::ByteReader in(archive, who);
  std::vector<TarMember> out;
  std::string long_name;  // of the next member
  while (in.remaining() >= kBlock) {
    const std::string_view header = in.take_text(kBlock);
    if (header[0] == '\0') break;  // the end: two empty blocks
    if (header.substr(257, 5) != "ustar") in.fail("expected a tar archive");
    if (octal(header.substr(148, 8), in) != sum_of(header)) {
      in.fail("damaged header in a tar archive");
    }
    const std::uint64_t size = octal(header.substr(124, 12), in);
    const char type = header[156];
    const io::Bytes content = in.take(size);
    const std::uint64_t padding = (kBlock - size % kBlock) % kBlock;
    in.skip(std::min(padding, in.remaining()));
    if (type == 'L') {
      long_name = until_nul(io::as_text(content));
    } else if (type == 'x') {
      long_name = path_in(io::as_text(content), in);
    } else if (type != 'g' && type != 'K') {
      out.push_back(
          {long_name.empty() ? name_in(header) : long_name,
           kind_of(type),
           content});
      long_name.clear();
    }
  }
  return out;
}

std::map<std::string, io::Bytes> read_tar(
    io::Bytes archive, std::string_view who) {
  std::map<std::string, io::Bytes> out;
  for (const TarMember& member : tar_members(archive, who)) {
    if (member.kind != TarMember::Kind::file) continue;
    out[io::base_name(member.name)] = member.content;
  }
  return out;
}

}  // namespace keratin::data
