#include "src/core/tensor_storage.hpp"

#include <cstdlib>
#include <limits>
#include <new>

#include <keratin/error.hpp>

#include "src/core/format.hpp"

namespace keratin {

namespace {

constexpr std::size_t kAlignment = 64;  // a cache line, an AVX-512 register

}  // namespace

Tensor::Storage::~Storage() {
  if (!borrowed) std::free(data);
}

std::size_t Tensor::Storage::bytes_for(DType dtype, std::int64_t count) {
  const std::size_t each =
      dtype == DType::string ? sizeof(std::string) : size_of(dtype);
  std::int64_t bytes = 0;
  if (__builtin_mul_overflow(count, static_cast<std::int64_t>(each), &bytes) ||
      bytes > std::numeric_limits<std::int64_t>::max() - 64) {
    throw InvalidArgument(keratin::format(
        "[tensor] expected fewer than 2^63 bytes, got {} elements of {}",
        count,
        dtype));
  }
  return static_cast<std::size_t>(bytes);
}

std::shared_ptr<Tensor::Storage> Tensor::Storage::make(
    DType dtype, std::int64_t count) {
  const std::size_t bytes = bytes_for(dtype, count);
  auto storage = std::make_shared<Storage>();
  if (dtype == DType::string) {
    try {
      storage->strings.resize(static_cast<std::size_t>(count));
    } catch (const std::exception&) {  // bad_alloc or length_error
      throw SystemError(
          keratin::format("[tensor] out of memory: {} strings", count));
    }
    return storage;
  }
  // aligned_alloc wants a whole number of alignments.
  const std::size_t rounded =
      (bytes + kAlignment - 1) / kAlignment * kAlignment;
  storage->data = std::aligned_alloc(kAlignment, rounded);
  if (storage->data == nullptr) {
    throw SystemError(keratin::format(
        "[tensor] out of memory: {} bytes for {} elements of {}",
        bytes,
        count,
        dtype));
  }
  return storage;
}

}  // namespace keratin
