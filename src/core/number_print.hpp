#pragma once

#include <string>
#include <vector>

#include <keratin/dtype.hpp>

namespace keratin {

/// The texts of the elements of an array, all of one width, as NumPy pads and
/// trims them (precision 8). T: float, double, Float16 or BFloat16.
template <class T>
std::vector<std::string> numpy_floats(const std::vector<T>& values);

/// As NumPy prints a scalar.
template <class T>
std::string numpy_scalar(T value);

}  // namespace keratin
