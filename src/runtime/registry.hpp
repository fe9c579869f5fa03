#pragma once

#include <string_view>

#include <keratin/backend.hpp>

#include "src/runtime/backend.hpp"

namespace keratin {

/// The backend of that name ("cpu", "reference"). Throws InvalidArgument
/// listing those there are, or saying why one that is known is not here.
Backend& find_backend(std::string_view name);

/// set_backend or KERATIN_BACKEND, else the best there is.
Backend& default_backend();

}  // namespace keratin
