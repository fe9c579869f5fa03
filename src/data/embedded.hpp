#pragma once

#include "src/io/bytes.hpp"

namespace keratin::data {

// The files in the repository's data/ folder, gzip as they are there.
extern const io::Bytes kDigits;
extern const io::Bytes kBreastCancer;

}  // namespace keratin::data
