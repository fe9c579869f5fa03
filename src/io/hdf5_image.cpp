#include "src/io/hdf5_image.hpp"

#include <algorithm>
#include <cstring>
#include <set>

#include <keratin/error.hpp>

#include "src/core/format.hpp"

namespace keratin::h5 {
namespace {

constexpr std::string_view kSignature = "\x89HDF\r\n\x1a\n";
constexpr std::uint64_t kMaxMessages = 65536;

/// Calls `visit(type, flags, body)` for the messages of one header block.
template <class Visit>
void for_each_message_v1(ByteReader block, Visit visit) {
  while (block.remaining() >= 8) {
    const auto type = block.u16();
    const auto size = block.u16();
    const auto flags = block.u8();
    block.skip(3);
    visit(type, flags, block.take(size));
  }
}

template <class Visit>
void for_each_message_v2(ByteReader block, bool ordered, Visit visit) {
  const std::uint64_t prefix = ordered ? 6 : 4;
  while (block.remaining() >= prefix) {  // less is a gap
    const auto type = block.u8();
    const auto size = block.u16();
    const auto flags = block.u8();
    if (ordered) block.skip(2);
    visit(type, flags, block.take(size));
  }
}

}  // namespace

const Message* Header::find(MessageType type) const {
  const auto it =
      std::find_if(messages.begin(), messages.end(), [type](const Message& m) {
        return m.type == type;
      });
  return it == messages.end() ? nullptr : &*it;
}

Image::Image(io::SharedBytes bytes, std::string name)
    : bytes_(bytes.bytes),
      owner_(std::move(bytes.owner)),
      name_(std::move(name)),
      work_left_(bytes.bytes.size() / 2 + 100'000) {
  read_superblock();
}

std::optional<std::uint64_t> Image::address(ByteReader& reader) const {
  const std::uint64_t value = reader.uint(offset_width_);
  const std::uint64_t undefined =
      offset_width_ == 8 ? ~std::uint64_t{0}
                         : (std::uint64_t{1} << (8 * offset_width_)) - 1;
  if (value == undefined) return std::nullopt;
  return value;
}

Bytes Image::bytes(
    std::uint64_t address, std::uint64_t count, std::string_view who) const {
  ByteReader at = reader(address, who);
  return at.take(count);
}

ByteReader Image::reader(std::uint64_t address, std::string_view who) const {
  ByteReader out(bytes_, who);
  out.seek(address);
  return out;
}

void Image::charge(std::uint64_t items, std::string_view who) const {
  const std::lock_guard lock(mutex_);
  if (items > work_left_) {
    ByteReader(bytes_, who)
        .fail(
            "expected every part of the file to be used once, got parts that "
            "overlap many times; the file is damaged");
  }
  work_left_ -= items;
}

void Image::take_check_sum(
    ByteReader& in, std::uint64_t start, std::string_view who) const {
  const Bytes body = bytes(start, in.position() - start, who);
  check_sum(body, in.u32(), who);
}

void Image::check_sum(
    Bytes body, std::uint32_t expected, std::string_view who) const {
  const std::uint32_t got = lookup3(body);
  if (got != expected) {
    ByteReader(bytes_, who)
        .fail(format(
            "checksum differs: expected {:08x}, got {:08x}; the file is "
            "damaged",
            expected,
            got));
  }
}

void Image::read_superblock() {
  const std::string who = format("[{}]", name_);
  // A user block of 512, 1024, 2048, ... bytes may come first.
  std::uint64_t start = 0;
  const auto signed_at = [&](std::uint64_t at) {
    return bytes_.size() >= at + kSignature.size() &&
           io::as_text(bytes_.subspan(at, kSignature.size())) == kSignature;
  };
  while (!signed_at(start)) {
    start = start == 0 ? 512 : start * 2;
    if (start >= bytes_.size()) {
      ByteReader(bytes_, who)
          .fail(format(
              "expected an HDF5 file, got {} bytes without its signature",
              bytes_.size()));
    }
  }
  bytes_ = bytes_.subspan(start);

  ByteReader in(bytes_, who);
  in.skip(kSignature.size());
  const auto version = in.u8();
  if (version > 3) {
    in.fail(format("expected superblock version 0 to 3, got {}", version));
  }
  if (version < 2) in.skip(4);  // versions of parts, all 0
  offset_width_ = in.u8();
  length_width_ = in.u8();
  for (const std::size_t width : {offset_width_, length_width_}) {
    if (width != 2 && width != 4 && width != 8) {
      in.fail(format("expected offsets of 2, 4 or 8 bytes, got {}", width));
    }
  }
  if (version < 2) {
    in.skip(1 + 2 + 2 + 4);        // reserved, tree ranks, flags
    if (version == 1) in.skip(4);  // rank of chunk trees, reserved
  } else {
    in.skip(1);  // flags
  }
  // Addresses count from the base address, which is where the signature is.
  const auto base = address(in);
  if (base != start && base != 0) {
    in.fail(format("expected a base address of {}, got another", start));
  }
  address(in);  // free space, or the superblock's extension
  const auto end = address(in);
  if (!end || *end > bytes_.size()) {
    in.fail(format(
        "file is truncated: expected {} bytes, got {}",
        end.value_or(0),
        bytes_.size()));
  }
  if (version < 2) {
    address(in);             // driver information
    in.uint(offset_width_);  // name of the root, none
  }
  const auto root = address(in);
  if (!root) in.fail("expected a root group, got none");
  root_ = *root;
  if (version >= 2) {
    take_check_sum(in, 0, who);
  }
}

std::shared_ptr<const Header> Image::header(
    std::uint64_t address, std::string_view who) const {
  {
    const std::lock_guard lock(mutex_);
    if (const auto it = headers_.find(address); it != headers_.end()) {
      return it->second;
    }
  }
  auto parsed = std::make_shared<const Header>(parse_header(address, who));
  const std::lock_guard lock(mutex_);
  return headers_.emplace(address, std::move(parsed)).first->second;
}

Header Image::parse_header(std::uint64_t address, std::string_view who) const {
  Header out;
  ByteReader in = reader(address, who);
  const Bytes start = in.take(4);
  if (io::as_text(start) == "OHDR") {
    parse_header_v2(out, address, who);
  } else if (start[0] == std::byte{1}) {
    parse_header_v1(out, address, who);
  } else {
    in.fail(format("expected an object header at {}, got none", address));
  }
  return out;
}

void Image::parse_header_v1(
    Header& out, std::uint64_t address, std::string_view who) const {
  ByteReader in = reader(address, who);
  in.skip(2);  // version, reserved
  const std::uint64_t count = in.u16();
  in.skip(4);  // references
  const std::uint64_t size = in.u32();
  in.skip(4);  // padding

  std::vector<Bytes> blocks = {in.take(size)};
  std::set<const std::byte*> seen = {blocks[0].data()};
  std::uint64_t found = 0;
  for (std::size_t i = 0; i < blocks.size(); ++i) {
    for_each_message_v1(
        ByteReader(blocks[i], who),
        [&](std::uint16_t type, std::uint8_t flags, Bytes body) {
          // The header says how many messages it has; what follows the last
          // one in a block is unused.
          if (found == count) return;
          ++found;
          charge(1, who);
          if (type == static_cast<int>(MessageType::continuation)) {
            ByteReader next(body, who);
            const auto at = next.uint(offset_width_);
            const auto bytes = this->bytes(at, length(next), who);
            if (!seen.insert(bytes.data()).second) {
              next.fail("object header continues in a circle");
            }
            blocks.push_back(bytes);
          } else {
            out.messages.push_back(
                {static_cast<MessageType>(type), (flags & 2) != 0, body});
          }
        });
  }
  if (found < count) {
    in.fail(format(
        "expected {} messages in the object header, got {}", count, found));
  }
}

void Image::parse_header_v2(
    Header& out, std::uint64_t address, std::string_view who) const {
  ByteReader in = reader(address, who);
  in.skip(4);
  const auto version = in.u8();
  if (version != 2) {
    in.fail(format("expected object header version 2, got {}", version));
  }
  const auto flags = in.u8();
  if (flags & 0x20) in.skip(16);  // times
  if (flags & 0x10) in.skip(4);   // when attributes become dense
  const auto size = in.uint(std::size_t{1} << (flags & 3));
  const Bytes first = in.take(size);
  take_check_sum(in, address, who);

  std::vector<Bytes> blocks = {first};
  std::set<const std::byte*> seen = {first.data()};
  for (std::size_t i = 0; i < blocks.size(); ++i) {
    for_each_message_v2(
        ByteReader(blocks[i], who),
        (flags & 4) != 0,
        [&](std::uint8_t type, std::uint8_t message_flags, Bytes body) {
          charge(1, who);
          if (out.messages.size() >= kMaxMessages) {
            in.fail(format(
                "expected at most {} messages in an object header",
                kMaxMessages));
          }
          if (type != static_cast<int>(MessageType::continuation)) {
            out.messages.push_back(
                {static_cast<MessageType>(type),
                 (message_flags & 2) != 0,
                 body});
            return;
          }
          ByteReader next(body, who);
          const auto at = next.uint(offset_width_);
          const Bytes block = bytes(at, length(next), who);
          if (block.size() < 8 || io::as_text(block.first(4)) != "OCHK") {
            next.fail("expected a continuation of the object header, got none");
          }
          if (!seen.insert(block.data()).second) {
            next.fail("object header continues in a circle");
          }
          const Bytes summed = block.first(block.size() - 4);
          ByteReader stored(block.last(4), who);
          check_sum(summed, stored.u32(), who);
          blocks.push_back(summed.subspan(4));
        });
  }
}

std::shared_ptr<const std::vector<Bytes>> Image::attributes(
    std::uint64_t address, const Header& header, std::string_view who) const {
  {
    const std::lock_guard lock(mutex_);
    if (const auto it = attributes_.find(address); it != attributes_.end()) {
      return it->second;
    }
  }
  auto parsed =
      std::make_shared<const std::vector<Bytes>>(parse_attributes(header, who));
  const std::lock_guard lock(mutex_);
  return attributes_.emplace(address, std::move(parsed)).first->second;
}

std::vector<Bytes> Image::parse_attributes(
    const Header& header, std::string_view who) const {
  std::vector<Bytes> out;
  for (const Message& message : header.messages) {
    if (message.type == MessageType::attribute) {
      if (message.shared) {
        ByteReader(message.body, who)
            .fail("shared attributes are outside what Keratin reads");
      }
      out.push_back(message.body);
    } else if (message.type == MessageType::attribute_info) {
      ByteReader in(message.body, who);
      in.skip(1);
      const auto flags = in.u8();
      if (flags & 1) in.skip(2);
      const auto heap = address(in);
      const auto tree = address(in);
      if (!heap || !tree) continue;  // all of them are in the header
      for (const Bytes body : dense_objects(*heap, *tree, who)) {
        out.push_back(body);
      }
    }
  }
  return out;
}

Bytes Image::heap_object(
    std::uint64_t address, std::uint64_t index, std::string_view who) const {
  {
    const std::lock_guard lock(mutex_);
    if (const auto it = heaps_.find(address); it != heaps_.end()) {
      const auto object = it->second.find(index);
      if (object != it->second.end()) return object->second;
      ByteReader(bytes_, who)
          .fail(format("global heap at {} has no object {}", address, index));
    }
  }
  ByteReader in = reader(address, who);
  if (in.take_text(4) != "GCOL" || in.u8() != 1) {
    in.fail(format("expected a global heap at {}, got none", address));
  }
  in.skip(3);
  const std::uint64_t size = length(in);
  const Bytes collection = bytes(address, size, who);
  ByteReader objects(collection, who);
  objects.skip(8 + length_width_);
  HeapIndex found;
  while (objects.remaining() >= 8 + length_width_) {
    charge(1, who);
    const std::size_t number = objects.u16();
    objects.skip(6);  // references, reserved
    const std::uint64_t count = length(objects);
    if (number == 0) break;  // free space, the last one
    const Bytes body = objects.take(count);
    const std::uint64_t padding = (8 - count % 8) % 8;
    objects.skip(std::min(padding, objects.remaining()));
    found.emplace(number, body);
  }
  {
    const std::lock_guard lock(mutex_);
    heaps_.emplace(address, std::move(found));
  }
  return heap_object(address, index, who);
}

}  // namespace keratin::h5
