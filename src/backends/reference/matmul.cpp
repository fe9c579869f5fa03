// Matrix products with transposes and broadcast batch dimensions.

#include <cstring>

#include "src/backends/reference/common.hpp"
#include "src/core/parallel.hpp"

namespace keratin::reference {

namespace {

constexpr std::int64_t kRows = 4;
constexpr std::int64_t kColumns = 64;

template <class T>
struct Matrix {
  const T* data;
  std::int64_t row_step;
  std::int64_t column_step;
};

// Rows [begin, end) of y = a . b, where b's rows are contiguous. A few rows at
// a time, so that an element of b is loaded once for all of them.
template <class T>
void multiply_rows(
    const Matrix<T>& a,
    const T* b,
    T* y,
    std::int64_t begin,
    std::int64_t end,
    std::int64_t k,
    std::int64_t n) {
  using A = Sum<T>;
  for (std::int64_t i0 = begin; i0 < end; i0 += kRows) {
    const std::int64_t rows = std::min(kRows, end - i0);
    for (std::int64_t j0 = 0; j0 < n; j0 += kColumns) {
      const std::int64_t columns = std::min(kColumns, n - j0);
      A sums[kRows][kColumns] = {};
      for (std::int64_t l = 0; l < k; ++l) {
        const T* row = b + l * n + j0;
        for (std::int64_t i = 0; i < rows; ++i) {
          const A factor =
              widen(a.data[(i0 + i) * a.row_step + l * a.column_step]);
          for (std::int64_t j = 0; j < columns; ++j) {
            sums[i][j] += factor * widen(row[j]);
          }
        }
      }
      for (std::int64_t i = 0; i < rows; ++i) {
        for (std::int64_t j = 0; j < columns; ++j) {
          y[(i0 + i) * n + j0 + j] = convert_element<T>(sums[i][j]);
        }
      }
    }
  }
}

class MatmulKernel final : public BoundKernel {
 public:
  MatmulKernel(const Graph& graph, const Node& node)
      : transpose_a_(node.attrs.flag("transpose_a")),
        transpose_b_(node.attrs.flag("transpose_b")) {
    const Shape& a = graph.type(node.inputs[0]).shape;
    const ValueType& b_type = graph.type(node.inputs[1]);
    const Shape& b = b_type.shape;
    const Shape& y = graph.type(node.outputs[0]).shape;
    m_ = y[y.rank() - 2];
    n_ = y.back();
    k_ = transpose_a_ ? a[a.rank() - 2] : a.back();
    const Shape batch = leading(y);
    batches_ = StridedLoop(
        batch.dims(),
        {broadcast_strides(leading(a), batch),
         broadcast_strides(leading(b), batch),
         batch.strides()});
    if (transpose_b_) {
      scratch_bytes_ =
          k_ * n_ * static_cast<std::int64_t>(size_of(b_type.dtype));
    }
  }

  std::int64_t scratch_bytes() const override { return scratch_bytes_; }

  void run() override {
    visit_numeric(in().type->dtype, [&](auto tag) {
      using T = typename decltype(tag)::type;
      const std::int64_t count = batches_.row_size();
      batches_.run([&](const std::int64_t* offsets) {
        for (std::int64_t i = 0; i < count; ++i) {
          multiply(
              in(0).as<const T>() +
                  (offsets[0] + i * batches_.row_stride(0)) * m_ * k_,
              in(1).as<const T>() +
                  (offsets[1] + i * batches_.row_stride(1)) * k_ * n_,
              out().as<T>() +
                  (offsets[2] + i * batches_.row_stride(2)) * m_ * n_);
        }
      });
    });
  }

 private:
  static Shape leading(const Shape& shape) {
    return Shape(std::vector<std::int64_t>(shape.begin(), shape.end() - 2));
  }

  template <class T>
  void multiply(const T* a, const T* b, T* y) {
    if (transpose_b_) {
      T* packed = reinterpret_cast<T*>(scratch());
      for (std::int64_t j = 0; j < n_; ++j) {
        for (std::int64_t l = 0; l < k_; ++l)
          packed[l * n_ + j] = b[j * k_ + l];
      }
      b = packed;
    }
    const Matrix<T> left =
        transpose_a_ ? Matrix<T>{a, 1, m_} : Matrix<T>{a, k_, 1};
    // About a hundred thousand products are worth a thread.
    const std::int64_t work = std::max<std::int64_t>(1, k_ * n_);
    const std::int64_t grain = std::max<std::int64_t>(kRows, 100000 / work);
    parallel_for(m_, grain, [&](std::int64_t begin, std::int64_t end) {
      multiply_rows(left, b, y, begin, end, k_, n_);
    });
  }

  bool transpose_a_;
  bool transpose_b_;
  std::int64_t m_ = 0;
  std::int64_t n_ = 0;
  std::int64_t k_ = 0;
  StridedLoop batches_;
  std::int64_t scratch_bytes_ = 0;
};

constexpr KernelEntry kEntries[] = {
    {"reference.matmul", supports_ops<Op::matmul>, make_kernel<MatmulKernel>},
};

}  // namespace

std::span<const KernelEntry> matmul_kernels() {
  return kEntries;
}

}  // namespace keratin::reference
