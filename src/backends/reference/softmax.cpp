// Softmax and the cross-entropies over it.

#include <cmath>
#include <limits>

#include "src/backends/reference/common.hpp"

namespace keratin::reference {

namespace {

// Largest element and log(sum(exp(x - largest))) of n elements `step` apart.
struct Spread {
  double largest;
  double log_sum;
};

template <class T>
Spread spread_of(const T* x, std::int64_t n, std::int64_t step) {
  double largest = -std::numeric_limits<double>::infinity();
  for (std::int64_t k = 0; k < n; ++k) {
    const auto value = convert_element<double>(x[k * step]);
    if (value > largest || value != value) largest = value;
    if (value != value) break;
  }
  double sum = 0;
  for (std::int64_t k = 0; k < n; ++k) {
    sum += std::exp(convert_element<double>(x[k * step]) - largest);
  }
  return {largest, std::log(sum)};
}

class SoftmaxKernel final : public BoundKernel {
 public:
  SoftmaxKernel(const Graph& graph, const Node& node)
      : axis_(graph.type(node.inputs[0]).shape, node.attrs.integer("axis")),
        logarithm_(node.op == Op::log_softmax) {}

  bool can_overwrite(int, int) const override { return true; }

  void run() override {
    visit_floating(in().type->dtype, [&](auto tag) {
      using T = typename decltype(tag)::type;
      const T* x = in().template as<const T>();
      T* y = out().template as<T>();
      for (std::int64_t o = 0; o < axis_.outer; ++o) {
        for (std::int64_t i = 0; i < axis_.inner; ++i) {
          const std::int64_t base = o * axis_.size * axis_.inner + i;
          const Spread spread = spread_of(x + base, axis_.size, axis_.inner);
          for (std::int64_t k = 0; k < axis_.size; ++k) {
            const std::int64_t at = base + k * axis_.inner;
            const double log_y = convert_element<double>(x[at]) -
                                 spread.largest - spread.log_sum;
            y[at] = convert_element<T>(logarithm_ ? log_y : std::exp(log_y));
          }
        }
      }
    });
  }

 private:
  AxisView axis_;
  bool logarithm_;
};

class CrossEntropyKernel final : public BoundKernel {
 public:
  CrossEntropyKernel(const Graph& graph, const Node& node)
      : classes_(graph.type(node.inputs[0]).shape.back()),
        rows_(graph.type(node.outputs[0]).shape.size()),
        sparse_(node.op == Op::sparse_softmax_cross_entropy) {}

  void run() override {
    visit_floating(in().type->dtype, [&](auto tag) {
      using T = typename decltype(tag)::type;
      const T* logits = in(0).template as<const T>();
      T* y = out().template as<T>();
      for (std::int64_t row = 0; row < rows_; ++row) {
        const T* x = logits + row * classes_;
        y[row] =
            convert_element<T>(sparse_ ? of_index(x, row) : of_row(x, row));
      }
    });
  }

 private:
  template <class T>
  double of_index(const T* x, std::int64_t row) const {
    const std::int64_t label = load_index(in(1), row);
    if (label < 0 || label >= classes_) {
      return std::numeric_limits<double>::quiet_NaN();
    }
    const Spread spread = spread_of(x, classes_, 1);
    return spread.log_sum + spread.largest - convert_element<double>(x[label]);
  }

  template <class T>
  double of_row(const T* x, std::int64_t row) const {
    const Spread spread = spread_of(x, classes_, 1);
    const T* labels = in(1).as<const T>() + row * classes_;
    double sum = 0;
    for (std::int64_t k = 0; k < classes_; ++k) {
      sum -= convert_element<double>(labels[k]) *
             (convert_element<double>(x[k]) - spread.largest - spread.log_sum);
    }
    return sum;
  }

  std::int64_t classes_;
  std::int64_t rows_;
  bool sparse_;
};

constexpr KernelEntry kEntries[] = {
    {"reference.softmax",
     supports_ops<Op::softmax, Op::log_softmax>,
     make_kernel<SoftmaxKernel>},
    {"reference.cross_entropy",
     supports_ops<Op::softmax_cross_entropy, Op::sparse_softmax_cross_entropy>,
     make_kernel<CrossEntropyKernel>},
};

}  // namespace

std::span<const KernelEntry> softmax_kernels() {
  return kEntries;
}

}  // namespace keratin::reference
