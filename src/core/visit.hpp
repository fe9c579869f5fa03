#pragma once

#include <bit>
#include <cstdint>
#include <cstring>
#include <limits>
#include <type_traits>
#include <utility>

#include <keratin/dtype.hpp>
#include <keratin/error.hpp>

#include "src/core/check.hpp"

namespace keratin {

/// True for the half-precision types, whose arithmetic goes through float.
template <class T>
inline constexpr bool kIsHalf =
    std::is_same_v<T, Float16> || std::is_same_v<T, BFloat16>;

template <class T>
inline constexpr bool kIsFloating = std::is_floating_point_v<T> || kIsHalf<T>;

/// Calls f(std::type_identity<T>{}) with the C++ type of a dtype; T is bool for
/// booleans. The one switch over dtypes:
///
///   visit_dtype(dtype, [&](auto tag) {
///     using T = typename decltype(tag)::type;
///     ...
///   });
///
/// Throws InvalidArgument for strings.
template <class F>
decltype(auto) visit_dtype(DType dtype, F&& f) {
  // clang-format off
  switch (dtype) {
    case DType::f32: return f(std::type_identity<float>{});
    case DType::f64: return f(std::type_identity<double>{});
    case DType::f16: return f(std::type_identity<Float16>{});
    case DType::bf16: return f(std::type_identity<BFloat16>{});
    case DType::i8: return f(std::type_identity<std::int8_t>{});
    case DType::i16: return f(std::type_identity<std::int16_t>{});
    case DType::i32: return f(std::type_identity<std::int32_t>{});
    case DType::i64: return f(std::type_identity<std::int64_t>{});
    case DType::u8: return f(std::type_identity<std::uint8_t>{});
    case DType::u16: return f(std::type_identity<std::uint16_t>{});
    case DType::u32: return f(std::type_identity<std::uint32_t>{});
    case DType::u64: return f(std::type_identity<std::uint64_t>{});
    case DType::boolean: return f(std::type_identity<bool>{});
    case DType::string: break;
  }
  // clang-format on
  throw InvalidArgument("[dtype] expected numbers or booleans, got strings");
}

namespace detail {

// Rounds to odd, so that rounding the result once more, to half precision, is
// as if the double had been rounded once (Boldo and Melquiond 2008).
inline float round_to_odd(double value) {
  const auto nearest = static_cast<float>(value);
  auto bits = std::bit_cast<std::uint32_t>(nearest);
  if (static_cast<double>(nearest) == value || value != value ||
      (bits & 0x7f800000) == 0x7f800000) {
    return nearest;
  }
  const double magnitude = value < 0 ? -value : value;
  const double got = nearest < 0 ? -static_cast<double>(nearest)
                                 : static_cast<double>(nearest);
  if (got > magnitude) --bits;
  return std::bit_cast<float>(bits | 1);
}

// Truncates; what fits no 64 bits becomes the lowest number, as x86 has it, so
// that hostile data cannot reach undefined behaviour. Narrower types wrap.
template <class To>
To truncate(double value) {
  if constexpr (std::is_same_v<To, std::uint64_t>) {
    if (value >= 0x1p63 && value < 0x1p64) {
      return static_cast<std::uint64_t>(value);
    }
  }
  if (!(value > -0x1p63 && value < 0x1p63)) {
    return static_cast<To>(std::numeric_limits<std::int64_t>::min());
  }
  return static_cast<To>(static_cast<std::int64_t>(value));
}

}  // namespace detail

/// One element as another type, as NumPy's astype does it: floats to integers
/// truncate, integers wrap, anything to bool is != 0, NaN included.
template <class To, class From>
To convert_element(From value) {
  if constexpr (std::is_same_v<To, From>) {
    return value;
  } else if constexpr (kIsHalf<From>) {
    return convert_element<To>(static_cast<float>(value));
  } else if constexpr (std::is_same_v<To, bool>) {
    return value != From{};
  } else if constexpr (kIsHalf<To>) {
    if constexpr (std::is_same_v<From, float>) {
      return To(value);
    } else {
      return To(detail::round_to_odd(static_cast<double>(value)));
    }
  } else if constexpr (
      std::is_floating_point_v<From> && std::is_integral_v<To>) {
    return detail::truncate<To>(static_cast<double>(value));
  } else {
    return static_cast<To>(value);
  }
}

}  // namespace keratin
