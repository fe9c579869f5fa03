#include <algorithm>
#include <cstring>

#include <keratin/error.hpp>
#include <keratin/tensor.hpp>

#include "src/core/format.hpp"

namespace keratin {

namespace {

void check_same_dtype(const char* who, std::span<const Tensor> parts) {
  for (const Tensor& part : parts) {
    if (part.dtype() != parts[0].dtype()) {
      throw InvalidArgument(keratin::format(
          "[{}] expected one dtype, got {} and {}",
          who,
          parts[0].dtype(),
          part.dtype()));
    }
  }
}

// Writes each part's runs of `run` elements side by side, `outer` times:
//   out[o] = parts[0][o] ++ parts[1][o] ++ ...
template <class T>
void interleave(std::span<const Tensor> parts, std::int64_t outer, T* out) {
  for (std::int64_t o = 0; o < outer; ++o) {
    for (const Tensor& part : parts) {
      const std::int64_t run = part.size() / outer;
      out = std::copy_n(part.data<T>().data() + o * run, run, out);
    }
  }
}

void interleave_bytes(
    std::span<const Tensor> parts, std::int64_t outer, std::byte* out) {
  for (std::int64_t o = 0; o < outer; ++o) {
    for (const Tensor& part : parts) {
      const std::size_t run =
          part.size_bytes() / static_cast<std::size_t>(outer);
      if (run == 0) continue;
      std::memcpy(
          out,
          static_cast<const std::byte*>(part.raw()) +
              static_cast<std::size_t>(o) * run,
          run);
      out += run;
    }
  }
}

Tensor joined(std::span<const Tensor> parts, Shape shape, std::int64_t outer) {
  Tensor out = Tensor::uninitialized(parts[0].dtype(), std::move(shape));
  if (out.size() == 0) return out;
  if (out.dtype() == DType::string) {
    interleave(parts, outer, out.mutable_data<std::string>().data());
  } else {
    interleave_bytes(parts, outer, static_cast<std::byte*>(out.mutable_raw()));
  }
  return out;
}

}  // namespace

Tensor stack(std::span<const Tensor> rows) {
  if (rows.empty()) {
    throw InvalidArgument("[stack] expected at least one tensor, got none");
  }
  check_same_dtype("stack", rows);
  for (const Tensor& row : rows) {
    if (row.shape() != rows[0].shape()) {
      throw InvalidArgument(keratin::format(
          "[stack] expected equal shapes, got {} and {}",
          rows[0].shape(),
          row.shape()));
    }
  }
  std::vector<std::int64_t> dims = rows[0].shape().dims();
  dims.insert(dims.begin(), static_cast<std::int64_t>(rows.size()));
  return joined(rows, Shape(std::move(dims)), 1);
}

Tensor concatenate(std::span<const Tensor> parts, std::int64_t axis) {
  if (parts.empty()) {
    throw InvalidArgument(
        "[concatenate] expected at least one tensor, got none");
  }
  check_same_dtype("concatenate", parts);
  const std::size_t at = parts[0].shape().axis(axis, "concatenate");
  Shape shape = parts[0].shape();
  shape[at] = 0;
  for (const Tensor& part : parts) {
    Shape rest = part.shape();
    if (rest.rank() == shape.rank()) rest[at] = shape[at];
    if (rest != shape) {
      throw InvalidArgument(keratin::format(
          "[concatenate] expected shapes equal but for axis {}, got {} and {}",
          at,
          parts[0].shape(),
          part.shape()));
    }
    if (__builtin_add_overflow(shape[at], part.shape()[at], &shape[at])) {
      throw InvalidArgument("[concatenate] expected fewer than 2^63 rows");
    }
  }
  std::int64_t outer = 1;
  if (shape.size() > 0) {
    for (std::size_t i = 0; i < at; ++i) outer *= shape[i];
  }
  return joined(parts, std::move(shape), outer);
}

}  // namespace keratin
