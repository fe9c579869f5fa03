#pragma once

#include <cstdint>
#include <initializer_list>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <keratin/dtype.hpp>

namespace keratin::cuda {

/// The text of one generated kernel. Its name ends in a hash of all it says, so
/// equal kernels have equal names, in one process and on disk.
struct KernelSource {
  std::string name;         // "kt_softmax_0f3a..."
  std::string_view family;  // of kernels.hpp; empty: none
  std::string text;
  int threads = 256;  // a block

  /// Everything after the device's prelude.
  std::string source() const;
};

/// Replaces every $(KEY) of `pattern`.
std::string fill_in(
    std::string_view pattern,
    std::initializer_list<std::pair<std::string_view, std::string>> values);

/// Makes a kernel from a text in which $(NAME) stands for its name.
std::shared_ptr<const KernelSource> make_kernel(
    std::string_view stem,
    std::string_view family,
    std::string_view text,
    int threads = 256);

/// 128 bits of `text` as hexadecimal digits (FNV-1a).
std::string content_hash(std::string_view text);

/// The type in kernels: "f32", "bool", "i64".
std::string kernel_type(DType dtype);

/// What elements of the type are computed in there: halves in f32.
std::string compute_type(DType dtype);

/// What many are summed in, and its bytes.
std::string sum_type(DType dtype);
std::int64_t sum_bytes(DType dtype);

/// A number as a literal of a floating type ("f32" or "f64"), exactly.
std::string literal(double value, std::string_view type);

/// A function object from the flat index of a row-major array of `dims` to
/// offset + sum(index[d] * strides[d]); loops that run as one are merged.
std::string index_functor(
    std::string_view name,
    const std::vector<std::int64_t>& dims,
    const std::vector<std::int64_t>& strides,
    std::int64_t offset = 0);

}  // namespace keratin::cuda
