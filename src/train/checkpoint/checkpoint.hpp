#pragma once

#include <string>
#include <utility>
#include <vector>

#include <keratin/config.hpp>
#include <keratin/tensor.hpp>

namespace keratin {

/// All that a run is made of, in memory.
struct Checkpoint {
  Config values = Config::object();
  std::vector<std::pair<std::string, Tensor>> arrays;  // no strings

  /// The array of a name. Throws InvalidArgument.
  const Tensor& array(const std::string& name) const;
};

/// Writes a zip archive: checkpoint.json and an .npy for each array, each with
/// a checksum. The file appears whole or not at all. Throws SystemError.
void write_checkpoint(const std::string& path, const Checkpoint& checkpoint);

/// Reads it back. Everything is read and compared with its checksum at once.
/// Throws SystemError when the file cannot be read, InvalidArgument naming it
/// when it is damaged or something else.
Checkpoint read_checkpoint(const std::string& path);

/// Whole numbers of 64 bits are kept as text: JSON's end at 2^63.
Config to_text(std::uint64_t value);

/// Throws InvalidArgument naming `key`.
std::uint64_t unsigned_at(const Config& config, const char* key);

}  // namespace keratin
