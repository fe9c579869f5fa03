#pragma once

#include <fmt/core.h>

#include <string>
#include <string_view>
#include <utility>

#include <keratin/dtype.hpp>
#include <keratin/shape.hpp>

namespace keratin {

/// std::format's syntax. The one place that knows which library formats:
/// GCC 12 has no <format>.
template <class... Args>
std::string format(fmt::format_string<Args...> pattern, Args&&... args) {
  return fmt::format(pattern, std::forward<Args>(args)...);
}

}  // namespace keratin

namespace keratin::detail {

/// A formatter that takes no format specification.
template <class T, class ToText>
struct PlainFormatter {
  constexpr auto parse(fmt::format_parse_context& context) const {
    return context.begin();
  }

  auto format(const T& value, fmt::format_context& context) const {
    auto out = context.out();
    for (char letter : ToText{}(value)) *out++ = letter;
    return out;
  }
};

struct ShapeText {
  std::string operator()(const Shape& shape) const { return shape.str(); }
};

struct DTypeText {
  std::string_view operator()(DType dtype) const { return short_name(dtype); }
};

}  // namespace keratin::detail

/// "[32,10]", as Shape::str().
template <>
struct fmt::formatter<keratin::Shape>
    : keratin::detail::
          PlainFormatter<keratin::Shape, keratin::detail::ShapeText> {};

/// "f32", as short_name().
template <>
struct fmt::formatter<keratin::DType>
    : keratin::detail::
          PlainFormatter<keratin::DType, keratin::detail::DTypeText> {};
