#include <algorithm>
#include <map>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include <keratin/error.hpp>
#include <keratin/layer.hpp>

#include "layers/base/operation.hpp"
#include "layers/registry.hpp"
#include "src/core/format.hpp"
#include "src/core/names.hpp"

namespace keratin {

namespace {

/// Layers registered at run time, by "package>name".
struct Registered {
  std::mutex mutex;
  std::map<std::string, LayerFactory> by_full_name;
};

Registered& registered() {
  static Registered instance;
  return instance;
}

LayerFactory find_registered(const SerializedObject& object) {
  Registered& all = registered();
  const std::lock_guard lock(all.mutex);
  const auto found = all.by_full_name.find(object.registered_name);
  if (found != all.by_full_name.end()) return found->second;
  for (const auto& [full_name, factory] : all.by_full_name) {
    const std::size_t at = full_name.find('>');
    if (full_name.substr(at + 1) == object.class_name) return factory;
  }
  return {};
}

/// Keras's layers that only make sense inside Python.
struct PythonOnly {
  std::string_view name;
  std::string_view what;
};

constexpr PythonOnly kPythonOnly[] = {
    {"FlaxLayer", "runs a Flax module"},
    {"JaxLayer", "runs JAX code"},
    {"Lambda", "holds Python code"},
    {"TFSMLayer", "runs a TensorFlow SavedModel"},
    {"TorchModuleWrapper", "holds a PyTorch module"},
};

void refuse_python(const SerializedObject& object, const std::string& where) {
  for (const PythonOnly& layer : kPythonOnly) {
    if (layer.name != object.class_name) continue;
    const Config name = object.config.get("name");
    throw InvalidArgument(format(
        "[{}] the {} {} {}, which is never run here; write it in C++, "
        "register_layer it as '{}', or replace it in Python before saving",
        where,
        object.class_name,
        name.is_string() ? "'" + name.as_string() + "'" : "layer",
        std::string(layer.what),
        object.class_name));
  }
}

}  // namespace

void register_layer(
    const std::string& name, LayerFactory factory, const std::string& package) {
  if (name.empty() || !factory) {
    throw InvalidArgument("[register_layer] expected a name and a factory");
  }
  Registered& all = registered();
  const std::lock_guard lock(all.mutex);
  all.by_full_name[package + ">" + name] = std::move(factory);
}

std::vector<std::string> layer_names() {
  std::vector<std::string> names;
  for (const BuiltinLayer& layer : builtin_layers()) {
    names.emplace_back(layer.name);
  }
  Registered& all = registered();
  const std::lock_guard lock(all.mutex);
  for (const auto& [full_name, factory] : all.by_full_name) {
    names.push_back(full_name.substr(full_name.find('>') + 1));
  }
  std::sort(names.begin(), names.end());
  return names;
}

namespace {

/// Names become parts of paths in files and of lines on terminals.
void check_name(const LayerImpl& layer, const std::string& where) {
  constexpr std::size_t kLongest = 1000;
  const std::string& name = layer.name();
  if (name.size() > kLongest) {
    throw InvalidArgument(format(
        "[{}.name] expected at most {} characters, got {}",
        where,
        kLongest,
        name.size()));
  }
  for (const char c : name) {
    const auto code = static_cast<unsigned char>(c);
    if (code >= 32 && code != 127) continue;
    throw InvalidArgument(format(
        "[{}.name] expected a name that can be printed, got one with the "
        "character {}",
        where,
        static_cast<int>(code)));
  }
}

}  // namespace

Layer deserialize_layer(const Config& config, const std::string& where) {
  const SerializedObject object = parse_serialized(config, where);
  std::shared_ptr<LayerImpl> impl;
  if (is_operation(config)) {
    impl = make_operation(object.class_name, where);
  } else if (const LayerFactory factory = find_registered(object)) {
    impl = factory();
  } else if (
      const BuiltinLayer* layer = find_builtin_layer(object.class_name)) {
    impl = layer->make();
  } else {
    refuse_python(object, where);
    throw InvalidArgument(format(
        "[{}] no layer is called '{}'{}; register a layer of your own with "
        "register_layer",
        where,
        object.class_name,
        did_you_mean(object.class_name, layer_names())));
  }
  impl->from_config(object.config, where);
  check_name(*impl, where);
  return Layer(std::move(impl));
}

}  // namespace keratin
