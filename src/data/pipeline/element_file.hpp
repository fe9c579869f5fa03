#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include <keratin/data/dataset.hpp>

#include "src/io/atomic_file.hpp"
#include "src/io/mapped_file.hpp"

/// Elements in a file, for Dataset::cache.
///
///   "KTCACHE1", content (text)
///   elements: for x, y and sample_weight: count u32, names u8, then for each
///             tensor its name (text, if names) and an .npy file (bytes)
///   offsets: u64 each; their count u64; where they begin u64; "KTCACHE1"
///
/// A text or bytes is its length, u64, and what it says. Little-endian.
namespace keratin::data {

/// Writes elements to a file that appears when all are there.
class ElementFileWriter {
 public:
  /// `content`: what the elements are made of; read back and compared.
  ElementFileWriter(const std::string& path, const std::string& content);

  void write(const Element& element);
  void commit();

 private:
  void put(io::Bytes bytes);
  void put_number(std::uint64_t value, std::size_t width);
  void put_text(io::Bytes text);
  void put_set(const TensorSet& set);

  io::AtomicFile file_;
  std::uint64_t position_ = 0;
  std::vector<std::uint64_t> offsets_;
};

/// Reads them, in any order, from several threads. Throws InvalidArgument
/// naming the file when it is damaged or of other content.
class ElementFileReader {
 public:
  ElementFileReader(const std::string& path, const std::string& content);

  std::int64_t size() const {
    return static_cast<std::int64_t>(offsets_.size());
  }

  Element read(std::int64_t index) const;

 private:
  std::string who_;
  io::SharedBytes file_;
  std::vector<std::uint64_t> offsets_;
};

}  // namespace keratin::data
