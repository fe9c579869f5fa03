// Gathering and scattering by indices, one-hot rows, running sums.

#include <cstring>
#include <limits>

#include "src/backends/reference/common.hpp"

namespace keratin::reference {

namespace {

// What a wrong index reads.
template <class T>
T out_of_range() {
  if constexpr (kIsFloating<T>) {
    return convert_element<T>(std::numeric_limits<double>::quiet_NaN());
  } else {
    return T{};
  }
}

class TakeKernel final : public BoundKernel {
 public:
  TakeKernel(const Graph& graph, const Node& node)
      : axis_(graph.type(node.inputs[0]).shape, node.attrs.integer("axis")),
        count_(graph.type(node.inputs[1]).shape.size()) {}

  void run() override {
    visit_dtype(out().type->dtype, [&](auto tag) {
      using T = typename decltype(tag)::type;
      const T* x = in(0).as<const T>();
      T* y = out().as<T>();
      for (std::int64_t o = 0; o < axis_.outer; ++o) {
        for (std::int64_t i = 0; i < count_; ++i) {
          const std::int64_t index = load_index(in(1), i);
          if (index < 0 || index >= axis_.size) {
            std::fill_n(y, axis_.inner, out_of_range<T>());
          } else {
            std::copy_n(
                x + (o * axis_.size + index) * axis_.inner, axis_.inner, y);
          }
          y += axis_.inner;
        }
      }
    });
  }

 private:
  AxisView axis_;
  std::int64_t count_;
};

// Sums in double for floats, in the result itself for the rest.
template <class T>
using Cell = std::conditional_t<kIsFloating<T>, double, T>;

class ScatterBase : public BoundKernel {
 public:
  ScatterBase(const Graph& graph, const Node& node)
      : axis_(node.attrs.shape(), node.attrs.integer("axis")),
        size_(node.attrs.shape().size()) {
    const DType dtype = graph.type(node.outputs[0]).dtype;
    in_scratch_ = is_floating(dtype) && dtype != DType::f64;
  }

  std::int64_t scratch_bytes() const override {
    return in_scratch_ ? size_ * static_cast<std::int64_t>(sizeof(double)) : 0;
  }

  void run() override {
    visit_numeric(out().type->dtype, [&](auto tag) {
      using T = typename decltype(tag)::type;
      auto* cells = reinterpret_cast<Cell<T>*>(
          in_scratch_ ? scratch() : out().template as<std::byte>());
      std::fill_n(cells, size_, Cell<T>{});
      scatter([&](std::int64_t to, std::int64_t from) {
        const T update = in(1).template as<const T>()[from];
        if constexpr (std::is_integral_v<T>) {
          cells[to] = static_cast<T>(
              static_cast<std::uint64_t>(cells[to]) +
              static_cast<std::uint64_t>(update));
        } else {
          cells[to] += static_cast<double>(load(update));
        }
      });
      if (!in_scratch_) return;
      T* y = out().template as<T>();
      for (std::int64_t i = 0; i < size_; ++i) {
        y[i] = convert_element<T>(cells[i]);
      }
    });
  }

 protected:
  AxisView axis_;

 private:
  // Calls add(cell, update) for every update that has a place.
  template <class Add>
  void scatter(const Add& add) {
    const std::int64_t updates = in(1).type->shape.size();
    const std::int64_t rows = along_axis() ? 1 : in(0).type->shape.size();
    if (updates == 0) return;
    const std::int64_t per_outer = updates / axis_.outer;
    const std::int64_t taken = along_axis() ? per_outer / axis_.inner : rows;
    for (std::int64_t o = 0; o < axis_.outer; ++o) {
      for (std::int64_t k = 0; k < taken; ++k) {
        for (std::int64_t i = 0; i < axis_.inner; ++i) {
          const std::int64_t from = o * per_outer + k * axis_.inner + i;
          const std::int64_t index = load_index(in(0), along_axis() ? from : k);
          if (index < 0 || index >= axis_.size) continue;
          add((o * axis_.size + index) * axis_.inner + i, from);
        }
      }
    }
  }

  // One index per update rather than one per row.
  virtual bool along_axis() const = 0;

  std::int64_t size_;
  bool in_scratch_;
};

class ScatterAddKernel final : public ScatterBase {
 public:
  using ScatterBase::ScatterBase;

