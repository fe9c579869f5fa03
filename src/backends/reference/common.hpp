#pragma once

#include <algorithm>
#include <cstdint>
#include <memory>
#include <span>
#include <type_traits>
#include <vector>

#include "src/backends/host/kernel.hpp"
#include "src/core/visit.hpp"

/// What the plain-loop kernels share.
namespace keratin::reference {

using host::Binding;
using host::Kernel;
using host::KernelEntry;
using host::KernelFactory;
using host::View;

// -- tables ------------------------------------------------------------------

template <Op... kOps>
Support supports_ops(const Graph&, const Node& node) {
  return ((node.op == kOps) || ...) ? Support::yes() : Support::no("");
}

template <class K>
std::unique_ptr<Kernel> make_kernel(
    KernelFactory&, const Graph& graph, const Node& node) {
  return std::make_unique<K>(graph, node);
}

/// A kernel that keeps its binding; most need nothing else.
class BoundKernel : public Kernel {
 public:
  void bind(const Binding& binding) override { binding_ = binding; }

 protected:
  const View& in(std::size_t i = 0) const { return binding_.inputs[i]; }

  const View& out(std::size_t i = 0) const { return binding_.outputs[i]; }

  std::byte* scratch() const { return binding_.scratch; }

 private:
  Binding binding_;
};

// -- numbers -----------------------------------------------------------------

/// What an element is computed in: halves go through float.
template <class T>
using Compute = std::conditional_t<kIsHalf<T>, float, T>;

/// What many elements are summed in. Integers of either sign wrap as they
/// should when converted back, and no overflow is undefined.
template <class T>
using Sum = std::conditional_t<kIsFloating<T>, double, std::uint64_t>;

template <class T>
Compute<T> load(T x) {
  if constexpr (kIsHalf<T>) {
    return static_cast<float>(x);
  } else {
    return x;
  }
}

/// The element as a summand.
template <class T>
Sum<T> widen(T x) {
  // NOLINTNEXTLINE(bugprone-signed-char-misuse): the sign is to be extended
  return static_cast<Sum<T>>(load(x));
}

/// The element as double, whatever its dtype: for operands that are few.
double load_double(const View& view, std::int64_t i);

/// An index of any integer dtype; one of u64 that fits no 63 bits is -1.
std::int64_t load_index(const View& view, std::int64_t i);

/// Calls f with the C++ type of a floating dtype; the shape rules have seen to
/// it that there is no other.
template <class F>
void visit_floating(DType dtype, F&& f) {
  visit_dtype(dtype, [&](auto tag) {
    using T = typename decltype(tag)::type;
    if constexpr (kIsFloating<T>) {
      f(tag);
    } else {
      KERATIN_UNREACHABLE();
    }
  });
}

/// As above, for every dtype but bool.
template <class F>
void visit_numeric(DType dtype, F&& f) {
  visit_dtype(dtype, [&](auto tag) {
    using T = typename decltype(tag)::type;
    if constexpr (std::is_same_v<T, bool>) {
      KERATIN_UNREACHABLE();
    } else {
      f(tag);
    }
  });
}

// -- shapes ------------------------------------------------------------------

/// A shape around one axis: [outer, size, inner].
struct AxisView {
  std::int64_t outer = 1;
  std::int64_t size = 1;
  std::int64_t inner = 1;

  AxisView(const Shape& shape, std::int64_t axis);
};

/// Strides of a dense operand that is broadcast to `shape`: 0 where repeated.
std::vector<std::int64_t> broadcast_strides(
    const Shape& operand, const Shape& shape);

/// A nest of loops over several operands, each with a stride (in elements) per
/// dimension; dimensions that can be run as one are merged.
class StridedLoop {
 public:
  StridedLoop() = default;
  StridedLoop(
      const std::vector<std::int64_t>& dims,
      const std::vector<std::vector<std::int64_t>>& strides);

  /// Length of the innermost loop, and an operand's stride there.
  std::int64_t row_size() const { return row_size_; }

  std::int64_t row_stride(std::size_t operand) const {
    return row_strides_[operand];
  }

  /// Calls f(offsets) for each innermost loop; offsets[k] is where operand k
  /// starts.
  template <class F>
  void run(const F& f) {
    if (empty_) return;
    const std::size_t operands = offsets_.size();
    std::fill(index_.begin(), index_.end(), 0);
    std::fill(offsets_.begin(), offsets_.end(), 0);
    while (true) {
      f(static_cast<const std::int64_t*>(offsets_.data()));
      std::size_t d = dims_.size();
      while (d > 0) {
        --d;
        const std::int64_t* step = &strides_[d * operands];
        if (++index_[d] < dims_[d]) {
          for (std::size_t k = 0; k < operands; ++k) offsets_[k] += step[k];
          break;
        }
        for (std::size_t k = 0; k < operands; ++k) {
          offsets_[k] -= step[k] * (dims_[d] - 1);
        }
        index_[d] = 0;
        if (d == 0) return;
      }
      if (dims_.empty()) return;
    }
  }

 private:
  bool empty_ = false;
  std::int64_t row_size_ = 1;
  std::vector<std::int64_t> row_strides_;
  std::vector<std::int64_t> dims_;     // outer loops
  std::vector<std::int64_t> strides_;  // [dim][operand]
  std::vector<std::int64_t> index_;
  std::vector<std::int64_t> offsets_;
};

/// Copies between strided arrays of elements of any size.
class StridedCopy {
 public:
  StridedCopy() = default;

  /// REQUIRES: strides per dimension, in elements; offsets of the first one.
  StridedCopy(
      const std::vector<std::int64_t>& dims,
      const std::vector<std::int64_t>& from_strides,
      std::int64_t from_offset,
      const std::vector<std::int64_t>& to_strides,
      std::int64_t to_offset,
      DType dtype);

  void run(const void* from, void* to);

 private:
  StridedLoop loop_;
  std::int64_t from_offset_ = 0;
  std::int64_t to_offset_ = 0;
  std::size_t element_ = 0;
};

// -- families, joined in kernels.cpp -----------------------------------------

std::span<const KernelEntry> unary_kernels();
std::span<const KernelEntry> cast_kernels();
std::span<const KernelEntry> binary_kernels();
std::span<const KernelEntry> compare_kernels();
std::span<const KernelEntry> reduce_kernels();
std::span<const KernelEntry> matmul_kernels();
std::span<const KernelEntry> shape_kernels();
std::span<const KernelEntry> index_kernels();
std::span<const KernelEntry> sort_kernels();
std::span<const KernelEntry> conv_kernels();
std::span<const KernelEntry> pool_kernels();
std::span<const KernelEntry> softmax_kernels();
std::span<const KernelEntry> norm_kernels();
std::span<const KernelEntry> attention_kernels();
std::span<const KernelEntry> random_kernels();

}  // namespace keratin::reference
