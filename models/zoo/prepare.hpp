#pragma once

#include <functional>
#include <string>

#include <keratin/applications.hpp>

namespace keratin::applications {

/// An architecture whose weights are still to come.
struct Prepared {
  Model model;
  std::function<void()> load;  // fetches and reads them; empty: random ones
};

/// As make, but neither fetches nor reads a file. `where` for errors about the
/// arguments: a JSON path.
Prepared prepare(
    const std::string& name, const Config& arguments, const std::string& where);

}  // namespace keratin::applications
