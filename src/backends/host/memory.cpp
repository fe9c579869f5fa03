#include "src/backends/host/memory.hpp"

#include <sys/mman.h>

#include <cstdlib>
#include <cstring>

#include <keratin/error.hpp>

#include "src/backends/host/executable.hpp"
#include "src/core/check.hpp"
#include "src/core/log.hpp"

namespace keratin::host {

namespace {

constexpr std::size_t kAlignment = 64;
constexpr std::size_t kHugePage = std::size_t{2} << 20;
// More than any address space: refused before rounding up could overflow.
constexpr std::int64_t kTooMuch = std::int64_t{1} << 47;

std::size_t round_up(std::size_t bytes, std::size_t unit) {
  return (bytes + unit - 1) / unit * unit;
}

}  // namespace

void AlignedBuffer::Free::operator()(std::byte* data) const {
  std::free(data);
}

AlignedBuffer::AlignedBuffer(std::int64_t bytes) : size_(bytes) {
  if (bytes == 0) return;
  const auto wanted = static_cast<std::size_t>(bytes);
  const bool huge = wanted >= 2 * kHugePage;
  const std::size_t unit = huge ? kHugePage : kAlignment;
  const std::size_t rounded = round_up(wanted, unit);
  const bool possible = bytes > 0 && bytes < kTooMuch;
  void* data = possible ? std::aligned_alloc(unit, rounded) : nullptr;
  if (data == nullptr) {
    throw SystemError(keratin::format(
        "[host] aligned_alloc of {} bytes failed; use a smaller batch", bytes));
  }
#ifdef MADV_HUGEPAGE
  // Advice only: a kernel without huge pages declines, and nothing is lost.
  if (huge) madvise(data, rounded, MADV_HUGEPAGE);
#endif
  data_.reset(static_cast<std::byte*>(data));
}

std::byte* HostWorkspace::reserve(std::int64_t bytes) {
  if (bytes > buffer_.size()) {
    buffer_ = AlignedBuffer();  // first, so that both never exist at once
    buffer_ = AlignedBuffer(bytes);
    KERATIN_LOG(memory, "workspace grew to {} bytes", bytes);
  }
  return buffer_.data();
}

HostStorage::HostStorage(
    std::string_view device, DType dtype, const Shape& shape)
    : device_(device),
      dtype_(dtype),
      shape_(shape),
      buffer_(ValueType{dtype, shape}.size_bytes()) {}

Tensor HostStorage::download() const {
  Tensor value = Tensor::uninitialized(dtype_, shape_);
  if (buffer_.size() > 0) {
    std::memcpy(value.mutable_raw(), buffer_.data(), value.size_bytes());
  }
  return value;
}

void HostStorage::upload(const Tensor& value) {
  KERATIN_CHECK(
      value.dtype() == dtype_ && value.shape() == shape_,
      "storage of {}{} got {}{}",
      dtype_,
      shape_,
      value.dtype(),
      value.shape());
  if (buffer_.size() > 0) {
    std::memcpy(buffer_.data(), value.raw(), value.size_bytes());
  }
}

std::shared_ptr<Workspace> make_workspace() {
  return std::make_shared<HostWorkspace>();
}

std::shared_ptr<DeviceStorage> allocate(
    std::string_view device, DType dtype, const Shape& shape) {
  return std::make_shared<HostStorage>(device, dtype, shape);
}

}  // namespace keratin::host
