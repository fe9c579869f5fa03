#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <variant>
#include <vector>

#include "src/backends/cuda/kernel_source.hpp"
#include "src/ir/graph.hpp"

/// What a program does, in order, before it knows any address.
namespace keratin::cuda {

using DevicePtr = unsigned long long;  // as the driver's CUdeviceptr
struct Stream;                         // CUstream_st

/// Where something is: an offset from the start of one of the program's
/// memories.
struct Place {
  enum class Base : std::uint8_t { none, arena, input, constant, variable };
  Base base = Base::none;
  std::int32_t index = 0;   // which input, constant or variable
  std::int64_t offset = 0;  // bytes

  Place plus(std::int64_t bytes) const {
    Place moved = *this;
    moved.offset += bytes;
    return moved;
  }

  bool operator==(const Place&) const = default;
};

using Argument = std::variant<Place, std::int64_t>;

/// A generated kernel over some blocks of kernel->threads threads.
struct Launch {
  std::shared_ptr<const KernelSource> kernel;
  std::int64_t blocks = 1;
  std::vector<Argument> arguments;
};

struct Copy {
  Place to;
  Place from;
  std::int64_t bytes = 0;
};

struct Zero {
  Place at;
  std::int64_t bytes = 0;
};

/// A call of cuBLASLt or cuDNN with everything chosen but the addresses. It
/// enqueues work on a stream and never waits.
class LibraryCall {
 public:
  LibraryCall() = default;
  virtual ~LibraryCall() = default;
  LibraryCall(const LibraryCall&) = delete;
  LibraryCall& operator=(const LibraryCall&) = delete;

  virtual std::string name() const = 0;  // "cublasLt.matmul"
  virtual void run(
      const std::vector<DevicePtr>& buffers, void* stream) const = 0;
};

struct Call {
  std::shared_ptr<const LibraryCall> call;
  std::vector<Place> buffers;
};

struct Step;

/// Runs `condition`, reads the bool at `predicate` on the host, and runs `body`
/// while it is true: the one step that waits for the device.
struct Loop {
  std::shared_ptr<const std::vector<Step>> condition;
  std::shared_ptr<const std::vector<Step>> body;
  Place predicate;
  std::int64_t limit = -1;  // iterations; -1: none
};

struct Step {
  std::variant<Launch, Copy, Zero, Call, Loop> what;
  std::string who;   // "[matmul %7 @dense_1]"
  NodeId node = -1;  // of the program's graph, not of a sub-graph; -1: none
};

using Steps = std::vector<Step>;

/// "kt_softmax", "cublasLt.matmul", "copy": for logs and profiles.
std::string name_of(const Step& step);

}  // namespace keratin::cuda
