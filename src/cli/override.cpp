#include "src/cli/override.hpp"

#include <keratin/error.hpp>

namespace keratin::cli {

std::pair<std::string, Config> parse_override(
    const std::string& text, const std::string& example) {
  const std::size_t equals = text.find('=');
  if (equals == std::string::npos || equals == 0) {
    throw InvalidArgument(
        "[--set] expected PATH=VALUE, as in " + example + ", got '" + text +
        "'");
  }
  // Errors name places as $.model.layers[2]; that form is taken, too.
  std::string path;
  for (const char c : text.substr(0, equals)) {
    if (c == '[') {
      path += '.';
    } else if (c != ']') {
      path += c;
    }
  }
  if (path.starts_with("$.")) path = path.substr(2);
  const std::string value = text.substr(equals + 1);
  try {
    return {path, Config::parse(value)};
  } catch (const InvalidArgument&) {
    return {path, Config(value)};
  }
}

}  // namespace keratin::cli
