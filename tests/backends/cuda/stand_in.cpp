#include <dlfcn.h>

#include <algorithm>
#include <cstring>

#include "src/core/env.hpp"
#include "src/core/format.hpp"
#include "tests/backends/cuda/stand_in_state.hpp"

namespace keratin::cuda::testing {

State& state() {
  static auto* the_state = new State;
  return *the_state;
}

void violate(std::string text) {
  state().violations.push_back(std::move(text));
}

/// Device memory is the host's here.
void* pointer(CUdeviceptr address) {
  return reinterpret_cast<void*>(address);  // NOLINT(performance-no-int-to-ptr)
}

CUresult note(
    const std::string& name, std::string detail, const FakeStream* stream) {
  Recorded call{name, std::move(detail)};
  if (stream != nullptr) {
    call.stream = stream->number;
    call.captured = stream->capturing != nullptr;
  }
  state().calls.push_back(std::move(call));
  return name == state().failing ? state().failure : CUDA_SUCCESS;
}

FakeStream* as_stream(CUstream stream) {
  return reinterpret_cast<FakeStream*>(stream);
}

CUresult enqueue(FakeStream* stream, Operation operation) {
  if (stream->capturing != nullptr) {
    stream->capturing->operations.push_back(std::move(operation));
  } else {
    stream->queue.push_back(std::move(operation));
  }
  return CUDA_SUCCESS;
}

namespace {

// -- memory
// --------------------------------------------------------------------

// The block an address lies in, or null.
std::pair<const std::uint64_t, Block>* block_of(std::uint64_t at) {
  auto found = state().blocks.upper_bound(at);
  if (found == state().blocks.begin()) return nullptr;
  --found;
  const auto size = static_cast<std::uint64_t>(found->second.size);
  return at < found->first + size ? &*found : nullptr;
}

bool is_pinned(const void* data) {
  const auto at = reinterpret_cast<std::uint64_t>(data);
  auto found = state().pinned.upper_bound(at);
  if (found == state().pinned.begin()) return false;
  --found;
  return at < found->first + static_cast<std::uint64_t>(found->second);
}

void check_guards(std::uint64_t at, const Block& block) {
  for (std::int64_t i = 0; i < kGuard; ++i) {
    if (block.raw[i] != std::byte{kGuardByte} ||
        block.raw[kGuard + block.size + i] != std::byte{kGuardByte}) {
      violate(keratin::format(
          "a write outside the {} bytes at {:x}", block.size, at));
      return;
    }
  }
}

void check_all_guards() {
  for (const auto& [at, block] : state().blocks) check_guards(at, block);
}

// A range that must lie in one block.
void check_range(const std::string& who, std::uint64_t at, std::int64_t bytes) {
  const auto* found = block_of(at);
  if (found == nullptr ||
      at + static_cast<std::uint64_t>(bytes) >
          found->first + static_cast<std::uint64_t>(found->second.size)) {
    violate(keratin::format(
        "{}: {} bytes at {:x} are not device memory", who, bytes, at));
  }
}

// -- streams
// -------------------------------------------------------------------

void run_until(FakeStream* stream, std::uint64_t record);

void run_one(FakeStream* stream) {
  const Operation operation = std::move(stream->queue.front());
  stream->queue.pop_front();
  if (operation.waits_for != 0 && !state().done.contains(operation.waits_for)) {
    for (FakeStream* other : state().streams) {
      if (other != stream) run_until(other, operation.waits_for);
    }
  }
  for (const std::uint64_t at : operation.uses) {
    if (block_of(at) == nullptr) {
      violate(
          keratin::format("{} uses {:x}, which is freed", operation.name, at));
      return;
    }
  }
  if (operation.run) operation.run();
  if (operation.records != 0) state().done.insert(operation.records);
}

void run_until(FakeStream* stream, std::uint64_t record) {
  const auto has = std::any_of(
      stream->queue.begin(), stream->queue.end(), [&](const Operation& op) {
        return op.records == record;
      });
  if (!has) return;
  while (!state().done.contains(record)) run_one(stream);
}

void drain(FakeStream* stream) {
  while (!stream->queue.empty()) run_one(stream);
  check_all_guards();
}

// -- the driver
// ----------------------------------------------------------------

CUresult f_cuInit(unsigned) {
  return note("cuInit");
}

CUresult f_cuDriverGetVersion(int* version) {
  *version = CUDA_VERSION;
  return note("cuDriverGetVersion");
}

CUresult f_cuGetErrorName(CUresult error, const char** text) {
  *text = error == CUDA_ERROR_OUT_OF_MEMORY ? "CUDA_ERROR_OUT_OF_MEMORY"
                                            : "CUDA_ERROR_UNKNOWN";
  return CUDA_SUCCESS;
}

CUresult f_cuGetErrorString(CUresult, const char** text) {
  *text = "as the stand-in was told";
  return CUDA_SUCCESS;
}

CUresult f_cuDeviceGetCount(int* count) {
  *count = 1;
  return note("cuDeviceGetCount");
}

CUresult f_cuDeviceGet(CUdevice* device, int ordinal) {
  *device = ordinal;
  return note("cuDeviceGet");
}

CUresult f_cuDeviceGetName(char* name, int size, CUdevice) {
  std::strncpy(name, "stand-in", static_cast<std::size_t>(size));
  return note("cuDeviceGetName");
}

CUresult f_cuDeviceGetAttribute(
    int* value, CUdevice_attribute which, CUdevice) {
  switch (which) {
    case CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MAJOR:
      *value = 9;
      break;
    case CU_DEVICE_ATTRIBUTE_MULTIPROCESSOR_COUNT:
      *value = 2;
      break;
    default:
      *value = 0;
  }
  return note("cuDeviceGetAttribute");
}

CUresult f_cuDeviceTotalMem(std::size_t* bytes, CUdevice) {
  *bytes = std::size_t{8} << 30;
  return note("cuDeviceTotalMem");
}

CUresult f_cuDevicePrimaryCtxRetain(CUcontext* context, CUdevice) {
  *context = reinterpret_cast<CUcontext>(&state());
  return note("cuDevicePrimaryCtxRetain");
}

CUresult f_cuCtxSetCurrent(CUcontext) {
  return CUDA_SUCCESS;
}

CUresult f_cuMemGetInfo(std::size_t* free, std::size_t* total) {
  *total = std::size_t{8} << 30;
  *free = state().limit < 0 ? *total
                            : static_cast<std::size_t>(std::max<std::int64_t>(
                                  0, state().limit - state().in_use));
  return note("cuMemGetInfo");
}

CUresult f_cuMemAlloc(CUdeviceptr* at, std::size_t bytes) {
  const CUresult result = note("cuMemAlloc", std::to_string(bytes));
  if (result != CUDA_SUCCESS) return result;
  const auto size = static_cast<std::int64_t>(bytes);
  if (state().limit >= 0 && state().in_use + size > state().limit) {
    return CUDA_ERROR_OUT_OF_MEMORY;
  }
  Block block;
  block.size = size;
  const std::size_t whole = (bytes + 2 * kGuard + 255) / 256 * 256;
  block.raw = static_cast<std::byte*>(std::aligned_alloc(256, whole));
  std::memset(block.raw, kGuardByte, whole);
  std::memset(block.raw + kGuard, 0xFF, bytes);  // NaN as any float
  *at = reinterpret_cast<CUdeviceptr>(block.raw + kGuard);
  state().in_use += size;
  state().blocks[*at] = block;
  return CUDA_SUCCESS;
}

CUresult f_cuMemFree(CUdeviceptr at) {
  note("cuMemFree");
  const auto found = state().blocks.find(at);
  if (found == state().blocks.end()) {
    violate("cuMemFree of what is not allocated");
    return CUDA_ERROR_INVALID_VALUE;
  }
  for (const FakeStream* stream : state().streams) {
    for (const Operation& operation : stream->queue) {
      for (const std::uint64_t used : operation.uses) {
        if (block_of(used) == &*found) {
          violate("memory freed before " + operation.name + " has used it");
        }
      }
    }
  }
  check_guards(at, found->second);
  state().in_use -= found->second.size;
  std::free(found->second.raw);
  state().blocks.erase(found);
  return CUDA_SUCCESS;
}

CUresult f_cuMemHostAlloc(void** data, std::size_t bytes, unsigned) {
  *data = std::malloc(bytes);
  state().pinned[reinterpret_cast<std::uint64_t>(*data)] =
      static_cast<std::int64_t>(bytes);
  return note("cuMemHostAlloc", std::to_string(bytes));
}

CUresult f_cuMemFreeHost(void* data) {
  for (const FakeStream* stream : state().streams) {
    if (!stream->queue.empty()) violate("pinned memory freed under a copy");
  }
  state().pinned.erase(reinterpret_cast<std::uint64_t>(data));
  std::free(data);
  return note("cuMemFreeHost");
}

CUresult f_cuMemcpyHtoDAsync(
    CUdeviceptr to, const void* from, std::size_t bytes, CUstream handle) {
  FakeStream* stream = as_stream(handle);
  const CUresult result =
      note("cuMemcpyHtoDAsync", std::to_string(bytes), stream);
  if (result != CUDA_SUCCESS) return result;
  const auto size = static_cast<std::int64_t>(bytes);
  if (is_pinned(from)) {
    return enqueue(
        stream,
        {"cuMemcpyHtoDAsync",
         [=] {
           check_range("cuMemcpyHtoDAsync", to, size);
           std::memcpy(pointer(to), from, bytes);
         },
         {to}});
  }
  // Pageable memory is read before the call returns.
  std::vector<std::byte> copy(bytes);
  std::memcpy(copy.data(), from, bytes);
  return enqueue(
      stream,
      {"cuMemcpyHtoDAsync",
       [to, size, copy = std::move(copy)] {
         check_range("cuMemcpyHtoDAsync", to, size);
         std::memcpy(pointer(to), copy.data(), copy.size());
       },
       {to}});
}

CUresult f_cuMemcpyDtoHAsync(
    void* to, CUdeviceptr from, std::size_t bytes, CUstream handle) {
  FakeStream* stream = as_stream(handle);
  const CUresult result =
      note("cuMemcpyDtoHAsync", std::to_string(bytes), stream);
  if (result != CUDA_SUCCESS) return result;
  enqueue(
      stream,
      {"cuMemcpyDtoHAsync",
       [=] {
         check_range(
             "cuMemcpyDtoHAsync", from, static_cast<std::int64_t>(bytes));
         std::memcpy(to, pointer(from), bytes);
       },
       {from}});
  if (!is_pinned(to) && stream->capturing == nullptr) drain(stream);
  return CUDA_SUCCESS;
}

CUresult f_cuMemcpyDtoDAsync(
    CUdeviceptr to, CUdeviceptr from, std::size_t bytes, CUstream handle) {
  FakeStream* stream = as_stream(handle);
  const CUresult result =
      note("cuMemcpyDtoDAsync", std::to_string(bytes), stream);
  if (result != CUDA_SUCCESS) return result;
  return enqueue(
      stream,
      {"cuMemcpyDtoDAsync",
       [=] {
         const auto size = static_cast<std::int64_t>(bytes);
         check_range("cuMemcpyDtoDAsync", to, size);
         check_range("cuMemcpyDtoDAsync", from, size);
         if (to < from + bytes && from < to + bytes) {
           violate("cuMemcpyDtoDAsync over itself");
         }
         std::memmove(pointer(to), pointer(from), bytes);
       },
       {to, from}});
}

CUresult f_cuMemsetD8Async(
    CUdeviceptr at, unsigned char value, std::size_t bytes, CUstream handle) {
  FakeStream* stream = as_stream(handle);
  note("cuMemsetD8Async", std::to_string(bytes), stream);
  return enqueue(
      stream,
      {"cuMemsetD8Async",
       [=] {
         check_range("cuMemsetD8Async", at, static_cast<std::int64_t>(bytes));
         std::memset(pointer(at), value, bytes);
       },
       {at}});
}

CUresult f_cuStreamCreate(CUstream* stream, unsigned) {
  auto* made = new FakeStream;
  made->number = static_cast<int>(state().streams.size());
  state().streams.push_back(made);
  *stream = reinterpret_cast<CUstream>(made);
  return note("cuStreamCreate");
}

CUresult f_cuStreamDestroy(CUstream) {
  return note("cuStreamDestroy");
}

CUresult f_cuStreamSynchronize(CUstream handle) {
  FakeStream* stream = as_stream(handle);
  const CUresult result = note("cuStreamSynchronize", {}, stream);
  if (stream->capturing != nullptr) {
    violate("cuStreamSynchronize while capturing");
    return CUDA_ERROR_STREAM_CAPTURE_UNSUPPORTED;
  }
  drain(stream);
  return result;
}

CUresult f_cuStreamWaitEvent(CUstream handle, CUevent event, unsigned) {
  FakeStream* stream = as_stream(handle);
  note("cuStreamWaitEvent", {}, stream);
  Operation operation{"cuStreamWaitEvent", {}, {}};
  operation.waits_for = reinterpret_cast<FakeEvent*>(event)->record;
  return enqueue(stream, std::move(operation));
}

CUresult f_cuStreamBeginCapture(CUstream handle, CUstreamCaptureMode) {
  FakeStream* stream = as_stream(handle);
  const CUresult result = note("cuStreamBeginCapture", {}, stream);
  stream->capturing = new FakeGraph;
  return result;
}

CUresult f_cuStreamEndCapture(CUstream handle, CUgraph* graph) {
  FakeStream* stream = as_stream(handle);
  *graph = reinterpret_cast<CUgraph>(std::exchange(stream->capturing, nullptr));
  return note("cuStreamEndCapture", {}, stream);
}

CUresult f_cuEventCreate(CUevent* event, unsigned) {
  *event = reinterpret_cast<CUevent>(new FakeEvent);
  return note("cuEventCreate");
}

CUresult f_cuEventDestroy(CUevent event) {
  delete reinterpret_cast<FakeEvent*>(event);
  return note("cuEventDestroy");
}

CUresult f_cuEventRecord(CUevent event, CUstream handle) {
  FakeStream* stream = as_stream(handle);
  note("cuEventRecord", {}, stream);
  Operation operation{"cuEventRecord", {}, {}};
  operation.records = state().next_record++;
  reinterpret_cast<FakeEvent*>(event)->record = operation.records;
  return enqueue(stream, std::move(operation));
}

CUresult f_cuEventSynchronize(CUevent event) {
  const std::uint64_t record = reinterpret_cast<FakeEvent*>(event)->record;
  for (FakeStream* stream : state().streams) run_until(stream, record);
  return note("cuEventSynchronize");
}

CUresult f_cuEventElapsedTime(float* ms, CUevent, CUevent) {
  *ms = 0.001F;
  return note("cuEventElapsedTime");
}

CUresult f_cuModuleLoadData(CUmodule* module, const void* image) {
  // The image: "path\nname".
  const std::string text = static_cast<const char*>(image);
  const std::size_t cut = text.find('\n');
  void* library = dlopen(text.substr(0, cut).c_str(), RTLD_NOW | RTLD_LOCAL);
  if (library == nullptr) {
    note("cuModuleLoadData", "refused");
    return CUDA_ERROR_INVALID_IMAGE;
  }
  const auto connect =
      reinterpret_cast<void (*)(Host*)>(dlsym(library, "kt_connect"));
  connect(&state().host);
  *module = reinterpret_cast<CUmodule>(library);
  return note("cuModuleLoadData");
}

CUresult f_cuModuleUnload(CUmodule) {
  return note("cuModuleUnload");
}

CUresult f_cuModuleGetFunction(
    CUfunction* function, CUmodule module, const char* name) {
  Function& made = state().functions[name];
  made.name = name;
  made.host = &state().host;
  made.thunk = reinterpret_cast<Thunk>(dlsym(
      reinterpret_cast<void*>(module), (std::string(name) + "_call").c_str()));
  const auto* flag = static_cast<const bool*>(dlsym(
      reinterpret_cast<void*>(module), (std::string(name) + "_waits").c_str()));
  const auto* arguments = static_cast<const int*>(dlsym(
      reinterpret_cast<void*>(module),
      (std::string(name) + "_arguments").c_str()));
  if (made.thunk == nullptr || flag == nullptr || arguments == nullptr) {
    return CUDA_ERROR_NOT_FOUND;
  }
  made.arguments = *arguments;
  made.waits = *flag;
  *function = reinterpret_cast<CUfunction>(&made);
  return note("cuModuleGetFunction", name);
}

CUresult f_cuLaunchKernel(
    CUfunction handle,
    unsigned grid,
    unsigned,
    unsigned,
    unsigned block,
    unsigned,
    unsigned,
    unsigned,
    CUstream stream_handle,
    void** arguments,
    void**) {
  FakeStream* stream = as_stream(stream_handle);
  const auto* function = reinterpret_cast<const Function*>(handle);
  const CUresult result = note("cuLaunchKernel", function->name, stream);
  if (result != CUDA_SUCCESS) return result;
  if (grid == 0 || block == 0) return CUDA_ERROR_INVALID_VALUE;
  Operation operation;
  operation.name = function->name;
  std::vector<std::uint64_t> values;  // all arguments take 8 bytes
  for (int i = 0; i < function->arguments; ++i) {
    values.push_back(*static_cast<const std::uint64_t*>(arguments[i]));
    if (block_of(values.back()) != nullptr) {
      operation.uses.push_back(values.back());
    }
  }
  operation.run = [function, grid, block, values]() mutable {
    std::vector<void*> pointers;
    for (std::uint64_t& value : values) pointers.push_back(&value);
    run_kernel(*function, grid, block, pointers.data());
  };
  return enqueue(stream, std::move(operation));
}

CUresult f_cuGraphInstantiateWithFlags(
    CUgraphExec* executable, CUgraph graph, unsigned long long) {
  *executable = reinterpret_cast<CUgraphExec>(
      new FakeGraph(*reinterpret_cast<FakeGraph*>(graph)));
  return note("cuGraphInstantiateWithFlags");
}

CUresult f_cuGraphLaunch(CUgraphExec executable, CUstream handle) {
  FakeStream* stream = as_stream(handle);
  const CUresult result = note("cuGraphLaunch", {}, stream);
  const auto* graph = reinterpret_cast<const FakeGraph*>(executable);
  for (const Operation& operation : graph->operations) {
    Operation copy = operation;
    copy.graph = graph;
    enqueue(stream, std::move(copy));
  }
  return result;
}

CUresult f_cuGraphDestroy(CUgraph graph) {
  delete reinterpret_cast<FakeGraph*>(graph);
  return note("cuGraphDestroy");
}

CUresult f_cuGraphExecDestroy(CUgraphExec executable) {
  for (const FakeStream* stream : state().streams) {
    for (const Operation& operation : stream->queue) {
      if (operation.graph == executable) {
        violate("a graph destroyed before its replay is done");
        break;
      }
    }
  }
  delete reinterpret_cast<FakeGraph*>(executable);
  return note("cuGraphExecDestroy");
}

}  // namespace

StandIn::StandIn() {
  // Images are kept beside the libraries they name, not in the user's cache.
  static const env::ScopedSetting cache(
      "KERATIN_CACHE", std::string(KERATIN_CUDA_TEST_DIR) + "/cache");
  set_host_calls(state().host);
  set_blas(api_.blas);
  set_nvrtc(api_.nvrtc);
#define KERATIN_FAKE_DRIVER(name) api_.driver.name = f_##name;
  KERATIN_CUDA_DRIVER(KERATIN_FAKE_DRIVER)
}

StandIn& StandIn::get() {
  static auto* stand_in = new StandIn;
  return *stand_in;
}

const std::vector<Recorded>& StandIn::calls() const {
  return state().calls;
}

void StandIn::clear_calls() {
  state().calls.clear();
}

std::int64_t StandIn::count(const std::string& name) const {
  return std::count_if(
      state().calls.begin(), state().calls.end(), [&](const Recorded& call) {
        return call.name == name;
      });
}

const std::vector<std::string>& StandIn::violations() const {
  return state().violations;
}

void StandIn::clear_violations() {
  state().violations.clear();
}

std::int64_t StandIn::bytes_in_use() const {
  return state().in_use;
}

void StandIn::limit_memory(std::int64_t bytes) {
  state().limit = bytes < 0 ? -1 : state().in_use + bytes;
}

void StandIn::fail(std::string name, CUresult code) {
  state().failing = std::move(name);
  state().failure = code;
}

}  // namespace keratin::cuda::testing
