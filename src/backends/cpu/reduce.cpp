// Sum, mean, largest and smallest of float32 over axes that lie together.

#include <algorithm>
#include <memory>
#include <numeric>
#include <utility>
#include <vector>

#include "src/backends/cpu/families.hpp"
#include "src/backends/cpu/reduce_rows.hpp"
#include "src/core/format.hpp"
#include "src/core/parallel.hpp"

namespace keratin::cpu {

namespace {

// Elements that are worth a second thread.
constexpr std::int64_t kGrain = 32 << 10;

// A tall matrix is cut into pieces of rows, each summed on its own: as many for
// any number of threads, so that sums do not depend on it.
constexpr std::int64_t kPieces = 32;
constexpr std::int64_t kRowsPerPiece = 128;

/// x as [outer, rows, inner], of which the middle goes.
struct Reduction {
  std::int64_t outer = 1;
  std::int64_t rows = 1;
  std::int64_t inner = 1;
};

// False when reduced axes lie on both sides of one that stays.
bool reduction_of(const Graph& graph, const Node& node, Reduction& reduction) {
  const Shape& x = graph.type(node.inputs[0]).shape;
  std::vector<bool> reduced(x.rank(), false);
  for (const std::int64_t axis : node.attrs.ints("axes")) reduced[axis] = true;
  std::size_t i = 0;
  const auto skip = [&](bool which) {
    std::int64_t size = 1;
    for (; i < x.rank() && (x[i] == 1 || reduced[i] == which); ++i)
      size *= x[i];
    return size;
  };
  reduction.outer = skip(false);
  reduction.rows = skip(true);
  reduction.inner = skip(false);
  return i == x.rank();
}

class ReduceKernel final : public host::Kernel {
 public:
  ReduceKernel(const Graph& graph, const Node& node) : op_(node.op) {
    reduction_of(graph, node, shape_);
    divisor_ = op_ == Op::reduce_mean ? static_cast<double>(shape_.rows) : 1.0;
    // Narrow matrices are taken several rows at a time: vectors are then full.
    while (shape_.inner * group_ % 16 != 0 && group_ < 16) group_ *= 2;
    if (shape_.inner * group_ > kMaxColumns) {
      group_ = std::max<std::int64_t>(1, kMaxColumns / shape_.inner);
    }
    group_ = std::min(group_, shape_.rows);
    pieces_ = std::clamp<std::int64_t>(
        shape_.outer == 1 ? shape_.rows / kRowsPerPiece : 1, 1, kPieces);
    tiles_ = (shape_.inner + kMaxColumns - 1) / kMaxColumns;
  }

  std::int64_t scratch_bytes() const override {
    return pieces_ * shape_.inner * static_cast<std::int64_t>(sizeof(double));
  }

  void bind(const host::Binding& binding) override {
    x_ = binding.inputs[0].as<const float>();
    y_ = binding.outputs[0].as<float>();
    partial_ = reinterpret_cast<double*>(binding.scratch);
  }

  void run() override {
    if (shape_.inner == 1 && shape_.outer > 1) {
      run_rows();
    } else if (shape_.outer > 1) {
      run_columns();
    } else {
      run_pieces();
    }
  }

 private:
  // Elements of the result whose making is worth a second thread.
  std::int64_t grain(std::int64_t work) const {
    return std::max<std::int64_t>(1, kGrain / std::max<std::int64_t>(1, work));
  }

  void store(std::int64_t at, double value) const {
    y_[at] = static_cast<float>(value / divisor_);
  }

  void run_rows() const {
    parallel_for(
        shape_.outer,
        grain(shape_.rows),
        [this](std::int64_t begin, std::int64_t end) {
          for (std::int64_t i = begin; i < end; ++i) {
            store(i, reduce_row(op_, x_ + i * shape_.rows, shape_.rows));
          }
        });
  }

