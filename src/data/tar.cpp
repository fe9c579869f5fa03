#include "src/data/tar.hpp"

#include <algorithm>

#include "src/io/mapped_file.hpp"

namespace keratin::data {
namespace {

constexpr std::uint64_t kBlock = 512;

/// An octal number that ends at a blank or NUL.
std::uint64_t octal(std::string_view field, const io::ByteReader& in) {
  std::uint64_t value = 0;
  for (const char c : field) {
    if (c == '\0' || c == ' ') break;
    if (c < '0' || c > '7') in.fail("damaged header in a tar archive");
    value = value * 8 + static_cast<std::uint64_t>(c - '0');
  }
  return value;
}

}  // namespace

std::map<std::string, io::Bytes> read_tar(
    io::Bytes archive, std::string_view who) {
  io::ByteReader in(archive, who);
  std::map<std::string, io::Bytes> out;
  while (in.remaining() >= kBlock) {
    const std::string_view header = in.take_text(kBlock);
    if (header[0] == '\0') break;  // the end: two empty blocks
    if (header.substr(257, 5) != "ustar") in.fail("expected a tar archive");
    const std::string name(header.substr(0, header.substr(0, 100).find('\0')));
    const std::uint64_t size = octal(header.substr(124, 12), in);
    const char type = header[156];
    const io::Bytes content = in.take(size);
    const std::uint64_t padding = (kBlock - size % kBlock) % kBlock;
    in.skip(std::min(padding, in.remaining()));
    if (type == '0' || type == '\0') out[io::base_name(name)] = content;
  }
  return out;
}

}  // namespace keratin::data
