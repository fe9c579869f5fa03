#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include <keratin/tensor.hpp>

#include "src/io/bytes.hpp"

namespace keratin::io {

/// What the header of an .npy file says, taken apart.
struct NpyHeader {
  char kind = 'f';         // NumPy's: f, i, u, b, U, S, V
  std::uint64_t size = 4;  // of an element, in bytes
  bool swapped = false;    // big-endian
  bool fortran = false;
  Shape shape;
  std::uint64_t data = 0;  // offset of the elements
};

/// Throws InvalidArgument, naming `who`, when the file is no .npy.
NpyHeader parse_npy_header(Bytes file, std::string_view who);

/// Magic, version, and the padded header text for elements of `descr`.
std::string npy_header(std::string_view descr, const Shape& shape);

}  // namespace keratin::io
