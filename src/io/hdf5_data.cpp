// The stored elements of a dataset, whatever its layout.

#include <zlib.h>

#include <algorithm>
#include <cstring>
#include <set>
#include <vector>

#include <keratin/error.hpp>

#include "src/core/format.hpp"
#include "src/io/hdf5_chunks.hpp"
#include "src/io/hdf5_types.hpp"

namespace keratin::h5 {
namespace {

using Buffer = std::vector<std::byte>;

enum FilterId { kDeflate = 1, kShuffle = 2, kFletcher32 = 3 };

void check_limit(const Job& job, std::uint64_t bytes, std::uint64_t limit) {
  if (bytes > limit) {
    job.fail(format(
        "dataset would take {} bytes, more than the {} that a file of this "
        "size may ask for",
        bytes,
        limit));
  }
}

/// A file that stores little or nothing of a dataset may still ask for a small
/// one, which is then all fill value.
constexpr std::uint64_t kLeastStoredLimit = 1U << 20;
constexpr std::uint64_t kMostPacking = 1032;  // what deflate can do at best

void check_stored(const Job& job, std::uint64_t bytes, std::uint64_t stored) {
  const std::uint64_t limit =
      std::max(kLeastStoredLimit, kMostPacking * stored);
  if (bytes > limit) {
    job.fail(format(
        "dataset would take {} bytes, of which the file stores {}; expected "
        "at most {}",
        bytes,
        stored,
        limit));
  }
}

Buffer filled(const Job& job, std::uint64_t bytes) {
  Buffer out(bytes);
  if (job.fill.size() == job.element_size) {
    for (std::uint64_t at = 0; at < bytes; at += job.element_size) {
      std::memcpy(out.data() + at, job.fill.data(), job.element_size);
    }
  }
  return out;
}

io::SharedBytes shared(Buffer buffer) {
  auto owner = std::make_shared<Buffer>(std::move(buffer));
  const Bytes bytes(*owner);
  return {bytes, std::move(owner)};
}

Bytes parse_fill(const Header& header, std::string_view who) {
  if (const Message* message = header.find(MessageType::fill)) {
    ByteReader in(message->body, who);
    const auto version = in.u8();
    if (version == 1 || version == 2) {
      in.skip(2);  // when space and fill are written
      const bool defined = in.u8() != 0;
      if (!defined && version == 2) return {};
      return in.take(in.u32());
    }
    if (version == 3) {
      const auto flags = in.u8();
      return flags & 0x20 ? in.take(in.u32()) : Bytes{};
    }
    in.fail(format("expected fill value version 1 to 3, got {}", version));
  }
  if (const Message* message = header.find(MessageType::fill_old)) {
    ByteReader in(message->body, who);
    return in.take(in.u32());
  }
  return {};
}

std::vector<int> parse_filters(const Header& header, std::string_view who) {
  std::vector<int> out;
  const Message* message = header.find(MessageType::filters);
  if (message == nullptr) return out;
  ByteReader in(message->body, who);
  const auto version = in.u8();
  const int count = in.u8();
  if (version == 1) in.skip(6);
  if (version != 1 && version != 2) {
    in.fail(format("expected filter pipeline version 1 or 2, got {}", version));
  }
  for (int i = 0; i < count; ++i) {
    const auto id = in.u16();
    const std::uint64_t name = version == 1 || id >= 256 ? in.u16() : 0;
    in.skip(2);  // flags: whether writers may do without it
    const std::uint64_t values = in.u16();
    in.skip(version == 1 ? (name + 7) / 8 * 8 : name);
    in.skip(4 * values);
    if (version == 1 && values % 2 == 1) in.skip(4);
    if (id != kDeflate && id != kShuffle && id != kFletcher32) {
      in.fail(format(
          "expected the filters deflate, shuffle or fletcher32, got filter {}; "
          "write the dataset without it",
          id));
    }
    out.push_back(id);
  }
  return out;
}

Buffer inflate_chunk(const Job& job, Bytes stored) {
  // Checksums may follow a chunk that is packed after they were added.
  Buffer out(job.chunk_bytes + 4 * job.filters.size());
  z_stream stream{};
  if (inflateInit(&stream) != Z_OK) {
    throw SystemError(format("{}: inflateInit failed", job.who));
  }
  stream.next_in =
      reinterpret_cast<Bytef*>(const_cast<std::byte*>(stored.data()));
  stream.avail_in = static_cast<uInt>(stored.size());
  stream.next_out = reinterpret_cast<Bytef*>(out.data());
  stream.avail_out = static_cast<uInt>(out.size());
  const int code = inflate(&stream, Z_FINISH);
  const auto produced = stream.total_out;
  inflateEnd(&stream);
  if (code != Z_STREAM_END) {
    job.fail("a compressed chunk is damaged: it does not unpack to its size");
  }
  out.resize(produced);
  return out;
}

Buffer unshuffle(const Job& job, const Buffer& in) {
  Buffer out(in.size());
  const std::uint64_t size = job.element_size;
  const std::uint64_t count = in.size() / size;
  for (std::uint64_t b = 0; b < size; ++b) {
    for (std::uint64_t i = 0; i < count; ++i) {
      out[i * size + b] = in[b * count + i];
    }
  }
  std::copy(
      in.begin() + static_cast<std::ptrdiff_t>(count * size),
      in.end(),
      out.begin() + static_cast<std::ptrdiff_t>(count * size));
  return out;
}

/// HDF5's Fletcher checksum: over 16-bit words, the high byte first.
std::uint32_t fletcher32(Bytes data) {
  std::uint32_t a = 0;
  std::uint32_t b = 0;
  const auto add = [&](std::uint32_t word) {
    a = (a + word) % 65535;
    b = (b + a) % 65535;
  };
  std::size_t i = 0;
  for (; i + 1 < data.size(); i += 2) {
    add(std::to_integer<std::uint32_t>(data[i]) << 8 |
        std::to_integer<std::uint32_t>(data[i + 1]));
  }
  if (i < data.size()) add(std::to_integer<std::uint32_t>(data[i]) << 8);
  return b << 16 | a;
}

Buffer unpack(const Job& job, const Chunk& chunk) {
  const Bytes stored =
      job.image.bytes(chunk.address, chunk.stored_size, job.who);
  // A chunk is never packed into much more than it is.
  if (chunk.stored_size > 2 * job.chunk_bytes + 1024) {
    job.fail(format(
        "expected a chunk of {} bytes, got {} stored ones",
        job.chunk_bytes,
        chunk.stored_size));
  }
  Buffer data(stored.begin(), stored.end());
  for (std::size_t i = job.filters.size(); i-- > 0;) {
    if (i < 32 && (chunk.skipped_filters >> i & 1) != 0) continue;
    switch (job.filters[i]) {
      case kDeflate:
        data = inflate_chunk(job, data);
        break;
      case kShuffle:
        data = unshuffle(job, data);
        break;
      default: {
        if (data.size() < 4) job.fail("a chunk has no room for its checksum");
        ByteReader in(Bytes(data).last(4), job.who);
        const auto expected = in.u32();
        data.resize(data.size() - 4);
        // The words' order within the sum differs between old writers.
        const auto got = fletcher32(data);
        const auto swapped =
            (got & 0x00ff00ffU) << 8 | (got & 0xff00ff00U) >> 8;
        if (got != expected && swapped != expected) {
          job.fail("checksum of a chunk differs; the file is damaged");
        }
      }
    }
  }
  if (data.size() != job.chunk_bytes) {
    job.fail(format(
        "expected a chunk of {} bytes, got {}", job.chunk_bytes, data.size()));
  }
  return data;
}

/// Copies the part of a chunk that lies inside the dataset.
void place(
    const Job& job, const Chunk& chunk, const Buffer& data, Buffer& out) {
  const std::size_t rank = job.dims.size();
  std::vector<std::uint64_t> extent(rank);
  for (std::size_t i = 0; i < rank; ++i) {
    extent[i] = std::min(job.chunk[i], job.dims[i] - chunk.start[i]);
  }
  const std::uint64_t row = extent[rank - 1] * job.element_size;
  std::vector<std::uint64_t> index(rank, 0);
  while (true) {
    std::uint64_t from = 0;
    std::uint64_t to = 0;
    for (std::size_t i = 0; i < rank; ++i) {
      from = from * job.chunk[i] + index[i];
      to = to * job.dims[i] + chunk.start[i] + index[i];
    }
    std::memcpy(
        out.data() + to * job.element_size,
        data.data() + from * job.element_size,
        row);
    std::size_t axis = rank - 1;
    while (axis > 0 && ++index[axis - 1] == extent[axis - 1]) {
      index[--axis] = 0;
    }
    if (axis == 0) return;
  }
}

void check_chunk_size(Job& job, std::uint64_t limit) {
  job.chunk_bytes = job.element_size;
  job.chunk_count = 1;
  for (std::size_t i = 0; i < job.dims.size(); ++i) {
    if (job.chunk[i] == 0) job.fail("expected chunks of a size, got 0");
    job.chunk_bytes = checked_product(job.chunk_bytes, job.chunk[i], job.who);
    const std::uint64_t along =
        job.dims[i] / job.chunk[i] + (job.dims[i] % job.chunk[i] != 0);
    job.chunk_count = checked_product(job.chunk_count, along, job.who);
  }
  if (job.chunk_bytes >= std::uint64_t{1} << 31) {
    job.fail(format("expected chunks below 2 GiB, got {}", job.chunk_bytes));
  }
  // Chunks may stick out of the dataset, which costs unpacking too.
  check_limit(
      job, checked_product(job.chunk_bytes, job.chunk_count, job.who), limit);
}

Buffer assemble(
    const Job& job, const std::vector<Chunk>& chunks, std::uint64_t bytes) {
  Buffer out = filled(job, bytes);
  std::set<std::uint64_t> seen;
  for (const Chunk& chunk : chunks) {
    std::uint64_t first = 0;  // its first element's number
    for (std::size_t i = 0; i < job.dims.size(); ++i) {
      if (chunk.start[i] >= job.dims[i] || chunk.start[i] % job.chunk[i] != 0) {
        job.fail("a chunk lies outside its dataset");
      }
      first = first * job.dims[i] + chunk.start[i];
    }
    if (!seen.insert(first).second) job.fail("a chunk is there twice");
    place(job, chunk, unpack(job, chunk), out);
  }
  return out;
}

io::SharedBytes read_chunked(
    Job& job,
    int version,
    ByteReader& in,
    std::uint64_t bytes,
    std::uint64_t limit) {
  const int flags = version == 4 ? in.u8() : 0;
  const std::size_t rank = in.u8();
  if (rank != job.dims.size() + 1) {
    job.fail(format(
        "expected chunks of rank {}, got {}", job.dims.size() + 1, rank));
  }
  if (job.dims.empty()) job.fail("a scalar cannot be chunked");
  std::optional<std::uint64_t> tree;
  std::size_t dim_width = 4;
  if (version == 3) {
    tree = job.image.address(in);
  } else {
    dim_width = in.u8();
    if (dim_width < 1 || dim_width > 8) {
      job.fail(
          format("expected chunk sizes of 1 to 8 bytes, got {}", dim_width));
    }
  }
  for (std::size_t i = 0; i < job.dims.size(); ++i) {
    job.chunk.push_back(in.uint(dim_width));
  }
  if (in.uint(dim_width) != job.element_size) {
    job.fail("expected chunks of this type's elements, got another size");
  }
  check_chunk_size(job, limit);
  std::vector<Chunk> chunks;
  if (bytes > 0) {
    if (version == 4) {
      const int index_type = in.u8();
      chunks = chunks_v4(job, index_type, flags, in);
    } else if (tree) {
      chunks = btree1_chunks(job, *tree);
    }
  }
  std::uint64_t stored = 0;
  for (const Chunk& chunk : chunks) {
    // Chunks may share their bytes.
    stored = std::min(
        stored +
            job.image.bytes(chunk.address, chunk.stored_size, job.who).size(),
        job.image.size());
  }
  const std::uint64_t unpacked = chunks.empty() ? 0 : job.chunk_bytes;
  check_stored(job, std::max(bytes, unpacked), stored);
  return shared(assemble(job, chunks, bytes));
}

}  // namespace

io::SharedBytes read_raw(
    const Image& image,
    const Header& header,
    const Type& type,
    const Shape& shape,
    std::uint64_t limit_bytes,
    std::string_view who) {
  Job job{image, who, type.size, {}, {}, 0, 0, {}, {}};
  for (const std::int64_t dim : shape) {
    job.dims.push_back(static_cast<std::uint64_t>(dim));
  }
  for (const std::int64_t dim : type.inner) {
    job.element_size =
        checked_product(job.element_size, static_cast<std::uint64_t>(dim), who);
  }
  const std::uint64_t bytes =
      checked_product(count_of(shape, who), job.element_size, who);
  if (header.find(MessageType::external_files) != nullptr) {
    job.fail("external storage is refused: data must be in the file itself");
  }
  job.fill = parse_fill(header, who);
  const Message* layout = header.find(MessageType::layout);
  if (layout == nullptr) job.fail("dataset has no layout");

  ByteReader in(layout->body, who);
  const auto version = in.u8();
  if (version != 3 && version != 4) {
    in.fail(format(
        "expected data layout version 3 or 4, got {}; older files are outside "
        "what Keratin reads",
        version));
  }
  const auto layout_class = in.u8();
  switch (layout_class) {
    case 0: {  // compact: in the header
      const Bytes data = in.take(in.u16());
      if (data.size() < bytes) {
        in.fail(
            format("expected {} bytes of data, got {}", bytes, data.size()));
      }
      return {data.first(bytes), image.owner()};
    }
    case 1: {
      const auto at = image.address(in);
      const std::uint64_t size = image.length(in);
      if (!at || bytes == 0) {  // never written
        check_limit(job, bytes, limit_bytes);
        check_stored(job, bytes, 0);
        return shared(filled(job, bytes));
      }
      if (size < bytes) {
        in.fail(format("expected {} bytes of data, got {}", bytes, size));
      }
      return {image.bytes(*at, bytes, who), image.owner()};
    }
    case 2:
      check_limit(job, bytes, limit_bytes);
      job.filters = parse_filters(header, who);
      return read_chunked(job, version, in, bytes, limit_bytes);
    case 3:
      in.fail("virtual datasets are refused: data must be in the file itself");
    default:
      in.fail(format("expected layout class 0 to 3, got {}", layout_class));
  }
}

}  // namespace keratin::h5
