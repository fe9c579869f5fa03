// Sorting and the k largest: by index, so that nothing is allocated and ties
// keep their order.

#include <algorithm>

#include "src/backends/reference/common.hpp"

namespace keratin::reference {

namespace {

// NaN counts as larger than every number, as in NumPy.
template <class T>
bool precedes(T a, T b) {
  const auto u = load(a);
  const auto v = load(b);
  return u < v || (u == u && v != v);
}

class SortKernel final : public BoundKernel {
 public:
  SortKernel(const Graph& graph, const Node& node)
      : axis_(graph.type(node.inputs[0]).shape, node.attrs.integer("axis")) {}

  std::int64_t scratch_bytes() const override {
    return axis_.size * static_cast<std::int64_t>(sizeof(std::int32_t));
  }

  void run() override {
    visit_dtype(in().type->dtype, [&](auto tag) {
      using T = typename decltype(tag)::type;
      auto* order = reinterpret_cast<std::int32_t*>(scratch());
      for (std::int64_t o = 0; o < axis_.outer; ++o) {
        for (std::int64_t i = 0; i < axis_.inner; ++i) {
          const std::int64_t base = o * axis_.size * axis_.inner + i;
          sort_line(in().as<const T>() + base, order);
          for (std::int64_t k = 0; k < axis_.size; ++k) {
            const std::int64_t to = base + k * axis_.inner;
            out(0).as<T>()[to] =
                in().as<const T>()[base + order[k] * axis_.inner];
            out(1).as<std::int32_t>()[to] = order[k];
          }
        }
      }
    });
  }

 private:
  template <class T>
  void sort_line(const T* x, std::int32_t* order) const {
    for (std::int64_t k = 0; k < axis_.size; ++k) {
      order[k] = static_cast<std::int32_t>(k);
    }
    const std::int64_t step = axis_.inner;
    std::sort(
        order, order + axis_.size, [x, step](std::int32_t a, std::int32_t b) {
          if (precedes(x[a * step], x[b * step])) return true;
          if (precedes(x[b * step], x[a * step])) return false;
          return a < b;
        });
  }

  AxisView axis_;
};

class TopKKernel final : public BoundKernel {
 public:
  TopKKernel(const Graph& graph, const Node& node)
      : size_(graph.type(node.inputs[0]).shape.back()),
        k_(node.attrs.integer("k")),
        rows_(
            size_ == 0 ? 0 : graph.type(node.inputs[0]).shape.size() / size_) {}

  std::int64_t scratch_bytes() const override {
    return size_ * static_cast<std::int64_t>(sizeof(std::int32_t));
  }

  void run() override {
    visit_dtype(in().type->dtype, [&](auto tag) {
      using T = typename decltype(tag)::type;
      auto* order = reinterpret_cast<std::int32_t*>(scratch());
      for (std::int64_t row = 0; row < rows_; ++row) {
        const T* x = in().as<const T>() + row * size_;
        for (std::int64_t i = 0; i < size_; ++i) {
          order[i] = static_cast<std::int32_t>(i);
        }
        std::partial_sort(
            order,
            order + k_,
            order + size_,
            [x](std::int32_t a, std::int32_t b) {
              if (precedes(x[b], x[a])) return true;
              if (precedes(x[a], x[b])) return false;
              return a < b;
            });
        for (std::int64_t i = 0; i < k_; ++i) {
          out(0).as<T>()[row * k_ + i] = x[order[i]];
          out(1).as<std::int32_t>()[row * k_ + i] = order[i];
        }
      }
    });
  }

 private:
  std::int64_t size_;
  std::int64_t k_;
  std::int64_t rows_;
};

constexpr KernelEntry kEntries[] = {
    {"reference.sort", supports_ops<Op::sort>, make_kernel<SortKernel>},
    {"reference.top_k", supports_ops<Op::top_k>, make_kernel<TopKKernel>},
};

}  // namespace

std::span<const KernelEntry> sort_kernels() {
  return kEntries;
}

}  // namespace keratin::reference
