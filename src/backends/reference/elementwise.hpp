#pragma once

#include "src/backends/reference/common.hpp"

namespace keratin::reference {

/// One row of an element-wise op of two operands with strides 0 or more.
using BinaryRow = void (*)(
    const void* a,
    std::int64_t a_step,
    const void* b,
    std::int64_t b_step,
    void* y,
    std::int64_t n);

template <class F, class T, class R>
void binary_row(
    const void* a_data,
    std::int64_t a_step,
    const void* b_data,
    std::int64_t b_step,
    void* y_data,
    std::int64_t n) {
  const auto* a = static_cast<const T*>(a_data);
  const auto* b = static_cast<const T*>(b_data);
  auto* y = static_cast<R*>(y_data);
  const auto f = [](T u, T v) {
    if constexpr (kIsHalf<R>) {
      return R(F{}(load(u), load(v)));
    } else {
      return static_cast<R>(F{}(load(u), load(v)));
    }
  };
  // The frequent steps as loops of their own, which vectorise.
  if (a_step == 1 && b_step == 1) {
    for (std::int64_t i = 0; i < n; ++i) y[i] = f(a[i], b[i]);
  } else if (a_step == 1 && b_step == 0) {
    const T v = b[0];
    for (std::int64_t i = 0; i < n; ++i) y[i] = f(a[i], v);
  } else {
    for (std::int64_t i = 0; i < n; ++i) {
      y[i] = f(a[i * a_step], b[i * b_step]);
    }
  }
}

/// Runs a BinaryRow over two operands broadcast to the result.
class BinaryKernel : public BoundKernel {
 public:
  BinaryKernel(const Graph& graph, const Node& node, BinaryRow row);

  bool can_overwrite(int operand, int result) const override;
  void run() override;

 private:
  BinaryRow row_;
  StridedLoop loop_;
  std::size_t operand_size_;
  std::size_t result_size_;
  bool whole_[2];  // the operand has the result's shape
};

}  // namespace keratin::reference
