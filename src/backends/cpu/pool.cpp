// Max and average pooling and their gradients over channels-last float32.

#include <algorithm>
#include <cstring>
#include <memory>
#include <utility>
#include <vector>

#include "src/backends/cpu/families.hpp"
#include "src/backends/cpu/pool_rows.hpp"
#include "src/core/format.hpp"
#include "src/core/parallel.hpp"

namespace keratin::cpu {

namespace {

using reference::Window3;

// Element reads that are worth a second thread.
constexpr std::int64_t kGrain = 32 << 10;

PoolPlan plan_pool(const Attrs& attrs, const Shape& x, const Shape& y) {
  PoolPlan plan{Window3(attrs, x, attrs.ints("size"), y), {}, true};
  const Window3& w = plan.window;
  for (std::int64_t tap = 0; tap < w.taps(); ++tap) {
    const auto at = Window3::split(tap, w.kernel);
    plan.taps.push_back(
        ((at[0] * w.dilation[0] * w.x[1] + at[1] * w.dilation[1]) * w.x[2] +
         at[2] * w.dilation[2]) *
        w.channels);
  }
  for (int i = 0; i < 3; ++i) {
    const std::int64_t extent = (w.kernel[i] - 1) * w.dilation[i] + 1;
    if (w.stride[i] < extent) plan.disjoint = false;
  }
  return plan;
}

class PoolKernelBase : public host::Kernel {
 public:
  PoolKernelBase(const Node& node, const Shape& x, const Shape& y)
      : plan_(plan_pool(node.attrs, x, y)), op_(node.op) {
    const Window3& w = plan_.window;
    rows_ = w.batch * w.y[0] * w.y[1];
    const std::int64_t work = w.y[2] * w.channels * w.taps();
    grain_ =
        std::max<std::int64_t>(1, kGrain / std::max<std::int64_t>(1, work));
  }

  void bind(const host::Binding& binding) override {
    first_ = binding.inputs[0].as<const float>();
    if (binding.inputs.size() > 1) {
      second_ = binding.inputs[1].as<const float>();
    }
    result_ = binding.outputs[0].as<float>();
  }

 protected:
  PoolPlan plan_;
  Op op_;
  std::int64_t rows_ = 0;
  std::int64_t grain_ = 1;
  const float* first_ = nullptr;
  const float* second_ = nullptr;
  float* result_ = nullptr;
};

class PoolKernel final : public PoolKernelBase {
 public:
  PoolKernel(const Graph& graph, const Node& node)
      : PoolKernelBase(
            node,
            graph.type(node.inputs[0]).shape,
            graph.type(node.outputs[0]).shape) {}

  void run() override {
    parallel_for(rows_, grain_, [this](std::int64_t begin, std::int64_t end) {
      for (std::int64_t row = begin; row < end; ++row) {
        if (op_ == Op::max_pool) {
          max_pool_row(plan_, first_, result_, row);
        } else {
          average_pool_row(plan_, first_, result_, row);
        }
      }
    });
  }
};

// A strip of dx is zeroed and filled while it is in the cache. Strips are rows
// of the image where windows do not meet, else whole images.
class PoolGradKernel final : public PoolKernelBase {
 public:
  PoolGradKernel(const Graph& graph, const Node& node)
      : PoolKernelBase(
            node,
            graph.type(node.outputs[0]).shape,
            graph.type(node.inputs[node.op == Op::max_pool_grad ? 1 : 0])
                .shape) {
    const Window3& w = plan_.window;
    strips_per_image_ = plan_.disjoint && w.x[0] == 1 ? w.y[1] : 1;
  }

  void run() override {
    const Window3& w = plan_.window;
    const std::int64_t rows_per_strip = w.y[0] * w.y[1] / strips_per_image_;
    parallel_for(
        w.batch * strips_per_image_,
        std::max<std::int64_t>(1, grain_ / rows_per_strip),
        [&](std::int64_t begin, std::int64_t end) {
          for (std::int64_t strip = begin; strip < end; ++strip) {
            zero(strip);
            for (std::int64_t i = 0; i < rows_per_strip; ++i) {
              add_row(strip * rows_per_strip + i);
            }
          }
        });
  }

 private:
  void zero(std::int64_t strip) const {
    const Window3& w = plan_.window;
    const std::int64_t image = strip / strips_per_image_;
    const std::int64_t within = strip % strips_per_image_;
    const std::int64_t row = w.x[2] * w.channels;
    // Rows that no window covers belong to the strip before them.
    std::int64_t first = 0;
    std::int64_t last = w.x[0] * w.x[1];
    if (strips_per_image_ > 1) {
      if (within > 0) first = clamp_row(within * w.stride[1] - w.pad[1]);
      if (within + 1 < strips_per_image_) {
        last = clamp_row((within + 1) * w.stride[1] - w.pad[1]);
      }
    }
    std::memset(
        result_ + (image * w.x[0] * w.x[1] + first) * row,
        0,
        static_cast<std::size_t>((last - first) * row) * sizeof(float));
  }

  std::int64_t clamp_row(std::int64_t row) const {
    return std::clamp<std::int64_t>(row, 0, plan_.window.x[1]);
  }

  void add_row(std::int64_t row) const {
    if (op_ == Op::max_pool_grad) {
      max_pool_grad_row(plan_, first_, second_, result_, row);
    } else {
      average_pool_grad_row(plan_, first_, result_, row);
    }
  }

  std::int64_t strips_per_image_ = 1;
};

bool is_grad(Op op) {
  return op == Op::max_pool_grad || op == Op::average_pool_grad;
}

Support supports(const Graph& graph, const Node& node) {
  if (node.op != Op::max_pool && node.op != Op::average_pool &&
      !is_grad(node.op)) {
    return Support::no("");
  }
  const ValueType& type = graph.type(node.inputs[0]);
  if (type.dtype != DType::f32) {
    return Support::no(keratin::format("takes f32, not {}", type.dtype));
  }
  std::int64_t taps = 1;
  for (const std::int64_t size : node.attrs.ints("size")) taps *= size;
  if (taps > kMaxTaps) return Support::no("the window is too large");
  if (type.shape.size() == 0) return Support::no("nothing to pool");
  return Support::yes();
}

std::unique_ptr<host::Kernel> make(
    host::KernelFactory&, const Graph& graph, const Node& node) {
  if (is_grad(node.op)) return std::make_unique<PoolGradKernel>(graph, node);
  return std::make_unique<PoolKernel>(graph, node);
}

}  // namespace

std::vector<host::KernelEntry> families::pool_kernels() {
  return {{"cpu.pool", supports, make}};
}

}  // namespace keratin::cpu
