// Reductions, argmax and argmin.

#include <cmath>
#include <limits>

#include "src/backends/reference/common.hpp"

namespace keratin::reference {

namespace {

// Results of one run of neighbours are accumulated side by side: reads then
// follow memory even where the reduced axes lie outside.
constexpr std::int64_t kTile = 64;

using Run = void (*)(
    StridedLoop& kept,
    StridedLoop& reduced,
    bool tiled,
    double count,
    const void* x,
    void* y);

template <class A, class T>
A element_as(T x) {
  if constexpr (std::is_same_v<A, Sum<T>>) {
    return widen(x);
  } else {
    return static_cast<A>(load(x));
  }
}

// kept: operands (x, y); reduced: operand (x).
template <class F, class T>
void reduce(
    StridedLoop& kept,
    StridedLoop& reduced,
    bool tiled,
    double count,
    const void* x_data,
    void* y_data) {
  using A = typename F::template Accumulator<T>;
  const auto* x = static_cast<const T*>(x_data);
  auto* y = static_cast<T*>(y_data);
  const std::int64_t n = kept.row_size();
  const std::int64_t x_step = kept.row_stride(0);
  const std::int64_t y_step = kept.row_stride(1);
  const std::int64_t m = reduced.row_size();
  const std::int64_t m_step = reduced.row_stride(0);
  const std::int64_t tile = tiled ? kTile : 1;
  kept.run([&](const std::int64_t* at) {
    for (std::int64_t j0 = 0; j0 < n; j0 += tile) {
      const std::int64_t width = std::min(tile, n - j0);
      const T* from = x + at[0] + j0 * x_step;
      A sums[kTile];
      for (std::int64_t j = 0; j < width; ++j) sums[j] = F::template first<T>();
      reduced.run([&](const std::int64_t* offset) {
        const T* row = from + offset[0];
        if (tile == 1) {
          A sum = sums[0];
          for (std::int64_t i = 0; i < m; ++i) {
            sum = F::join(sum, element_as<A>(row[i * m_step]));
          }
          sums[0] = sum;
          return;
        }
        for (std::int64_t i = 0; i < m; ++i) {
          for (std::int64_t j = 0; j < width; ++j) {
            sums[j] =
                F::join(sums[j], element_as<A>(row[i * m_step + j * x_step]));
          }
        }
      });
      for (std::int64_t j = 0; j < width; ++j) {
        y[at[1] + (j0 + j) * y_step] =
            convert_element<T>(F::finish(sums[j], count));
      }
    }
  });
}

struct Add {
  template <class T>
  using Accumulator = Sum<T>;

  template <class T>
  static Sum<T> first() {
    return 0;
  }

  template <class A>
  static A join(A a, A b) {
    return a + b;
  }

  template <class A>
  static A finish(A a, double) {
    return a;
  }
};

struct Mean : Add {
  static double finish(double a, double count) { return a / count; }
};

struct Multiply {
  template <class T>
  using Accumulator = Sum<T>;

  template <class T>
  static Sum<T> first() {
    return 1;
  }

  template <class A>
  static A join(A a, A b) {
    return a * b;
  }

  template <class A>
  static A finish(A a, double) {
    return a;
  }
};

template <class T>
T lowest() {
  if constexpr (std::is_floating_point_v<T>) {
    return -std::numeric_limits<T>::infinity();
  } else {
    return std::numeric_limits<T>::lowest();
  }
}

template <class T>
T highest() {
  if constexpr (std::is_floating_point_v<T>) {
    return std::numeric_limits<T>::infinity();
  } else {
    return std::numeric_limits<T>::max();
  }
}

// NaN wins, as in NumPy.
struct Max {
  template <class T>
  using Accumulator = Compute<T>;

  template <class T>
  static Compute<T> first() {
    return lowest<Compute<T>>();
  }

  template <class A>
  static A join(A a, A b) {
    return a > b || a != a ? a : b;
  }

  template <class A>
  static A finish(A a, double) {
    return a;
  }
};

struct Min {
  template <class T>
  using Accumulator = Compute<T>;

  template <class T>
  static Compute<T> first() {
    return highest<Compute<T>>();
  }

  template <class A>
  static A join(A a, A b) {
    return a < b || a != a ? a : b;
  }

  template <class A>
  static A finish(A a, double) {
    return a;
  }
};

struct Any {
  template <class T>
  using Accumulator = bool;

  template <class T>
  static bool first() {
    return false;
  }

  static bool join(bool a, bool b) { return a || b; }

