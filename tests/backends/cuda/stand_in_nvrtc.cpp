// NVRTC's stand-in: the host compiler makes the kernels.

#include <atomic>
#include <cstring>
#include <exception>
#include <map>
#include <mutex>
#include <thread>
#include <utility>

#include "src/backends/cuda/kernels/kernels.hpp"
#include "src/core/format.hpp"
#include "tests/backends/cuda/host_prelude.hpp"
#include "tests/backends/cuda/stand_in_state.hpp"

namespace keratin::cuda::testing {

namespace {

nvrtcResult f_nvrtcVersion(int* major, int* minor) {
  *major = 99;  // its images are not those of any real one
  *minor = 0;
  return NVRTC_SUCCESS;
}

const char* f_nvrtcGetErrorString(nvrtcResult) {
  return "NVRTC_ERROR";
}

nvrtcResult f_nvrtcGetNumSupportedArchs(int* count) {
  *count = 2;
  return NVRTC_SUCCESS;
}

nvrtcResult f_nvrtcGetSupportedArchs(int* all) {
  all[0] = 75;
  all[1] = 100;
  return NVRTC_SUCCESS;
}

nvrtcResult f_nvrtcCreateProgram(
    nvrtcProgram* program,
    const char* text,
    const char* name,
    int,
    const char* const*,
    const char* const*) {
  *program =
      reinterpret_cast<nvrtcProgram>(new FakeProgram{text, name, {}, {}});
  return NVRTC_SUCCESS;
}

std::string footer_of(const std::string& text, const std::string& name) {
  return thunk_of(text, name) +
         keratin::format(
             "extern \"C\" const bool {0}_waits; const bool {0}_waits = {1};\n",
             name,
             waits(text.substr(text.find("KT_KERNEL"))) ? "true" : "false");
}

nvrtcResult f_nvrtcCompileProgram(
    nvrtcProgram handle, int, const char* const*) {
  auto* program = reinterpret_cast<FakeProgram*>(handle);
  const auto known = state().images.find(program->name);
  std::string path;
  if (known != state().images.end()) {
    path = known->second;
  } else {
    // What follows the device's prelude.
    const std::string own = program->text.substr(device_prelude().size());
    const std::size_t last = own.rfind("KT_KERNEL");
    try {
      path = build_library(
          std::string(kHostPrelude) + own +
          footer_of(own.substr(last), program->name));
    } catch (const std::exception& error) {
      program->log = error.what();
      return NVRTC_ERROR_COMPILATION;
    }
  }
  program->image = path + "\n" + program->name;
  return NVRTC_SUCCESS;
}

nvrtcResult f_nvrtcGetCUBINSize(nvrtcProgram program, std::size_t* size) {
  *size = reinterpret_cast<FakeProgram*>(program)->image.size() + 1;
  return NVRTC_SUCCESS;
}

nvrtcResult f_nvrtcGetCUBIN(nvrtcProgram program, char* image) {
  const std::string& text = reinterpret_cast<FakeProgram*>(program)->image;
  std::memcpy(image, text.c_str(), text.size() + 1);
  return NVRTC_SUCCESS;
}

nvrtcResult f_nvrtcGetPTXSize(nvrtcProgram program, std::size_t* size) {
  return f_nvrtcGetCUBINSize(program, size);
}

nvrtcResult f_nvrtcGetPTX(nvrtcProgram program, char* image) {
  return f_nvrtcGetCUBIN(program, image);
}

nvrtcResult f_nvrtcGetProgramLogSize(nvrtcProgram program, std::size_t* size) {
  *size = reinterpret_cast<FakeProgram*>(program)->log.size() + 1;
  return NVRTC_SUCCESS;
}

nvrtcResult f_nvrtcGetProgramLog(nvrtcProgram program, char* log) {
  const std::string& text = reinterpret_cast<FakeProgram*>(program)->log;
  std::memcpy(log, text.c_str(), text.size() + 1);
  return NVRTC_SUCCESS;
}

nvrtcResult f_nvrtcDestroyProgram(nvrtcProgram* program) {
  delete reinterpret_cast<FakeProgram*>(*program);
  *program = nullptr;
  return NVRTC_SUCCESS;
}

}  // namespace

void set_nvrtc(NvrtcApi& nvrtc) {
#define KERATIN_FAKE_NVRTC(name) nvrtc.name = f_##name;
  KERATIN_CUDA_NVRTC(KERATIN_FAKE_NVRTC)
}

void StandIn::precompile(
    const std::vector<std::shared_ptr<const KernelSource>>& kernels) {
  std::map<std::string, std::string> texts;
  for (const auto& kernel : kernels) {
    if (!state().images.contains(kernel->name)) {
      texts[kernel->name] = kernel->text;
    }
  }
  // Equal kernels in equal files, whatever else there is: a file holds those
  // whose hashes begin alike.
  std::map<std::string, std::vector<std::string>> files;
  for (const auto& [name, text] : texts) {
    const std::size_t hash = name.rfind('_') + 1;
    files[name.substr(hash, 1)].push_back(name);
  }
  const std::string head = std::string(kHostPrelude) +
                           std::string(common_prelude()) + all_families();
  std::vector<std::pair<std::string, const std::vector<std::string>*>> work;
  for (const auto& [key, names] : files) {
    std::string text = head;
    for (const std::string& name : names) {
      text += texts[name] + footer_of(texts[name], name);
    }
    work.emplace_back(std::move(text), &names);
  }
  std::vector<std::string> paths(work.size());
  std::atomic<std::size_t> next = 0;
  std::exception_ptr error;
  std::mutex error_mutex;
  const auto run = [&] {
    for (std::size_t i = next++; i < work.size(); i = next++) {
      try {
        paths[i] = build_library(work[i].first);
      } catch (...) {
        const std::lock_guard lock(error_mutex);
        error = std::current_exception();
      }
    }
  };
  std::thread helper(run);
  run();
  helper.join();
  if (error) std::rethrow_exception(error);
  for (std::size_t i = 0; i < work.size(); ++i) {
    for (const std::string& name : *work[i].second) {
      state().images[name] = paths[i];
    }
  }
}

}  // namespace keratin::cuda::testing
