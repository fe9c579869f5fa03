#pragma once

#include <memory>
#include <string>

#include "src/runtime/backend.hpp"

/// The interface between the library and a backend in a shared library of its
/// own (CUDA's). A plug-in exports
///
///   extern "C" keratin::Backend* keratin_plugin_create(int api_version);
///
/// which hands over a new backend, or null when the versions differ or there
/// is no device. It may also export
///
///   extern "C" const char* keratin_plugin_error();
///
/// with the reason of the last null.
namespace keratin {

/// Grows with every change to what a plug-in sees of ir and runtime.
// NOLINTNEXTLINE(readability-identifier-naming): the name that docs/ gives it
inline constexpr int KERATIN_PLUGIN_API = 4;

struct Plugin {
  Backend* backend = nullptr;  // lives for the process; null: see reason
  std::string reason;
};

/// Opens lib<file> from the folder of this library, else by the loader's
/// search, and asks it for its backend. Never throws; never unloads.
Plugin open_plugin(const std::string& file);

}  // namespace keratin
