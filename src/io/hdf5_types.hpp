#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include <keratin/tensor.hpp>

#include "src/io/hdf5_image.hpp"

namespace keratin::h5 {

/// How the elements of a dataset or attribute are written.
struct Type {
  enum class Kind {
    number,        // as `dtype` says, in either byte order
    boolean,       // h5py's bool: an enum of FALSE and TRUE over int8
    fixed_string,  // `size` bytes each
    vlen_string,   // a reference into a global heap each
    opaque,        // bytes; bfloat16 when the dataset says so
  };

  Kind kind = Kind::number;
  DType dtype = DType::f32;
  std::uint64_t size = 0;  // of an element in the file, in bytes
  bool swapped = false;    // big-endian
  char padding = 0;        // of a fixed string: 0 NUL, 1 zeros, 2 spaces
  Shape inner;             // dimensions of an array type
};

/// The body of a datatype message. InvalidArgument for what is outside the
/// subset, naming the class.
Type parse_type(const Image& image, Bytes body, std::string_view who);

/// The body of a dataspace message; nothing for a null space (no elements).
std::optional<Shape> parse_space(
    const Image& image, Bytes body, std::string_view who);

/// Product of the dimensions; InvalidArgument when it overflows.
std::uint64_t count_of(const Shape& shape, std::string_view who);

/// `a * b`, InvalidArgument when it overflows.
std::uint64_t checked_product(
    std::uint64_t a, std::uint64_t b, std::string_view who);

/// Elements as they are in the file, made a tensor. `raw` holds exactly as many
/// as `shape` has; `limit_bytes` bounds what strings may take.
Tensor decode(
    const Image& image,
    const Type& type,
    Shape shape,
    const io::SharedBytes& raw,
    std::uint64_t limit_bytes,
    std::string_view who);

/// The stored elements of a dataset: shared from the file or put together.
io::SharedBytes read_raw(
    const Image& image,
    const Header& header,
    const Type& type,
    const Shape& shape,
    std::uint64_t limit_bytes,
    std::string_view who);

}  // namespace keratin::h5
