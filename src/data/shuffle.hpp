#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

namespace keratin::data {

/// Random numbers that depend on the seed alone: blocks of Philox in order.
class RandomBits {
 public:
  explicit RandomBits(std::uint64_t seed) : seed_(seed) {}

  /// Uniform in [0, bound), without bias. REQUIRES: bound > 0.
  std::uint64_t below(std::uint64_t bound);

 private:
  std::uint64_t next();

  std::uint64_t seed_;
  std::uint64_t drawn_ = 0;
};

/// `seed`, or a fresh one when there is none.
RandomBits random_bits(std::optional<std::uint64_t> seed);

/// Fisher and Yates.
void shuffle(std::span<std::int64_t> values, RandomBits& bits);

/// 0, 1, ..., n - 1.
std::vector<std::int64_t> count_up(std::int64_t n);

}  // namespace keratin::data
