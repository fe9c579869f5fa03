#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <keratin/data/dataset.hpp>
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

struct SplitDatasetOptions {
  /// A share of the elements in (0, 1), or a whole number of them; one that is
  /// not given is what the other leaves. At least one has to be given.
  std::optional<double> left_size = {};
  std::optional<double> right_size = {};
  bool shuffle = false;
  std::optional<std::uint32_t> seed = {};  // of the shuffling
};

/// The first elements and the last ones, kept in memory; with a seed, shuffled
/// before as Keras shuffles them. Elements are what the dataset yields: split
/// before `batch`. Throws InvalidArgument for a dataset that never ends, for
/// sizes that do not fit, and for a part without elements.
KERATIN_API std::pair<data::Dataset, data::Dataset> split_dataset(
    const data::Dataset& dataset, const SplitDatasetOptions& options);

/// The same of the rows of arrays.
KERATIN_API std::pair<data::Dataset, data::Dataset> split_dataset(
    const TensorSet& x, const TensorSet& y, const SplitDatasetOptions& options);

struct GetFileOptions {
  std::string fname = {};  // else the name at the address
  /// In hexadecimal: SHA-256, or MD5 when it has 32 digits. Without, what came
  /// is compared with what the server tells of it.
  std::string file_hash = {};
  std::string cache_subdir = "datasets";  // of the cache folder, KERATIN_CACHE
  /// Unpacks a .zip, .tar or .tar.gz beside it, once; the path is then the
  /// folder's.
  bool extract = false;
};

/// The path of a file of the web in the cache folder, fetched unless it is
/// there. An archive's members that would lie outside the folder, and links,
/// are refused. Throws InvalidArgument for an address without a name, a name
/// that is a path, a hash of another length, and damaged archives; SystemError
/// as for every download.
KERATIN_API std::string get_file(
    const std::string& origin, const GetFileOptions& options = {});

}  // namespace keratin::utils
