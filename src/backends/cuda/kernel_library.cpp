#include "src/backends/cuda/kernel_library.hpp"

#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <exception>
#include <fstream>
#include <sstream>
#include <system_error>
#include <thread>

#include <keratin/error.hpp>

#include "src/backends/cuda/kernels/kernels.hpp"
#include "src/core/check.hpp"
#include "src/core/format.hpp"
#include "src/core/log.hpp"

namespace keratin::cuda {

namespace {

constexpr std::string_view kMagic = "keratin kernel 1\n";

class Program {
 public:
  Program(const NvrtcApi& api, const std::string& text, const std::string& name)
      : api_(api) {
    KERATIN_CUDA_CHECK(
        api_,
        nvrtcCreateProgram(
            &program_, text.c_str(), name.c_str(), 0, nullptr, nullptr));
  }

  ~Program() { api_.nvrtcDestroyProgram(&program_); }

  Program(const Program&) = delete;
  Program& operator=(const Program&) = delete;

  nvrtcResult compile(const std::vector<std::string>& options) {
    std::vector<const char*> texts;
    for (const std::string& option : options) texts.push_back(option.c_str());
    return api_.nvrtcCompileProgram(
        program_, static_cast<int>(texts.size()), texts.data());
  }

  std::string log() const {
    std::size_t size = 0;
    api_.nvrtcGetProgramLogSize(program_, &size);
    std::string text(size, '\0');
    if (size > 0) api_.nvrtcGetProgramLog(program_, text.data());
    while (!text.empty() && text.back() == '\0') text.pop_back();
    return text;
  }

  std::string image(bool ptx) const {
    std::size_t size = 0;
    if (ptx) {
      KERATIN_CUDA_CHECK(api_, nvrtcGetPTXSize(program_, &size));
    } else {
      KERATIN_CUDA_CHECK(api_, nvrtcGetCUBINSize(program_, &size));
    }
    std::string bytes(size, '\0');
    if (ptx) {
      KERATIN_CUDA_CHECK(api_, nvrtcGetPTX(program_, bytes.data()));
    } else {
      KERATIN_CUDA_CHECK(api_, nvrtcGetCUBIN(program_, bytes.data()));
    }
    return bytes;
  }

