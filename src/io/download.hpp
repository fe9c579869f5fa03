#pragma once

#include <cstdint>
#include <string>

namespace keratin::io {

struct Download {
  std::string url;     // http:// or https://
  std::string name;    // of the file in the cache folder
  std::string sha256;  // in hexadecimal; required
  std::uint64_t max_bytes = 4ULL << 30;
};

/// The path of the file in the cache folder (KERATIN_CACHE), fetched first
/// unless it is there with the right checksum. An interrupted download goes on
/// where it stopped; the file appears whole or not at all; several processes
/// may ask for the same file at once.
///
/// Throws InvalidArgument for an address that is not http or https;
/// SystemError when KERATIN_OFFLINE is set, the transfer fails, or what came
/// has another checksum.
std::string fetch(const Download& download);

}  // namespace keratin::io
