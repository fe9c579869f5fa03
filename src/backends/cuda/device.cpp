#include "src/backends/cuda/device.hpp"

#include <algorithm>
#include <utility>

#include <keratin/error.hpp>

#include "src/backends/cuda/blas_lt.hpp"
#include "src/backends/cuda/cudnn.hpp"
#include "src/core/env.hpp"
#include "src/core/format.hpp"
#include "src/core/log.hpp"

namespace keratin::cuda {

namespace {

std::string gibibytes(std::int64_t bytes) {
  return keratin::format("{:.1f} GiB", static_cast<double>(bytes) / (1 << 30));
}

}  // namespace

Device::Device(const Api& api, int ordinal) : api_(api), ordinal_(ordinal) {
  int count = 0;
  KERATIN_CUDA_CHECK(driver(), cuDeviceGetCount(&count));
  if (ordinal < 0 || ordinal >= count) {
    throw InvalidArgument(keratin::format(
        "[cuda] expected a device from cuda:0 to cuda:{}, got cuda:{}",
        count - 1,
        ordinal));
  }
  CUdevice device = 0;
  KERATIN_CUDA_CHECK(driver(), cuDeviceGet(&device, ordinal));
  char name[256] = {};
  KERATIN_CUDA_CHECK(driver(), cuDeviceGetName(name, sizeof(name), device));
  const auto attribute = [&](CUdevice_attribute which) {
    int value = 0;
    KERATIN_CUDA_CHECK(driver(), cuDeviceGetAttribute(&value, which, device));
    return value;
  };
  const int major = attribute(CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MAJOR);
  const int minor = attribute(CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MINOR);
  capability_ = 10 * major + minor;
  processors_ = attribute(CU_DEVICE_ATTRIBUTE_MULTIPROCESSOR_COUNT);
  std::size_t total = 0;
  KERATIN_CUDA_CHECK(driver(), cuDeviceTotalMem(&total, device));
  description_ = keratin::format(
      "{}: {}, sm_{}, {} processors, {}",
      this->name(),
      name,
      capability_,
      processors_,
      gibibytes(static_cast<std::int64_t>(total)));
  if (capability_ < 75) {
    throw SystemError(keratin::format(
        "[cuda] expected a device of compute capability 7.5 or newer, got {}",
        description_));
  }
  KERATIN_CUDA_CHECK(driver(), cuDevicePrimaryCtxRetain(&context_, device));
  make_current();
  KERATIN_CUDA_CHECK(
      driver(), cuStreamCreate(&stream_, CU_STREAM_NON_BLOCKING));
  KERATIN_CUDA_CHECK(
      driver(), cuStreamCreate(&copy_stream_, CU_STREAM_NON_BLOCKING));
  kernels_ = std::make_unique<KernelLibrary>(
      api_, capability_, std::filesystem::path(env::cache_dir()) / "cuda");
  matmul_ = make_blas_lt(api_.blas);
  if (api_.cudnn != nullptr) convolution_ = make_cudnn(api_.cudnn);
}

Device::~Device() {
  // The process's end: its context goes with it, and the driver may be gone.
}

std::string Device::name() const {
  return keratin::format("cuda:{}", ordinal_);
}

Target Device::target(bool deterministic) const {
  Target target;
  target.capability = capability_;
  target.processors = processors_;
  target.deterministic = deterministic;
  target.matmul = matmul_.get();
  target.convolution = convolution_.get();
  return target;
}

void Device::make_current() const {
  KERATIN_CUDA_CHECK(driver(), cuCtxSetCurrent(context_));
}

void Device::synchronize() const {
  const std::lock_guard lock(mutex_);
  make_current();
  KERATIN_CUDA_CHECK(driver(), cuStreamSynchronize(copy_stream_));
  KERATIN_CUDA_CHECK(driver(), cuStreamSynchronize(stream_));
}

DeviceMemory::DeviceMemory(
    const Device& device, std::int64_t bytes, std::string_view why)
    : device_(&device), size_(bytes) {
  if (bytes == 0) return;
  device.make_current();
  const CUresult result =
      device.driver().cuMemAlloc(&at_, static_cast<std::size_t>(bytes));
  if (result == CUDA_ERROR_OUT_OF_MEMORY) {
    std::size_t free = 0;
    std::size_t total = 0;
    device.driver().cuMemGetInfo(&free, &total);
    throw SystemError(keratin::format(
        "[cuda] out of memory on {}: {} asked for {}, {} of {} are free; a "
        "smaller batch needs less",
        device.name(),
        why,
        gibibytes(bytes),
        gibibytes(static_cast<std::int64_t>(free)),
        gibibytes(static_cast<std::int64_t>(total))));
  }
  check(device.driver(), result, "cuMemAlloc");
}

DeviceMemory::~DeviceMemory() {
  release();
}

DeviceMemory::DeviceMemory(DeviceMemory&& other) noexcept
    : device_(other.device_),
      at_(std::exchange(other.at_, 0)),
      size_(std::exchange(other.size_, 0)) {}

DeviceMemory& DeviceMemory::operator=(DeviceMemory&& other) noexcept {
  if (this == &other) return *this;
  release();
  device_ = other.device_;
  at_ = std::exchange(other.at_, 0);
  size_ = std::exchange(other.size_, 0);
  return *this;
}

void DeviceMemory::release() noexcept {
  if (at_ == 0) return;
  // A replay may still read it. Errors were or will be said elsewhere.
  try {
    device_->synchronize();
    device_->driver().cuMemFree(at_);
  } catch (const std::exception& error) {
    KERATIN_LOG(warning, "{} bytes are lost: {}", size_, error.what());
  }
  at_ = 0;
}

PinnedMemory::PinnedMemory(const Device& device, std::int64_t bytes)
    : device_(&device) {
  if (bytes == 0) return;
  device.make_current();
  void* data = nullptr;
  KERATIN_CUDA_CHECK(
      device.driver(),
      cuMemHostAlloc(
          &data, static_cast<std::size_t>(bytes), CU_MEMHOSTALLOC_PORTABLE));
  data_ = static_cast<std::byte*>(data);
}

PinnedMemory::~PinnedMemory() {
  release();
}

PinnedMemory::PinnedMemory(PinnedMemory&& other) noexcept
    : device_(other.device_), data_(std::exchange(other.data_, nullptr)) {}

PinnedMemory& PinnedMemory::operator=(PinnedMemory&& other) noexcept {
  if (this == &other) return *this;
  release();
  device_ = other.device_;
  data_ = std::exchange(other.data_, nullptr);
  return *this;
}

void PinnedMemory::release() noexcept {
  if (data_ == nullptr) return;
  try {
    device_->synchronize();
    device_->driver().cuMemFreeHost(data_);
  } catch (const std::exception& error) {
    KERATIN_LOG(warning, "pinned memory is lost: {}", error.what());
  }
  data_ = nullptr;
}

DevicePtr DeviceWorkspace::reserve(
    std::int64_t bytes, std::string_view program) {
  if (bytes > memory_.size()) {
    memory_ = {};  // not both at once
    memory_ = DeviceMemory(
        device_, bytes, keratin::format("the arena of {}", program));
  }
  return memory_.at();
}

CudaStorage::CudaStorage(const Device& device, DType dtype, const Shape& shape)
    : device_(device),
      dtype_(dtype),
      shape_(shape),
      memory_(
          device,
          ValueType{dtype, shape}.size_bytes(),
          keratin::format("a variable {}", ValueType{dtype, shape}.str())) {}

Tensor CudaStorage::download() const {
  Tensor value = Tensor::uninitialized(dtype_, shape_);
  if (value.size_bytes() == 0) return value;
  const std::lock_guard lock(device_.mutex());
  device_.make_current();
  KERATIN_CUDA_CHECK(
      device_.driver(),
      cuMemcpyDtoHAsync(
          value.mutable_raw(), at(), value.size_bytes(), device_.stream()));
  KERATIN_CUDA_CHECK(device_.driver(), cuStreamSynchronize(device_.stream()));
  return value;
}

void CudaStorage::upload(const Tensor& value) {
  if (value.size_bytes() == 0) return;
  const std::lock_guard lock(device_.mutex());
  device_.make_current();
  KERATIN_CUDA_CHECK(
      device_.driver(),
      cuMemcpyHtoDAsync(
          at(), value.raw(), value.size_bytes(), device_.stream()));
  KERATIN_CUDA_CHECK(device_.driver(), cuStreamSynchronize(device_.stream()));
}

}  // namespace keratin::cuda