 private:
  const NvrtcApi& api_;
  nvrtcProgram program_ = nullptr;
};

// The newest architecture that NVRTC compiles for.
int newest_supported(const NvrtcApi& api) {
  int count = 0;
  KERATIN_CUDA_CHECK(api, nvrtcGetNumSupportedArchs(&count));
  std::vector<int> all(static_cast<std::size_t>(count));
  KERATIN_CUDA_CHECK(api, nvrtcGetSupportedArchs(all.data()));
  return *std::max_element(all.begin(), all.end());
}

std::string version_of(const NvrtcApi& api) {
  int major = 0;
  int minor = 0;
  KERATIN_CUDA_CHECK(api, nvrtcVersion(&major, &minor));
  return keratin::format("{}.{}", major, minor);
}

}  // namespace

CompiledKernel compile_kernel(
    const NvrtcApi& api,
    const KernelSource& kernel,
    int capability,
    const std::vector<std::string>& more_options) {
  const int newest = newest_supported(api);
  const bool ptx = capability > newest;
  std::vector<std::string> options = {
      ptx ? keratin::format("--gpu-architecture=compute_{}", newest)
          : keratin::format("--gpu-architecture=sm_{}", capability),
      "--std=c++17",
      "--disable-warnings"};  // most of the prelude is not used by any one
  options.insert(options.end(), more_options.begin(), more_options.end());
  Program program(
      api, std::string(device_prelude()) + kernel.source(), kernel.name);
  const nvrtcResult result = program.compile(options);
  if (result == NVRTC_ERROR_COMPILATION) {
    throw InternalError(keratin::format(
        "[cuda] {} does not compile for sm_{}:\n{}\n{}",
        kernel.name,
        capability,
        program.log(),
        kernel.text));
  }
  check(api, result, "nvrtcCompileProgram");
  return {program.image(ptx), program.log()};
}

std::optional<std::string> KernelCache::load(const std::string& key) const {
  std::ifstream file(folder_ / key, std::ios::binary);
  if (!file) return std::nullopt;
  std::stringstream all;
  all << file.rdbuf();
  const std::string text = all.str();
  // "keratin kernel 1\n<hash of the image>\n<image>"
  if (text.size() < kMagic.size() + 33 || !text.starts_with(kMagic)) {
    return std::nullopt;
  }
  std::string image = text.substr(kMagic.size() + 33);
  if (text.substr(kMagic.size(), 32) != content_hash(image)) {
    return std::nullopt;
  }
  return image;
}

void KernelCache::store(const std::string& key, const std::string& image) {
  std::error_code error;
  std::filesystem::create_directories(folder_, error);
  const std::filesystem::path temporary =
      folder_ / keratin::format("{}.{}", key, getpid());
  {
    std::ofstream file(temporary, std::ios::binary);
    file << kMagic << content_hash(image) << '\n' << image;
    file.flush();
    if (!file) error = std::make_error_code(std::errc::io_error);
  }
  if (!error) std::filesystem::rename(temporary, folder_ / key, error);
  if (!error) return;
  std::error_code ignored;
  std::filesystem::remove(temporary, ignored);
  if (warned_) return;
  warned_ = true;
  KERATIN_LOG(
      info,
      "kernels are compiled anew in every process: cannot write {}: {}",
      folder_.string(),
      error.message());
}

KernelLibrary::KernelLibrary(
    const Api& api, int capability, std::filesystem::path cache_folder)
    : api_(api),
      capability_(capability),
      version_(version_of(api.nvrtc)),
      cache_(std::move(cache_folder)) {}

std::string KernelLibrary::key_of(const KernelSource& kernel) const {
  return keratin::format(
      "{}_sm{}_{}",
      kernel.name,
      capability_,
      content_hash(std::string(device_prelude()) + version_).substr(0, 8));
}

std::string KernelLibrary::image_of(const KernelSource& kernel) {
  const std::string key = key_of(kernel);
  {
    const std::lock_guard lock(mutex_);
    if (auto image = cache_.load(key)) return *std::move(image);
  }
  std::string image = compile_kernel(api_.nvrtc, kernel, capability_).image;
  const std::lock_guard lock(mutex_);
  cache_.store(key, image);
  return image;
}

void KernelLibrary::load(const KernelSource& kernel, const std::string& image) {
  CUmodule module = nullptr;
  KERATIN_CUDA_CHECK(api_.driver, cuModuleLoadData(&module, image.data()));
  CUfunction function = nullptr;
  KERATIN_CUDA_CHECK(
      api_.driver, cuModuleGetFunction(&function, module, kernel.name.c_str()));
  functions_[kernel.name] = function;
}

void KernelLibrary::prepare(
    const std::vector<std::shared_ptr<const KernelSource>>& kernels) {
  std::vector<const KernelSource*> missing;
  {
    const std::lock_guard lock(mutex_);
    std::map<std::string_view, bool> seen;
    for (const auto& kernel : kernels) {
      if (functions_.contains(kernel->name)) continue;
      if (seen.emplace(kernel->name, true).second) {
        missing.push_back(kernel.get());
      }
    }
  }
  if (missing.empty()) return;
  std::vector<std::string> images(missing.size());
  std::atomic<std::size_t> next = 0;
  std::exception_ptr error;
  const auto work = [&] {
    for (std::size_t i = next++; i < missing.size(); i = next++) {
      try {
        images[i] = image_of(*missing[i]);
      } catch (...) {
        const std::lock_guard lock(mutex_);
        if (!error) error = std::current_exception();
      }
    }
  };
  const std::size_t count = std::min<std::size_t>(
      missing.size(), std::max(1U, std::thread::hardware_concurrency()));
  std::vector<std::thread> threads;
  for (std::size_t i = 1; i < count; ++i) threads.emplace_back(work);
  work();
  for (std::thread& thread : threads) thread.join();
  if (error) std::rethrow_exception(error);
  const std::lock_guard lock(mutex_);
  for (std::size_t i = 0; i < missing.size(); ++i) {
    if (functions_.contains(missing[i]->name)) continue;
    try {
      load(*missing[i], images[i]);
    } catch (const SystemError& failed) {
      // An image from disk may be whole and still not this driver's.
      KERATIN_LOG(
          info, "{}: compiled anew: {}", missing[i]->name, failed.what());
      images[i] = compile_kernel(api_.nvrtc, *missing[i], capability_).image;
      load(*missing[i], images[i]);
      cache_.store(key_of(*missing[i]), images[i]);
    }
  }
  KERATIN_LOG(info, "{} kernels made ready", missing.size());
}

CUfunction KernelLibrary::find(const KernelSource& kernel) const {
  const std::lock_guard lock(mutex_);
  const auto found = functions_.find(kernel.name);
  KERATIN_CHECK(found != functions_.end(), "{} is not ready", kernel.name);
  return found->second;
}

}  // namespace keratin::cuda