 private:
  bool along_axis() const override { return false; }
};

class ScatterAlongAxisKernel final : public ScatterBase {
 public:
  using ScatterBase::ScatterBase;

 private:
  bool along_axis() const override { return true; }
};

class TakeAlongAxisKernel final : public BoundKernel {
 public:
  TakeAlongAxisKernel(const Graph& graph, const Node& node)
      : x_(graph.type(node.inputs[0]).shape, node.attrs.integer("axis")),
        y_(graph.type(node.outputs[0]).shape, node.attrs.integer("axis")) {}

  void run() override {
    visit_dtype(out().type->dtype, [&](auto tag) {
      using T = typename decltype(tag)::type;
      const T* x = in(0).as<const T>();
      T* y = out().as<T>();
      for (std::int64_t o = 0; o < y_.outer; ++o) {
        for (std::int64_t k = 0; k < y_.size; ++k) {
          for (std::int64_t i = 0; i < y_.inner; ++i) {
            const std::int64_t to = (o * y_.size + k) * y_.inner + i;
            const std::int64_t index = load_index(in(1), to);
            y[to] = index < 0 || index >= x_.size
                        ? out_of_range<T>()
                        : x[(o * x_.size + index) * x_.inner + i];
          }
        }
      }
    });
  }

 private:
  AxisView x_;
  AxisView y_;
};

class OneHotKernel final : public BoundKernel {
 public:
  OneHotKernel(const Graph& graph, const Node& node)
      : count_(graph.type(node.inputs[0]).shape.size()),
        depth_(node.attrs.integer("depth")) {}

  void run() override {
    visit_dtype(out().type->dtype, [&](auto tag) {
      using T = typename decltype(tag)::type;
      T* y = out().as<T>();
      std::fill_n(y, count_ * depth_, T{});
      for (std::int64_t i = 0; i < count_; ++i) {
        const std::int64_t index = load_index(in(), i);
        if (index < 0 || index >= depth_) continue;
        y[i * depth_ + index] = convert_element<T>(1.0);
      }
    });
  }

 private:
  std::int64_t count_;
  std::int64_t depth_;
};

class CumsumKernel final : public BoundKernel {
 public:
  CumsumKernel(const Graph& graph, const Node& node)
      : axis_(graph.type(node.inputs[0]).shape, node.attrs.integer("axis")),
        exclusive_(node.attrs.flag("exclusive")),
        reverse_(node.attrs.flag("reverse")) {}

  bool can_overwrite(int, int) const override { return true; }

  void run() override {
    visit_numeric(out().type->dtype, [&](auto tag) {
      using T = typename decltype(tag)::type;
      const T* x = in().template as<const T>();
      T* y = out().template as<T>();
      for (std::int64_t o = 0; o < axis_.outer; ++o) {
        for (std::int64_t i = 0; i < axis_.inner; ++i) {
          Sum<T> sum{};
          for (std::int64_t step = 0; step < axis_.size; ++step) {
            const std::int64_t k = reverse_ ? axis_.size - 1 - step : step;
            const std::int64_t at = (o * axis_.size + k) * axis_.inner + i;
            const auto next = sum + widen(x[at]);
            y[at] = convert_element<T>(exclusive_ ? sum : next);
            sum = next;
          }
        }
      }
    });
  }

 private:
  AxisView axis_;
  bool exclusive_;
  bool reverse_;
};

constexpr KernelEntry kEntries[] = {
    {"reference.take", supports_ops<Op::take>, make_kernel<TakeKernel>},
    {"reference.scatter_add",
     supports_ops<Op::scatter_add>,
     make_kernel<ScatterAddKernel>},
    {"reference.take_along_axis",
     supports_ops<Op::take_along_axis>,
     make_kernel<TakeAlongAxisKernel>},
    {"reference.scatter_along_axis",
     supports_ops<Op::scatter_along_axis>,
     make_kernel<ScatterAlongAxisKernel>},
    {"reference.one_hot", supports_ops<Op::one_hot>, make_kernel<OneHotKernel>},
    {"reference.cumsum", supports_ops<Op::cumsum>, make_kernel<CumsumKernel>},
};

}  // namespace

std::span<const KernelEntry> index_kernels() {
  return kEntries;
}

}  // namespace keratin::reference
