#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <type_traits>
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

/// Sequences of any length, made [n, maxlen, ...]: short ones are padded with
/// `value`, long ones cut, before or after. Each sequence is [length, ...], and
/// all rows have one shape. Throws InvalidArgument when they do not, or for an
/// option that is none of the above.
KERATIN_API Tensor pad_sequences(
    const std::vector<Tensor>& sequences,
    const PadSequencesOptions& options = {});

/// Sequences of integers, as in {{1, 2, 3}, {4}}.
KERATIN_API Tensor pad_sequences(
    const std::vector<std::vector<std::int64_t>>& sequences,
    const PadSequencesOptions& options = {});

template <class T>

requires std::is_arithmetic_v<T> Tensor pad_sequences(
    const std::vector<std::vector<T>>& sequences,
    const PadSequencesOptions& options = {}) {
  std::vector<Tensor> tensors;
  for (const auto& sequence : sequences) tensors.emplace_back(sequence);
  return pad_sequences(tensors, options);
}

}  // namespace keratin::utils