  static bool finish(bool a, double) { return a; }
};

struct All {
  template <class T>
  using Accumulator = bool;

  template <class T>
  static bool first() {
    return true;
  }

  static bool join(bool a, bool b) { return a && b; }

  static bool finish(bool a, double) { return a; }
};

template <class F>
Run numeric(DType dtype) {
  Run run = nullptr;
  visit_numeric(dtype, [&](auto tag) {
    using T = typename decltype(tag)::type;
    run = reduce<F, T>;
  });
  return run;
}

Run find_run(Op op, DType dtype) {
  switch (op) {
    case Op::reduce_sum:
      return numeric<Add>(dtype);
    case Op::reduce_mean: {
      Run run = nullptr;
      visit_floating(dtype, [&](auto tag) {
        using T = typename decltype(tag)::type;
        if constexpr (kIsFloating<T>) run = reduce<Mean, T>;
      });
      return run;
    }
    case Op::reduce_prod:
      return numeric<Multiply>(dtype);
    case Op::reduce_max:
      return numeric<Max>(dtype);
    case Op::reduce_min:
      return numeric<Min>(dtype);
    case Op::reduce_any:
      return reduce<Any, bool>;
    case Op::reduce_all:
      return reduce<All, bool>;
    default:
      return nullptr;
  }
}

class ReduceKernel final : public BoundKernel {
 public:
  ReduceKernel(const Graph& graph, const Node& node) {
    const ValueType& x = graph.type(node.inputs[0]);
    run_ = find_run(node.op, x.dtype);
    std::vector<bool> is_reduced(x.shape.rank(), false);
    for (const std::int64_t axis : node.attrs.ints("axes")) {
      is_reduced[axis] = true;
    }
    const std::vector<std::int64_t> strides = x.shape.strides();
    Shape result;
    std::vector<std::int64_t> kept_strides;
    Shape reduced;
    std::vector<std::int64_t> reduced_strides;
    for (std::size_t i = 0; i < x.shape.rank(); ++i) {
      (is_reduced[i] ? reduced : result).push_back(x.shape[i]);
      (is_reduced[i] ? reduced_strides : kept_strides).push_back(strides[i]);
    }
    kept_ = StridedLoop(result.dims(), {kept_strides, result.strides()});
    reduced_ = StridedLoop(reduced.dims(), {reduced_strides});
    tiled_ = kept_.row_stride(0) == 1;
    count_ = static_cast<double>(reduced.size());
  }

  void run() override {
    run_(kept_, reduced_, tiled_, count_, in().data, out().data);
  }

 private:
  Run run_ = nullptr;
  StridedLoop kept_;
  StridedLoop reduced_;
  bool tiled_ = false;
  double count_ = 1;
};

// The first of the largest (smallest); the first NaN, as in NumPy.
class ArgKernel final : public BoundKernel {
 public:
  ArgKernel(const Graph& graph, const Node& node)
      : axis_(graph.type(node.inputs[0]).shape, node.attrs.integer("axis")),
        largest_(node.op == Op::argmax) {}

  void run() override {
    visit_numeric(in().type->dtype, [&](auto tag) {
      using T = typename decltype(tag)::type;
      search(in().as<const T>(), out().as<std::int32_t>());
    });
  }

 private:
  template <class T>
  void search(const T* x, std::int32_t* y) const {
    for (std::int64_t o = 0; o < axis_.outer; ++o) {
      for (std::int64_t i = 0; i < axis_.inner; ++i) {
        const T* from = x + o * axis_.size * axis_.inner + i;
        auto best = load(from[0]);
        std::int64_t where = 0;
        for (std::int64_t k = 1; k < axis_.size && best == best; ++k) {
          const auto value = load(from[k * axis_.inner]);
          const bool better = largest_ ? value > best : value < best;
          if (better || value != value) {
            best = value;
            where = k;
          }
        }
        y[o * axis_.inner + i] = static_cast<std::int32_t>(where);
      }
    }
  }

  AxisView axis_;
  bool largest_;
};

constexpr KernelEntry kEntries[] = {
    {"reference.reduce",
     supports_ops<
         Op::reduce_sum,
         Op::reduce_mean,
         Op::reduce_max,
         Op::reduce_min,
         Op::reduce_prod,
         Op::reduce_any,
         Op::reduce_all>,
     make_kernel<ReduceKernel>},
    {"reference.arg",
     supports_ops<Op::argmax, Op::argmin>,
     make_kernel<ArgKernel>},
};

}  // namespace

std::span<const KernelEntry> reduce_kernels() {
  return kEntries;
}

}  // namespace keratin::reference
