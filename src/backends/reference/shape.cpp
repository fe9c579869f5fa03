// Ops that move elements without computing: strided copies.

#include <cstring>

#include "src/backends/reference/common.hpp"

namespace keratin::reference {

namespace {

using Steps = std::vector<std::int64_t>;

// transpose, broadcast_to, slice and reverse: the result's elements are read
// from the operand in some stride.
class GatherKernel final : public BoundKernel {
 public:
  GatherKernel(const Graph& graph, const Node& node) {
    const ValueType& x = graph.type(node.inputs[0]);
    const ValueType& y = graph.type(node.outputs[0]);
    const Steps dense = x.shape.strides();
    Steps steps = dense;
    std::int64_t offset = 0;
    switch (node.op) {
      case Op::transpose: {
        const Ints& permutation = node.attrs.ints("permutation");
        for (std::size_t i = 0; i < steps.size(); ++i) {
          steps[i] = dense[permutation[i]];
        }
        break;
      }
      case Op::broadcast_to:
        steps = broadcast_strides(x.shape, y.shape);
        break;
      case Op::slice:
        for (std::size_t i = 0; i < steps.size(); ++i) {
          offset += node.attrs.ints("start")[i] * dense[i];
          steps[i] *= node.attrs.ints("step")[i];
        }
        break;
      case Op::reverse:
        for (const std::int64_t axis : node.attrs.ints("axes")) {
          offset += (x.shape[axis] - 1) * dense[axis];
          steps[axis] = -dense[axis];
        }
        break;
      default:
        KERATIN_UNREACHABLE();
    }
    copy_ = StridedCopy(
        y.shape.dims(), steps, offset, y.shape.strides(), 0, x.dtype);
  }

  void run() override { copy_.run(in().data, out().data); }

 private:
  StridedCopy copy_;
};

class ConcatenateKernel final : public BoundKernel {
 public:
  ConcatenateKernel(const Graph& graph, const Node& node) {
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

  void run() override {
    for (std::size_t i = 0; i < copies_.size(); ++i) {
      copies_[i].run(in(i).data, out().data);
    }
  }

 private:
  std::vector<StridedCopy> copies_;
};

template <class T>
void fill(void* data, std::int64_t n, double value) {
  std::fill_n(static_cast<T*>(data), n, convert_element<T>(value));
}

class PadKernel final : public BoundKernel {
 public:
  PadKernel(const Graph& graph, const Node& node)
      : value_(node.attrs.number("value")) {
    const ValueType& x = graph.type(node.inputs[0]);
    const ValueType& y = graph.type(node.outputs[0]);
    size_ = y.shape.size();
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

  void run() override {
    visit_dtype(out().type->dtype, [&](auto tag) {
      fill<typename decltype(tag)::type>(out().data, size_, value_);
    });
    copy_.run(in().data, out().data);
  }

 private:
  double value_;
  std::int64_t size_ = 0;
  StridedCopy copy_;
};

class IotaKernel final : public BoundKernel {
 public:
  IotaKernel(const Graph& graph, const Node& node)
      : axis_(graph.type(node.outputs[0]).shape, node.attrs.integer("axis")) {}

  void run() override {
    visit_dtype(out().type->dtype, [&](auto tag) {
      using T = typename decltype(tag)::type;
      T* y = out().as<T>();
      for (std::int64_t o = 0; o < axis_.outer; ++o) {
        for (std::int64_t k = 0; k < axis_.size; ++k) {
          std::fill_n(y, axis_.inner, convert_element<T>(k));
          y += axis_.inner;
        }
      }
    });
  }

 private:
  AxisView axis_;
};

constexpr KernelEntry kEntries[] = {
    {"reference.gather",
     supports_ops<Op::transpose, Op::broadcast_to, Op::slice, Op::reverse>,
     make_kernel<GatherKernel>},
    {"reference.concatenate",
     supports_ops<Op::concatenate>,
     make_kernel<ConcatenateKernel>},
    {"reference.pad", supports_ops<Op::pad>, make_kernel<PadKernel>},
    {"reference.iota", supports_ops<Op::iota>, make_kernel<IotaKernel>},
};

}  // namespace

std::span<const KernelEntry> shape_kernels() {
  return kEntries;
}

}  // namespace keratin::reference
