#include "src/core/number_text.hpp"

#include <charconv>
#include <cmath>

namespace keratin {

std::string python_repr(double value) {
  if (std::isnan(value)) return "nan";
  if (std::isinf(value)) return value < 0 ? "-inf" : "inf";
  // Python: positional for 1e-4 <= |x| < 1e16, else with an exponent.
  const double magnitude = std::fabs(value);
  const bool positional = value == 0 || (magnitude >= 1e-4 && magnitude < 1e16);
  char buffer[400];
  const auto end =
      std::to_chars(
          buffer,
          buffer + sizeof(buffer),
          value,
          positional ? std::chars_format::fixed : std::chars_format::scientific)
          .ptr;
  std::string text(buffer, end);
  if (positional && text.find('.') == std::string::npos) text += ".0";
  return text;
}

}  // namespace keratin
