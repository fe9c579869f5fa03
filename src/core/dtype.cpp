#include <array>
#include <bit>
#include <cmath>

#include <keratin/dtype.hpp>
#include <keratin/error.hpp>

#include "src/core/check.hpp"
#include "src/core/names.hpp"

namespace keratin {

namespace {

struct DTypeInfo {
  std::string_view short_name;
  std::string_view name;
  std::size_t size_bytes;
};

// In the order of the enum.
constexpr std::array<DTypeInfo, kDTypeCount> kInfo = {{
    {"f32", "float32", 4},
    {"f64", "float64", 8},
    {"f16", "float16", 2},
    {"bf16", "bfloat16", 2},
    {"i8", "int8", 1},
    {"i16", "int16", 2},
    {"i32", "int32", 4},
    {"i64", "int64", 8},
    {"u8", "uint8", 1},
    {"u16", "uint16", 2},
    {"u32", "uint32", 4},
    {"u64", "uint64", 8},
    {"bool", "bool", 1},
    {"str", "string", 0},
}};

const DTypeInfo& info(DType dtype) {
  const auto index = static_cast<std::size_t>(dtype);
  KERATIN_CHECK(index < kInfo.size(), "dtype {}", index);
  return kInfo[index];
}

}  // namespace

Float16::Float16(float value) {
  const auto f = std::bit_cast<std::uint32_t>(value);
  const auto sign = static_cast<std::uint16_t>((f >> 16) & 0x8000);
  const std::uint32_t magnitude = f & 0x7fffffff;
  if (magnitude > 0x7f800000) {  // NaN: keep it one
    bits = sign | 0x7e00;
  } else if (magnitude >= 0x477ff000) {  // 65520 and more round to infinity
    bits = sign | 0x7c00;
  } else if (magnitude >= 0x38800000) {  // normal numbers, from 2^-14
    // Rebias the exponent, then round to nearest even on the 13 cut bits.
    const std::uint32_t rebased = magnitude - 0x38000000;
    bits = static_cast<std::uint16_t>(
        sign | ((rebased + 0xfff + ((rebased >> 13) & 1)) >> 13));
  } else if (magnitude >= 0x33000000) {  // subnormal, from 2^-25
    const std::uint32_t mantissa = (magnitude & 0x7fffff) | 0x800000;
    const std::uint32_t shift = 126 - (magnitude >> 23);
    const std::uint32_t half = 1U << (shift - 1);
    const std::uint32_t odd = (mantissa >> shift) & 1;
    bits = static_cast<std::uint16_t>(
        sign | ((mantissa + half - 1 + odd) >> shift));
  } else {
    bits = sign;
  }
}

Float16::operator float() const {
  const std::uint32_t sign = static_cast<std::uint32_t>(bits & 0x8000) << 16;
  const std::uint32_t exponent = (bits >> 10) & 0x1f;
  const std::uint32_t mantissa = bits & 0x3ff;
  if (exponent == 0) {
    const float magnitude = static_cast<float>(mantissa) * 0x1p-24F;
    return std::bit_cast<float>(sign | std::bit_cast<std::uint32_t>(magnitude));
  }
  const std::uint32_t wide = exponent == 31 ? 255 : exponent + 112;
  return std::bit_cast<float>(sign | (wide << 23) | (mantissa << 13));
}

BFloat16::BFloat16(float value) {
  const auto f = std::bit_cast<std::uint32_t>(value);
  if ((f & 0x7fffffff) > 0x7f800000) {  // NaN: rounding could make it infinite
    bits = static_cast<std::uint16_t>((f >> 16) | 0x40);
  } else {
    bits = static_cast<std::uint16_t>((f + 0x7fff + ((f >> 16) & 1)) >> 16);
  }
}

BFloat16::operator float() const {
  return std::bit_cast<float>(static_cast<std::uint32_t>(bits) << 16);
}

std::size_t size_of(DType dtype) {
  return info(dtype).size_bytes;
}

std::string_view short_name(DType dtype) {
  return info(dtype).short_name;
}

std::string_view name_of(DType dtype) {
  return info(dtype).name;
}

DType parse_dtype(std::string_view name) {
  std::vector<std::string_view> names;
  for (std::size_t i = 0; i < kInfo.size(); ++i) {
    if (name == kInfo[i].short_name || name == kInfo[i].name) {
      return static_cast<DType>(i);
    }
    names.push_back(kInfo[i].name);
  }
  throw InvalidArgument(keratin::format(
      "[dtype] expected a dtype such as \"float32\" or \"int64\", got \"{}\"{}",
      name,
      did_you_mean(name, names)));
}

bool is_floating(DType dtype) {
  return dtype == DType::f32 || dtype == DType::f64 || dtype == DType::f16 ||
         dtype == DType::bf16;
}

bool is_integer(DType dtype) {
  return dtype >= DType::i8 && dtype <= DType::u64;
}

bool is_signed(DType dtype) {
  return is_floating(dtype) || (dtype >= DType::i8 && dtype <= DType::i64);
}

}  // namespace keratin
