#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include <keratin/export.hpp>
#include <keratin/tensor.hpp>

/// keras.utils: small helpers for arrays.
namespace keratin::utils {

/// One-hot rows: f64[..., num_classes] (NumPy's dtype in Keras too) of
/// x: [...] integers; a last axis of size 1 is dropped first. Without
/// `num_classes`, max(x) + 1. Throws InvalidArgument for a class outside
/// [0, num_classes), and for no classes to count.
KERATIN_API Tensor
to_categorical(const Tensor& x, std::optional<std::int64_t> num_classes = {});

/// x divided by its norm of `order` (1, 2, any p > 0, infinity) along `axis`;
/// where the norm is 0, x as it is. Floats keep their dtype, others become f64.
KERATIN_API Tensor
normalize(const Tensor& x, std::int64_t axis = -1, double order = 2);

struct PadSequencesOptions {
  std::optional<std::int64_t> maxlen = {};  // else the longest
  DType dtype = DType::i32;
  std::string padding = "pre";     // or "post"
  std::string truncating = "pre";  // or "post"
  double value = 0.0;
};

namespace detail {
KERATIN_API Tensor pad_tensors(
    const std::vector<Tensor>& sequences, const PadSequencesOptions& options);
}

/// Sequences of any length, made [n, maxlen, ...]: short ones are padded with
/// `value`, long ones cut, before or after. Each sequence is a Tensor [length,
/// ...] of numbers, and all rows have one shape, or a vector of numbers. Throws
/// InvalidArgument when they do not, or for an option that is none of the
/// above.
template <class Sequence>
Tensor pad_sequences(
    const std::vector<Sequence>& sequences,
    const PadSequencesOptions& options = {}) {
  return detail::pad_tensors({sequences.begin(), sequences.end()}, options);
}

/// Sequences of integers in braces: {{1, 2, 3}, {4}}.
inline Tensor pad_sequences(
    const std::vector<std::vector<std::int64_t>>& sequences,
    const PadSequencesOptions& options = {}) {
  return detail::pad_tensors({sequences.begin(), sequences.end()}, options);
}

}  // namespace keratin::utils
