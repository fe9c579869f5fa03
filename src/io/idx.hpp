#pragma once

#include <string_view>

#include <keratin/tensor.hpp>

#include "src/io/mapped_file.hpp"

namespace keratin::io {

/// An IDX file in memory, compressed or not. `who` opens messages.
Tensor parse_idx(const SharedBytes& file, std::string_view who);

}  // namespace keratin::io
