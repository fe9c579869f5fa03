#include <doctest/doctest.h>

#include <bit>
#include <cmath>
#include <cstdint>
#include <limits>
#include <string>

#include <keratin/dtype.hpp>
#include <keratin/error.hpp>

#include "src/core/visit.hpp"
#include "tests/support/throws.hpp"

namespace keratin {

TEST_CASE("every dtype parses back from both of its names") {
  for (int i = 0; i < kDTypeCount; ++i) {
    const auto dtype = static_cast<DType>(i);
    CHECK(parse_dtype(short_name(dtype)) == dtype);
    CHECK(parse_dtype(name_of(dtype)) == dtype);
  }
}

TEST_CASE("an unknown dtype suggests the nearest name") {
  CHECK(
      testing::message_of<InvalidArgument>([] { parse_dtype("flaot32"); }) ==
      "[dtype] expected a dtype such as \"float32\" or \"int64\", got "
      "\"flaot32\"; did you mean \"float32\"?");
}

TEST_CASE("sizes and kinds agree with the C++ types") {
  for (int i = 0; i < kDTypeCount; ++i) {
    const auto dtype = static_cast<DType>(i);
    if (dtype == DType::string) continue;
    visit_dtype(dtype, [&](auto tag) {
      using T = typename decltype(tag)::type;
      CHECK(kDTypeOf<T> == dtype);
      CHECK(size_of(dtype) == sizeof(T));
      CHECK(is_floating(dtype) == kIsFloating<T>);
      CHECK(
          is_integer(dtype) ==
          (std::is_integral_v<T> && !std::is_same_v<T, bool>));
      CHECK(is_signed(dtype) == (kIsFloating<T> || std::is_signed_v<T>));
    });
  }
  CHECK(size_of(DType::string) == 0);
  CHECK_THROWS_AS(visit_dtype(DType::string, [](auto) {}), InvalidArgument);
}

TEST_CASE("every Float16 survives the way through float") {
  for (std::uint32_t bits = 0; bits < 0x10000; ++bits) {
    Float16 half;
    half.bits = static_cast<std::uint16_t>(bits);
    const auto wide = static_cast<float>(half);
    if (std::isnan(wide)) {
      REQUIRE(std::isnan(static_cast<float>(Float16(wide))));
    } else {
      REQUIRE(Float16(wide).bits == bits);
    }
  }
}

TEST_CASE("Float16 rounds to the nearest, ties to even") {
  // Between any two neighbours: the middle goes to the even one, one float
  // beside the middle to the nearer one.
  for (std::uint16_t bits = 0; bits < 0x7bff; ++bits) {
    Float16 low;
    Float16 high;
    low.bits = bits;
    high.bits = static_cast<std::uint16_t>(bits + 1);
    const float middle =
        (static_cast<float>(low) + static_cast<float>(high)) / 2;
    const float inf = std::numeric_limits<float>::infinity();
    REQUIRE(Float16(middle).bits == (bits % 2 == 0 ? bits : bits + 1));
    REQUIRE(Float16(std::nextafter(middle, -inf)).bits == bits);
    REQUIRE(Float16(std::nextafter(middle, inf)).bits == bits + 1);
    REQUIRE(Float16(-middle).bits == (Float16(middle).bits | 0x8000));
  }
  CHECK(Float16(65519.996F).bits == 0x7bff);
  CHECK(Float16(65520.0F).bits == 0x7c00);
  CHECK(Float16(0x1p-25F).bits == 0);
  CHECK(Float16(0x1.8p-25F).bits == 1);
}

TEST_CASE("BFloat16 rounds to the nearest, ties to even") {
  CHECK(static_cast<float>(BFloat16(1.0F)) == 1.0F);
  CHECK(BFloat16(std::bit_cast<float>(0x3f808000U)).bits == 0x3f80);
  CHECK(BFloat16(std::bit_cast<float>(0x3f818000U)).bits == 0x3f82);
  CHECK(BFloat16(std::bit_cast<float>(0x3f808001U)).bits == 0x3f81);
  CHECK(BFloat16(std::numeric_limits<float>::max()).bits == 0x7f80);
  CHECK(std::isnan(
      static_cast<float>(BFloat16(std::bit_cast<float>(0x7f800001U)))));
}

TEST_CASE("double to half rounds once, not twice") {
  // Just above the middle of 1 and the next half: float rounds it onto the
  // middle, and a second rounding would then go to even, to 1.
  const double value = 1.0 + 0x1p-11 + 0x1p-40;
  CHECK(convert_element<Float16>(value).bits == 0x3c01);
  CHECK(convert_element<Float16>(static_cast<float>(value)).bits == 0x3c00);
  const double below = 1.0 + 3 * 0x1p-11 - 0x1p-40;
  CHECK(convert_element<Float16>(below).bits == 0x3c01);
  CHECK(convert_element<BFloat16>(-(1.0 + 0x1p-8 + 0x1p-40)).bits == 0xbf81);
}

TEST_CASE("converting elements truncates, wraps and never traps") {
  const double nan = std::numeric_limits<double>::quiet_NaN();
  CHECK(convert_element<std::int32_t>(-1.9) == -1);
  CHECK(convert_element<std::uint8_t>(300.0) == 44);
  CHECK(convert_element<std::uint8_t>(-1.0) == 255);
  CHECK(convert_element<std::uint64_t>(0x1p63 + 4096) == 9223372036854779904U);
  CHECK(
      convert_element<std::int64_t>(1e300) ==
      std::numeric_limits<std::int64_t>::min());
  CHECK(
      convert_element<std::int64_t>(nan) ==
      std::numeric_limits<std::int64_t>::min());
  CHECK(convert_element<bool>(nan));
  CHECK(convert_element<bool>(0.5F));
  CHECK_FALSE(convert_element<bool>(-0.0));
  CHECK(convert_element<float>(true) == 1.0F);
  CHECK(convert_element<bool>(Float16(0.0F)) == false);
  CHECK(convert_element<std::int8_t>(std::int64_t{-129}) == 127);
}

}  // namespace keratin
