#pragma once

#include <string>

namespace keratin {

/// Python's repr of a float: the shortest digits that read back as the same
/// double; "1.0", "1e-05", "1e+16", "nan", "inf".
std::string python_repr(double value);

}  // namespace keratin
