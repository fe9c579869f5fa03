#pragma once

#include <string>
#include <utility>

#include <keratin/config.hpp>

namespace keratin::cli {

/// "fit.epochs=3": the path and the value, JSON or else a text. Throws
/// InvalidArgument for anything else; `example` is what it shows.
std::pair<std::string, Config> parse_override(
    const std::string& text, const std::string& example);

}  // namespace keratin::cli
