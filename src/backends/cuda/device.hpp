#pragma once

#include <cstdint>
#include <memory>
#include <mutex>
#include <string>

#include "src/backends/cuda/api.hpp"
#include "src/backends/cuda/kernel_library.hpp"
#include "src/backends/cuda/libraries.hpp"
#include "src/backends/cuda/lowering.hpp"
#include "src/runtime/backend.hpp"

namespace keratin::cuda {

/// One GPU: its context, its two streams and the kernels made for it. All work
/// of a process runs on `stream()` in the order it was handed over; copies of
/// inputs run ahead on `copy_stream()`. Every function that calls the driver
/// makes the context current on the calling thread first.
class Device {
 public:
  /// The primary context of a device. Throws SystemError, or InvalidArgument
  /// when there is no such device.
  Device(const Api& api, int ordinal);
  ~Device();
  Device(const Device&) = delete;
  Device& operator=(const Device&) = delete;

  const Api& api() const { return api_; }

  const DriverApi& driver() const { return api_.driver; }

  int ordinal() const { return ordinal_; }

  /// "cuda:0".
  std::string name() const;

  /// "cuda:0: NVIDIA H200, sm_90, 132 processors, 139 GiB".
  const std::string& description() const { return description_; }

  Target target(bool deterministic) const;

  KernelLibrary& kernels() { return *kernels_; }

  CUstream stream() const { return stream_; }

  CUstream copy_stream() const { return copy_stream_; }

  void make_current() const;

  /// Guards the streams: who enqueues, captures or waits holds it. (A capture
  /// takes in whatever anybody enqueues meanwhile.)
  std::recursive_mutex& mutex() const { return mutex_; }

  /// Waits for everything handed over so far.
  void synchronize() const;

 private:
  const Api& api_;
  int ordinal_;
  int capability_ = 0;
  int processors_ = 1;
  std::string description_;
  mutable std::recursive_mutex mutex_;
  CUcontext context_ = nullptr;
  CUstream stream_ = nullptr;
  CUstream copy_stream_ = nullptr;
  std::unique_ptr<KernelLibrary> kernels_;
  std::unique_ptr<MatmulLibrary> matmul_;
  std::unique_ptr<ConvolutionLibrary> convolution_;
};

/// Memory of a device. Freed when the device has done all it was handed.
class DeviceMemory {
 public:
  DeviceMemory() = default;

  /// Throws SystemError saying for what, how much and what is free.
  DeviceMemory(const Device& device, std::int64_t bytes, std::string_view why);
  ~DeviceMemory();
  DeviceMemory(DeviceMemory&& other) noexcept;
  DeviceMemory& operator=(DeviceMemory&& other) noexcept;

  DevicePtr at() const { return at_; }

  std::int64_t size() const { return size_; }

 private:
  void release() noexcept;

  const Device* device_ = nullptr;
  DevicePtr at_ = 0;
  std::int64_t size_ = 0;
};

/// Memory of the host that the device copies from and to on its own.
class PinnedMemory {
 public:
  PinnedMemory() = default;
  PinnedMemory(const Device& device, std::int64_t bytes);
  ~PinnedMemory();
  PinnedMemory(PinnedMemory&& other) noexcept;
  PinnedMemory& operator=(PinnedMemory&& other) noexcept;

  std::byte* data() const { return data_; }

 private:
  void release() noexcept;

  const Device* device_ = nullptr;
  std::byte* data_ = nullptr;
};

/// The arena that the programs of one model share.
class DeviceWorkspace final : public Workspace {
 public:
  explicit DeviceWorkspace(const Device& device) : device_(device) {}

  /// At least `bytes`; the address changes when it has to grow.
  DevicePtr reserve(std::int64_t bytes, std::string_view program);

 private:
  const Device& device_;
  DeviceMemory memory_;
};

/// A variable's value on a device, dense and row-major.
class CudaStorage final : public DeviceStorage {
 public:
  CudaStorage(const Device& device, DType dtype, const Shape& shape);

  std::string device() const override { return device_.name(); }

  Tensor download() const override;
  void upload(const Tensor& value) override;

  DevicePtr at() const { return memory_.at(); }

 private:
  const Device& device_;
  DType dtype_;
  Shape shape_;
  DeviceMemory memory_;
};

}  // namespace keratin::cuda
