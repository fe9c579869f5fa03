#pragma once

#include <initializer_list>
#include <optional>
#include <string>

#include "src/io/download.hpp"

namespace keratin::data {

/// The first of these files that is there, in KERATIN_DATA or its "datasets".
std::optional<std::string> find_data(std::initializer_list<std::string> names);

/// Fetches what a publisher offers under an address, or a mirror does.
/// REQUIRES: a checksum.
std::string fetch_published(io::Download what);

}  // namespace keratin::data
