#include "src/backends/cuda/api.hpp"

#include <dlfcn.h>

#include <initializer_list>
#include <utility>

#include <keratin/error.hpp>

#include "src/core/format.hpp"
#include "src/core/log.hpp"

#ifndef KERATIN_CUDA_LIBRARY_DIR
#define KERATIN_CUDA_LIBRARY_DIR "/usr/local/cuda/lib64"
#endif

namespace keratin::cuda {

namespace {

// Tries the loader's own search, then the folder of the toolkit this was built
// with. Null: `why` has the loader's words.
void* open_library(const char* name, std::string& why) {
  const std::string beside = std::string(KERATIN_CUDA_LIBRARY_DIR) + "/" + name;
  for (const std::string& path : {std::string(name), beside}) {
    void* library = dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL);
    if (library != nullptr) return library;
    const char* error = dlerror();
    if (why.empty()) why = error != nullptr ? error : "unknown error";
  }
  return nullptr;
}

template <class F>
void look_up(void* library, const char* name, F& function, std::string& why) {
  function = reinterpret_cast<F>(dlsym(library, name));
  if (function == nullptr && why.empty()) {
    why = keratin::format("it has no {}", name);
  }
}

}  // namespace

#define KERATIN_CUDA_TEXT(name) #name
#define KERATIN_CUDA_LOOK_UP(name) \
  look_up(library, KERATIN_CUDA_TEXT(name), api.name, why);

std::string load_driver(DriverApi& api) {
  std::string why;
  void* library = open_library("libcuda.so.1", why);
  if (library == nullptr) {
    return keratin::format("no NVIDIA driver ({})", why);
  }
  why.clear();
  KERATIN_CUDA_DRIVER(KERATIN_CUDA_LOOK_UP)
  if (why.empty()) return {};
  return keratin::format(
      "the NVIDIA driver is too old for CUDA {}.{}: {}; install a newer one",
      CUDA_VERSION / 1000,
      CUDA_VERSION / 10 % 100,
      why);
}

std::string load_nvrtc(NvrtcApi& api) {
  std::string why;
  const std::string name =
      keratin::format("libnvrtc.so.{}", CUDA_VERSION / 1000);
  void* library = open_library(name.c_str(), why);
  if (library == nullptr) {
    return keratin::format(
        "no NVRTC ({}); install it from CUDA {}", why, CUDA_VERSION / 1000);
  }
  why.clear();
  KERATIN_CUDA_NVRTC(KERATIN_CUDA_LOOK_UP)
  return why.empty() ? why : keratin::format("{}: {}", name, why);
}

std::string load_blas(BlasLtApi& api) {
  std::string why;
  const std::string name =
      keratin::format("libcublasLt.so.{}", CUDA_VERSION / 1000);
  void* library = open_library(name.c_str(), why);
  if (library == nullptr) {
    return keratin::format(
        "no cuBLASLt ({}); install cuBLAS of CUDA {}",
        why,
        CUDA_VERSION / 1000);
  }
  why.clear();
  KERATIN_CUDA_BLASLT(KERATIN_CUDA_LOOK_UP)
  return why.empty() ? why : keratin::format("{}: {}", name, why);
}

#undef KERATIN_CUDA_LOOK_UP
#undef KERATIN_CUDA_TEXT

std::string load_cudnn(void*& handle) {
  std::string why;
  handle = open_library("libcudnn.so.9", why);
  if (handle != nullptr) return {};
  return keratin::format("no cuDNN 9 ({}); install cuDNN", why);
}

namespace {

std::string init_failure(const DriverApi& api, CUresult result) {
  switch (result) {
    case CUDA_ERROR_STUB_LIBRARY:
      return "no NVIDIA driver: libcuda.so.1 is the toolkit's stub";
    case CUDA_ERROR_NO_DEVICE:
      return "the NVIDIA driver finds no device";
    case CUDA_ERROR_SYSTEM_DRIVER_MISMATCH:
      return "the NVIDIA driver and its kernel module are of two versions; "
             "restart the machine";
    default:
      break;
  }
  const char* name = nullptr;
  api.cuGetErrorName(result, &name);
  return keratin::format(
      "cuInit failed: error {} ({})",
      static_cast<int>(result),
      name != nullptr ? name : "of no name");
}

}  // namespace

std::string load_api(Api& api) {
  // The driver first: without it the rest does not matter.
  if (auto why = load_driver(api.driver); !why.empty()) return why;
  if (const CUresult result = api.driver.cuInit(0); result != CUDA_SUCCESS) {
    return init_failure(api.driver, result);
  }
  int version = 0;
  api.driver.cuDriverGetVersion(&version);
  // Minor versions are compatible within a major one.
  if (version / 1000 < CUDA_VERSION / 1000) {
    return keratin::format(
        "the NVIDIA driver knows CUDA {}.{}, expected {}.0 or newer; install a "
        "newer driver",
        version / 1000,
        version / 10 % 100,
        CUDA_VERSION / 1000);
  }
  int devices = 0;
  if (api.driver.cuDeviceGetCount(&devices) != CUDA_SUCCESS || devices == 0) {
    return "the NVIDIA driver finds no device";
  }
  if (auto why = load_nvrtc(api.nvrtc); !why.empty()) return why;
  if (auto why = load_blas(api.blas); !why.empty()) return why;
  return load_cudnn(api.cudnn);
}

void driver_failed(const DriverApi& api, CUresult result, const char* call) {
  const char* name = nullptr;
  const char* text = nullptr;
  api.cuGetErrorName(result, &name);
  api.cuGetErrorString(result, &text);
  throw SystemError(keratin::format(
      "[cuda] {} failed: {} ({})",
      call,
      name != nullptr ? name : keratin::format("error {}", int{result}),
      text != nullptr ? text : "no description"));
}

void blas_failed(
    const BlasLtApi& api, cublasStatus_t status, const char* call) {
  throw SystemError(keratin::format(
      "[cuda] {} failed: {}", call, api.cublasLtGetStatusName(status)));
}

void nvrtc_failed(const NvrtcApi& api, nvrtcResult result, const char* call) {
  throw SystemError(keratin::format(
      "[cuda] {} failed: {}", call, api.nvrtcGetErrorString(result)));
}

}  // namespace keratin::cuda
