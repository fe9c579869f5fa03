// Links and attributes that became too many for an object header: a fractal
// heap holds their bodies, a B-tree of version 2 lists their heap ids.

#include <algorithm>
#include <bit>
#include <optional>
#include <set>

#include "src/core/format.hpp"
#include "src/io/hdf5_image.hpp"

namespace keratin::h5 {
namespace {

int log2_floor(std::uint64_t value) {
  return static_cast<int>(std::bit_width(value)) - 1;
}

/// Bytes needed to write any number up to `limit`.
std::size_t width_for(std::uint64_t limit) {
  return static_cast<std::size_t>(log2_floor(limit)) / 8 + 1;
}

struct Tree {
  int type = 0;
  std::vector<Bytes> records;
};

Tree read_tree(
    const Image& image, std::uint64_t address, std::string_view who) {
  ByteReader in = image.reader(address, who);
  if (in.take_text(4) != "BTHD" || in.u8() != 0) {
    in.fail(format("expected a B-tree at {}, got none", address));
  }
  Tree out;
  out.type = in.u8();
  const std::uint64_t node_size = in.u32();
  const std::uint64_t record_size = in.u16();
  const int depth = in.u16();
  in.skip(2);  // when nodes split and merge
  const auto root = image.address(in);
  const std::uint64_t root_records = in.u16();
  image.length(in);  // records in all
  image.take_check_sum(in, address, who);
  if (!root) return out;  // no records

  constexpr std::uint64_t kPrefix = 10;  // signature, version, type, checksum
  if (record_size == 0 || node_size < kPrefix + record_size || depth > 16) {
    in.fail(format(
        "impossible B-tree: records of {} bytes in nodes of {}, depth {}",
        record_size,
        node_size,
        depth));
  }
  // Widths of the counts in child pointers, by the child's depth.
  std::uint64_t most = (node_size - kPrefix) / record_size;
  const std::size_t count_width = width_for(most);
  std::vector<std::size_t> total_width = {0};
  std::uint64_t total = most;
  for (int d = 1; d <= depth; ++d) {
    const std::uint64_t pointer =
        image.offset_width() + count_width + total_width.back();
    if (node_size < kPrefix + pointer) in.fail("impossible B-tree node size");
    most = (node_size - kPrefix - pointer) / (record_size + pointer);
    if (__builtin_mul_overflow(most + 1, total, &total) ||
        __builtin_add_overflow(total, most, &total)) {
      in.fail("impossible B-tree: it could hold 2^64 records");
    }
    total_width.push_back(width_for(total));
  }

  struct Node {
    std::uint64_t address;
    std::uint64_t records;
    int depth;
  };

  std::vector<Node> todo = {{*root, root_records, depth}};
  std::set<std::uint64_t> seen;
  while (!todo.empty()) {
    const Node node = todo.back();
    todo.pop_back();
    ByteReader at = image.reader(node.address, who);
    if (!seen.insert(node.address).second) {
      at.fail("a node of a B-tree is used twice");
    }
    image.charge(1 + node.records, who);
    const std::string_view want = node.depth == 0 ? "BTLF" : "BTIN";
    if (at.take_text(4) != want || at.u8() != 0 || at.u8() != out.type) {
      at.fail(format("expected a B-tree node at {}, got none", node.address));
    }
    for (std::uint64_t i = 0; i < node.records; ++i) {
      out.records.push_back(at.take(record_size));
    }
    if (node.depth > 0) {
      for (std::uint64_t i = 0; i <= node.records; ++i) {
        const auto child = at.uint(image.offset_width());
        const auto count = at.uint(count_width);
        at.skip(total_width[static_cast<std::size_t>(node.depth) - 1]);
        todo.push_back({child, count, node.depth - 1});
      }
    }
    image.take_check_sum(at, node.address, who);
  }
  return out;
}

/// A fractal heap: blocks of doubling sizes in rows of `width`, addressed as
/// one space of 2^max_bits bytes.
class FractalHeap {
 public:
  FractalHeap(const Image& image, std::uint64_t address, std::string_view who)
      : image_(image), who_(who) {
    ByteReader in = image.reader(address, who);
    if (in.take_text(4) != "FRHP" || in.u8() != 0) {
      in.fail(format("expected a fractal heap at {}, got none", address));
    }
    in.skip(2);  // size of ids
    const auto filters = in.u16();
    in.skip(1);  // flags: whether direct blocks have checksums
    const std::uint64_t max_managed = in.u32();
    image.length(in);  // next huge id
    huge_tree_ = image.address(in);
    image.length(in);                              // free space
    image.address(in);                             // its manager
    for (int i = 0; i < 8; ++i) image.length(in);  // statistics
    width_ = in.u16();
    start_size_ = image.length(in);
    const std::uint64_t max_direct = image.length(in);
    const int max_bits = in.u16();
    in.skip(2);  // rows the root starts with
    root_ = image.address(in);
    root_rows_ = in.u16();
    if (filters != 0) {
      in.fail("filtered fractal heaps are outside what Keratin reads");
    }
    image.take_check_sum(in, address, who);
    if (!std::has_single_bit(start_size_) || !std::has_single_bit(max_direct) ||
        max_direct < start_size_ || max_direct > (1U << 30) || width_ == 0 ||
        !std::has_single_bit(width_) || max_bits > 63 || max_bits == 0 ||
        max_managed == 0) {
      in.fail("impossible block sizes in a fractal heap");
    }
    offset_size_ = (static_cast<std::size_t>(max_bits) + 7) / 8;
    length_size_ = std::min(
        (static_cast<std::size_t>(log2_floor(max_direct)) + 7) / 8,
        width_for(max_managed));
    direct_rows_ = static_cast<std::uint64_t>(log2_floor(max_direct)) -
                   static_cast<std::uint64_t>(log2_floor(start_size_)) + 2;
  }