  void run_columns() const {
    parallel_for(
        shape_.outer * tiles_,
        grain(shape_.rows * std::min(shape_.inner, kMaxColumns)),
        [this](std::int64_t begin, std::int64_t end) {
          double sums[kMaxColumns];
          for (std::int64_t task = begin; task < end; ++task) {
            const std::int64_t outer = task / tiles_;
            const std::int64_t column = task % tiles_ * kMaxColumns;
            const std::int64_t width =
                std::min(kMaxColumns, shape_.inner - column);
            reduce_rows(outer * shape_.rows, shape_.rows, column, width, sums);
            for (std::int64_t c = 0; c < width; ++c) {
              store(outer * shape_.inner + column + c, sums[c]);
            }
          }
        });
  }

  void run_pieces() const {
    parallel_for(
        pieces_ * tiles_,
        grain(shape_.rows / pieces_ * std::min(shape_.inner, kMaxColumns)),
        [this](std::int64_t begin, std::int64_t end) {
          for (std::int64_t task = begin; task < end; ++task) {
            const std::int64_t piece = task / tiles_;
            const std::int64_t column = task % tiles_ * kMaxColumns;
            const std::int64_t first = shape_.rows * piece / pieces_;
            const std::int64_t last = shape_.rows * (piece + 1) / pieces_;
            reduce_rows(
                first,
                last - first,
                column,
                std::min(kMaxColumns, shape_.inner - column),
                partial_ + piece * shape_.inner + column);
          }
        });
    for (std::int64_t c = 0; c < shape_.inner; ++c) {
      double total = partial_[c];
      for (std::int64_t piece = 1; piece < pieces_; ++piece) {
        total = join(op_, total, partial_[piece * shape_.inner + c]);
      }
      store(c, total);
    }
  }

  // Reduces `count` rows from `first` on over some columns.
  void reduce_rows(
      std::int64_t first,
      std::int64_t count,
      std::int64_t column,
      std::int64_t width,
      double* sums) const {
    const float* x = x_ + first * shape_.inner + column;
    if (shape_.inner == 1) {
      sums[0] = reduce_row(op_, x, count);
      return;
    }
    const std::int64_t groups = count / group_;
    if (group_ == 1 || groups == 0) {
      reduce_columns(op_, x, count, shape_.inner, width, sums);
      return;
    }
    double wide[kMaxColumns];
    reduce_columns(
        op_, x, groups, shape_.inner * group_, shape_.inner * group_, wide);
    for (std::int64_t c = 0; c < width; ++c) {
      sums[c] = wide[c];
      for (std::int64_t g = 1; g < group_; ++g) {
        sums[c] = join(op_, sums[c], wide[g * shape_.inner + c]);
      }
      for (std::int64_t r = groups * group_; r < count; ++r) {
        sums[c] = join(op_, sums[c], x[r * shape_.inner + c]);
      }
    }
  }

  Op op_;
  Reduction shape_;
  double divisor_ = 1;
  std::int64_t group_ = 1;
  std::int64_t pieces_ = 1;
  std::int64_t tiles_ = 1;
  const float* x_ = nullptr;
  float* y_ = nullptr;
  double* partial_ = nullptr;
};

Support supports(const Graph& graph, const Node& node) {
  if (node.op != Op::reduce_sum && node.op != Op::reduce_mean &&
      node.op != Op::reduce_max && node.op != Op::reduce_min) {
    return Support::no("");
  }
  const ValueType& type = graph.type(node.inputs[0]);
  if (type.dtype != DType::f32) {
    return Support::no(keratin::format("takes f32, not {}", type.dtype));
  }
  if (type.shape.size() == 0) return Support::no("nothing to reduce");
  Reduction reduction;
  if (!reduction_of(graph, node, reduction)) {
    return Support::no("the reduced axes do not lie together");
  }
  return Support::yes();
}

std::unique_ptr<host::Kernel> make(
    host::KernelFactory&, const Graph& graph, const Node& node) {
  return std::make_unique<ReduceKernel>(graph, node);
}

}  // namespace

std::vector<host::KernelEntry> families::reduce_kernels() {
  return {{"cpu.reduce", supports, make}};
}

}  // namespace keratin::cpu
