#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <filesystem>
#include <functional>
#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "tests/backends/cuda/stand_in.hpp"

/// What the rooms of the stand-in share: its memory, its streams, what was
/// called. stand_in.cpp is driver and NVRTC, stand_in_kernels.cpp runs kernels
/// on the host, stand_in_blas.cpp is cuBLASLt.
namespace keratin::cuda::testing {

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

inline constexpr std::int64_t kGuard = 256;
inline constexpr int kGuardByte = 0xA5;

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

State& state();
void violate(std::string text);

/// Records a call; the failure that was asked for, if it is this one's.
CUresult note(
    const std::string& name,
    std::string detail = {},
    const FakeStream* stream = nullptr);
FakeStream* as_stream(CUstream stream);

/// Now, or when the graph is replayed that is being captured.
CUresult enqueue(FakeStream* stream, Operation operation);

// -- kernels on the host

/// What kernels call to wait for each other and to exchange values.
void set_host_calls(Host& host);
void run_kernel(
    const Function& function, unsigned grid, unsigned block, void** arguments);

/// What calls a kernel of this text with an array of arguments.
std::string thunk_of(const std::string& text, const std::string& name);

/// Whether a kernel's threads wait for each other.
bool waits(const std::string& text);
std::string all_families();

/// The path of a library with the text's kernels; throws what the compiler
/// said.
std::string build_library(const std::string& text);

// -- NVRTC

void set_nvrtc(NvrtcApi& nvrtc);

// -- cuBLASLt

void set_blas(BlasLtApi& blas);

}  // namespace keratin::cuda::testing