  Bytes object(Bytes id) const {
    ByteReader in(id, who_);
    const auto first = in.u8();
    const int kind = first >> 4 & 3;
    if (first >> 6 != 0 || kind == 3) {
      in.fail(format("expected a heap id, got first byte {}", first));
    }
    if (kind == 2) return in.take((first & 15) + 1);  // tiny: in the id
    if (kind == 1) return huge(in);
    const auto offset = in.uint(offset_size_);
    const auto size = in.uint(length_size_);
    return managed(offset, size);
  }

 private:
  // A huge object lies in the file by itself; a B-tree maps ids to places,
  // unless the id has room for the place.
  Bytes huge(ByteReader& id) const {
    const std::size_t direct = image_.offset_width() + image_.length_width();
    if (id.remaining() >= direct) {
      const auto address = id.uint(image_.offset_width());
      return image_.bytes(address, id.uint(image_.length_width()), who_);
    }
    if (!huge_tree_) id.fail("heap has no huge objects, but an id names one");
    const auto number = id.uint(std::min<std::size_t>(id.remaining(), 8));
    if (!huge_records_) huge_records_ = read_tree(image_, *huge_tree_, who_);
    if (huge_records_->type != 1) {
      id.fail("filtered huge objects are outside what Keratin reads");
    }
    for (const Bytes record : huge_records_->records) {
      ByteReader in(record, who_);
      const auto address = in.uint(image_.offset_width());
      const auto size = image_.length(in);
      if (image_.length(in) == number) {
        return image_.bytes(address, size, who_);
      }
    }
    id.fail(format("heap has no huge object {}", number));
  }

