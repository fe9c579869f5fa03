// Compiled without contraction to fused multiply-adds: every bit is promised.

#include "src/backends/cpu/random_rows.hpp"

#include <algorithm>
#include <cstddef>

#include "src/backends/cpu/simd.hpp"
#include "src/core/philox.hpp"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "src/backends/cpu/random_rows.cpp"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();

namespace keratin::cpu::HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;

using DWord = hn::ScalableTag<std::uint32_t>;

#if HWY_TARGET != HWY_SCALAR
using DLong = hn::RepartitionToWide<DWord>;
using Words = hn::Vec<DWord>;

struct HighLow {
  Words high;
  Words low;
};

HWY_INLINE HighLow multiply(Words a, Words b) {
  const DWord d;
  const DLong dl;
  const auto even = hn::MulEven(a, b);
  const auto odd =
      hn::MulEven(hn::BitCast(d, hn::ShiftRight<32>(hn::BitCast(dl, a))), b);
  return {
      hn::OddEven(
          hn::BitCast(d, odd), hn::BitCast(d, hn::ShiftRight<32>(even))),
      hn::OddEven(
          hn::BitCast(d, hn::ShiftLeft<32>(odd)), hn::BitCast(d, even))};
}

// As many blocks as there are lanes; see philox() for the one-by-one form.
HWY_INLINE void blocks_of_lanes(
    const std::uint32_t key[2], std::uint64_t first, std::uint32_t* words) {
  const DWord d;
  const Words multiplier0 = hn::Set(d, 0xD2511F53U);
  const Words multiplier1 = hn::Set(d, 0xCD9E8D57U);
  Words c0 = hn::Iota(d, static_cast<std::uint32_t>(first));
  Words c1 = hn::Set(d, static_cast<std::uint32_t>(first >> 32));
  Words c2 = hn::Zero(d);
  Words c3 = hn::Zero(d);
  std::uint32_t key0 = key[0];
  std::uint32_t key1 = key[1];
  for (int round = 0; round < 10; ++round) {
    const HighLow p0 = multiply(c0, multiplier0);
    const HighLow p1 = multiply(c2, multiplier1);
    c0 = hn::Xor(hn::Xor(p1.high, c1), hn::Set(d, key0));
    c1 = p1.low;
    c2 = hn::Xor(hn::Xor(p0.high, c3), hn::Set(d, key1));
    c3 = p0.low;
    key0 += 0x9E3779B9U;
    key1 += 0xBB67AE85U;
  }
  hn::StoreInterleaved4(c0, c1, c2, c3, d, words);
}
#endif

void philox_here(
    const std::uint32_t key[2],
    std::uint64_t first,
    std::int64_t count,
    std::uint32_t* words) {
  const auto blocks = static_cast<std::uint64_t>(count);
  std::uint64_t i = 0;
  while (i < blocks) {
    const std::uint64_t block = first + i;
#if HWY_TARGET != HWY_SCALAR
    const std::uint64_t lanes = hn::Lanes(DWord());
    const bool carries = block >> 32 != (block + lanes - 1) >> 32;
    if (i + lanes <= blocks && !carries) {
      blocks_of_lanes(key, block, words + 4 * i);
      i += lanes;
      continue;
    }
#endif
    const PhiloxCounter four = philox(philox_counter(block), {key[0], key[1]});
    std::copy(four.begin(), four.end(), words + 4 * i);
    ++i;
  }
}

void uniform_here(
    const std::uint32_t* words,
    std::int64_t count,
    const UniformRange& range,
    float* y) {
  const hn::ScalableTag<float> d;
  const hn::RebindToSigned<decltype(d)> di;
  const DWord du;
  const auto low = hn::Set(d, range.low);
  const auto width = hn::Set(d, range.range);
  const auto limit = hn::Set(d, range.limit);
  const auto unit = hn::Set(d, 0x1p-24F);
  const auto n = static_cast<std::size_t>(count);
  const std::size_t lanes = hn::Lanes(d);
  std::size_t i = 0;
  for (; i + lanes <= n; i += lanes) {
    const auto bits = hn::ShiftRight<8>(hn::LoadU(du, words + i));
    const auto u = hn::Mul(hn::ConvertTo(d, hn::BitCast(di, bits)), unit);
    const auto value = hn::Add(low, hn::Mul(width, u));
    hn::StoreU(hn::Min(value, limit), d, y + i);
  }
  for (; i < n; ++i) {
    const float product = range.range * uniform_float(words[i]);
    y[i] = std::min(range.low + product, range.limit);
  }
}

}  // namespace keratin::cpu::HWY_NAMESPACE

HWY_AFTER_NAMESPACE();

#if HWY_ONCE

namespace keratin::cpu {

HWY_EXPORT(philox_here);
HWY_EXPORT(uniform_here);

void philox_blocks(
    const std::uint32_t key[2],
    std::uint64_t first,
    std::int64_t blocks,
    std::uint32_t* words) {
  HWY_DYNAMIC_DISPATCH(philox_here)(key, first, blocks, words);
}

void uniform_row(
    const std::uint32_t* words,
    std::int64_t n,
    const UniformRange& range,
    float* y) {
  HWY_DYNAMIC_DISPATCH(uniform_here)(words, n, range, y);
}

}  // namespace keratin::cpu

#endif  // HWY_ONCE
