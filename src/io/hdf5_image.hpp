#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "src/io/bytes.hpp"
#include "src/io/mapped_file.hpp"

namespace keratin::h5 {

using io::ByteReader;
using io::Bytes;

/// Header message numbers of the HDF5 format specification.
enum class MessageType : std::uint16_t {
  dataspace = 0x01,
  link_info = 0x02,
  datatype = 0x03,
  fill_old = 0x04,
  fill = 0x05,
  link = 0x06,
  external_files = 0x07,
  layout = 0x08,
  filters = 0x0b,
  attribute = 0x0c,
  continuation = 0x10,
  symbol_table = 0x11,
  attribute_info = 0x15,
};

struct Message {
  MessageType type;
  bool shared;  // the body is elsewhere: outside the subset
  Bytes body;
};

/// The messages of one object, continuations followed.
struct Header {
  std::vector<Message> messages;

  const Message* find(MessageType type) const;
};

enum class LinkKind { hard, soft, external };

struct Link {
  std::string name;
  LinkKind kind = LinkKind::hard;
  std::uint64_t address = 0;  // of a hard link's object
  std::uint64_t order = 0;    // of creation, where the group keeps it
};

/// The file's bytes and the structures that more than one object needs:
/// superblock, object headers, links, global heaps. What is parsed once is
/// kept, so all parsing together may be bounded by the size of the file.
class Image {
 public:
  Image(io::SharedBytes bytes, std::string name);

  const std::string& name() const { return name_; }

  std::uint64_t root() const { return root_; }

  std::uint64_t size() const { return bytes_.size(); }

  const std::shared_ptr<void>& owner() const { return owner_; }

  std::size_t offset_width() const { return offset_width_; }

  std::size_t length_width() const { return length_width_; }

  /// An address, as the reader's next field; nothing when it is undefined.
  std::optional<std::uint64_t> address(ByteReader& reader) const;

  std::uint64_t length(ByteReader& reader) const {
    return reader.uint(length_width_);
  }

  /// `count` bytes at `address`.
  Bytes bytes(
      std::uint64_t address, std::uint64_t count, std::string_view who) const;

  /// A reader from `address` to the end of the file.
  ByteReader reader(std::uint64_t address, std::string_view who) const;

  std::shared_ptr<const Header> header(
      std::uint64_t address, std::string_view who) const;

  /// The links of a group, in h5py's order.
  std::shared_ptr<const std::vector<Link>> links(
      std::uint64_t address, const Header& header, std::string_view who) const;

  /// All attribute messages' bodies: in the header and in dense storage.
  std::shared_ptr<const std::vector<Bytes>> attributes(
      std::uint64_t address, const Header& header, std::string_view who) const;

  /// Object `index` of the global heap collection at `address`.
  Bytes heap_object(
      std::uint64_t address, std::uint64_t index, std::string_view who) const;

  /// Takes the checksum at the reader's position, which must be that of all
  /// bytes since `start`. Only for readers of the whole file.
  void take_check_sum(
      ByteReader& in, std::uint64_t start, std::string_view who) const;

  /// The v2 checksum (Jenkins's lookup3) of `body` must be `expected`.
  void check_sum(
      Bytes body, std::uint32_t expected, std::string_view who) const;

  /// Accounts for parsed items, so that a small file which points at the same
  /// bytes over and over cannot keep us busy.
  void charge(std::uint64_t items, std::string_view who) const;

 private:
  void read_superblock();
  Header parse_header(std::uint64_t address, std::string_view who) const;
  void parse_header_v1(
      Header& out, std::uint64_t address, std::string_view who) const;
  void parse_header_v2(
      Header& out, std::uint64_t address, std::string_view who) const;
  std::vector<Bytes> parse_attributes(
      const Header& header, std::string_view who) const;
  std::vector<Link> parse_links(
      const Header& header, std::string_view who) const;
  void symbol_table_links(
      std::vector<Link>& out, Bytes body, std::string_view who) const;
  Link link_message(Bytes body, std::string_view who) const;

  /// Bodies of the objects of the fractal heap that the B-tree (version 2) of
  /// names at `tree` lists.
  std::vector<Bytes> dense_objects(
      std::uint64_t heap, std::uint64_t tree, std::string_view who) const;

  Bytes bytes_;
  std::shared_ptr<void> owner_;
  std::string name_;
  std::uint64_t root_ = 0;
  std::size_t offset_width_ = 8;
  std::size_t length_width_ = 8;

  using HeapIndex = std::map<std::uint64_t, Bytes>;  // by object number

  mutable std::mutex mutex_;  // guards all below
  mutable std::uint64_t work_left_ = 0;
  mutable std::map<std::uint64_t, std::shared_ptr<const Header>> headers_;
  mutable std::map<std::uint64_t, std::shared_ptr<const std::vector<Link>>>
      links_;
  mutable std::map<std::uint64_t, std::shared_ptr<const std::vector<Bytes>>>
      attributes_;
  mutable std::map<std::uint64_t, HeapIndex> heaps_;
};

/// Bob Jenkins's lookup3 hash: the checksum of HDF5's newer structures.
std::uint32_t lookup3(Bytes bytes);

}  // namespace keratin::h5
