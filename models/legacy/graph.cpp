// Functional models: how their layers are called.

#include <algorithm>
#include <map>
#include <set>

#include <keratin/error.hpp>

#include "models/legacy/dialect.hpp"
#include "models/legacy/graph_parts.hpp"
#include "src/core/format.hpp"

namespace keratin::legacy {

namespace {

Config tensor(const std::string& layer, std::int64_t call, std::int64_t index) {
  return Config::object(
      {{"class_name", "__keras_tensor__"},
       {"config",
        Config::object(
            {{"keras_history", Config::array({layer, call, index})}})}});
}

bool is_reference(const Config& value) {
  return value.is_array() && value.size() >= 3 &&
         value.as_array()[0].is_string() && value.as_array()[1].is_int() &&
         value.as_array()[2].is_int();
}

class FunctionalTranslator {
 public:
  FunctionalTranslator(const Config& config, std::string where)
      : config_(config), where_(std::move(where)) {}

  Config run() {
    const Config layers = with_ordering(layers_of(config_, where_));
    for (const Config& layer : layers.as_array()) {
      names_.insert(name_of_layer(layer));
      if (is_model_class(class_of(layer))) models_.insert(name_of_layer(layer));
    }
    find_first_calls(config_);
    Config out_layers = Config::array();
    for (std::size_t i = 0; i < layers.size(); ++i) {
      for (Config& layer : translate_layer(
               layers.as_array()[i], format("{}.layers[{}]", where_, i))) {
        out_layers.push_back(std::move(layer));
      }
    }
    Config out = Config::object();
    if (const Config* name = config_.find("name")) out["name"] = *name;
    out["trainable"] = config_.get("trainable", true);
    out["layers"] = std::move(out_layers);
    out["input_layers"] = ends("input_layers");
    out["output_layers"] = ends("output_layers");
    return out;
  }

 private:
  /// Old versions counted the calls of a model inside a model from one, Keras 3
  /// counts from zero in calls: the least number used tells which.
  void find_first_calls(const Config& value) {
    if (value.is_array()) {
      if (is_reference(value)) {
        const std::string& name = value.as_array()[0].as_string();
        if (models_.contains(name)) {
          const std::int64_t call = value.as_array()[1].as_int();
          const auto [at, is_new] = first_call_.emplace(name, call);
          at->second = std::min(at->second, call);
        }
      }
      for (const Config& item : value.as_array()) find_first_calls(item);
    } else if (value.is_object()) {
      for (const auto& [key, item] : value.as_object()) {
        // Not into the models inside: their names are their own.
        if (key != "config") find_first_calls(item);
      }
    }
  }

  std::int64_t call_of(const std::string& name, std::int64_t call) const {
    const auto found = first_call_.find(name);
    return found != first_call_.end() && found->second > 0 ? call - 1 : call;
  }

  Config reference(const Config& item) const {
    const Config::Array& parts = item.as_array();
    const std::string& name = parts[0].as_string();
    if (name == "_CONSTANT_VALUE") return parts[2];
    return tensor(name, call_of(name, parts[1].as_int()), parts[2].as_int());
  }

  /// A keyword argument: tensors may be anywhere in it.
  Config argument(const Config& value) const {
    if (is_reference(value) && value.size() == 3 &&
        names_.contains(value.as_array()[0].as_string())) {
      return reference(value);
    }
    if (!value.is_array()) return value;
    if (value.size() == 3 && value.as_array()[0] == Config("_CONSTANT_VALUE")) {
      return value.as_array()[2];
    }
    Config out = Config::array();
    for (const Config& item : value.as_array()) out.push_back(argument(item));
    return out;
  }

  static bool takes_states(std::string_view name) {
    return name == "RNN" || name == "LSTM" || name == "GRU" ||
           name == "SimpleRNN" || name == "Bidirectional" ||
           name == "CuDNNLSTM" || name == "CuDNNGRU" ||
           name.starts_with("ConvLSTM");
  }

  /// [[layer, call, result, kwargs], ...] as {"args", "kwargs"}.
  Config call(const Config& node, const Config& layer) const {
    if (!node.is_array()) return node;  // Keras 3's already
    Config items = node;
    const bool flat = node.size() > 0 && node.as_array()[0].is_string();
    if (flat) items = Config::array({node});
    Config kwargs = Config::object();
    Config tensors = Config::array();
    for (const Config& item : items.as_array()) {
      if (!item.is_array() || item.size() < 3) {
        throw InvalidArgument(format(
            "[{}] the calls of '{}': expected [layer, call, result], got {}",
            where_,
            name_of_layer(layer),
            item.dump()));
      }
      const Config::Array& parts = item.as_array();
      if (parts.size() > 3 && parts[3].is_object()) {
        for (const auto& [key, value] : parts[3].as_object()) {
          if (value.is_null()) continue;
          const bool number = key == "training" && value.is_int();
          kwargs[key] = number ? Config(value.as_int() != 0) : argument(value);
        }
      }
      if (!is_reference(item) && !(parts[0] == Config("_CONSTANT_VALUE"))) {
        throw InvalidArgument(format(
            "[{}] the calls of '{}': expected [layer, call, result], got {}",
            where_,
            name_of_layer(layer),
            item.dump()));
      }
      tensors.push_back(reference(item));
    }
    if (tensors.size() > 1 && takes_states(class_of(layer))) {
      give_states(tensors, kwargs, layer);
    }
    const bool single = tensors.size() == 1 && !(class_of(layer) == "Merge") &&
                        !takes_list(class_of(layer), flat);
    Config args = Config::array({single ? tensors.as_array()[0] : tensors});
    const bool keeps_training = kwargs.get("training").is_bool();
    Config out = Config::object(
        {{"args", std::move(args)}, {"kwargs", std::move(kwargs)}});
    // In Keras 3 the mode in which the model runs goes before.
    if (keeps_training) out["keeps_training"] = true;
    return out;
  }

