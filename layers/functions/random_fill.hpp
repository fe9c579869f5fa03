#pragma once

#include <cstdint>
#include <vector>

#include <keratin/tensor.hpp>

/// Arrays of random numbers for initializers: computed in double, element by
/// element from the seed, so the same for any number of threads.
namespace keratin::layers {

Tensor fill_normal(
    const Shape& shape,
    DType dtype,
    double mean,
    double stddev,
    std::uint64_t seed);

/// Normal, values beyond two standard deviations drawn again.
Tensor fill_truncated_normal(
    const Shape& shape,
    DType dtype,
    double mean,
    double stddev,
    std::uint64_t seed);

/// [low, high).
Tensor fill_uniform(
    const Shape& shape,
    DType dtype,
    double low,
    double high,
    std::uint64_t seed);

/// A matrix of rows >= columns with orthonormal columns, row-major, uniform
/// over all such matrices.
std::vector<double> random_orthonormal(
    std::int64_t rows, std::int64_t columns, std::uint64_t seed);

}  // namespace keratin::layers
