#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include <keratin/tensor.hpp>

namespace keratin::data {

/// The classes of y: [n] or [n, 1], numbered from 0 in the order in which they
/// first appear. Throws InvalidArgument, naming `who`, for another shape, and
/// for floats that are no whole numbers.
struct ClassNumbers {
  std::vector<std::int64_t> of_row;
  std::vector<std::int64_t> counts;  // by class
};

ClassNumbers number_classes(const Tensor& y, std::string_view who);

/// The same, numbered in the order of the classes' values.
ClassNumbers number_sorted_classes(const Tensor& y, std::string_view who);

}  // namespace keratin::data
