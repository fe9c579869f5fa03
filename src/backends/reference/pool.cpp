// Max and average pooling and their gradients. Windows never lie wholly in the
// padding: the shape rule sees to that.

#include "src/backends/reference/common.hpp"
#include "src/backends/reference/window.hpp"

namespace keratin::reference {

namespace {

class PoolBase : public BoundKernel {
 public:
  PoolBase(const Node& node, const Shape& x, const Shape& y)
      : window_(node.attrs, x, node.attrs.ints("size"), y) {}

 protected:
  // Calls f(first element of x's image and channel, of y's, window) for every
  // window of every image and channel.
  template <class F>
  void for_each_window(const F& f) const {
    const std::int64_t channels = window_.channels;
    for (std::int64_t image = 0; image < window_.batch; ++image) {
      for (std::int64_t p = 0; p < window_.y_points(); ++p) {
        const auto point = Window3::split(p, window_.y);
        for (std::int64_t c = 0; c < channels; ++c) {
          f(image * window_.x_points() * channels + c,
            (image * window_.y_points() + p) * channels + c,
            point);
        }
      }
    }
  }

  // Calls f(offset within the image and channel) for every element of a window.
  template <class F>
  void for_each_element(const Window3::Triple& point, const F& f) const {
    for (std::int64_t k = 0; k < window_.taps(); ++k) {
      const std::int64_t at =
          window_.read_at(point, Window3::split(k, window_.kernel));
      if (at >= 0) f(at * window_.channels);
    }
  }

  // Where the first largest element of a window is; NaN wins, as in the
  // reduction.
  template <class T>
  std::int64_t first_largest(const T* x, const Window3::Triple& point) const {
    std::int64_t best = -1;
    for_each_element(point, [&](std::int64_t at) {
      if (best < 0) {
        best = at;
        return;
      }
      const auto value = load(x[at]);
      const auto current = load(x[best]);
      const bool is_nan = value != value && current == current;
      if (value > current || is_nan) best = at;
    });
    return best;
  }

  Window3 window_;
};

class MaxPoolKernel final : public PoolBase {
 public:
  MaxPoolKernel(const Graph& graph, const Node& node)
      : PoolBase(
            node,
            graph.type(node.inputs[0]).shape,
            graph.type(node.outputs[0]).shape) {}

  void run() override {
    visit_numeric(in().type->dtype, [&](auto tag) {
      using T = typename decltype(tag)::type;
      const T* x = in().template as<const T>();
      T* y = out().template as<T>();
      for_each_window([&](std::int64_t from, std::int64_t to, auto& point) {
        y[to] = x[from + first_largest(x + from, point)];
      });
    });
  }
};

// Sums in double for floats: windows may overlap.
template <class T>
using Cell = std::conditional_t<kIsFloating<T>, double, T>;

class PoolGradBase : public PoolBase {
 public:
  PoolGradBase(
      const Graph& graph, const Node& node, const Shape& x, const Shape& y)
      : PoolBase(node, x, y), size_(x.size()) {
    const DType dtype = graph.type(node.outputs[0]).dtype;
    in_scratch_ = is_floating(dtype) && dtype != DType::f64;
  }

  std::int64_t scratch_bytes() const override {
    return in_scratch_ ? size_ * static_cast<std::int64_t>(sizeof(double)) : 0;
  }

 protected:
  // Calls add_all(cells) to sum up dx, which starts with zeros.
  template <class T, class F>
  void accumulate(const F& add_all) {
    auto* cells = reinterpret_cast<Cell<T>*>(
        in_scratch_ ? scratch() : out().as<std::byte>());
    std::fill_n(cells, size_, Cell<T>{});
    add_all(cells);
    if (!in_scratch_) return;
    T* dx = out().as<T>();
    for (std::int64_t i = 0; i < size_; ++i) {
      dx[i] = convert_element<T>(cells[i]);
    }
  }

 private:
  std::int64_t size_;
  bool in_scratch_;
};

class MaxPoolGradKernel final : public PoolGradBase {
 public:
  MaxPoolGradKernel(const Graph& graph, const Node& node)
      : PoolGradBase(
            graph,
            node,
            graph.type(node.inputs[0]).shape,
            graph.type(node.inputs[1]).shape) {}

  void run() override {
    visit_numeric(in().type->dtype, [&](auto tag) {
      using T = typename decltype(tag)::type;
      const T* x = in(0).template as<const T>();
      const T* dy = in(1).template as<const T>();
      this->template accumulate<T>([&](auto* cells) {
        for_each_window([&](std::int64_t from, std::int64_t to, auto& point) {
          auto& cell = cells[from + first_largest(x + from, point)];
          cell =
              static_cast<Cell<T>>(cell + static_cast<Cell<T>>(load(dy[to])));
        });
      });
    });
  }
};

class AveragePoolKernel final : public PoolBase {
 public:
  AveragePoolKernel(const Graph& graph, const Node& node)
      : PoolBase(
            node,
            graph.type(node.inputs[0]).shape,
            graph.type(node.outputs[0]).shape) {}

  void run() override {
    visit_floating(in().type->dtype, [&](auto tag) {
      using T = typename decltype(tag)::type;
      const T* x = in().template as<const T>();
      T* y = out().template as<T>();
      for_each_window([&](std::int64_t from, std::int64_t to, auto& point) {
        double sum = 0;
        std::int64_t count = 0;
        for_each_element(point, [&](std::int64_t at) {
          sum += convert_element<double>(x[from + at]);
          ++count;
        });
        y[to] = convert_element<T>(sum / static_cast<double>(count));
      });
    });
  }
};

class AveragePoolGradKernel final : public PoolGradBase {
 public:
  AveragePoolGradKernel(const Graph& graph, const Node& node)
      : PoolGradBase(
            graph,
            node,
            graph.type(node.outputs[0]).shape,
            graph.type(node.inputs[0]).shape) {}

  void run() override {
    visit_floating(in().type->dtype, [&](auto tag) {
      using T = typename decltype(tag)::type;
      const T* dy = in().template as<const T>();
      this->template accumulate<T>([&](auto* cells) {
        for_each_window([&](std::int64_t from, std::int64_t to, auto& point) {
          std::int64_t count = 0;
          for_each_element(point, [&](std::int64_t) { ++count; });
          const double share =
              convert_element<double>(dy[to]) / static_cast<double>(count);
          for_each_element(point, [&](std::int64_t at) {
            auto& cell = cells[from + at];
            cell = static_cast<Cell<T>>(cell + share);
          });
        });
      });
    });
  }
};

constexpr KernelEntry kEntries[] = {
    {"reference.max_pool",
     supports_ops<Op::max_pool>,
     make_kernel<MaxPoolKernel>},
    {"reference.max_pool_grad",
     supports_ops<Op::max_pool_grad>,
     make_kernel<MaxPoolGradKernel>},
    {"reference.average_pool",
     supports_ops<Op::average_pool>,
     make_kernel<AveragePoolKernel>},
    {"reference.average_pool_grad",
     supports_ops<Op::average_pool_grad>,
     make_kernel<AveragePoolGradKernel>},
};

}  // namespace

std::span<const KernelEntry> pool_kernels() {
  return kEntries;
}

}  // namespace keratin::reference
