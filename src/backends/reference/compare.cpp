// Comparisons, logic and selection.

#include <functional>

#include "src/backends/reference/elementwise.hpp"

namespace keratin::reference {

namespace {

template <class F>
BinaryRow comparison(DType dtype) {
  return visit_dtype(dtype, [](auto tag) -> BinaryRow {
    using T = typename decltype(tag)::type;
    return binary_row<F, T, bool>;
  });
}

BinaryRow find_row(Op op, DType dtype) {
  switch (op) {
    case Op::equal:
      return comparison<std::equal_to<>>(dtype);
    case Op::not_equal:
      return comparison<std::not_equal_to<>>(dtype);
    case Op::less:
      return comparison<std::less<>>(dtype);
    case Op::less_equal:
      return comparison<std::less_equal<>>(dtype);
    case Op::greater:
      return comparison<std::greater<>>(dtype);
    case Op::greater_equal:
      return comparison<std::greater_equal<>>(dtype);
    case Op::logical_and:
      return binary_row<std::logical_and<>, bool, bool>;
    case Op::logical_or:
      return binary_row<std::logical_or<>, bool, bool>;
    case Op::logical_xor:
      return binary_row<std::not_equal_to<>, bool, bool>;
    default:
      return nullptr;
  }
}

class CompareKernel final : public BinaryKernel {
 public:
  CompareKernel(const Graph& graph, const Node& node)
      : BinaryKernel(
            graph, node, find_row(node.op, graph.type(node.inputs[0]).dtype)) {}
};

// condition ? a : b over elements of one size: nothing is computed, so the
// dtype itself does not matter.
class SelectKernel final : public BoundKernel {
 public:
  SelectKernel(const Graph& graph, const Node& node)
      : element_(size_of(graph.type(node.outputs[0]).dtype)) {
    const Shape& shape = graph.type(node.outputs[0]).shape;
    std::vector<std::vector<std::int64_t>> strides;
    for (std::size_t i = 0; i < 3; ++i) {
      const Shape& operand = graph.type(node.inputs[i]).shape;
      strides.push_back(broadcast_strides(operand, shape));
      whole_[i] = operand == shape;
    }
    strides.push_back(shape.strides());
    loop_ = StridedLoop(shape.dims(), strides);
  }

  bool can_overwrite(int operand, int) const override {
    return whole_[operand];
  }

  void run() override {
    switch (element_) {
      case 1:
        return select<std::uint8_t>();
      case 2:
        return select<std::uint16_t>();
      case 4:
        return select<std::uint32_t>();
      case 8:
        return select<std::uint64_t>();
      default:
        KERATIN_UNREACHABLE();
    }
  }

 private:
  template <class T>
  void select() {
    const auto* condition = in(0).as<const bool>();
    const T* a = in(1).as<const T>();
    const T* b = in(2).as<const T>();
    T* y = out().as<T>();
    const std::int64_t c_step = loop_.row_stride(0);
    const std::int64_t a_step = loop_.row_stride(1);
    const std::int64_t b_step = loop_.row_stride(2);
    const std::int64_t n = loop_.row_size();
    loop_.run([=](const std::int64_t* offsets) {
      const bool* c = condition + offsets[0];
      const T* u = a + offsets[1];
      const T* v = b + offsets[2];
      T* to = y + offsets[3];
      for (std::int64_t i = 0; i < n; ++i) {
        to[i] = c[i * c_step] ? u[i * a_step] : v[i * b_step];
      }
    });
  }

  StridedLoop loop_;
  std::size_t element_;
  bool whole_[3] = {};
};

constexpr KernelEntry kEntries[] = {
    {"reference.compare",
     supports_ops<
         Op::equal,
         Op::not_equal,
         Op::less,
         Op::less_equal,
         Op::greater,
         Op::greater_equal,
         Op::logical_and,
         Op::logical_or,
         Op::logical_xor>,
     make_kernel<CompareKernel>},
    {"reference.select", supports_ops<Op::select>, make_kernel<SelectKernel>},
};

}  // namespace

std::span<const KernelEntry> compare_kernels() {
  return kEntries;
}

}  // namespace keratin::reference
