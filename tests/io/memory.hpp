#pragma once

#include <memory>
#include <string>
#include <vector>

#include "src/io/mapped_file.hpp"

namespace keratin::testing {

/// A copy of the bytes in memory of exactly their size, so that a sanitizer
/// sees a read past the end.
inline io::SharedBytes in_memory(const std::string& text) {
  const io::Bytes bytes = io::as_bytes(text);
  auto owner =
      std::make_shared<std::vector<std::byte>>(bytes.begin(), bytes.end());
  return {io::Bytes(*owner), owner};
}

}  // namespace keratin::testing
