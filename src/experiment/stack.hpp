#pragma once

#include <functional>
#include <string>
#include <vector>

#include <keratin/config.hpp>
#include <keratin/model.hpp>

namespace keratin::experiment {

/// A model that a config describes.
struct Described {
  Model model;

  /// Fetch and read the weights of its architectures.
  std::vector<std::function<void()>> loads;
};

/// The model of {"layers": [...]}, whose layers may be architectures, or of one
/// architecture, {"MobileNet": {...}}. Paths are relative to `folder`.
Described model_from_short_form(
    const Config& config, const std::string& folder, const std::string& where);

}  // namespace keratin::experiment
