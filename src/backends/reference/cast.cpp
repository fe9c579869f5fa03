// Casts, and the ops that only give their operand another name.

#include <cstring>

#include "src/backends/reference/common.hpp"

namespace keratin::reference {

namespace {

using Row = void (*)(const void* x, void* y, std::int64_t n);

template <class From, class To>
void cast_row(const void* x_data, void* y_data, std::int64_t n) {
  const auto* x = static_cast<const From*>(x_data);
  auto* y = static_cast<To*>(y_data);
  for (std::int64_t i = 0; i < n; ++i) y[i] = convert_element<To>(x[i]);
}

Row find_row(DType from, DType to) {
  return visit_dtype(from, [to](auto from_tag) {
    using From = typename decltype(from_tag)::type;
    return visit_dtype(to, [](auto to_tag) -> Row {
      using To = typename decltype(to_tag)::type;
      return cast_row<From, To>;
    });
  });
}

class CastKernel final : public BoundKernel {
 public:
  CastKernel(const Graph& graph, const Node& node)
      : row_(find_row(graph.type(node.inputs[0]).dtype, node.attrs.dtype())),
        size_(graph.type(node.inputs[0]).shape.size()) {}

  bool can_overwrite(int, int) const override { return true; }

  void run() override { row_(in().data, out().data, size_); }

 private:
  Row row_;
  std::int64_t size_;
};

class AliasKernel final : public BoundKernel {
 public:
  AliasKernel(const Graph&, const Node&) {}

  bool is_alias() const override { return true; }

  bool can_overwrite(int, int) const override { return true; }

  // The plan may still want the elements elsewhere.
  void run() override {
    const std::int64_t bytes = out().type->size_bytes();
    if (bytes == 0 || out().data == in().data) return;
    std::memcpy(out().data, in().data, static_cast<std::size_t>(bytes));
  }
};

Support supports_alias(const Graph& graph, const Node& node) {
  const bool alias = node.op == Op::reshape || node.op == Op::stop_gradient ||
                     (node.op == Op::cast &&
                      graph.type(node.inputs[0]).dtype == node.attrs.dtype());
  return alias ? Support::yes() : Support::no("");
}

constexpr KernelEntry kEntries[] = {
    {"reference.alias", supports_alias, make_kernel<AliasKernel>},
    {"reference.cast", supports_ops<Op::cast>, make_kernel<CastKernel>},
};

}  // namespace

std::span<const KernelEntry> cast_kernels() {
  return kEntries;
}

}  // namespace keratin::reference
