#include "src/backends/cpu/backend.hpp"

#include <utility>
#include <vector>

#include <keratin/threads.hpp>

#include "src/backends/cpu/compute_in_float.hpp"
#include "src/backends/cpu/epilogue.hpp"
#include "src/backends/cpu/families.hpp"
#include "src/backends/cpu/norm_gate.hpp"
#include "src/backends/cpu/sink_operands.hpp"
#include "src/backends/host/executable.hpp"
#include "src/backends/reference/kernels.hpp"
#include "src/core/cpu_features.hpp"
#include "src/core/format.hpp"
#include "src/runtime/remembered_choices.hpp"

namespace keratin::cpu {

namespace {

constexpr std::string_view kName = "cpu";

class CpuBackend final : public Backend {
 public:
  std::string_view name() const override { return kName; }

  std::vector<std::string> devices() const override {
    const CpuFeatures& features = cpu_features();
    return {keratin::format(
        "cpu: {}, {} {}, {}",
        features.model,
        num_threads(),
        num_threads() == 1 ? "thread" : "threads",
        features.isa.empty() ? "baseline" : features.isa.back())};
  }

  Support supports(const Graph& graph, const Node& node) const override {
    return host::supports(kernels(), graph, node);
  }

  std::vector<Pass> passes() const override {
    // What the first leaves unused must not count as a user for the second.
    return {
        {"compute_in_float",
         [](const Graph& graph) {
           return compute_in_float(graph, multiplies_bfloat16());
         }},
        {"fuse_norm_gates",
         [](const Graph& graph) {
           return eliminate_dead(fuse_norm_gates(graph));
         }},
        {"fuse_epilogues", fuse_epilogues},
        {"sink_operands", sink_operands, /*after_fusion=*/true}};
  }

  std::unique_ptr<Executable> compile(
      Graph graph, const CompileOptions& options) override {
    auto executable =
        host::compile(std::move(graph), kernels(), kName, options);
    save_remembered_choices();
    return executable;
  }

  std::shared_ptr<Workspace> make_workspace() override {
    return host::make_workspace();
  }

  std::shared_ptr<DeviceStorage> allocate(
      DType dtype, const Shape& shape) override {
    return host::allocate(kName, dtype, shape);
  }

  void synchronize() override {}  // run() returns when all is done
};

}  // namespace

std::unique_ptr<Backend> make_backend() {
  return std::make_unique<CpuBackend>();
}

std::span<const host::KernelEntry> kernels() {
  static const std::vector<host::KernelEntry> all = [] {
    std::vector<host::KernelEntry> table;
    for (const auto& family :
         {families::matmul_kernels(),
          families::conv_kernels(),
          families::pool_kernels(),
          families::elementwise_kernels(),
          families::reduce_kernels(),
          families::softmax_kernels(),
          families::batch_norm_kernels(),
          families::layer_norm_kernels(),
          families::attention_kernels(),
          families::random_kernels(),
          families::move_kernels(),
          families::index_kernels()}) {
      table.insert(table.end(), family.begin(), family.end());
    }
    const auto rest = reference::kernels();
    table.insert(table.end(), rest.begin(), rest.end());
    return table;
  }();
  return all;
}

}  // namespace keratin::cpu
