#include "src/data/channels.hpp"

#include <cstring>

#include <keratin/error.hpp>

#include "src/core/format.hpp"

namespace keratin::data {
namespace {

/// A matrix of samples with its axes exchanged.
void transpose(
    const Tensor& from, Tensor& to, std::int64_t rows, std::int64_t columns) {
  const std::size_t bytes = size_of(from.dtype());
  const auto* source = static_cast<const std::byte*>(from.raw());
  auto* target = static_cast<std::byte*>(to.mutable_raw());
  for (std::int64_t j = 0; j < columns; ++j) {
    for (std::int64_t i = 0; i < rows; ++i) {
      const auto at = static_cast<std::size_t>(i * columns + j);
      std::memcpy(target, source + at * bytes, bytes);
      target += bytes;
    }
  }
}

}  // namespace

bool is_channels_first(const std::string& data_format, const std::string& who) {
  if (data_format == "channels_last") return false;
  if (data_format == "channels_first") return true;
  throw InvalidArgument(format(
      "{} expected data_format channels_last or channels_first, got \"{}\"",
      who,
      data_format));
}

Tensor with_channels_first(const Tensor& picture) {
  const Shape& shape = picture.shape();
  Tensor out = Tensor::uninitialized(
      picture.dtype(), Shape{shape[2], shape[0], shape[1]});
  transpose(picture, out, shape[0] * shape[1], shape[2]);
  return out;
}

Tensor with_channels_last(const Tensor& picture) {
  const Shape& shape = picture.shape();
  Tensor out = Tensor::uninitialized(
      picture.dtype(), Shape{shape[1], shape[2], shape[0]});
  transpose(picture, out, shape[0], shape[1] * shape[2]);
  return out;
}

}  // namespace keratin::data
