// Where the chunks of a dataset are: the indexes that list them.

#include "src/io/hdf5_chunks.hpp"

#include <algorithm>
#include <optional>
#include <set>

#include "src/core/format.hpp"

namespace keratin::h5 {
namespace {

/// The start of the chunk that is `number` in row-major order.
std::vector<std::uint64_t> chunk_start(const Job& job, std::uint64_t number) {
  std::vector<std::uint64_t> start(job.dims.size());
  for (std::size_t i = job.dims.size(); i-- > 0;) {
    const std::uint64_t along = (job.dims[i] + job.chunk[i] - 1) / job.chunk[i];
    start[i] = number % along * job.chunk[i];
    number /= along;
  }
  return start;
}

/// Chunks listed by a fixed array of one page.
std::vector<Chunk> fixed_array_chunks(const Job& job, std::uint64_t address) {
  ByteReader in = job.image.reader(address, job.who);
  if (in.take_text(4) != "FAHD" || in.u8() != 0) {
    job.fail(format("expected a fixed array at {}, got none", address));
  }
  const bool filtered = in.u8() == 1;
  const std::size_t entry = in.u8();
  const int page_bits = in.u8();
  const std::uint64_t count = job.image.length(in);
  const auto block = job.image.address(in);
  job.image.take_check_sum(in, address, job.who);
  if (count != job.chunk_count) {
    job.fail(format("expected {} chunks, got {}", job.chunk_count, count));
  }
  if (!block) return {};
  if (page_bits < 63 && count > std::uint64_t{1} << page_bits) {
    job.fail("fixed arrays of many pages are outside what Keratin reads");
  }
  const std::size_t width = job.image.offset_width();
  if (entry < width + (filtered ? 5 : 0) || entry > width + 12) {
    job.fail(format("impossible entries of {} bytes in a fixed array", entry));
  }
  ByteReader at = job.image.reader(*block, job.who);
  if (at.take_text(4) != "FADB" || at.u8() != 0) {
    job.fail(format("expected a fixed array's block at {}, got none", *block));
  }
  at.skip(1 + width);
  std::vector<Chunk> out;
  for (std::uint64_t i = 0; i < count; ++i) {
    Chunk chunk;
    const auto where = job.image.address(at);
    chunk.stored_size = filtered ? at.uint(entry - width - 4) : job.chunk_bytes;
    if (filtered) chunk.skipped_filters = at.u32();
    if (!where) continue;
    chunk.address = *where;
    chunk.start = chunk_start(job, i);
    out.push_back(std::move(chunk));
  }
  job.image.take_check_sum(at, *block, job.who);
  return out;
}
}  // namespace

std::vector<Chunk> btree1_chunks(const Job& job, std::uint64_t root) {
  struct Node {
    std::uint64_t address;
    int level;  // kAny: not known yet
  };

  constexpr int kAny = 256;
  std::vector<Chunk> out;
  std::vector<Node> todo = {{root, kAny}};
  std::set<std::uint64_t> seen;
  const std::size_t width = job.image.offset_width();
  // The root is one more; an entry takes 16 bytes at least.
  const std::uint64_t most =
      std::min(job.chunk_count, job.image.size() / 16) + 1;
  while (!todo.empty()) {
    const Node node = todo.back();
    todo.pop_back();
    ByteReader at = job.image.reader(node.address, job.who);
    if (!seen.insert(node.address).second) {
      job.fail("a node of the chunks' tree is used twice");
    }
    if (at.take_text(4) != "TREE" || at.u8() != 1) {
      job.fail(
          format("expected a tree of chunks at {}, got none", node.address));
    }
    const int level = at.u8();
    if (node.level != kAny && level != node.level) {
      job.fail(format(
          "expected a tree node of level {}, got {}", node.level, level));
    }
    const auto used = at.u16();
    at.skip(2 * width);  // siblings
    for (int i = 0; i < used; ++i) {
      Chunk chunk;
      chunk.stored_size = at.u32();
      chunk.skipped_filters = at.u32();
      for (std::size_t axis = 0; axis < job.dims.size(); ++axis) {
        chunk.start.push_back(at.u64());
      }
      at.skip(8);  // offset within the element, 0
      chunk.address = at.uint(width);
      if (level > 0) {
        todo.push_back({chunk.address, level - 1});
      } else {
        out.push_back(std::move(chunk));
      }
      if (out.size() + todo.size() > most) {
        job.fail(format("expected at most {} chunks", most));
      }
    }
  }
  return out;
}

std::vector<Chunk> chunks_v4(
    const Job& job, int index_type, int flags, ByteReader& in) {
  Chunk only;
  only.start.assign(job.dims.size(), 0);
  only.stored_size = job.chunk_bytes;
  switch (index_type) {
    case 1: {
      if (flags & 2) {
        only.stored_size = job.image.length(in);
        only.skipped_filters = in.u32();
      }
      const auto at = job.image.address(in);
      if (!at) return {};
      if (job.chunk_count != 1) job.fail("expected a single chunk");
      only.address = *at;
      return {only};
    }
    case 2: {
      const auto at = job.image.address(in);
      if (!at) return {};
      job.image.bytes(*at, job.chunk_count * job.chunk_bytes, job.who);
      std::vector<Chunk> out;
      for (std::uint64_t i = 0; i < job.chunk_count; ++i) {
        only.start = chunk_start(job, i);
        only.address = *at + i * job.chunk_bytes;
        out.push_back(only);
      }
      return out;
    }
    case 3: {
      in.skip(1);  // page bits, again in the array's header
      const auto at = job.image.address(in);
      return at ? fixed_array_chunks(job, *at) : std::vector<Chunk>{};
    }
    default:
      job.fail(
          "chunk indexes of resizable datasets in the newest file format are "
          "outside what Keratin reads; write with libver='earliest'");
  }
}

}  // namespace keratin::h5
