#pragma once

#include <cstdint>
#include <limits>
#include <string>

#include <keratin/shape.hpp>
#include <keratin/tensor.hpp>
#include <keratin/value.hpp>

/// Keras's output modes of categories: "int", "one_hot", "multi_hot", "count".
namespace keratin::text {

/// An index that no encoding counts.
inline constexpr std::int64_t kDropped =
    std::numeric_limits<std::int64_t>::max();

/// What becomes of a shape of indices.
Shape encoded_shape(
    const Shape& indices, const std::string& mode, std::int64_t depth);

/// indices: i64. `weights`, of the indices' shape, for "count" only.
Tensor encode(
    const Tensor& indices,
    const std::string& mode,
    std::int64_t depth,
    DType dtype,
    const Tensor* weights = nullptr);

/// The same in a graph.
Value encode(
    const Value& indices,
    const std::string& mode,
    std::int64_t depth,
    DType dtype,
    const Value& weights = {});

/// Keras's older names of modes ("binary", "tf-idf") as the present ones.
std::string output_mode_name(const std::string& name);

}  // namespace keratin::text
