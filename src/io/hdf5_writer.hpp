#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <keratin/tensor.hpp>

namespace keratin::h5 {

/// Builds an HDF5 file in memory, as h5py writes one: superblock 0, contiguous
/// data, bool as an enum over int8, strings of variable length in UTF-8,
/// bfloat16 as Keras does (opaque, with an attribute that says so).
///
/// In memory, so that no failure of a disk ever happens inside libhdf5; the
/// caller writes finish()'s bytes with io::write_file or into an archive.
/// Several writers may live at once, also in several threads.
class Writer {
 public:
  Writer();
  ~Writer();
  Writer(const Writer&) = delete;
  Writer& operator=(const Writer&) = delete;

  /// Makes the group and its parents; one that is there already is fine.
  void group(const std::string& path);

  /// Writes a dataset, any dtype, making its parents. InvalidArgument when
  /// something of that name is there.
  void dataset(const std::string& path, const Tensor& value);

  /// Writes an attribute of the group or dataset at `path` ("/" for the root),
  /// replacing one of that name. InvalidArgument when it is over 64 kB, HDF5's
  /// limit (texts do not count towards it, 16 bytes for each of a list do), or
  /// bfloat16.
  void attr(
      const std::string& path, const std::string& name, const Tensor& value);

  void attr(
      const std::string& path, const std::string& name, std::string_view text);

  void attr(
      const std::string& path,
      const std::string& name,
      const std::vector<std::string>& texts);

  /// Ends the file and returns its bytes. Nothing may be written after.
  std::vector<std::byte> finish();

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace keratin::h5
