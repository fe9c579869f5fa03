// Softmax over the last axis and the cross-entropies, float32.

#include <algorithm>
#include <limits>
#include <memory>
#include <utility>
#include <vector>

#include "src/backends/cpu/families.hpp"
#include "src/backends/cpu/softmax_rows.hpp"
#include "src/backends/reference/common.hpp"
#include "src/core/format.hpp"
#include "src/core/parallel.hpp"

namespace keratin::cpu {

namespace {

constexpr std::int64_t kGrain = 8 << 10;  // elements worth a second thread

class SoftmaxKernel final : public host::Kernel {
 public:
  SoftmaxKernel(const Graph& graph, const Node& node) : op_(node.op) {
    const Shape& x = graph.type(node.inputs[0]).shape;
    classes_ = x.back();
    rows_ = x.size() / classes_;
    grain_ = std::max<std::int64_t>(1, kGrain / classes_);
  }

  bool can_overwrite(int operand, int) const override {
    return operand == 0 && (op_ == Op::softmax || op_ == Op::log_softmax);
  }

  void bind(const host::Binding& binding) override { binding_ = binding; }

  void run() override {
    parallel_for(rows_, grain_, [this](std::int64_t begin, std::int64_t end) {
      for (std::int64_t row = begin; row < end; ++row) run_row(row);
    });
  }

 private:
  void run_row(std::int64_t row) const {
    const float* x = binding_.inputs[0].as<const float>() + row * classes_;
    auto* y = binding_.outputs[0].as<float>();
    switch (op_) {
      case Op::softmax:
        softmax_row(x, y + row * classes_, classes_);
        break;
      case Op::log_softmax:
        log_softmax_row(x, y + row * classes_, classes_);
        break;
      case Op::softmax_cross_entropy:
        y[row] = cross_entropy_row(
            x, binding_.inputs[1].as<const float>() + row * classes_, classes_);
        break;
      default:
        y[row] = of_index(x, row);
    }
  }

  float of_index(const float* x, std::int64_t row) const {
    const std::int64_t label = reference::load_index(binding_.inputs[1], row);
    if (label < 0 || label >= classes_) {
      return std::numeric_limits<float>::quiet_NaN();
    }
    const Spread spread = spread_of(x, classes_);
    return spread.log_sum - (x[label] - spread.largest);
  }

  Op op_;
  std::int64_t classes_ = 1;
  std::int64_t rows_ = 1;
  std::int64_t grain_ = 1;
  host::Binding binding_;
};

Support supports(const Graph& graph, const Node& node) {
  const bool over_axis = node.op == Op::softmax || node.op == Op::log_softmax;
  if (!over_axis && node.op != Op::softmax_cross_entropy &&
      node.op != Op::sparse_softmax_cross_entropy) {
    return Support::no("");
  }
  const ValueType& type = graph.type(node.inputs[0]);
  if (type.dtype != DType::f32) {
    return Support::no(keratin::format("takes f32, not {}", type.dtype));
  }
  const auto last = static_cast<std::int64_t>(type.shape.rank()) - 1;
  if (over_axis && node.attrs.integer("axis") != last) {
    return Support::no("takes the last axis only");
  }
  if (type.shape.size() == 0) return Support::no("no elements");
  return Support::yes();
}

std::unique_ptr<host::Kernel> make(
    host::KernelFactory&, const Graph& graph, const Node& node) {
  return std::make_unique<SoftmaxKernel>(graph, node);
}

}  // namespace

std::vector<host::KernelEntry> families::softmax_kernels() {
  return {{"cpu.softmax", supports, make}};
}

}  // namespace keratin::cpu
