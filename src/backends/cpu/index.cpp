// Rows by their numbers: take (embeddings) and its gradient, scatter_add.

#include <algorithm>
#include <cstring>
#include <limits>
#include <memory>
#include <utility>
#include <vector>

#include "src/backends/cpu/families.hpp"
#include "src/backends/reference/common.hpp"
#include "src/core/format.hpp"
#include "src/core/parallel.hpp"

namespace keratin::cpu {

namespace {

constexpr std::int64_t kGrain = 32 << 10;  // elements worth a second thread

// Runs of at least this many elements make copying by runs worth while.
constexpr std::int64_t kMinRun = 4;

class TakeKernel final : public host::Kernel {
 public:
  TakeKernel(const Graph& graph, const Node& node)
      : axis_(graph.type(node.inputs[0]).shape, node.attrs.integer("axis")),
        count_(graph.type(node.inputs[1]).shape.size()) {}

  void bind(const host::Binding& binding) override { binding_ = binding; }

  void run() override {
    const auto* x = binding_.inputs[0].as<const float>();
    auto* y = binding_.outputs[0].as<float>();
    parallel_for(
        axis_.outer * count_,
        std::max<std::int64_t>(1, kGrain / axis_.inner),
        [&](std::int64_t begin, std::int64_t end) {
          for (std::int64_t row = begin; row < end; ++row) {
            const std::int64_t index =
                reference::load_index(binding_.inputs[1], row % count_);
            float* to = y + row * axis_.inner;
            if (index < 0 || index >= axis_.size) {
              std::fill_n(
                  to, axis_.inner, std::numeric_limits<float>::quiet_NaN());
              continue;
            }
            const std::int64_t from = row / count_ * axis_.size + index;
            std::memcpy(
                to,
                x + from * axis_.inner,
                static_cast<std::size_t>(axis_.inner) * sizeof(float));
          }
        });
  }

 private:
  reference::AxisView axis_;
  std::int64_t count_;
  host::Binding binding_;
};

// The columns of the result are shared out among the threads, so that rows
// named twice are added up in the order of the updates.
class ScatterAddKernel final : public host::Kernel {
 public:
  ScatterAddKernel(const Graph& graph, const Node& node)
      : axis_(node.attrs.shape(), node.attrs.integer("axis")),
        count_(graph.type(node.inputs[0]).shape.size()) {}

  void bind(const host::Binding& binding) override { binding_ = binding; }

  void run() override {
    auto* y = binding_.outputs[0].as<float>();
    const std::int64_t size = axis_.outer * axis_.size * axis_.inner;
    parallel_for(size, kGrain, [&](std::int64_t begin, std::int64_t end) {
      std::memset(
          y + begin, 0, static_cast<std::size_t>(end - begin) * sizeof(float));
    });
    const std::int64_t work = axis_.outer * count_;
    if (work == 0) return;
    parallel_for(
        axis_.inner,
        std::max<std::int64_t>(16, kGrain / work),
        [&](std::int64_t begin, std::int64_t end) { add(y, begin, end); });
  }

 private:
  void add(float* y, std::int64_t begin, std::int64_t end) const {
    const auto* updates = binding_.inputs[1].as<const float>();
    for (std::int64_t row = 0; row < axis_.outer * count_; ++row) {
      const std::int64_t index =
          reference::load_index(binding_.inputs[0], row % count_);
      if (index < 0 || index >= axis_.size) continue;
      const std::int64_t at = row / count_ * axis_.size + index;
      const float* from = updates + row * axis_.inner;
      float* to = y + at * axis_.inner;
      for (std::int64_t c = begin; c < end; ++c) to[c] += from[c];
    }
  }

  reference::AxisView axis_;
  std::int64_t count_;
  host::Binding binding_;
};

Support supports(const Graph& graph, const Node& node) {
  if (node.op != Op::take && node.op != Op::scatter_add) {
    return Support::no("");
  }
  const ValueType& y = graph.type(node.outputs[0]);
  if (y.dtype != DType::f32) {
    return Support::no(keratin::format("takes f32, not {}", y.dtype));
  }
  const Shape& x =
      node.op == Op::take ? graph.type(node.inputs[0]).shape : y.shape;
  if (x.size() == 0 || y.shape.size() == 0) return Support::no("no elements");
  if (reference::AxisView(x, node.attrs.integer("axis")).inner < kMinRun) {
    return Support::no("the rows are short");
  }
  return Support::yes();
}

std::unique_ptr<host::Kernel> make(
    host::KernelFactory&, const Graph& graph, const Node& node) {
  if (node.op == Op::take) return std::make_unique<TakeKernel>(graph, node);
  return std::make_unique<ScatterAddKernel>(graph, node);
}

}  // namespace

std::vector<host::KernelEntry> families::index_kernels() {
  return {{"cpu.rows", supports, make}};
}

}  // namespace keratin::cpu
