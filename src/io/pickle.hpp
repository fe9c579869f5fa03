#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "src/io/bytes.hpp"

namespace keratin::io {

/// The content of an .npy file that holds an array of Python lists of integers
/// (dtype object), as Keras publishes ragged sequences: the one thing that is
/// read of pickles. Nothing is called: every name but those that rebuild such
/// an array is refused. Throws InvalidArgument starting with `who`.
std::vector<std::vector<std::int64_t>> parse_npy_of_lists(
    Bytes file, std::string_view who);

}  // namespace keratin::io