  static bool takes_list(std::string_view name, bool flat) {
    return !flat && is_tensorflow_operation(name);
  }

  /// Keras 2 wrote the states behind the sequence, in one list.
  static void give_states(
      Config& tensors, Config& kwargs, const Config& layer) {
    Config::Array& all = tensors.as_array();
    const Config count = layer.get("config").get("num_constants");
    const std::size_t constants =
        count.is_int() && count.as_int() > 0
            ? std::min(static_cast<std::size_t>(count.as_int()), all.size() - 1)
            : 0;
    Config states = Config::array();
    for (std::size_t i = 1; i < all.size() - constants; ++i) {
      states.push_back(all[i]);
    }
    if (states.size() > 0) kwargs["initial_state"] = std::move(states);
    if (constants > 0) {
      kwargs["constants"] = Config(Config::Array(
          all.end() - static_cast<std::ptrdiff_t>(constants), all.end()));
    }
    all.resize(1);
  }

  /// Several where it takes more than one of Keras 3's.
  std::vector<Config> translate_layer(
      const Config& layer, const std::string& where) const {
    if (!layer.is_object() || class_of(layer).empty()) {
      throw InvalidArgument(format("[{}] expected a layer", where));
    }
    Config out = layer;
    Config nodes = Config::array();
    if (const Config* inbound = layer.find("inbound_nodes");
        inbound != nullptr && inbound->is_array()) {
      for (const Config& node : inbound->as_array()) {
        if (node.size() > 0) nodes.push_back(call(node, layer));
      }
    }
    out["inbound_nodes"] = std::move(nodes);
    if (!out.contains("name")) out["name"] = name_of_layer(layer);
    if (is_tensorflow_operation(class_of(layer))) {
      return operation_to_keras3(out, where);
    }
    if (class_of(layer) == "Merge") return {merge(out, where)};
    return {to_keras3(out, where)};
  }

  /// Keras 1's Merge as the layer that Keras has had for the mode since.
  static Config merge(const Config& layer, const std::string& where) {
    struct Mode {
      std::string_view mode;
      std::string_view class_name;
    };

    constexpr Mode kModes[] = {
        {"ave", "Average"},
        {"concat", "Concatenate"},
        {"max", "Maximum"},
        {"mul", "Multiply"},
        {"sum", "Add"},
    };
    Config out = layer_to_keras3(layer, where);
    Config& config = *out.find("config");
    config.erase("layers");
    const std::string mode = text(config, "mode");
    for (const Mode& item : kModes) {
      if (item.mode != mode || text(config, "mode_type") == "lambda") continue;
      out["class_name"] = item.class_name;
      Config now = Config::object({{"name", config.get("name")}});
      if (mode == "concat") now["axis"] = config.get("concat_axis", -1);
      out["config"] = std::move(now);
    }
    return out;
  }

  /// Ends as Keras 3 counts them: calls of models inside from one.
  Config ends(const char* key) const {
    const Config list = config_.get(key);
    if (is_reference(list)) return end(list);
    if (list.is_object()) {
      Config out = Config::object();
      for (const auto& [name, item] : list.as_object()) out[name] = end(item);
      return out;
    }
    if (!list.is_array()) {
      throw InvalidArgument(format("[{}.{}] expected a list", where_, key));
    }
    Config out = Config::array();
    for (const Config& item : list.as_array()) out.push_back(end(item));
    // Old versions wrote a list also for a model of one tensor.
    return out.size() == 1 ? out.as_array()[0] : out;
  }

  Config end(const Config& item) const {
    if (!is_reference(item)) return item;
    Config out = item;
    const std::string& name = item.as_array()[0].as_string();
    const std::int64_t call = item.as_array()[1].as_int();
    if (is_functional(name)) {
      out.as_array()[1] = call_of(name, call) + 1;
    } else {
      out.as_array()[1] = call_of(name, call);
    }
    return out;
  }

  bool is_functional(const std::string& name) const {
    for (const Config& layer : layers_of(config_, where_).as_array()) {
      if (name_of_layer(layer) != name) continue;
      const std::string class_name = class_of(layer);
      return is_model_class(class_name) && class_name != "Sequential";
    }
    return false;
  }

  const Config& config_;
  std::string where_;
  std::set<std::string> names_;
  std::set<std::string> models_;
  std::map<std::string, std::int64_t> first_call_;
};

}  // namespace

Config functional_to_keras3(const Config& config, const std::string& where) {
  if (!config.is_object()) {
    throw InvalidArgument(
        format("[{}] expected an object, got {}", where, config.kind()));
  }
  return FunctionalTranslator(config, where).run();
}

bool is_old_dialect(const Config& model) {
  // By pointer: configs of large models are not copied.
  const Config* const config = model.find("config");
  if (config == nullptr) return !model.contains("module");
  if (config->is_array()) return true;
  // Keras 2.12 and later wrote modules, too, but never a build_config of
  // Keras 3's shape around layers that take batch_input_shape.
  if (!model.contains("module")) return true;
  const Config* const layers = config->find("layers");
  if (layers == nullptr || !layers->is_array()) return false;
  for (const Config& layer : layers->as_array()) {
    const Config* const inner = layer.find("config");
    if (inner != nullptr && inner->contains("batch_input_shape")) return true;
    const Config* const nodes = layer.find("inbound_nodes");
    if (nodes == nullptr || !nodes->is_array()) continue;
    for (const Config& node : nodes->as_array()) {
      if (node.is_array() && node.size() > 0) return true;
    }
  }
  return false;
}

}  // namespace keratin::legacy
