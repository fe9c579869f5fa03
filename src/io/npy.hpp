#pragma once

#include <string_view>
#include <vector>

#include <keratin/tensor.hpp>

#include "src/io/mapped_file.hpp"

namespace keratin::io {

/// An .npy file in memory. `who` opens messages: "[x.npy]".
Tensor parse_npy(const SharedBytes& file, std::string_view who);

/// The bytes of an .npy file.
std::vector<std::byte> format_npy(const Tensor& value);

}  // namespace keratin::io
