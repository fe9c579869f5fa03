#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "src/backends/cuda/api.hpp"
#include "src/backends/cuda/kernel_source.hpp"

/// A GPU that is not there: the tables of driver, NVRTC and cuBLASLt filled
/// with functions of our own.
///
/// * Memory is the host's, filled with NaNs, with guards around every block.
/// * Streams are queues. Nothing in them happens before somebody waits, and
///   copies read their source only then: a staging buffer that is written too
///   early, memory freed too early, a missing wait give wrong results or a
///   violation.
/// * Kernels are compiled for the host, by the compiler that built the tests,
///   and run thread by thread; threads that wait for each other are fibers.
/// * cuBLASLt's descriptions are read as its documentation has them, and the
///   product is computed by plain loops.
namespace keratin::cuda::testing {

/// One call of the tables, in order.
struct Recorded {
  std::string name;    // "cuLaunchKernel"
  std::string detail;  // the kernel, or the bytes
  int stream = -1;     // 0, 1, ... by creation
  bool captured = false;
};

class StandIn {
 public:
  /// The one device of the process, freshly reset.
  static StandIn& get();

  const Api& api() const { return api_; }

  /// Compiles many kernels at once for later use, a few to a file.
  void precompile(
      const std::vector<std::shared_ptr<const KernelSource>>& kernels);

  const std::vector<Recorded>& calls() const;
  void clear_calls();
  std::int64_t count(const std::string& name) const;

  /// What must not happen and did, since the start.
  const std::vector<std::string>& violations() const;
  void clear_violations();

  /// Bytes of device memory in use, and how many more there may be before
  /// cuMemAlloc fails.
  std::int64_t bytes_in_use() const;
  void limit_memory(std::int64_t bytes);  // -1: no limit

  /// The call of this name fails from now on with this code; empty: none does.
  void fail(std::string name, CUresult code);

 private:
  StandIn();

  Api api_;
};

}  // namespace keratin::cuda::testing
