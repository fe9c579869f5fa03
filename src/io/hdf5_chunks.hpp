#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "src/io/hdf5_image.hpp"

namespace keratin::h5 {

struct Chunk {
  std::vector<std::uint64_t> start;  // of its first element, per axis
  std::uint64_t address = 0;
  std::uint64_t stored_size = 0;
  std::uint32_t skipped_filters = 0;  // bit i: filter i was not applied
};

/// What reading a dataset in chunks needs to know of it.
struct Job {
  const Image& image;
  std::string_view who;
  std::uint64_t element_size;
  std::vector<std::uint64_t> dims;
  std::vector<std::uint64_t> chunk;  // elements per axis
  std::uint64_t chunk_bytes = 0;
  std::uint64_t chunk_count = 0;
  std::vector<int> filters;
  Bytes fill;

  [[noreturn]] void fail(std::string_view message) const {
    ByteReader({}, who).fail(message);
  }
};

/// The chunks that a B-tree (version 1) lists; the rest was never written.
std::vector<Chunk> btree1_chunks(const Job& job, std::uint64_t root);

/// The chunks named by the rest of a version 4 layout message.
std::vector<Chunk> chunks_v4(
    const Job& job, int index_type, int flags, ByteReader& in);

}  // namespace keratin::h5
