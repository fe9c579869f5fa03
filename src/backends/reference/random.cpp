// Counter-based random numbers: element i depends on the state and i alone.
//
// With words(b) = philox({b low, b high, 0, 0}, key = {state[0], state[1]}):
//   random_bits      element i is word i % 4 of words(i / 4)
//   random_uniform   f32 and smaller: the upper 24 bits of that word;
//                    f64: two words a number, elements 2b and 2b + 1 of
//                    words(b)
//   random_normal    in pairs by Box and Muller; f32 and smaller: elements 2p
//                    and 2p + 1 of words 2p % 4 and 2p % 4 + 1 of words(p / 2);
//                    f64: elements 2b and 2b + 1 of the four words of words(b)

#include <cmath>
#include <limits>

#include "src/backends/reference/common.hpp"
#include "src/core/philox.hpp"

namespace keratin::reference {

namespace {

// The largest number of a type below `high`: where rounding would make a
// uniform number reach it.
template <class T>
T below(double high) {
  if constexpr (kIsHalf<T>) {
    T value(static_cast<float>(high));
    const float rounded = static_cast<float>(value);
    if (rounded < high) return value;
    if (rounded == 0) {
      value.bits = 0x8001;
    } else {
      value.bits =
          static_cast<std::uint16_t>(value.bits + (rounded > 0 ? -1 : 1));
    }
    return value;
  } else {
    const T value = static_cast<T>(high);
    if (value < high) return value;
    return std::nextafter(value, -std::numeric_limits<T>::infinity());
  }
}

// `number` as T, but below `high` unless the range is empty.
template <class T, class N>
T bounded(N number, double low, double high) {
  const T value = convert_element<T>(number);
  const bool out = convert_element<double>(value) >= high && low < high;
  return out ? below<T>(high) : value;
}

class RandomBase : public BoundKernel {
 public:
  RandomBase(const Graph& graph, const Node& node)
      : size_(graph.type(node.outputs[0]).shape.size()) {}

 protected:
  PhiloxCounter words(std::int64_t block) const {
    const auto* state = in().as<const std::uint32_t>();
    return philox(
        philox_counter(static_cast<std::uint64_t>(block)),
        {state[0], state[1]});
  }

  // Calls put(i, number) for every element; block(words, numbers) makes
  // `kPerBlock` numbers of one block.
  template <int kPerBlock, class N, class Block, class Put>
  void generate(const Block& block, const Put& put) const {
    std::array<N, kPerBlock> numbers;
    for (std::int64_t i = 0; i < size_; i += kPerBlock) {
      block(words(i / kPerBlock), numbers);
      const std::int64_t n = std::min<std::int64_t>(kPerBlock, size_ - i);
      for (std::int64_t j = 0; j < n; ++j) put(i + j, numbers[j]);
    }
  }

 private:
  std::int64_t size_;
};

class RandomBitsKernel final : public RandomBase {
 public:
  using RandomBase::RandomBase;

  void run() override {
    auto* y = out().as<std::uint32_t>();
    generate<4, std::uint32_t>(
        [](const PhiloxCounter& w, PhiloxCounter& numbers) { numbers = w; },
        [y](std::int64_t i, std::uint32_t bits) { y[i] = bits; });
  }
};

class RandomUniformKernel final : public RandomBase {
 public:
  RandomUniformKernel(const Graph& graph, const Node& node)
      : RandomBase(graph, node),
        low_(node.attrs.number("low")),
        high_(node.attrs.number("high")),
        range_(high_ - low_) {}

  void run() override {
    visit_floating(out().type->dtype, [&](auto tag) {
      using T = typename decltype(tag)::type;
      T* y = out().template as<T>();
      if constexpr (std::is_same_v<T, double>) {
        generate<2, double>(
            [](const PhiloxCounter& w, std::array<double, 2>& numbers) {
              numbers = {
                  uniform_double(w[0], w[1]), uniform_double(w[2], w[3])};
            },
            [&](std::int64_t i, double u) {
              y[i] = bounded<double>(low_ + range_ * u, low_, high_);
            });
      } else {
        const auto low = static_cast<float>(low_);
        const auto range = static_cast<float>(range_);
        generate<4, float>(
            [](const PhiloxCounter& w, std::array<float, 4>& numbers) {
              for (int j = 0; j < 4; ++j) numbers[j] = uniform_float(w[j]);
            },
            [&](std::int64_t i, float u) {
              y[i] = bounded<T>(low + range * u, low_, high_);
            });
      }
    });
  }

 private:
  double low_;
  double high_;
  double range_;
};

class RandomNormalKernel final : public RandomBase {
 public:
  RandomNormalKernel(const Graph& graph, const Node& node)
      : RandomBase(graph, node),
        mean_(node.attrs.number("mean")),
        stddev_(node.attrs.number("stddev")) {}

  void run() override {
    visit_floating(out().type->dtype, [&](auto tag) {
      using T = typename decltype(tag)::type;
      T* y = out().template as<T>();
      if constexpr (std::is_same_v<T, double>) {
        generate<2, double>(
            [](const PhiloxCounter& w, std::array<double, 2>& numbers) {
              numbers = normal_double(w);
            },
            [&](std::int64_t i, double z) { y[i] = mean_ + stddev_ * z; });
      } else {
        const auto mean = static_cast<float>(mean_);
        const auto stddev = static_cast<float>(stddev_);
        generate<4, float>(
            [](const PhiloxCounter& w, std::array<float, 4>& numbers) {
              const auto first = normal_float(w[0], w[1]);
              const auto second = normal_float(w[2], w[3]);
              numbers = {first[0], first[1], second[0], second[1]};
            },
            [=](std::int64_t i, float z) {
              y[i] = convert_element<T>(mean + stddev * z);
            });
      }
    });
  }

 private:
  double mean_;
  double stddev_;
};

constexpr KernelEntry kEntries[] = {
    {"reference.random_bits",
     supports_ops<Op::random_bits>,
     make_kernel<RandomBitsKernel>},
    {"reference.random_uniform",
     supports_ops<Op::random_uniform>,
     make_kernel<RandomUniformKernel>},
    {"reference.random_normal",
     supports_ops<Op::random_normal>,
     make_kernel<RandomNormalKernel>},
};

}  // namespace

std::span<const KernelEntry> random_kernels() {
  return kEntries;
}

}  // namespace keratin::reference
