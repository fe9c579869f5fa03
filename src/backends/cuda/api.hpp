#pragma once

#include <cublasLt.h>
#include <cuda.h>
#include <nvrtc.h>

#include <string>

/// The narrowest seam between this backend and NVIDIA's libraries: a table of
/// function pointers per library, filled at run time by dlopen (so that one
/// build runs where there is no driver) or by a test's stand-in.
namespace keratin::cuda {

// clang-format off
#define KERATIN_CUDA_DRIVER(X) \
  X(cuInit) X(cuDriverGetVersion) X(cuGetErrorName) X(cuGetErrorString) \
  X(cuDeviceGetCount) X(cuDeviceGet) X(cuDeviceGetName) \
  X(cuDeviceGetAttribute) X(cuDeviceTotalMem) \
  X(cuDevicePrimaryCtxRetain) X(cuCtxSetCurrent) \
  X(cuMemGetInfo) X(cuMemAlloc) X(cuMemFree) \
  X(cuMemHostAlloc) X(cuMemFreeHost) \
  X(cuMemcpyHtoDAsync) X(cuMemcpyDtoHAsync) X(cuMemcpyDtoDAsync) \
  X(cuMemsetD8Async) \
  X(cuStreamCreate) X(cuStreamDestroy) X(cuStreamSynchronize) \
  X(cuStreamWaitEvent) X(cuStreamBeginCapture) X(cuStreamEndCapture) \
  X(cuEventCreate) X(cuEventDestroy) X(cuEventRecord) \
  X(cuEventSynchronize) X(cuEventElapsedTime) \
  X(cuModuleLoadData) X(cuModuleUnload) X(cuModuleGetFunction) \
  X(cuLaunchKernel) \
  X(cuGraphInstantiateWithFlags) X(cuGraphLaunch) X(cuGraphDestroy) \
  X(cuGraphExecDestroy)

#define KERATIN_CUDA_NVRTC(X) \
  X(nvrtcVersion) X(nvrtcGetErrorString) X(nvrtcGetNumSupportedArchs) \
  X(nvrtcGetSupportedArchs) X(nvrtcCreateProgram) X(nvrtcCompileProgram) \
  X(nvrtcGetCUBINSize) X(nvrtcGetCUBIN) X(nvrtcGetPTXSize) X(nvrtcGetPTX) \
  X(nvrtcGetProgramLogSize) X(nvrtcGetProgramLog) X(nvrtcDestroyProgram)

#define KERATIN_CUDA_BLASLT(X) \
  X(cublasLtGetVersion) X(cublasLtGetStatusName) \
  X(cublasLtCreate) X(cublasLtDestroy) \
  X(cublasLtMatmulDescCreate) X(cublasLtMatmulDescDestroy) \
  X(cublasLtMatmulDescSetAttribute) \
  X(cublasLtMatrixLayoutCreate) X(cublasLtMatrixLayoutDestroy) \
  X(cublasLtMatrixLayoutSetAttribute) \
  X(cublasLtMatmulPreferenceCreate) X(cublasLtMatmulPreferenceDestroy) \
  X(cublasLtMatmulPreferenceSetAttribute) \
  X(cublasLtMatmulAlgoGetHeuristic) X(cublasLtMatmul)
// clang-format on

// The headers rename some functions (cuMemAlloc is cuMemAlloc_v2): members take
// the names that the macros make, as do the names looked up.
// NOLINTNEXTLINE(bugprone-macro-parentheses): a declaration
#define KERATIN_CUDA_MEMBER(name) decltype(&::name) name = nullptr;

struct DriverApi {
  KERATIN_CUDA_DRIVER(KERATIN_CUDA_MEMBER)
};

struct NvrtcApi {
  KERATIN_CUDA_NVRTC(KERATIN_CUDA_MEMBER)
};

struct BlasLtApi {
  KERATIN_CUDA_BLASLT(KERATIN_CUDA_MEMBER)
};

#undef KERATIN_CUDA_MEMBER

struct Api {
  DriverApi driver;
  NvrtcApi nvrtc;
  BlasLtApi blas;
  void* cudnn = nullptr;  // a handle of dlopen: cuDNN's front end looks up what
                          // it needs; null: convolutions by kernels of our own
};

/// Opens the libraries. Empty when all is there, else why not, in one line that
/// says what to install.
std::string load_api(Api& api);

/// Opens one library each, for tests and for load_api: a reason or nothing.
std::string load_driver(DriverApi& api);
std::string load_nvrtc(NvrtcApi& api);
std::string load_blas(BlasLtApi& api);
std::string load_cudnn(void*& handle);

/// Throws SystemError "[<who>] <call> failed: <name> (<text>)".
[[noreturn]] void driver_failed(
    const DriverApi& api, CUresult result, const char* call);
[[noreturn]] void blas_failed(
    const BlasLtApi& api, cublasStatus_t status, const char* call);
[[noreturn]] void nvrtc_failed(
    const NvrtcApi& api, nvrtcResult result, const char* call);

inline void check(const DriverApi& api, CUresult result, const char* call) {
  if (result != CUDA_SUCCESS) [[unlikely]]
    driver_failed(api, result, call);
}

inline void check(
    const BlasLtApi& api, cublasStatus_t status, const char* call) {
  if (status != CUBLAS_STATUS_SUCCESS) [[unlikely]] {
    blas_failed(api, status, call);
  }
}

inline void check(const NvrtcApi& api, nvrtcResult result, const char* call) {
  if (result != NVRTC_SUCCESS) [[unlikely]]
    nvrtc_failed(api, result, call);
}

}  // namespace keratin::cuda

/// KERATIN_CUDA_CHECK(api.driver, cuMemAlloc(&at, bytes)): calls through the
/// table and throws SystemError naming the failing call.
#define KERATIN_CUDA_CHECK(table, call) \
  ::keratin::cuda::check((table), (table).call, #call)
