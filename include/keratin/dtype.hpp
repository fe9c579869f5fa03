#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include <keratin/export.hpp>

namespace keratin {

/// Element type of a tensor. `string` exists on the host only.
enum class DType : std::uint8_t {
  f32,
  f64,
  f16,
  bf16,
  i8,
  i16,
  i32,
  i64,
  u8,
  u16,
  u32,
  u64,
  boolean,
  string,
};

inline constexpr int kDTypeCount = 14;

/// IEEE 754 binary16, stored as its bits. Arithmetic goes through float.
struct KERATIN_API Float16 {
  std::uint16_t bits = 0;

  Float16() = default;
  explicit Float16(float value);  // rounds to nearest even
  explicit operator float() const;
  bool operator==(const Float16&) const = default;
};

/// The upper half of a binary32, stored as its bits.
struct KERATIN_API BFloat16 {
  std::uint16_t bits = 0;

  BFloat16() = default;
  explicit BFloat16(float value);  // rounds to nearest even
  explicit operator float() const;
  bool operator==(const BFloat16&) const = default;
};

/// Bytes an element takes; 0 for `string`.
KERATIN_API std::size_t size_of(DType dtype);

/// The name in the IR: "f32", "i64", "bool", "str".
KERATIN_API std::string_view short_name(DType dtype);

/// Keras's and NumPy's name: "float32", "int64", "bool", "string".
KERATIN_API std::string_view name_of(DType dtype);

/// The dtype of either name. Throws InvalidArgument with the nearest name.
KERATIN_API DType parse_dtype(std::string_view name);

KERATIN_API bool is_floating(DType dtype);
KERATIN_API bool is_integer(DType dtype);  // signed and unsigned; not bool
KERATIN_API bool is_signed(DType dtype);   // floating or signed integer

namespace detail {

template <class T>
struct DTypeOf;

// clang-format off
template <> struct DTypeOf<float> { static constexpr DType value = DType::f32; };
template <> struct DTypeOf<double> { static constexpr DType value = DType::f64; };
template <> struct DTypeOf<Float16> { static constexpr DType value = DType::f16; };
template <> struct DTypeOf<BFloat16> { static constexpr DType value = DType::bf16; };
template <> struct DTypeOf<std::int8_t> { static constexpr DType value = DType::i8; };
template <> struct DTypeOf<std::int16_t> { static constexpr DType value = DType::i16; };
template <> struct DTypeOf<std::int32_t> { static constexpr DType value = DType::i32; };
template <> struct DTypeOf<std::int64_t> { static constexpr DType value = DType::i64; };
template <> struct DTypeOf<long long> { static constexpr DType value = DType::i64; };
template <> struct DTypeOf<std::uint8_t> { static constexpr DType value = DType::u8; };
template <> struct DTypeOf<std::uint16_t> { static constexpr DType value = DType::u16; };
template <> struct DTypeOf<std::uint32_t> { static constexpr DType value = DType::u32; };
template <> struct DTypeOf<std::uint64_t> { static constexpr DType value = DType::u64; };
template <> struct DTypeOf<bool> { static constexpr DType value = DType::boolean; };
template <> struct DTypeOf<std::string> { static constexpr DType value = DType::string; };

// clang-format on

}  // namespace detail

/// The DType of a C++ type.
template <class T>
inline constexpr DType kDTypeOf = detail::DTypeOf<T>::value;

}  // namespace keratin