  Bytes managed(std::uint64_t offset, std::uint64_t size) const {
    ByteReader error({}, who_);
    std::optional<std::uint64_t> block = root_;
    std::uint64_t block_size = start_size_;
    std::uint64_t rows = root_rows_;
    // Every step goes to a block of at most half the size.
    while (rows > 0) {
      if (!block) error.fail("heap id leads to a block that is not there");
      const std::uint64_t first_row = start_size_ * width_;
      std::uint64_t row = 0;
      std::uint64_t row_start = 0;
      block_size = start_size_;
      if (offset >= first_row) {
        const int doubling = log2_floor(offset / first_row);
        row = static_cast<std::uint64_t>(doubling) + 1;
        row_start = first_row << doubling;
        block_size = start_size_ << doubling;
      }
      if (row >= rows) error.fail("heap id leads outside its heap");
      const std::uint64_t column = (offset - row_start) / block_size;
      offset -= row_start + column * block_size;

      ByteReader in = image_.reader(*block, who_);
      if (in.take_text(4) != "FHIB" || in.u8() != 0) {
        in.fail(format("expected a heap's block at {}, got none", *block));
      }
      in.skip(image_.offset_width() + offset_size_);
      in.skip((row * width_ + column) * image_.offset_width());
      block = image_.address(in);
      rows = row < direct_rows_
                 ? 0
                 : static_cast<std::uint64_t>(
                       log2_floor(block_size) - log2_floor(first_row) + 1);
    }
    if (!block) error.fail("heap id leads to a block that is not there");
    const Bytes bytes = image_.bytes(*block, block_size, who_);
    if (io::as_text(bytes.first(4)) != "FHDB") {
      error.fail(format("expected a heap's block at {}, got none", *block));
    }
    ByteReader in(bytes, who_);
    in.seek(offset);
    return in.take(size);
  }

  const Image& image_;
  std::string_view who_;
  std::size_t offset_size_ = 0;
  std::size_t length_size_ = 0;
  std::uint64_t width_ = 0;
  std::uint64_t start_size_ = 0;
  std::uint64_t direct_rows_ = 0;
  std::uint64_t root_rows_ = 0;
  std::optional<std::uint64_t> root_;
  std::optional<std::uint64_t> huge_tree_;
  mutable std::optional<Tree> huge_records_;
};

}  // namespace

std::vector<Bytes> Image::dense_objects(
    std::uint64_t heap, std::uint64_t tree, std::string_view who) const {
  const Tree index = read_tree(*this, tree, who);
  const FractalHeap objects(*this, heap, who);
  std::vector<Bytes> out;
  for (const Bytes record : index.records) {
    ByteReader in(record, who);
    switch (index.type) {
      case 5:  // links by name: hash, id
        in.skip(4);
        out.push_back(objects.object(in.take(7)));
        break;
      case 8: {  // attributes by name: id, message flags, order, hash
        const Bytes id = in.take(8);
        if (in.u8() & 2) {
          in.fail("shared attributes are outside what Keratin reads");
        }
        out.push_back(objects.object(id));
        break;
      }
      default:
        in.fail(format("expected a B-tree of names, got type {}", index.type));
    }
  }
  return out;
}

// Bob Jenkins's lookup3 (public domain), hashlittle() with initial value 0,
// over bytes, so that neither alignment nor byte order matters.
std::uint32_t lookup3(Bytes bytes) {
  const auto byte = [&](std::size_t i) {
    return i < bytes.size() ? std::to_integer<std::uint32_t>(bytes[i]) : 0U;
  };
  const auto word = [&](std::size_t i) {
    return byte(i) | byte(i + 1) << 8 | byte(i + 2) << 16 | byte(i + 3) << 24;
  };
  using std::rotl;
  auto a = 0xdeadbeefU + static_cast<std::uint32_t>(bytes.size());
  auto b = a;
  auto c = a;
  std::size_t at = 0;
  for (; bytes.size() - at > 12; at += 12) {
    a += word(at);
    b += word(at + 4);
    c += word(at + 8);
    a = (a - c) ^ rotl(c, 4), c += b;
    b = (b - a) ^ rotl(a, 6), a += c;
    c = (c - b) ^ rotl(b, 8), b += a;
    a = (a - c) ^ rotl(c, 16), c += b;
    b = (b - a) ^ rotl(a, 19), a += c;
    c = (c - b) ^ rotl(b, 4), b += a;
  }
  if (at == bytes.size()) return c;  // only when there are no bytes at all
  a += word(at);
  b += word(at + 4);
  c += word(at + 8);
  c = (c ^ b) - rotl(b, 14);
  a = (a ^ c) - rotl(c, 11);
  b = (b ^ a) - rotl(a, 25);
  c = (c ^ b) - rotl(b, 16);
  a = (a ^ c) - rotl(c, 4);
  b = (b ^ a) - rotl(a, 14);
  c = (c ^ b) - rotl(b, 24);
  return c;
}

}  // namespace keratin::h5
