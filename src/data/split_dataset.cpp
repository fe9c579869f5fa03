#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <numeric>
#include <random>
#include <utility>

#include <keratin/error.hpp>
#include <keratin/random.hpp>
#include <keratin/utils.hpp>

#include "src/core/format.hpp"

namespace keratin::utils {
namespace {

using data::Dataset;
using data::Element;
using Elements = std::vector<Element>;

constexpr const char* kWho = "[split_dataset]";

/// Starts a Mersenne twister as Python's random.seed does (Matsumoto and
/// Nishimura's init_by_array with one number).
class PythonSeed {
 public:
  using result_type = std::uint32_t;

  explicit PythonSeed(std::uint32_t seed) {
    std::array<std::uint32_t, kWords>& x = words_;
    x[0] = 19650218;
    for (std::size_t i = 1; i < kWords; ++i) {
      x[i] = 1812433253U * (x[i - 1] ^ x[i - 1] >> 30) +
             static_cast<std::uint32_t>(i);
    }
    std::size_t at = 1;
    const auto step = [&](std::uint32_t factor) -> std::uint32_t& {
      x[at] ^= (x[at - 1] ^ x[at - 1] >> 30) * factor;
      return x[at];
    };
    const auto advance = [&] {
      if (++at < kWords) return;
      x[0] = x[kWords - 1];
      at = 1;
    };
    for (std::size_t i = 0; i < kWords; ++i) {
      step(1664525U) += seed;
      advance();
    }
    for (std::size_t i = 1; i < kWords; ++i) {
      step(1566083941U) -= static_cast<std::uint32_t>(at);
      advance();
    }
    x[0] = 0x80000000U;
  }

  /// What std::mt19937 asks of a seed sequence.
  template <class Iterator>
  void generate(Iterator begin, Iterator end) const {
    std::copy_n(words_.begin(), end - begin, begin);
  }

 private:
  static constexpr std::size_t kWords = 624;

  std::array<std::uint32_t, kWords> words_{};
};

/// Python's random.shuffle, so that a seed means the same here.
void python_shuffle(std::vector<std::int64_t>& items, std::uint32_t seed) {
  PythonSeed start(seed);
  std::mt19937 bits;
  bits.seed(start);
  for (std::size_t i = items.size(); i-- > 1;) {
    const auto width = static_cast<unsigned>(std::bit_width(i + 1));
    std::size_t draw = 0;
    do {
      draw = bits() >> (32 - width);
    } while (draw > i);
    std::swap(items[i], items[draw]);
  }
}

/// A share or a number of `total` elements, as a number.
std::int64_t count_of(double size, const char* name, std::int64_t total) {
  const auto all = static_cast<double>(total);
  const bool share = size > 0 && size < 1;
  const bool whole = size >= 1 && size < all && size == std::floor(size);
  if (!share && !whole) {
    throw InvalidArgument(format(
        "{} expected {} in (0, 1) or a whole number from 1 to {}, got {}",
        kWho,
        name,
        total - 1,
        size));
  }
  // As Python rounds: halves to even.
  return static_cast<std::int64_t>(share ? std::nearbyint(size * all) : size);
}

struct Sizes {
  std::int64_t left;
  std::int64_t right;
};

Sizes sizes_of(const SplitDatasetOptions& options, std::int64_t total) {
  if (!options.left_size && !options.right_size) {
    throw InvalidArgument(
        format("{} expected left_size or right_size, got neither", kWho));
  }
  Sizes sizes{};
  if (options.left_size) {
    sizes.left = count_of(*options.left_size, "left_size", total);
  }
  if (options.right_size) {
    sizes.right = count_of(*options.right_size, "right_size", total);
  }
  if (!options.left_size) sizes.left = total - sizes.right;
  if (!options.right_size) sizes.right = total - sizes.left;
  if (sizes.left < 1 || sizes.right < 1 || sizes.left > total - sizes.right) {
    throw InvalidArgument(format(
        "{} expected parts with elements of {} in all, got {} and {}; change "
        "left_size or right_size",
        kWho,
        total,
        sizes.left,
        sizes.right));
  }
  return sizes;
}

/// Numbers of the elements of both parts.
std::pair<std::vector<std::int64_t>, std::vector<std::int64_t>> split(
    std::int64_t total, const SplitDatasetOptions& options) {
  const Sizes sizes = sizes_of(options, total);
  std::vector<std::int64_t> order(static_cast<std::size_t>(total));
  std::iota(order.begin(), order.end(), std::int64_t{0});
  if (options.shuffle) {
    python_shuffle(
        order, options.seed.value_or(static_cast<std::uint32_t>(next_seed())));
  }
  return {
      {order.begin(), order.begin() + sizes.left},
      {order.end() - sizes.right, order.end()}};
}

}  // namespace

std::pair<Dataset, Dataset> split_dataset(
    const Dataset& dataset, const SplitDatasetOptions& options) {
  if (dataset.cardinality() == Dataset::kInfinite) {
    throw InvalidArgument(format(
        "{} expected a dataset that ends, got one that repeats for ever; take "
        "a number of its elements",
        kWho));
  }
  const auto elements = std::make_shared<Elements>();
  data::DatasetIterator it = dataset.iterate();
  while (auto element = it.next()) elements->push_back(std::move(*element));
  const auto [left, right] =
      split(static_cast<std::int64_t>(elements->size()), options);
  const auto part = [&](const std::vector<std::int64_t>& numbers) {
    return Dataset::from_tensor_slices(Tensor(numbers))
        .map([elements](const Element& number) {
          const auto i = number.x.tensors()[0].to_vector<std::int64_t>()[0];
          return (*elements)[static_cast<std::size_t>(i)];
        });
  };
  return {part(left), part(right)};
}

std::pair<Dataset, Dataset> split_dataset(
    const TensorSet& x,
    const TensorSet& y,
    const SplitDatasetOptions& options) {
  return split_dataset(Dataset::from_tensor_slices(x, y), options);
}

}  // namespace keratin::utils
