#include "src/backends/cpu/tile_matmul.hpp"

#include <algorithm>
#include <cstdint>
#include <string>
#include <utility>

#include "src/backends/cpu/packed_operand.hpp"
#include "src/backends/cpu/tiles.hpp"
#include "src/backends/host/memory.hpp"
#include "src/core/parallel.hpp"

namespace keratin::cpu {

namespace {

constexpr std::int64_t kPanel = 32;  // columns that are computed together

// More rows are worth oneDNN's blocks, more of b than the cache holds, too.
constexpr std::int64_t kMostRows = 64;
constexpr std::int64_t kMostOfB = 128 << 10;
constexpr std::int64_t kLeast = 8;  // of rows, columns and depth

constexpr std::int64_t kWorth = 1 << 19;  // multiplications, of a second thread

/// c = a b, or a b^T, of [rows, depth] and b packed by panels [depth, kPanel].
class TileMatmulKernel final : public host::Kernel {
 public:
  TileMatmulKernel(
      PackedOperand b, const Shape& a, const Shape& c, bool transposed)
      : b_(std::move(b)),
        rows_(a[0]),
        depth_(a[1]),
        columns_(c[1]),
        transposed_(transposed),
        panels_((columns_ + kPanel - 1) / kPanel),
        packed_(
            panels_ * depth_ * kPanel *
            static_cast<std::int64_t>(sizeof(float))) {}

  std::string details() const override { return "tiles"; }

  void bind(const host::Binding& binding) override {
    binding_ = binding;
    b_.bind(binding.inputs[1].data);
  }

  void renew() override { b_.forget(); }

  void run() override {
    b_.update([this] { pack(); });
    const auto* a = binding_.inputs[0].as<const float>();
    auto* c = binding_.outputs[0].as<float>();
    const std::int64_t work = rows_ * depth_ * kPanel;
    parallel_for(
        panels_,
        std::max<std::int64_t>(1, kWorth / work),
        [&](std::int64_t begin, std::int64_t end) {
          for (std::int64_t panel = begin; panel < end; ++panel) {
            multiply_tiles(
                {.rows = rows_,
                 .columns = std::min(kPanel, columns_ - panel * kPanel),
                 .depth = depth_,
                 .a = a,
                 .a_row = depth_,
                 .b = packed() + panel * depth_ * kPanel,
                 .b_row = kPanel,
                 .c = c + panel * kPanel,
                 .c_row = columns_});
          }
        });
  }

 private:
  float* packed() const { return reinterpret_cast<float*>(packed_.data()); }

  void pack() {
    const auto* b = binding_.inputs[1].as<const float>();
    const std::int64_t row = transposed_ ? 1 : columns_;
    const std::int64_t column = transposed_ ? depth_ : 1;
    for (std::int64_t panel = 0; panel < panels_; ++panel) {
      float* to = packed() + panel * depth_ * kPanel;
      const std::int64_t first = panel * kPanel;
      const std::int64_t width = std::min(kPanel, columns_ - first);
      for (std::int64_t k = 0; k < depth_; ++k, to += kPanel) {
        for (std::int64_t i = 0; i < width; ++i) {
          to[i] = b[k * row + (first + i) * column];
        }
      }
    }
  }

  PackedOperand b_;
  std::int64_t rows_;
  std::int64_t depth_;
  std::int64_t columns_;
  bool transposed_;
  std::int64_t panels_;
  host::AlignedBuffer packed_;
  host::Binding binding_;
};

}  // namespace

std::unique_ptr<host::Kernel> make_tile_matmul(
    const host::KernelFactory& factory, const Graph& graph, const Node& node) {
  if (node.op != Op::matmul || node.attrs.flag("transpose_a")) return nullptr;
  const ValueType& a = graph.type(node.inputs[0]);
  const ValueType& c = graph.type(node.outputs[0]);
  if (c.dtype != DType::f32 || a.shape.rank() != 2 || c.shape.rank() != 2) {
    return nullptr;
  }
  const std::int64_t rows = a.shape[0];
  const std::int64_t depth = a.shape[1];
  const std::int64_t columns = c.shape[1];
  if (rows < kLeast || rows > kMostRows || depth < kLeast || columns < kLeast ||
      depth * columns > kMostOfB) {
    return nullptr;
  }
  PackedOperand b(factory, graph, node.inputs[1]);
  if (!b.fixed()) return nullptr;
  return std::make_unique<TileMatmulKernel>(
      std::move(b), a.shape, c.shape, node.attrs.flag("transpose_b"));
}

}  // namespace keratin::cpu
