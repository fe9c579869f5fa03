#include <algorithm>
#include <set>

#include "src/core/format.hpp"
#include "src/io/hdf5_image.hpp"

namespace keratin::h5 {
namespace {

/// A name that ends at the first NUL, or at the end of the bytes.
std::string text_until_nul(Bytes bytes) {
  const auto text = io::as_text(bytes);
  return std::string(text.substr(0, text.find('\0')));
}

}  // namespace

std::shared_ptr<const std::vector<Link>> Image::links(
    std::uint64_t address, const Header& header, std::string_view who) const {
  {
    const std::lock_guard lock(mutex_);
    if (const auto it = links_.find(address); it != links_.end()) {
      return it->second;
    }
  }
  auto parsed =
      std::make_shared<const std::vector<Link>>(parse_links(header, who));
  const std::lock_guard lock(mutex_);
  return links_.emplace(address, std::move(parsed)).first->second;
}

std::vector<Link> Image::parse_links(
    const Header& header, std::string_view who) const {
  std::vector<Link> out;
  bool ordered = false;
  for (const Message& message : header.messages) {
    if (message.type == MessageType::symbol_table) {
      symbol_table_links(out, message.body, who);
    } else if (message.type == MessageType::link) {
      out.push_back(link_message(message.body, who));
    } else if (message.type == MessageType::link_info) {
      ByteReader in(message.body, who);
      in.skip(1);
      const auto flags = in.u8();
      ordered = (flags & 1) != 0;
      if (ordered) in.skip(8);
      const auto heap = address(in);
      const auto tree = address(in);
      if (!heap || !tree) continue;  // all of them are in the header
      for (const Bytes body : dense_objects(*heap, *tree, who)) {
        out.push_back(link_message(body, who));
      }
    }
  }
  std::sort(out.begin(), out.end(), [&](const Link& a, const Link& b) {
    return ordered ? a.order < b.order : a.name < b.name;
  });
  return out;
}

Link Image::link_message(Bytes body, std::string_view who) const {
  ByteReader in(body, who);
  const auto version = in.u8();
  if (version != 1) {
    in.fail(format("expected link message version 1, got {}", version));
  }
  const auto flags = in.u8();
  const auto type = flags & 8 ? in.u8() : 0;
  Link out;
  if (flags & 4) out.order = in.u64();
  if (flags & 16) in.skip(1);  // character set
  const auto size = in.uint(std::size_t{1} << (flags & 3));
  out.name = std::string(in.take_text(size));
  switch (type) {
    case 0: {
      const auto at = address(in);
      if (!at) in.fail(format("link {} has no target", io::quoted(out.name)));
      out.address = *at;
      break;
    }
    case 1:
      out.kind = LinkKind::soft;
      break;
    default:  // 64 is external, the others are users' own
      out.kind = LinkKind::external;
  }
  return out;
}

// A group of the old style: a B-tree (version 1) whose leaves are nodes of
// symbols, whose names are in a local heap.
void Image::symbol_table_links(
    std::vector<Link>& out, Bytes body, std::string_view who) const {
  ByteReader message(body, who);
  const auto tree = address(message);
  const auto heap = address(message);
  if (!tree || !heap) message.fail("symbol table has no address");

  ByteReader in = reader(*heap, who);
  if (in.take_text(4) != "HEAP" || in.u8() != 0) {
    in.fail(format("expected a local heap at {}, got none", *heap));
  }
  in.skip(3);
  const std::uint64_t heap_size = length(in);
  length(in);  // free list
  const auto heap_data = address(in);
  if (!heap_data) in.fail("local heap has no data");
  const Bytes names = bytes(*heap_data, heap_size, who);

  struct Node {
    std::uint64_t address;
    int level;  // -1: a node of symbols; kAny: not known yet
  };

  constexpr int kAny = 256;
  std::vector<Node> todo = {{*tree, kAny}};
  std::set<std::uint64_t> seen;
  while (!todo.empty()) {
    const Node node = todo.back();
    todo.pop_back();
    charge(1, who);
    ByteReader at = reader(node.address, who);
    if (!seen.insert(node.address).second) {
      at.fail("a node of the group's tree is used twice");
    }
    if (node.level >= 0) {
      if (at.take_text(4) != "TREE" || at.u8() != 0) {
        at.fail(
            format("expected a group's tree at {}, got none", node.address));
      }
      const int level = at.u8();
      if (node.level != kAny && level != node.level) {
        at.fail(format(
            "expected a tree node of level {}, got {}", node.level, level));
      }
      const auto used = at.u16();
      at.skip(2 * offset_width_);  // siblings
      for (int i = 0; i < used; ++i) {
        at.skip(length_width_);  // key
        todo.push_back({at.uint(offset_width_), level - 1});
      }
      continue;
    }
    if (at.take_text(4) != "SNOD" || at.u8() != 1) {
      at.fail(format("expected a symbol node at {}, got none", node.address));
    }
    at.skip(1);
    const auto count = at.u16();
    for (int i = 0; i < count; ++i) {
      charge(1, who);
      const std::uint64_t name_at = at.uint(offset_width_);
      const std::uint64_t target = at.uint(offset_width_);
      const auto cache_type = at.u32();
      at.skip(4 + 16);
      if (name_at >= names.size()) {
        at.fail(format(
            "expected a name inside {} bytes, got offset {}",
            names.size(),
            name_at));
      }
      Link link;
      link.name = text_until_nul(names.subspan(name_at));
      // Names that overlap could cost the square of the heap.
      charge(link.name.size() / 8, who);
      link.kind = cache_type == 2 ? LinkKind::soft : LinkKind::hard;
      link.address = target;
      out.push_back(std::move(link));
    }
  }
}

}  // namespace keratin::h5
