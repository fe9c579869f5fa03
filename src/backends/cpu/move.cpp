// Ops that move elements without computing, any dtype.

#include <algorithm>
#include <memory>
#include <utility>
#include <vector>

#include "src/backends/cpu/families.hpp"
#include "src/backends/cpu/rows.hpp"
#include "src/backends/cpu/strided_copy.hpp"
#include "src/backends/reference/common.hpp"
#include "src/core/parallel.hpp"
#include "src/core/visit.hpp"

namespace keratin::cpu {

namespace {

using Steps = std::vector<std::int64_t>;

// transpose, broadcast_to, slice and reverse: the result's elements are read
// from the operand in some stride.
StridedCopy gather_of(const Graph& graph, const Node& node) {
  const ValueType& x = graph.type(node.inputs[0]);
  const ValueType& y = graph.type(node.outputs[0]);
  const Steps dense = x.shape.strides();
  Steps steps = dense;
  std::int64_t offset = 0;
  switch (node.op) {
    case Op::transpose:
      for (std::size_t i = 0; i < steps.size(); ++i) {
        steps[i] = dense[node.attrs.ints("permutation")[i]];
      }
      break;
    case Op::broadcast_to:
      steps = reference::broadcast_strides(x.shape, y.shape);
      break;
    case Op::slice:
      for (std::size_t i = 0; i < steps.size(); ++i) {
        offset += node.attrs.ints("start")[i] * dense[i];
        steps[i] *= node.attrs.ints("step")[i];
      }
      break;
    default:  // reverse
      for (const std::int64_t axis : node.attrs.ints("axes")) {
        offset += (x.shape[axis] - 1) * dense[axis];
        steps[axis] = -dense[axis];
      }
  }
  return {y.shape.dims(), steps, offset, y.shape.strides(), 0, x.dtype};
}

// One copy per operand.
class CopyKernel final : public host::Kernel {
 public:
  CopyKernel(const Graph& graph, const Node& node) {
    if (node.op != Op::concatenate) {
      copies_.push_back(gather_of(graph, node));
      return;
    }
    const ValueType& y = graph.type(node.outputs[0]);
    const auto axis = static_cast<std::size_t>(node.attrs.integer("axis"));
    const Steps to = y.shape.strides();
    std::int64_t offset = 0;
    for (const ValueId input : node.inputs) {
      const Shape& x = graph.type(input).shape;
      copies_.emplace_back(x.dims(), x.strides(), 0, to, offset, y.dtype);
      offset += x[axis] * to[axis];
    }
  }

  void bind(const host::Binding& binding) override { binding_ = binding; }

  void run() override {
    for (std::size_t i = 0; i < copies_.size(); ++i) {
      copies_[i].run(binding_.inputs[i].data, binding_.outputs[0].data);
    }
  }

 private:
  std::vector<StridedCopy> copies_;
  host::Binding binding_;
};

class PadKernel final : public host::Kernel {
 public:
  PadKernel(const Graph& graph, const Node& node) {
    const ValueType& x = graph.type(node.inputs[0]);
    const ValueType& y = graph.type(node.outputs[0]);
    size_ = y.shape.size();
    element_ = static_cast<std::int64_t>(size_of(y.dtype));
    fill_ = fill_row(y.dtype);
    visit_dtype(y.dtype, [&](auto tag) {
      using T = typename decltype(tag)::type;
      *reinterpret_cast<T*>(value_) =
          convert_element<T>(node.attrs.number("value"));
    });
    const Steps from = x.shape.strides();
    const Steps to = y.shape.strides();
    Steps dims;
    std::int64_t from_offset = 0;
    std::int64_t to_offset = 0;
    for (std::size_t i = 0; i < from.size(); ++i) {
      const std::int64_t low = node.attrs.ints("low")[i];
      const std::int64_t high = node.attrs.ints("high")[i];
      // Negative amounts crop.
      const std::int64_t begin = std::max<std::int64_t>(0, -low);
      const std::int64_t end = x.shape[i] - std::max<std::int64_t>(0, -high);
      dims.push_back(std::max<std::int64_t>(0, end - begin));
      from_offset += begin * from[i];
      to_offset += std::max<std::int64_t>(0, low) * to[i];
    }
    copy_ = StridedCopy(dims, from, from_offset, to, to_offset, x.dtype);
  }

  void bind(const host::Binding& binding) override { binding_ = binding; }

  void run() override {
    auto* y = binding_.outputs[0].as<std::byte>();
    parallel_for(size_, 32 << 10, [&](std::int64_t begin, std::int64_t end) {
      fill_(y + begin * element_, value_, nullptr, nullptr, end - begin);
    });
    copy_.run(binding_.inputs[0].data, y);
  }

 private:
  alignas(8) std::byte value_[8] = {};
  Row fill_ = nullptr;
  std::int64_t size_ = 0;
  std::int64_t element_ = 4;
  StridedCopy copy_;
  host::Binding binding_;
};

Support supports(const Graph&, const Node& node) {
  switch (node.op) {
    case Op::transpose:
    case Op::broadcast_to:
    case Op::slice:
    case Op::reverse:
    case Op::concatenate:
    case Op::pad:
      return Support::yes();
    default:
      return Support::no("");
  }
}

std::unique_ptr<host::Kernel> make(
    host::KernelFactory&, const Graph& graph, const Node& node) {
  if (node.op == Op::pad) return std::make_unique<PadKernel>(graph, node);
  return std::make_unique<CopyKernel>(graph, node);
}

}  // namespace

std::vector<host::KernelEntry> families::move_kernels() {
  return {{"cpu.copy", supports, make}};
}

}  // namespace keratin::cpu
