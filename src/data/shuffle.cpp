#include "src/data/shuffle.hpp"

#include <numeric>
#include <utility>

#include <keratin/random.hpp>

#include "src/core/philox.hpp"

namespace keratin::data {

std::uint64_t RandomBits::next() {
  const auto words = philox(philox_counter(drawn_ / 2), philox_key(seed_));
  const std::size_t at = 2 * (drawn_++ % 2);
  return std::uint64_t{words[at]} << 32 | words[at + 1];
}

std::uint64_t RandomBits::below(std::uint64_t bound) {
  // Numbers from the last, incomplete run of `bound` are drawn again.
  const std::uint64_t skew = (~std::uint64_t{0} % bound + 1) % bound;
  while (true) {
    const std::uint64_t bits = next();
    if (bits <= ~std::uint64_t{0} - skew) return bits % bound;
  }
}

RandomBits random_bits(std::optional<std::uint64_t> seed) {
  return RandomBits(seed ? *seed : next_seed());
}

void shuffle(std::span<std::int64_t> values, RandomBits& bits) {
  for (std::size_t i = values.size(); i > 1; --i) {
    std::swap(values[i - 1], values[bits.below(i)]);
  }
}

std::vector<std::int64_t> count_up(std::int64_t n) {
  std::vector<std::int64_t> out(static_cast<std::size_t>(n));
  std::iota(out.begin(), out.end(), 0);
  return out;
}

}  // namespace keratin::data
