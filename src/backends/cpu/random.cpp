// Counter-based random numbers, bit for bit those of reference.

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <memory>
#include <utility>
#include <vector>

#include "src/backends/cpu/families.hpp"
#include "src/backends/cpu/random_rows.hpp"
#include "src/core/format.hpp"
#include "src/core/parallel.hpp"
#include "src/core/philox.hpp"

namespace keratin::cpu {

namespace {

// Blocks made at a time: their words stay in the first-level cache.
constexpr std::int64_t kBatch = 256;
constexpr std::int64_t kGrain = 2048;  // blocks worth a second thread

class RandomKernel final : public host::Kernel {
 public:
  RandomKernel(const Graph& graph, const Node& node)
      : op_(node.op), size_(graph.type(node.outputs[0]).shape.size()) {
    if (op_ == Op::random_uniform) {
      const double low = node.attrs.number("low");
      const double high = node.attrs.number("high");
      uniform_ = {
          static_cast<float>(low),
          static_cast<float>(high - low),
          low < high ? below(high) : std::numeric_limits<float>::infinity()};
    } else if (op_ == Op::random_normal) {
      mean_ = static_cast<float>(node.attrs.number("mean"));
      stddev_ = static_cast<float>(node.attrs.number("stddev"));
    }
  }

  void bind(const host::Binding& binding) override {
    state_ = binding.inputs[0].as<const std::uint32_t>();
    y_ = binding.outputs[0].data;
  }

  void run() override {
    const std::int64_t blocks = (size_ + 3) / 4;
    parallel_for(blocks, kGrain, [this](std::int64_t begin, std::int64_t end) {
      std::array<std::uint32_t, 4 * kBatch> words;
      for (std::int64_t block = begin; block < end; block += kBatch) {
        const std::int64_t count = std::min(kBatch, end - block);
        philox_blocks(
            state_, static_cast<std::uint64_t>(block), count, words.data());
        put(words.data(), 4 * block, std::min(4 * count, size_ - 4 * block));
      }
    });
  }

 private:
  // The largest float below `high`.
  static float below(double high) {
    const auto value = static_cast<float>(high);
    if (value < high) return value;
    return std::nextafter(value, -std::numeric_limits<float>::infinity());
  }

  void put(
      const std::uint32_t* words, std::int64_t first, std::int64_t n) const {
    switch (op_) {
      case Op::random_bits:
        std::copy_n(words, n, static_cast<std::uint32_t*>(y_) + first);
        break;
      case Op::random_uniform:
        uniform_row(words, n, uniform_, static_cast<float*>(y_) + first);
        break;
      default:
        put_normal(words, n, static_cast<float*>(y_) + first);
    }
  }

  void put_normal(const std::uint32_t* words, std::int64_t n, float* y) const {
    for (std::int64_t i = 0; i < n; i += 2) {
      const auto pair = normal_float(words[i], words[i + 1]);
      y[i] = mean_ + stddev_ * pair[0];
      if (i + 1 < n) y[i + 1] = mean_ + stddev_ * pair[1];
    }
  }

  Op op_;
  std::int64_t size_;
  UniformRange uniform_;
  float mean_ = 0;
  float stddev_ = 1;
  const std::uint32_t* state_ = nullptr;
  void* y_ = nullptr;
};

Support supports(const Graph& graph, const Node& node) {
  if (node.op != Op::random_bits && node.op != Op::random_uniform &&
      node.op != Op::random_normal) {
    return Support::no("");
  }
  const DType dtype = graph.type(node.outputs[0]).dtype;
  if (dtype != DType::f32 && dtype != DType::u32) {
    return Support::no(keratin::format("makes f32, not {}", dtype));
  }
  return Support::yes();
}

std::unique_ptr<host::Kernel> make(
    host::KernelFactory&, const Graph& graph, const Node& node) {
  return std::make_unique<RandomKernel>(graph, node);
}

}  // namespace

std::vector<host::KernelEntry> families::random_kernels() {
  return {{"cpu.random", supports, make}};
}

}  // namespace keratin::cpu
