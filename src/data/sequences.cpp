#include <algorithm>
#include <cstring>

#include <keratin/error.hpp>
#include <keratin/utils.hpp>

#include "src/core/format.hpp"

namespace keratin::utils {
namespace {

constexpr const char* kWho = "pad_sequences";

/// True for "post".
bool is_post(const std::string& text, const char* option) {
  if (text != "pre" && text != "post") {
    throw InvalidArgument(format(
        "[{}] expected {} = \"pre\" or \"post\", got \"{}\"",
        kWho,
        option,
        text));
  }
  return text == "post";
}

}  // namespace

Tensor detail::pad_tensors(
    const std::vector<Tensor>& sequences, const PadSequencesOptions& options) {
  const bool pad_after = is_post(options.padding, "padding");
  const bool cut_after = is_post(options.truncating, "truncating");
  if (options.dtype == DType::string) {
    throw InvalidArgument(format("[{}] expected a dtype of numbers", kWho));
  }
  // The first sequence that has rows says what shape they have.
  std::vector<std::int64_t> row;
  bool known = false;
  std::int64_t longest = 0;
  for (std::size_t i = 0; i < sequences.size(); ++i) {
    const Tensor& sequence = sequences[i];
    if (sequence.rank() == 0 || sequence.dtype() == DType::string) {
      throw InvalidArgument(format(
          "[{}] expected a sequence of numbers, got {}{} at {}",
          kWho,
          sequence.dtype(),
          sequence.shape(),
          i));
    }
    if (sequence.shape()[0] == 0) continue;
    longest = std::max(longest, sequence.shape()[0]);
    const std::vector<std::int64_t> own(
        sequence.shape().begin() + 1, sequence.shape().end());
    if (!known) row = own;
    known = true;
    if (own != row) {
      throw InvalidArgument(format(
          "[{}] expected rows of shape {}, got {} at {}",
          kWho,
          Shape(row),
          Shape(own),
          i));
    }
  }
  const std::int64_t length = options.maxlen.value_or(longest);
  if (length < 0 || (options.maxlen && length == 0) || sequences.empty()) {
    throw InvalidArgument(format(
        "[{}] expected sequences and maxlen >= 1, got {} and {}",
        kWho,
        sequences.size(),
        length));
  }
  std::vector<std::int64_t> dims = {
      static_cast<std::int64_t>(sequences.size()), length};
  dims.insert(dims.end(), row.begin(), row.end());
  Tensor out = Tensor::full(options.dtype, Shape(dims), options.value);
  if (out.size() == 0) return out;

  auto* bytes = static_cast<std::byte*>(out.mutable_raw());
  const std::size_t per_sequence = out.size_bytes() / sequences.size();
  const std::size_t per_row = per_sequence / static_cast<std::size_t>(length);
  for (std::size_t i = 0; i < sequences.size(); ++i) {
    const std::int64_t own = sequences[i].shape()[0];
    const std::int64_t kept = std::min(own, length);
    if (kept == 0) continue;
    const std::int64_t first = cut_after ? 0 : own - kept;
    const Tensor part =
        sequences[i].slice(first, first + kept).cast(options.dtype);
    const std::int64_t to = pad_after ? 0 : length - kept;
    std::memcpy(
        bytes + i * per_sequence + static_cast<std::size_t>(to) * per_row,
        part.raw(),
        part.size_bytes());
  }
  return out;
}

}  // namespace keratin::utils
