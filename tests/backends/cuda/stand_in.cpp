#include "tests/backends/cuda/stand_in.hpp"

#include <dlfcn.h>
#include <ucontext.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cstdlib>
#include <cstring>
#include <deque>
#include <filesystem>
#include <fstream>
#include <functional>
#include <map>
#include <regex>
#include <set>
#include <sstream>
#include <stdexcept>
#include <thread>

#include "src/backends/cuda/kernels/kernels.hpp"
#include "src/core/env.hpp"
#include "src/core/format.hpp"
#include "tests/backends/cuda/host_prelude.hpp"

namespace keratin::cuda::testing {

namespace {

namespace fs = std::filesystem;

struct Dim {
  unsigned x, y, z;
};

// As KtHost of the host's prelude.
struct Host {
  Dim thread, block, block_size, grid;
  void (*barrier)();
  void (*exchange)(const void*, unsigned, int, void*);
};

using Thunk = void (*)(void** arguments);

struct Function {
  std::string name;
  Thunk thunk = nullptr;
  Host* host = nullptr;
  int arguments = 0;
  bool waits = false;  // threads wait for each other
};

struct Block {
  std::int64_t size = 0;
  std::byte* raw = nullptr;  // with guards
};

constexpr std::int64_t kGuard = 256;
constexpr int kGuardByte = 0xA5;

// Something a stream will do. `uses`: addresses it reads or writes.
struct Operation {
  std::string name;
  std::function<void()> run;
  std::vector<std::uint64_t> uses;
  std::uint64_t waits_for = 0;  // the record of an event; 0: nothing
  std::uint64_t records = 0;
  const void* graph = nullptr;  // the replay it belongs to
};

struct FakeGraph {
  std::vector<Operation> operations;
};

struct FakeStream {
  int number = 0;
  std::deque<Operation> queue;
  FakeGraph* capturing = nullptr;
};

struct FakeEvent {
  std::uint64_t record = 0;
};

struct FakeProgram {
  std::string text;
  std::string name;
  std::string image;
  std::string log;
};

struct State {
  std::vector<Recorded> calls;
  std::vector<std::string> violations;
  std::map<std::uint64_t, Block> blocks;  // device memory
  std::map<std::uint64_t, std::int64_t> pinned;
  std::vector<FakeStream*> streams;
  std::set<std::uint64_t> done;  // records of events
  std::uint64_t next_record = 1;
  std::map<std::string, Function> functions;
  std::map<std::string, std::string> images;  // kernel name -> library path
  std::string failing;
  CUresult failure = CUDA_SUCCESS;
  std::int64_t limit = -1;
  std::int64_t in_use = 0;
  Host host{};
};

State& state() {
  static auto* the_state = new State;
  return *the_state;
}

void violate(std::string text) {
  state().violations.push_back(std::move(text));
}

CUresult note(
    std::string name,
    std::string detail = {},
    const FakeStream* stream = nullptr) {
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

CUresult enqueue(FakeStream* stream, Operation operation) {
  if (stream->capturing != nullptr) {
    stream->capturing->operations.push_back(std::move(operation));
  } else {
    stream->queue.push_back(std::move(operation));
  }
  return CUDA_SUCCESS;
}

// -- threads of a kernel
// -------------------------------------------------------

constexpr std::size_t kStackBytes = std::size_t{128} << 10;

class Fibers {
 public:
  // Runs one block of `threads` threads.
  void run_block(const Function& function, void** arguments, unsigned threads) {
    function_ = &function;
    arguments_ = arguments;
    if (fibers_.size() < threads) {
      const std::size_t before = fibers_.size();
      fibers_.resize(threads);
      for (std::size_t i = before; i < threads; ++i) {
        fibers_[i].stack.resize(kStackBytes);
      }
    }
    count_ = threads;
    for (unsigned i = 0; i < threads; ++i) {
      Fiber& fiber = fibers_[i];
      fiber.done = false;
      fiber.warp_count = 0;
      fiber.block_count = 0;
      getcontext(&fiber.context);
      fiber.context.uc_stack.ss_sp = fiber.stack.data();
      fiber.context.uc_stack.ss_size = fiber.stack.size();
      fiber.context.uc_link = &scheduler_;
      makecontext(&fiber.context, &Fibers::enter, 0);
    }
    unsigned left = threads;
    while (left > 0) {
      progress_ = false;
      for (unsigned i = 0; i < threads; ++i) {
        Fiber& fiber = fibers_[i];
        if (fiber.done) continue;
        current_ = i;
        function.host->thread = {i, 0, 0};
        swapcontext(&scheduler_, &fiber.context);
        if (fiber.done) {
          --left;
          progress_ = true;
        }
      }
      if (!progress_) {
        violate(keratin::format(
            "{}: threads wait for each other for ever", function.name));
        return;
      }
    }
  }

  static Fibers& get() {
    static auto* fibers = new Fibers;
    return *fibers;
  }

  void barrier() {
    Fiber& own = fibers_[current_];
    const int target = ++own.block_count;
    progress_ = true;
    const auto reached = [&] {
      for (unsigned i = 0; i < count_; ++i) {
        if (!fibers_[i].done && fibers_[i].block_count < target) return false;
      }
      return true;
    };
    wait_until(reached);
  }

  void exchange(const void* mine, unsigned size, int mask, void* out) {
    Fiber& own = fibers_[current_];
    std::memcpy(own.slot, mine, size);
    meet_warp();
    const unsigned peer = current_ ^ static_cast<unsigned>(mask);
    if (peer < count_ && fibers_[peer].warp_count >= own.warp_count) {
      std::memcpy(out, fibers_[peer].slot, size);
    } else {
      violate(keratin::format(
          "{}: a shuffle from a lane that is gone", function_->name));
    }
    meet_warp();
  }

 private:
  struct Fiber {
    ucontext_t context{};
    std::vector<std::byte> stack;
    bool done = false;
    int warp_count = 0;
    int block_count = 0;
    alignas(16) std::byte slot[16];
  };

  static void enter() {
    Fibers& fibers = get();
    fibers.function_->thunk(fibers.arguments_);
    fibers.fibers_[fibers.current_].done = true;
  }

  void meet_warp() {
    Fiber& own = fibers_[current_];
    const int target = ++own.warp_count;
    progress_ = true;
    const unsigned first = current_ / 32 * 32;
    wait_until([&, first, target] {
      for (unsigned i = first; i < first + 32 && i < count_; ++i) {
        if (!fibers_[i].done && fibers_[i].warp_count < target) return false;
      }
      return true;
    });
  }

  template <class Reached>
  void wait_until(const Reached& reached) {
    const unsigned self = current_;
    while (!reached()) {
      swapcontext(&fibers_[self].context, &scheduler_);
    }
    progress_ = true;
  }

  const Function* function_ = nullptr;
  void** arguments_ = nullptr;
  std::deque<Fiber> fibers_;
  ucontext_t scheduler_{};
  unsigned count_ = 0;
  unsigned current_ = 0;
  bool progress_ = false;
};

void run_kernel(
    const Function& function, unsigned grid, unsigned block, void** arguments) {
  Host& host = *function.host;
  host.block_size = {block, 1, 1};
  host.grid = {grid, 1, 1};
  for (unsigned b = 0; b < grid; ++b) {
    host.block = {b, 0, 0};
    if (function.waits) {
      Fibers::get().run_block(function, arguments, block);
      continue;
    }
    for (unsigned t = 0; t < block; ++t) {
      host.thread = {t, 0, 0};
      function.thunk(arguments);
    }
  }
}

// -- compiling for the host
// ----------------------------------------------------

fs::path scratch_folder() {
  const fs::path folder = KERATIN_CUDA_TEST_DIR;
  fs::create_directories(folder);
  return folder;
}

// "const f32* x, f32* y, i64 n" -> "*(const f32**)a[0], ..."
std::string unpacked(const std::string& parameters) {
  std::string text;
  std::istringstream list(parameters);
  int i = 0;
  for (std::string one; std::getline(list, one, ','); ++i) {
    const std::string type = one.substr(0, one.find_last_of(" *") + 1);
    text += keratin::format("{}*({}*)a[{}]", i == 0 ? "" : ", ", type, i);
  }
  return text;
}

// What calls a kernel with the driver's array of pointers to arguments.
std::string thunk_of(const std::string& text, const std::string& name) {
  // The kernel's own parenthesis: after KT_KERNEL(n) NAME.
  const std::size_t kernel = text.find("KT_KERNEL");
  const std::size_t open = text.find(name + "(", kernel) + name.size();
  const std::size_t close = text.find(") {", open);
  const std::string parameters = text.substr(open + 1, close - open - 1);
  return keratin::format(
      "extern \"C\" void {0}_call(void** a) {{ {0}({1}); }}\n"
      "extern \"C\" const int {0}_arguments; const int {0}_arguments = {2};\n",
      name,
      unpacked(parameters),
      1 + std::count(parameters.begin(), parameters.end(), ','));
}

bool waits(const std::string& text) {
  static const std::regex group(R"([<, ](32|256)[>,])");
  return std::regex_search(text, group) ||
         text.find("plain_conv_weights") != std::string::npos;
}

std::string all_families() {
  std::string text;
  for (const std::string_view family :
       {reduce_family(),
        norm_family(),
        index_family(),
        window_family(),
        random_family(),
        product_family()}) {
    text += family;
  }
  return text;
}

// Compiles a text to a shared library, once per content.
std::string build_library(const std::string& text) {
  const fs::path folder = scratch_folder();
  const std::string stem = content_hash(text);
  const fs::path library = folder / (stem + ".so");
  if (fs::exists(library)) return library.string();
  const std::string unique = keratin::format("{}_{}", stem, getpid());
  const fs::path source = folder / (unique + ".cpp");
  const fs::path built = folder / (unique + ".so");
  const fs::path log = folder / (unique + ".log");
  std::ofstream(source) << text;
  const std::string command = keratin::format(
      "{} -std=c++17 -O1 -ffp-contract=off -fwrapv -fPIC -shared -w {} -o {} "
      "2> {}",
      KERATIN_CUDA_HOST_COMPILER,
      source.string(),
      built.string(),
      log.string());
  if (std::system(command.c_str()) != 0) {
    std::ifstream file(log);
    std::stringstream words;
    words << file.rdbuf();
    throw std::runtime_error(
        "kernels do not compile for the host: " + source.string() + "\n" +
        words.str().substr(0, 4000));
  }
  fs::rename(built, library);
  fs::remove(source);
  fs::remove(log);
  return library.string();
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
           std::memcpy(reinterpret_cast<void*>(to), from, bytes);
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
         std::memcpy(reinterpret_cast<void*>(to), copy.data(), copy.size());
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
         std::memcpy(to, reinterpret_cast<void*>(from), bytes);
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
         std::memmove(
             reinterpret_cast<void*>(to), reinterpret_cast<void*>(from), bytes);
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
         std::memset(reinterpret_cast<void*>(at), value, bytes);
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

// -- NVRTC
// ---------------------------------------------------------------------

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

// -- cuBLASLt
// ------------------------------------------------------------------

struct FakeLayout {
  cudaDataType_t type;
  std::uint64_t rows;
  std::uint64_t columns;
  std::int64_t ld;
  std::int32_t batches = 1;
  std::int64_t stride = 0;
};

struct FakePreference {
  std::uint32_t alignment = 256;
};

// What the heuristic was promised; the stand-in's algorithm remembers it.
std::uint32_t& promised(cublasLtMatmulAlgo_t& algorithm) {
  return *reinterpret_cast<std::uint32_t*>(algorithm.data);
}

struct FakeProduct {
  cublasOperation_t a = CUBLAS_OP_N;
  cublasOperation_t b = CUBLAS_OP_N;
  cublasLtEpilogue_t epilogue = CUBLASLT_EPILOGUE_DEFAULT;
  const void* bias = nullptr;
};

double read(const void* data, cudaDataType_t type, std::int64_t i) {
  switch (type) {
    case CUDA_R_64F:
      return static_cast<const double*>(data)[i];
    case CUDA_R_32F:
      return static_cast<const float*>(data)[i];
    case CUDA_R_16F:
      return static_cast<float>(static_cast<const Float16*>(data)[i]);
    case CUDA_R_16BF:
      return static_cast<float>(static_cast<const BFloat16*>(data)[i]);
    default:
      throw std::logic_error("a type the stand-in does not know");
  }
}

void write(void* data, cudaDataType_t type, std::int64_t i, double value) {
  const auto single = static_cast<float>(value);
  switch (type) {
    case CUDA_R_64F:
      static_cast<double*>(data)[i] = value;
      break;
    case CUDA_R_32F:
      static_cast<float*>(data)[i] = single;
      break;
    case CUDA_R_16F:
      static_cast<Float16*>(data)[i] = Float16(single);
      break;
    case CUDA_R_16BF:
      static_cast<BFloat16*>(data)[i] = BFloat16(single);
      break;
    default:
      throw std::logic_error("a type the stand-in does not know");
  }
}

std::size_t f_cublasLtGetVersion() {
  return 130000;
}

const char* f_cublasLtGetStatusName(cublasStatus_t) {
  return "CUBLAS_STATUS_OTHER";
}

cublasStatus_t f_cublasLtCreate(cublasLtHandle_t* handle) {
  *handle = reinterpret_cast<cublasLtHandle_t>(&state());
  return CUBLAS_STATUS_SUCCESS;
}

cublasStatus_t f_cublasLtDestroy(cublasLtHandle_t) {
  return CUBLAS_STATUS_SUCCESS;
}

cublasStatus_t f_cublasLtMatmulDescCreate(
    cublasLtMatmulDesc_t* made, cublasComputeType_t, cudaDataType_t) {
  *made = reinterpret_cast<cublasLtMatmulDesc_t>(new FakeProduct);
  return CUBLAS_STATUS_SUCCESS;
}

cublasStatus_t f_cublasLtMatmulDescDestroy(cublasLtMatmulDesc_t product) {
  delete reinterpret_cast<FakeProduct*>(product);
  return CUBLAS_STATUS_SUCCESS;
}

cublasStatus_t f_cublasLtMatmulDescSetAttribute(
    cublasLtMatmulDesc_t handle,
    cublasLtMatmulDescAttributes_t which,
    const void* value,
    std::size_t size) {
  auto* product = reinterpret_cast<FakeProduct*>(handle);
  const auto take = [&](auto& field) {
    if (size != sizeof(field)) return CUBLAS_STATUS_INVALID_VALUE;
    std::memcpy(&field, value, size);
    return CUBLAS_STATUS_SUCCESS;
  };
  switch (which) {
    case CUBLASLT_MATMUL_DESC_TRANSA:
      return take(product->a);
    case CUBLASLT_MATMUL_DESC_TRANSB:
      return take(product->b);
    case CUBLASLT_MATMUL_DESC_EPILOGUE:
      return take(product->epilogue);
    case CUBLASLT_MATMUL_DESC_BIAS_POINTER:
      return take(product->bias);
    default:
      return CUBLAS_STATUS_INVALID_VALUE;
  }
}

cublasStatus_t f_cublasLtMatrixLayoutCreate(
    cublasLtMatrixLayout_t* made,
    cudaDataType_t type,
    std::uint64_t rows,
    std::uint64_t columns,
    std::int64_t ld) {
  if (ld < static_cast<std::int64_t>(rows)) return CUBLAS_STATUS_INVALID_VALUE;
  *made = reinterpret_cast<cublasLtMatrixLayout_t>(
      new FakeLayout{type, rows, columns, ld});
  return CUBLAS_STATUS_SUCCESS;
}

cublasStatus_t f_cublasLtMatrixLayoutDestroy(cublasLtMatrixLayout_t layout) {
  delete reinterpret_cast<FakeLayout*>(layout);
  return CUBLAS_STATUS_SUCCESS;
}

cublasStatus_t f_cublasLtMatrixLayoutSetAttribute(
    cublasLtMatrixLayout_t handle,
    cublasLtMatrixLayoutAttribute_t which,
    const void* value,
    std::size_t) {
  auto* layout = reinterpret_cast<FakeLayout*>(handle);
  if (which == CUBLASLT_MATRIX_LAYOUT_BATCH_COUNT) {
    std::memcpy(&layout->batches, value, sizeof(layout->batches));
  } else if (which == CUBLASLT_MATRIX_LAYOUT_STRIDED_BATCH_OFFSET) {
    std::memcpy(&layout->stride, value, sizeof(layout->stride));
  } else {
    return CUBLAS_STATUS_INVALID_VALUE;
  }
  return CUBLAS_STATUS_SUCCESS;
}

cublasStatus_t f_cublasLtMatmulPreferenceCreate(
    cublasLtMatmulPreference_t* made) {
  *made = reinterpret_cast<cublasLtMatmulPreference_t>(new FakePreference);
  return CUBLAS_STATUS_SUCCESS;
}

cublasStatus_t f_cublasLtMatmulPreferenceDestroy(
    cublasLtMatmulPreference_t preference) {
  delete reinterpret_cast<FakePreference*>(preference);
  return CUBLAS_STATUS_SUCCESS;
}

cublasStatus_t f_cublasLtMatmulPreferenceSetAttribute(
    cublasLtMatmulPreference_t preference,
    cublasLtMatmulPreferenceAttributes_t which,
    const void* value,
    std::size_t) {
  if (which == CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_A_BYTES) {
    std::memcpy(
        &reinterpret_cast<FakePreference*>(preference)->alignment,
        value,
        sizeof(std::uint32_t));
  }
  return CUBLAS_STATUS_SUCCESS;
}

cublasStatus_t f_cublasLtMatmulAlgoGetHeuristic(
    cublasLtHandle_t,
    cublasLtMatmulDesc_t,
    cublasLtMatrixLayout_t,
    cublasLtMatrixLayout_t,
    cublasLtMatrixLayout_t,
    cublasLtMatrixLayout_t,
    cublasLtMatmulPreference_t preference,
    int,
    cublasLtMatmulHeuristicResult_t* found,
    int* count) {
  *count = 1;
  promised(found->algo) =
      reinterpret_cast<FakePreference*>(preference)->alignment;
  found->workspaceSize = 1024;
  found->state = CUBLAS_STATUS_SUCCESS;
  return CUBLAS_STATUS_SUCCESS;
}

// D = op(A) op(B), then the epilogue; matrices by columns.
cublasStatus_t f_cublasLtMatmul(
    cublasLtHandle_t,
    cublasLtMatmulDesc_t product_handle,
    const void* alpha,
    const void* a,
    cublasLtMatrixLayout_t a_handle,
    const void* b,
    cublasLtMatrixLayout_t b_handle,
    const void* beta,
    const void*,
    cublasLtMatrixLayout_t,
    void* d,
    cublasLtMatrixLayout_t d_handle,
    const cublasLtMatmulAlgo_t* algorithm,
    void* workspace,
    std::size_t workspace_size,
    CUstream handle) {
  FakeStream* stream = as_stream(handle);
  const FakeProduct product = *reinterpret_cast<FakeProduct*>(product_handle);
  const FakeLayout la = *reinterpret_cast<FakeLayout*>(a_handle);
  const FakeLayout lb = *reinterpret_cast<FakeLayout*>(b_handle);
  const FakeLayout ld = *reinterpret_cast<FakeLayout*>(d_handle);
  note(
      "cublasLtMatmul",
      keratin::format(
          "[{}, {}] epilogue {}",
          ld.columns,
          ld.rows,
          static_cast<int>(product.epilogue)),
      stream);
  const bool wide = ld.type == CUDA_R_64F;
  const double one = wide ? *static_cast<const double*>(alpha)
                          : *static_cast<const float*>(alpha);
  const double zero = wide ? *static_cast<const double*>(beta)
                           : *static_cast<const float*>(beta);
  const bool ta = product.a == CUBLAS_OP_T;
  const bool tb = product.b == CUBLAS_OP_T;
  const std::uint64_t k = ta ? la.rows : la.columns;
  if (one != 1 || zero != 0 || algorithm == nullptr ||
      (ta ? la.columns : la.rows) != ld.rows ||
      (tb ? lb.rows : lb.columns) != ld.columns ||
      (tb ? lb.columns : lb.rows) != k || la.batches != ld.batches ||
      lb.batches != ld.batches) {
    return CUBLAS_STATUS_INVALID_VALUE;
  }
  const auto at = [](const void* data) {
    return reinterpret_cast<std::uint64_t>(data);
  };
  for (const void* data : {a, b, static_cast<const void*>(d)}) {
    cublasLtMatmulAlgo_t copy = *algorithm;
    if (at(data) % promised(copy) != 0) {
      violate(
          keratin::format("cublasLtMatmul: not on {} bytes", promised(copy)));
    }
  }
  Operation operation;
  operation.name = "cublasLtMatmul";
  operation.uses = {at(a), at(b), at(d)};
  if (workspace_size > 0) operation.uses.push_back(at(workspace));
  operation.run = [=] {
    if (workspace_size > 0) std::memset(workspace, 0xFF, workspace_size);
    for (std::int32_t batch = 0; batch < ld.batches; ++batch) {
      for (std::uint64_t j = 0; j < ld.columns; ++j) {
        for (std::uint64_t i = 0; i < ld.rows; ++i) {
          double sum = 0;
          for (std::uint64_t l = 0; l < k; ++l) {
            const std::int64_t from_a =
                ta ? std::int64_t(i) * la.ld + std::int64_t(l)
                   : std::int64_t(l) * la.ld + std::int64_t(i);
            const std::int64_t from_b =
                tb ? std::int64_t(l) * lb.ld + std::int64_t(j)
                   : std::int64_t(j) * lb.ld + std::int64_t(l);
            sum += read(a, la.type, batch * la.stride + from_a) *
                   read(b, lb.type, batch * lb.stride + from_b);
          }
          if (product.bias != nullptr) {
            sum += read(product.bias, ld.type, std::int64_t(i));
          }
          if (product.epilogue == CUBLASLT_EPILOGUE_RELU_BIAS && sum < 0) {
            sum = 0;
          }
          write(
              d,
              ld.type,
              batch * ld.stride + std::int64_t(j) * ld.ld + std::int64_t(i),
              sum);
        }
      }
    }
  };
  enqueue(stream, std::move(operation));
  return CUBLAS_STATUS_SUCCESS;
}

}  // namespace

StandIn::StandIn() {
  // Images are kept beside the libraries they name, not in the user's cache.
  static const env::ScopedSetting cache(
      "KERATIN_CACHE", std::string(KERATIN_CUDA_TEST_DIR) + "/cache");
  state().host.barrier = [] { Fibers::get().barrier(); };
  state().host.exchange =
      [](const void* mine, unsigned size, int mask, void* out) {
        Fibers::get().exchange(mine, size, mask, out);
      };
#define KERATIN_FAKE_DRIVER(name) api_.driver.name = f_##name;
#define KERATIN_FAKE_NVRTC(name) api_.nvrtc.name = f_##name;
#define KERATIN_FAKE_BLAS(name) api_.blas.name = f_##name;
  KERATIN_CUDA_DRIVER(KERATIN_FAKE_DRIVER)
  KERATIN_CUDA_NVRTC(KERATIN_FAKE_NVRTC)
  KERATIN_CUDA_BLASLT(KERATIN_FAKE_BLAS)
}

StandIn& StandIn::get() {
  static auto* stand_in = new StandIn;
  return *stand_in;
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
  const auto run = [&] {
    for (std::size_t i = next++; i < work.size(); i = next++) {
      try {
        paths[i] = build_library(work[i].first);
      } catch (...) {
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
