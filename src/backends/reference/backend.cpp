#include "src/backends/reference/backend.hpp"

#include "src/backends/host/executable.hpp"
#include "src/backends/host/memory.hpp"
#include "src/backends/host/selection.hpp"
#include "src/backends/reference/kernels.hpp"
#include "src/core/check.hpp"
#include "src/core/cpu_features.hpp"
#include "src/core/format.hpp"
#include "src/core/parallel.hpp"

namespace keratin::reference {

namespace {

constexpr std::string_view kName = "reference";

class ReferenceBackend final : public Backend {
 public:
  std::string_view name() const override { return kName; }

  std::vector<std::string> devices() const override {
    return {keratin::format("reference: {}", cpu_features().model)};
  }

  Support supports(const Graph& graph, const Node& node) const override {
    return host::supports(kernels(), graph, node);
  }

  std::vector<Pass> passes() const override { return {}; }

  std::unique_ptr<Executable> compile(
      Graph graph, const CompileOptions& options) override {
    return host::compile(std::move(graph), kernels(), kName, options);
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
  return std::make_unique<ReferenceBackend>();
}

std::vector<Tensor> evaluate(
    const Graph& graph, const Node& node, const std::vector<Tensor>& inputs) {
  KERATIN_CHECK(
      inputs.size() == node.inputs.size(), "operands of {}", graph.who(node));
  const ComputeScope compute;
  host::TableFactory factory(kernels(), std::string(kName));
  const std::unique_ptr<host::Kernel> kernel = factory.make(graph, node);
  std::vector<Tensor> outputs;
  outputs.reserve(node.outputs.size());
  host::Binding binding;
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    // Kernels do not write to operands unless a plan lets them.
    binding.inputs.push_back(
        {const_cast<void*>(inputs[i].raw()), &graph.type(node.inputs[i])});
  }
  for (const ValueId id : node.outputs) {
    const ValueType& type = graph.type(id);
    outputs.push_back(Tensor::uninitialized(type.dtype, type.shape));
    binding.outputs.push_back({outputs.back().mutable_raw(), &type});
  }
  const host::AlignedBuffer scratch(kernel->scratch_bytes());
  binding.scratch = scratch.data();
  kernel->bind(binding);
  kernel->run();
  return outputs;
}

}  // namespace keratin::reference
