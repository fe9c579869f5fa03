#pragma once

#include <filesystem>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "src/backends/cuda/api.hpp"
#include "src/backends/cuda/kernel_source.hpp"

namespace keratin::cuda {

/// What NVRTC makes of a kernel, and what it said.
struct CompiledKernel {
  std::string image;  // a cubin, or PTX for a device newer than NVRTC
  std::string log;
};

/// Compiles for a compute capability (90: Hopper). Throws InternalError with
/// the compiler's words: generated text that does not compile is our bug.
CompiledKernel compile_kernel(
    const NvrtcApi& api,
    const KernelSource& kernel,
    int capability,
    const std::vector<std::string>& more_options = {});

/// Images by content on disk. A file that is cut short or not ours is as none;
/// a folder that cannot be written is a line of log, once.
class KernelCache {
 public:
  explicit KernelCache(std::filesystem::path folder)
      : folder_(std::move(folder)) {}

  std::optional<std::string> load(const std::string& key) const;
  void store(const std::string& key, const std::string& image);

 private:
  std::filesystem::path folder_;
  bool warned_ = false;
};

/// The kernels of a device: compiled when first asked for, by several threads,
/// kept for the process.
class KernelLibrary {
 public:
  KernelLibrary(
      const Api& api, int capability, std::filesystem::path cache_folder);
  KernelLibrary(const KernelLibrary&) = delete;
  KernelLibrary& operator=(const KernelLibrary&) = delete;

  /// Makes all of them ready. The device's context is current.
  void prepare(const std::vector<std::shared_ptr<const KernelSource>>& kernels);

  /// REQUIRES: prepared.
  CUfunction find(const KernelSource& kernel) const;

 private:
  std::string key_of(const KernelSource& kernel) const;
  std::string image_of(const KernelSource& kernel);
  void load(const KernelSource& kernel, const std::string& image);

  const Api& api_;
  int capability_;
  std::string version_;
  KernelCache cache_;
  mutable std::mutex mutex_;
  std::map<std::string, CUfunction> functions_;  // by name
};

}  // namespace keratin::cuda
