#pragma once

#include <array>
#include <cmath>
#include <cstdint>
#include <numbers>

namespace keratin {

using PhiloxCounter = std::array<std::uint32_t, 4>;
using PhiloxKey = std::array<std::uint32_t, 2>;

/// Philox 4x32-10 (Salmon et al., "Parallel random numbers: as easy as 1, 2,
/// 3", 2011): 128 random bits that depend on counter and key alone.
inline PhiloxCounter philox(PhiloxCounter counter, PhiloxKey key) {
  constexpr std::uint64_t kMultiplier0 = 0xD2511F53;
  constexpr std::uint64_t kMultiplier1 = 0xCD9E8D57;
  constexpr std::uint32_t kWeyl0 = 0x9E3779B9;
  constexpr std::uint32_t kWeyl1 = 0xBB67AE85;
  for (int round = 0; round < 10; ++round) {
    const std::uint64_t p0 = kMultiplier0 * counter[0];
    const std::uint64_t p1 = kMultiplier1 * counter[2];
    counter = {
        static_cast<std::uint32_t>(p1 >> 32) ^ counter[1] ^ key[0],
        static_cast<std::uint32_t>(p1),
        static_cast<std::uint32_t>(p0 >> 32) ^ counter[3] ^ key[1],
        static_cast<std::uint32_t>(p0)};
    key[0] += kWeyl0;
    key[1] += kWeyl1;
  }
  return counter;
}

/// The key that stands for a 64-bit seed: low half first.
inline PhiloxKey philox_key(std::uint64_t seed) {
  return {
      static_cast<std::uint32_t>(seed), static_cast<std::uint32_t>(seed >> 32)};
}

/// The counter that stands for block `block` of stream `stream`.
inline PhiloxCounter philox_counter(
    std::uint64_t block, std::uint64_t stream = 0) {
  return {
      static_cast<std::uint32_t>(block),
      static_cast<std::uint32_t>(block >> 32),
      static_cast<std::uint32_t>(stream),
      static_cast<std::uint32_t>(stream >> 32)};
}

/// In [0, 1), from the upper 24 bits: every value is exact in float.
inline float uniform_float(std::uint32_t bits) {
  return static_cast<float>(bits >> 8) * 0x1p-24F;
}

/// In [0, 1), from 53 bits.
inline double uniform_double(std::uint32_t high, std::uint32_t low) {
  const std::uint64_t bits = (std::uint64_t{high} << 32) | low;
  return static_cast<double>(bits >> 11) * 0x1p-53;
}

/// Two independent standard normals (Box and Muller 1958) from two words.
inline std::array<float, 2> normal_float(std::uint32_t a, std::uint32_t b) {
  // 1 - u lies in (0, 1], so the logarithm is finite.
  const float radius = std::sqrt(-2.0F * std::log(1.0F - uniform_float(a)));
  const float angle = 2.0F * std::numbers::pi_v<float> * uniform_float(b);
  return {radius * std::cos(angle), radius * std::sin(angle)};
}

/// The same in double, from four words.
inline std::array<double, 2> normal_double(const PhiloxCounter& words) {
  const double u = uniform_double(words[0], words[1]);
  const double v = uniform_double(words[2], words[3]);
  const double radius = std::sqrt(-2.0 * std::log(1.0 - u));
  const double angle = 2.0 * std::numbers::pi * v;
  return {radius * std::cos(angle), radius * std::sin(angle)};
}

}  // namespace keratin
