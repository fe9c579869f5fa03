#pragma once

#include <cstddef>
#include <functional>
#include <string>
#include <vector>

#include <keratin/tensor.hpp>

#include "src/io/hdf5_reader.hpp"

/// Arrays of a file that are read only when they are wanted: shapes are settled
/// and compared first, so that nothing is allocated for what does not fit.
namespace keratin::legacy {

struct Array {
  std::string name;  // in the file, "dense_1/kernel:0"
  Shape shape;       // after the changes so far
  Shape file_shape;  // in the file
  DType dtype = DType::f32;
  std::function<Tensor()> read;
};

Array array_of(const std::string& name, const h5::Object& dataset);

/// The axes in another order.
Array transposed(const Array& x, const std::vector<std::size_t>& axes);

/// Reversed along the first `axes` axes: convolution against correlation.
Array flipped(const Array& x, std::size_t axes);

Array reshaped(const Array& x, const Shape& shape);

/// Put together along the last axis.
Array joined(const std::vector<Array>& parts);

/// A matrix of `gates` blocks of columns, each changed by itself.
Array by_gates(
    const Array& x,
    std::size_t gates,
    const std::function<void(
        const double* in, double* out, std::size_t rows, std::size_t columns)>&
        change);

/// The first half and the second half of a vector, added.
Array halves_added(const Array& x);

}  // namespace keratin::legacy
