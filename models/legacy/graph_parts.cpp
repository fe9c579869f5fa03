#include "models/legacy/graph_parts.hpp"

#include <keratin/error.hpp>

#include "src/core/format.hpp"

namespace keratin::legacy {

std::string text(const Config& object, std::string_view key) {
  const Config* value = object.find(key);
  return value != nullptr && value->is_string() ? value->as_string() : "";
}

std::string class_of(const Config& object) {
  return text(object, "class_name");
}

std::string name_of_layer(const Config& layer) {
  const std::string name = text(layer, "name");
  if (!name.empty()) return name;
  const Config* config = layer.find("config");
  return config != nullptr ? text(*config, "name") : "";
}

const Config& layers_of(const Config& config, const std::string& where) {
  if (config.is_array()) return config;
  const Config* layers = config.find("layers");
  if (layers == nullptr || !layers->is_array()) {
    throw InvalidArgument(format("[{}] expected a list of layers", where));
  }
  return *layers;
}

Config input_layer(
    const std::string& name, const Config& shape, const Config& dtype) {
  return Config::object(
      {{"class_name", "InputLayer"},
       {"config",
        Config::object(
            {{"batch_shape", shape}, {"dtype", dtype}, {"name", name}})}});
}

Config with_ordering(const Config& layers) {
  bool theano = false;
  for (const Config& layer : layers.as_array()) {
    const Config ordering = layer.get("config").get("dim_ordering");
    if (ordering == Config("tf")) return layers;
    theano = theano || ordering == Config("th");
  }
  if (!theano) return layers;
  Config out = layers;
  for (Config& layer : out.as_array()) {
    const std::string name = class_of(layer);
    const bool spatial = name.ends_with("2D") || name.ends_with("3D");
    Config* config = layer.find("config");
    if (!spatial || name.starts_with("SpatialDropout") || config == nullptr ||
        !config->is_object() || config->contains("data_format") ||
        config->contains("dim_ordering")) {
      continue;
    }
    (*config)["dim_ordering"] = "th";
  }
  return out;
}

}  // namespace keratin::legacy
