#pragma once

#include <keratin/export.hpp>

namespace keratin {

/// How many threads compute; every library inside obeys. Defaults to
/// KERATIN_NUM_THREADS, else to the number of physical cores available.
/// Throws InvalidArgument unless count >= 1.
KERATIN_API void set_num_threads(int count);
KERATIN_API int num_threads();

}  // namespace keratin
