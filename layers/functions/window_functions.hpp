#pragma once

#include <cstddef>
#include <string>
#include <vector>

namespace keratin::layers {

/// scipy.signal.get_window(name, length, fftbins=periodic). Throws
/// InvalidArgument starting with `where` and naming the nearest for a name it
/// does not know.
std::vector<double> window_function(
    const std::string& name,
    std::size_t length,
    bool periodic,
    const std::string& where);

}  // namespace keratin::layers
