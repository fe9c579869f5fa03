#pragma once

#include <cstdint>
#include <functional>
#include <string>

namespace keratin::io {

struct Download {
  std::string url;     // http:// or https://
  std::string name;    // of the file in the cache folder; may name a subfolder
  std::string sha256;  // in hexadecimal
  std::uint64_t max_bytes = 4ULL << 30;
  /// For files whose publisher gives no SHA-256. With neither, what came is
  /// compared with the length and the hash (x-goog-hash) that the server tells,
  /// and a file in the cache is taken as it is.
  std::string md5 = {};
  /// Called now and then with the bytes that are there and all that there will
  /// be (0: unknown); the last time with both equal.
  std::function<void(std::uint64_t, std::uint64_t)> progress = {};
};

/// KERATIN_MIRROR in place of the address's scheme and host; the address when
/// it is not set.
std::string mirrored(const std::string& address);

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
