#pragma once

#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <keratin/tensor.hpp>

#include "src/ir/graph.hpp"
#include "src/ir/variable_state.hpp"
#include "src/passes/pass.hpp"
#include "src/runtime/choices.hpp"

namespace keratin {

/// Memory that the programs of one model share, one running at a time. Grows
/// to what the largest needs. Opaque outside its backend.
class Workspace {
 public:
  Workspace() = default;
  virtual ~Workspace() = default;
  Workspace(const Workspace&) = delete;
  Workspace& operator=(const Workspace&) = delete;
};

struct CompileOptions {
  std::string name = "program";          // for logs, dumps and profiles
  std::shared_ptr<Workspace> workspace;  // null: one of its own
  bool check_nan =
      false;  // stop at the first NaN or Inf, naming node and layer
  bool deterministic = false;  // choose kernels without timing

  /// What was chosen by timing for the model's other programs: looked up before
  /// anything is timed, and added to. Null: the process's own are all there is.
  std::shared_ptr<Choices> choices;

  /// A batch smaller than the run's others: takes the choices made for them.
  bool partial_batch = false;
};

/// What a program is after compiling.
struct ExecutableStats {
  std::size_t kernels = 0;
  std::int64_t arena_bytes = 0;
  std::int64_t constant_bytes = 0;
};

/// A compiled graph. run() is not reentrant.
class Executable {
 public:
  Executable() = default;
  virtual ~Executable() = default;
  Executable(const Executable&) = delete;
  Executable& operator=(const Executable&) = delete;

  /// Runs once. `inputs`: one per parameter, of its type. `outputs` is resized
  /// to the graph's outputs; a tensor already there of the right type that
  /// nobody shares is written in place, so a caller that keeps it allocates
  /// nothing. Variables are read and assigned on the device.
  virtual void run(
      std::span<const Tensor> inputs, std::vector<Tensor>& outputs) = 0;

  virtual ExecutableStats stats() const = 0;
};

/// A kind of device that runs graphs. Stateless but for the devices themselves;
/// lives for the whole process.
class Backend {
 public:
  Backend() = default;
  virtual ~Backend() = default;
  Backend(const Backend&) = delete;
  Backend& operator=(const Backend&) = delete;

  virtual std::string_view name() const = 0;

  /// One line per device: "cpu: AMD EPYC ..., 2 threads, avx512".
  virtual std::vector<std::string> devices() const = 0;

  /// Whether compile() takes the node as it is.
  virtual Support supports(const Graph& graph, const Node& node) const = 0;

  /// Passes of its own.
  virtual std::vector<Pass> passes() const = 0;

  /// `graph` has been through the pipeline.
  virtual std::unique_ptr<Executable> compile(
      Graph graph, const CompileOptions& options) = 0;

  virtual std::shared_ptr<Workspace> make_workspace() = 0;

  /// Storage for a variable, uninitialised.
  virtual std::shared_ptr<DeviceStorage> allocate(
      DType dtype, const Shape& shape) = 0;

  /// Waits until everything handed to the device is done.
  virtual void synchronize() = 0;
};

}  // namespace keratin
