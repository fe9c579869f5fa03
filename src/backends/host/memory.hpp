#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "src/runtime/backend.hpp"

namespace keratin::host {

/// Uninitialised memory, 64-byte aligned; large blocks ask for huge pages,
/// whose first touch is half as dear.
class AlignedBuffer {
 public:
  AlignedBuffer() = default;

  /// Throws SystemError when there is not that much.
  explicit AlignedBuffer(std::int64_t bytes);

  std::byte* data() const { return data_.get(); }

  std::int64_t size() const { return size_; }

 private:
  struct Free {
    void operator()(std::byte* data) const;
  };

  std::unique_ptr<std::byte, Free> data_;
  std::int64_t size_ = 0;
};

/// Grows to what the largest program needs. Its contents mean nothing between
/// runs.
class HostWorkspace final : public Workspace {
 public:
  /// At least `bytes`; the address changes when it has to grow.
  std::byte* reserve(std::int64_t bytes);

 private:
  AlignedBuffer buffer_;
};

/// A variable's value in host memory, dense and row-major. All backends on the
/// host make these.
class HostStorage final : public DeviceStorage {
 public:
  HostStorage(std::string_view device, DType dtype, const Shape& shape);

  std::string device() const override { return device_; }

  Tensor download() const override;
  void upload(const Tensor& value) override;

  std::byte* data() const { return buffer_.data(); }

 private:
  std::string device_;
  DType dtype_;
  Shape shape_;
  AlignedBuffer buffer_;
};

}  // namespace keratin::host
