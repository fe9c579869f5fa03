#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "src/runtime/backend.hpp"

namespace keratin {

/// The backend of that name ("cpu", "reference"). Throws InvalidArgument
/// listing those there are, or saying why one that is known is not here.
Backend& find_backend(std::string_view name);

/// KERATIN_BACKEND or set_backend, else the best there is.
Backend& default_backend();

/// Overrides the default for the process; empty: back to the setting.
void set_default_backend(std::string name);

struct BackendStatus {
  std::string name;
  bool available = false;
  std::string detail;  // devices, or why it is not available
};

std::vector<BackendStatus> list_backends();

}  // namespace keratin
