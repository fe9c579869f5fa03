#pragma once

#include <string>

#include "src/core/format.hpp"
#include "src/core/plugin_export.hpp"

namespace keratin::detail {

[[noreturn]] KERATIN_PLUGIN_EXPORT void check_failed(
    const char* file,
    int line,
    const char* condition,
    const std::string& message = {});

}  // namespace keratin::detail

/// Finds our own bugs: KERATIN_CHECK(condition) or
/// KERATIN_CHECK(condition, "pattern {}", args...). Throws InternalError with
/// file and line. On in every build; what a user gets wrong must never reach
/// it.
#define KERATIN_CHECK(condition, ...)                               \
  do {                                                              \
    if (!(condition)) [[unlikely]] {                                \
      ::keratin::detail::check_failed(                              \
          __FILE__,                                                 \
          __LINE__,                                                 \
          #condition __VA_OPT__(, ::keratin::format(__VA_ARGS__))); \
    }                                                               \
  } while (false)

/// Marks a place that no input leads to, e.g. after a switch over an enum.
#define KERATIN_UNREACHABLE() \
  ::keratin::detail::check_failed(__FILE__, __LINE__, "unreachable")
