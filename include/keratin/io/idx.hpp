#pragma once

#include <string>

#include <keratin/export.hpp>
#include <keratin/tensor.hpp>

namespace keratin::io {

/// Reads an IDX file, MNIST's format, plain or compressed with gzip: u8, i8,
/// i16, i32, f32 or f64 of any shape. Throws SystemError when the file cannot
/// be opened, InvalidArgument when it is damaged or something else.
KERATIN_API Tensor load_idx(const std::string& path);

}  // namespace keratin::io
