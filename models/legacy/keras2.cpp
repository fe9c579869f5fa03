// Writing for Keras 2: graphs.

#include "models/legacy/keras2.hpp"

#include <set>

#include <keratin/error.hpp>

#include "models/compile_config.hpp"
#include "models/functional.hpp"
#include "models/legacy/dialect.hpp"
#include "models/legacy/graph_parts.hpp"
#include "src/core/format.hpp"

namespace keratin::legacy {

namespace {

/// The last version of Keras 2, whose dialect we write.
constexpr const char* kVersion = "2.15.0";

// -- calls
// -----------------------------------------------------------------------

class GraphTranslator {
 public:
  GraphTranslator(const Config& config, std::string where)
      : config_(config), where_(std::move(where)) {
    for (const Config& layer : config.at("layers").as_array()) {
      if (is_model_class(class_of(layer))) {
        models_.insert(layer.get("name", "").as_string());
      }
    }
  }

  Config run() const {
    Config layers = Config::array();
    for (const Config& layer : config_.at("layers").as_array()) {
      const std::string name = layer.get("name", "").as_string();
      Config out = to_keras2(layer, format("{}.{}", where_, name));
      out["name"] = name;
      Config nodes = Config::array();
      for (const Config& node : layer.at("inbound_nodes").as_array()) {
        nodes.push_back(call(node, name));
      }
      out["inbound_nodes"] = std::move(nodes);
      layers.push_back(std::move(out));
    }
    return Config::object(
        {{"name", config_.get("name")},
         {"trainable", config_.get("trainable", true)},
         {"layers", std::move(layers)},
         {"input_layers", ends("input_layers")},
         {"output_layers", ends("output_layers")}});
  }

 private:
  static bool is_tensor(const Config& value) {
    return class_of(value) == "__keras_tensor__";
  }

  /// [layer, call, result]; calls of a model inside count from one.
  Config reference(const Config& tensor) const {
    Config history = tensor.at("config").at("keras_history");
    Config::Array& items = history.as_array();
    if (models_.contains(items[0].as_string())) {
      items[1] = items[1].as_int() + 1;
    }
    return history;
  }

  Config argument(const Config& value) const {
    if (is_tensor(value)) return reference(value);
    if (!value.is_array()) return value;
    Config out = Config::array();
    for (const Config& item : value.as_array()) out.push_back(argument(item));
    return out;
  }

  /// Keras 2 wrote all arguments but the first by name.
  std::string argument_name(
      const std::string& layer, std::size_t index, std::size_t count) const {
    for (const Config& item : config_.at("layers").as_array()) {
      if (item.get("name") != Config(layer)) continue;
      if (class_of(item) == "MultiHeadAttention" && index < 3) {
        return index == 1 ? "value" : "key";
      }
    }
    throw InvalidArgument(format(
        "[{}] '{}' is called with {} positional arguments, which Keras 2 "
        "cannot note; give all but the first by name, or save as .keras",
        where_,
        layer,
        count));
  }

  Config call(const Config& node, const std::string& name) const {
    const Config::Array& args = node.at("args").as_array();
    Config kwargs = Config::object();
    const Config written = node.get("kwargs", Config::object());
    for (const auto& [key, value] : written.as_object()) {
      // Keras 2 would keep to it in predict, where Keras 3 does not.
      if (key == "training" && !node.contains("keeps_training")) continue;
      if (!value.is_null()) kwargs[key] = argument(value);
    }
    if (args.empty()) {
      throw InvalidArgument(format(
          "[{}] '{}' is called with keyword arguments alone, which Keras 2 "
          "cannot note; save as .keras",
          where_,
          name));
    }
    for (std::size_t i = 1; i < args.size(); ++i) {
      kwargs[argument_name(name, i, args.size())] = argument(args[i]);
    }
    const Config::Array tensors =
        args[0].is_array() ? args[0].as_array() : Config::Array{args[0]};
    Config out = Config::array();
    for (const Config& tensor : tensors) {
      Config item = reference(tensor);
      item.push_back(kwargs);
      out.push_back(std::move(item));
    }
    return out;
  }

  /// Keras 3 counts these from one for a Functional inside, Keras 2 for every
  /// model.
  Config end(const Config& item) const {
    Config out = item;
    Config::Array& parts = out.as_array();
    const std::string& name = parts[0].as_string();
    if (!models_.contains(name)) return out;
    for (const Config& layer : config_.at("layers").as_array()) {
      if (layer.get("name") == Config(name) &&
          class_of(layer) == "Sequential") {
        parts[1] = parts[1].as_int() + 1;
      }
    }
    return out;
  }

  Config ends(const char* key) const {
    const Config& list = config_.at(key);
    if (list.size() > 0 && list.as_array()[0].is_string()) {
      return Config::array({end(list)});
    }
    Config out = Config::array();
    for (const Config& item : list.as_array()) out.push_back(end(item));
    return out;
  }

  const Config& config_;
  std::string where_;
  std::set<std::string> models_;
};

Config sequential_to_keras2(const Config& config, const std::string& where) {
  Config layers = Config::array();
  const Config& written = config.at("layers");
  for (const Config& layer : written.as_array()) {
    layers.push_back(to_keras2(layer, where));
  }
  return Config::object(
      {{"name", config.get("name")}, {"layers", std::move(layers)}});
}

}  // namespace

Config to_keras2(const Config& object, const std::string& where) {
  const std::string class_name = class_of(object);
  if (class_name == "Sequential") {
    return Config::object(
        {{"class_name", class_name},
         {"config", sequential_to_keras2(object.at("config"), where)}});
  }
  if (is_model_class(class_name)) {
    return Config::object(
        {{"class_name", "Functional"},
         {"config", GraphTranslator(object.at("config"), where).run()}});
  }
  return layer_to_keras2(object, where);
}

Config keras2_json(const ModelImpl& model) {
  if (dynamic_cast<const FunctionalImpl*>(&model) == nullptr) {
    throw InvalidArgument(format(
        "{} is a class of its own: Keras 2's files hold functional and "
        "Sequential models",
        model.who()));
  }
  Config out = to_keras2(serialize_built(model), model.name());
  out["keras_version"] = kVersion;
  out["backend"] = "tensorflow";
  return out;
}

}  // namespace keratin::legacy
