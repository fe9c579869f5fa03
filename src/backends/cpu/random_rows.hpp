#pragma once

#include <cstdint>

namespace keratin::cpu {

/// Words 4 * first ... of the Philox stream with this key, four per block.
void philox_blocks(
    const std::uint32_t key[2],
    std::uint64_t first,
    std::int64_t blocks,
    std::uint32_t* words);

/// What makes a uniform float of random bits: low + range * u with u of the
/// upper 24 bits, but no more than limit.
struct UniformRange {
  float low = 0;
  float range = 1;
  float limit = 1;
};

/// y may be the words themselves.
void uniform_row(
    const std::uint32_t* words,
    std::int64_t n,
    const UniformRange& range,
    float* y);

}  // namespace keratin::cpu
