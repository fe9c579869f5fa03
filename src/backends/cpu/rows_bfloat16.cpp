// Casts between float32 and bfloat16: Highway, one set of loops per
// instruction set. Rounds to nearest, ties to even; a NaN stays one.

#include <cstdint>

#include "src/backends/cpu/rows.hpp"
#include "src/backends/cpu/simd.hpp"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "src/backends/cpu/rows_bfloat16.cpp"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();

namespace keratin::cpu::HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;

using D = hn::ScalableTag<std::uint32_t>;
using DHalf = hn::Rebind<std::uint16_t, D>;
using V = hn::Vec<D>;

// The upper half of each is the bfloat16.
HWY_INLINE V rounded(V f) {
  const D d;
  const V magnitude = hn::And(f, hn::Set(d, 0x7FFFFFFFU));
  const auto is_nan = hn::Gt(magnitude, hn::Set(d, 0x7F800000U));
  const V last = hn::And(hn::ShiftRight<16>(f), hn::Set(d, 1U));
  const V up = hn::Add(hn::Add(f, hn::Set(d, 0x7FFFU)), last);
  return hn::IfThenElse(is_nan, hn::Or(f, hn::Set(d, 0x400000U)), up);
}

// Calls f(i) for whole vectors; elements that fill none go through a buffer.
template <class From, class To, class DFrom, class DTo, class F>
HWY_INLINE void row(
    DFrom from_tag, DTo to_tag, const From* a, To* y, std::size_t n, F f) {
  const std::size_t lanes = hn::Lanes(D());
  std::size_t i = 0;
  for (; i + lanes <= n; i += lanes) {
    hn::StoreU(f(hn::LoadU(from_tag, a + i)), to_tag, y + i);
  }
  if (i == n) return;
  HWY_ALIGN From in[hn::MaxLanes(D())] = {};
  HWY_ALIGN To out[hn::MaxLanes(D())];
  for (std::size_t k = i; k < n; ++k) in[k - i] = a[k];
  hn::Store(f(hn::Load(from_tag, in)), to_tag, out);
  for (std::size_t k = i; k < n; ++k) y[k] = out[k - i];
}

void to_bfloat16(
    void* y, const void* a, const void*, const void*, std::int64_t n) {
  row(D(),
      DHalf(),
      static_cast<const std::uint32_t*>(a),
      static_cast<std::uint16_t*>(y),
      static_cast<std::size_t>(n),
      [](V f) {
        return hn::TruncateTo(DHalf(), hn::ShiftRight<16>(rounded(f)));
      });
}

void from_bfloat16(
    void* y, const void* a, const void*, const void*, std::int64_t n) {
  row(DHalf(),
      D(),
      static_cast<const std::uint16_t*>(a),
      static_cast<std::uint32_t*>(y),
      static_cast<std::size_t>(n),
      [](hn::Vec<DHalf> half) {
        return hn::ShiftLeft<16>(hn::PromoteTo(D(), half));
      });
}

void to_bfloat16_and_back(
    void* y, const void* a, const void*, const void*, std::int64_t n) {
  row(D(),
      D(),
      static_cast<const std::uint32_t*>(a),
      static_cast<std::uint32_t*>(y),
      static_cast<std::size_t>(n),
      [](V f) { return hn::And(rounded(f), hn::Set(D(), 0xFFFF0000U)); });
}

Row find_here(DType from, DType to) {
  if (from == DType::bf16) return from_bfloat16;
  return to == DType::bf16 ? to_bfloat16 : to_bfloat16_and_back;
}

}  // namespace keratin::cpu::HWY_NAMESPACE

HWY_AFTER_NAMESPACE();

#if HWY_ONCE

namespace keratin::cpu {

HWY_EXPORT(find_here);

Row bfloat16_row(DType from, DType to) {
  return HWY_DYNAMIC_DISPATCH(find_here)(from, to);
}

}  // namespace keratin::cpu

#endif  // HWY_ONCE
