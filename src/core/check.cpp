#include "src/core/check.hpp"

#include <keratin/error.hpp>

namespace keratin::detail {

void check_failed(
    const char* file,
    int line,
    const char* condition,
    const std::string& message) {
  throw InternalError(keratin::format(
      "[keratin] internal check failed: {}{}{} ({}:{}); please report this",
      condition,
      message.empty() ? "" : ": ",
      message,
      file,
      line));
}

}  // namespace keratin::detail
