#include "src/experiment/short_form.hpp"

#include <utility>

namespace keratin::experiment {

bool is_short_form(const Config& config) {
  if (!config.is_object() || config.size() != 1) return false;
  const auto& [key, value] = config.as_object()[0];
  if (key.empty() || key[0] < 'A' || key[0] > 'Z') return false;
  return value.is_object() || value.is_null();
}

Config expand_short_forms(const Config& config) {
  if (config.is_array()) {
    Config::Array items;
    for (const Config& item : config.as_array()) {
      items.push_back(expand_short_forms(item));
    }
    return items;
  }
  if (!config.is_object()) return config;
  if (is_short_form(config)) {
    const auto& [name, arguments] = config.as_object()[0];
    return Config::object(
        {{"class_name", name},
         {"config",
          arguments.is_null() ? Config::object()
                              : expand_short_forms(arguments)}});
  }
  Config::Object members;
  for (const auto& [key, value] : config.as_object()) {
    members.emplace_back(key, expand_short_forms(value));
  }
  return members;
}

}  // namespace keratin::experiment
