#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "src/backends/host/executable.hpp"

/// A backend as docs/adding_a_backend.md tells to write one on the host: a
/// table of kernels, and host::compile for the rest.
namespace keratin::testing {

/// Float arrays, element by element.
class OwnMultiply final : public host::Kernel {
 public:
  OwnMultiply(const Graph& graph, const Node& node)
      : size_(graph.type(node.outputs[0]).shape.size()) {}

  void bind(const host::Binding& binding) override { binding_ = binding; }

  void run() override {
    const float* const a = binding_.inputs[0].as<float>();
    const float* const b = binding_.inputs[1].as<float>();
    float* const y = binding_.outputs[0].as<float>();
    for (std::int64_t i = 0; i < size_; ++i) y[i] = a[i] * b[i];
  }

 private:
  std::int64_t size_;
  host::Binding binding_;
};

inline Support supports_own_multiply(const Graph& graph, const Node& node) {
  if (node.op != Op::multiply) return Support::no("");
  const ValueType& y = graph.type(node.outputs[0]);
  if (y.dtype != DType::f32) return Support::no("multiplies f32 only");
  for (const ValueId input : node.inputs) {
    if (graph.type(input).shape != y.shape) {
      return Support::no("does not broadcast");
    }
  }
  return Support::yes();
}

inline std::unique_ptr<host::Kernel> make_own_multiply(
    host::KernelFactory&, const Graph& graph, const Node& node) {
  return std::make_unique<OwnMultiply>(graph, node);
}

inline constexpr host::KernelEntry kOwnMultiply = {
    "own.multiply", supports_own_multiply, make_own_multiply};

class OwnBackend final : public Backend {
 public:
  explicit OwnBackend(std::vector<host::KernelEntry> kernels)
      : kernels_(std::move(kernels)) {}

  std::string_view name() const override { return "own"; }

  std::vector<std::string> devices() const override {
    return {"own:0: a loop"};
  }

  Support supports(const Graph& graph, const Node& node) const override {
    return host::supports(kernels_, graph, node);
  }

  std::vector<Pass> passes() const override { return {}; }

  std::unique_ptr<Executable> compile(
      Graph graph, const CompileOptions& options) override {
    return host::compile(std::move(graph), kernels_, name(), options);
  }

  std::shared_ptr<Workspace> make_workspace() override {
    return host::make_workspace();
  }

  std::shared_ptr<DeviceStorage> allocate(
      DType dtype, const Shape& shape) override {
    return host::allocate(name(), dtype, shape);
  }

  void synchronize() override {}

 private:
  std::vector<host::KernelEntry> kernels_;
};

}  // namespace keratin::testing
