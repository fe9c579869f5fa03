#pragma once

#include <string>

#include <keratin/config.hpp>
#include <keratin/export.hpp>

namespace keratin {

/// The library's version: "0.1.0".
KERATIN_API std::string version();

/// What `keratin info` prints: "version", "backends", "cpu", "threads",
/// "libraries" (with their versions) and "settings" (those of the environment,
/// with what they are set to).
KERATIN_API Config system_info();

}  // namespace keratin
