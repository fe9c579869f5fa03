// Writing for Keras 2: configs.

#include "models/legacy/keras2.hpp"

#include <algorithm>
#include <set>
#include <string_view>

#include <keratin/error.hpp>

#include "models/compile_config.hpp"
#include "models/functional.hpp"
#include "models/legacy/dialect.hpp"
#include "src/core/format.hpp"

namespace keratin::legacy {

namespace {

/// The last version of Keras 2, whose dialect we write.
constexpr const char* kVersion = "2.15.0";

struct Dropped {
  std::string_view class_name;  // empty: of every layer
  std::string_view argument;
};

/// Arguments that came with Keras 3.
constexpr Dropped kDropped[] = {
    {"", "gptq_unpacked_column_size"},
    {"", "lora_alpha"},
    {"", "lora_rank"},
    {"", "optional"},
    {"", "quantization_config"},
    {"", "use_cudnn"},
    {"Attention", "seed"},
    {"BatchNormalization", "synchronized"},
    {"GRU", "seed"},
    {"GRUCell", "seed"},
    {"LSTM", "seed"},
    {"LSTMCell", "seed"},
    {"LayerNormalization", "rms_scaling"},
    {"MultiHeadAttention", "flash_attention"},
    {"MultiHeadAttention", "seed"},
    {"MultiHeadAttention", "use_gate"},
    {"Permute", "data_format"},
    {"SimpleRNN", "seed"},
    {"SimpleRNNCell", "seed"},
};

/// Layers that Keras 2 did not have.
constexpr std::string_view kNew[] = {
    "AdaptiveAveragePooling1D",
    "AdaptiveAveragePooling2D",
    "AdaptiveAveragePooling3D",
    "AdaptiveMaxPooling1D",
    "AdaptiveMaxPooling2D",
    "AdaptiveMaxPooling3D",
    "GroupQueryAttention",
    "GroupedQueryAttention",
    "RMSNormalization",
    "ReversibleEmbedding",
};

std::string class_of(const Config& object) {
  const Config* name = object.find("class_name");
  return name != nullptr && name->is_string() ? name->as_string() : "";
}

std::string activation(const std::string& name, const std::string& where) {
  if (name == "hard_sigmoid_keras2") return "hard_sigmoid";
  if (name == "silu") return "swish";
  constexpr std::string_view kMissing[] = {
      "celu",
      "glu",
      "hard_shrink",
      "hard_sigmoid",  // Keras 2's of that name is another function
      "hard_silu",
      "hard_tanh",
      "log_sigmoid",
      "log_softmax",
      "relu6",
      "soft_shrink",
      "sparse_plus",
      "sparse_sigmoid",
      "sparsemax",
      "squareplus",
      "tanh_shrink",
  };
  if (std::find(std::begin(kMissing), std::end(kMissing), name) !=
      std::end(kMissing)) {
    throw InvalidArgument(format(
        "[{}] Keras 2 has no activation '{}' that computes as Keras 3's; save "
        "as .keras",
        where,
        name));
  }
  return name;
}

/// {"module", "class_name", "config", "registered_name"} as Keras 2 wrote it.
Config value_to_keras2(
    const std::string& key, const Config& value, const std::string& where) {
  if (value.is_string()) {
    return key.ends_with("activation")
               ? Config(activation(value.as_string(), where))
               : value;
  }
  if (value.is_array()) {
    Config out = Config::array();
    for (const Config& item : value.as_array()) {
      out.push_back(value_to_keras2("", item, where));
    }
    return out;
  }
  if (!value.is_object()) return value;
  const std::string class_name = class_of(value);
  if (class_name.empty()) return value;
  if (class_name == "DTypePolicy") return value.at("config").get("name");
  if (class_name == "InputLayer" || value.contains("build_config") ||
      key == "layer" || key == "cell" || key == "backward_layer") {
    return to_keras2(value, where);
  }
  Config out = Config::object({{"class_name", class_name}});
  Config config = value.get("config", Config::object());
  if (config.is_object()) {
    for (const char* added : {"input_axes", "output_axes"}) config.erase(added);
  }
  out["config"] = std::move(config);
  return out;
}

Config layer_to_keras2(const Config& layer, const std::string& where) {
  const std::string class_name = class_of(layer);
  if (const Config module = layer.get("module");
      module.is_string() && module.as_string().starts_with("keras.src.ops.")) {
    throw InvalidArgument(format(
        "[{}] is the operation {}, which Keras 2 would run as TensorFlow's; "
        "save as .keras",
        where,
        class_name));
  }
  if (std::find(std::begin(kNew), std::end(kNew), class_name) !=
      std::end(kNew)) {
    throw InvalidArgument(format(
        "[{}] Keras 2 has no layer {}; save as .keras", where, class_name));
  }
  Config config = Config::object();
  const Config written = layer.get("config", Config::object());
  for (const auto& [key, value] : written.as_object()) {
    const bool dropped = std::any_of(
        std::begin(kDropped),
        std::end(kDropped),
        [&k = key, &class_name](const Dropped& item) {
          return item.argument == k &&
                 (item.class_name.empty() || item.class_name == class_name);
        });
    if (!dropped) config[key] = value_to_keras2(key, value, where);
  }
  const auto rename = [&](const char* from, const char* to) {
    if (const Config* found = config.find(from)) {
      const Config value = *found;
      config.erase(from);
      config[to] = value;
    }
  };
  if (class_name == "InputLayer") rename("batch_shape", "batch_input_shape");
  if (class_name == "LeakyReLU") rename("negative_slope", "alpha");
  return Config::object(
      {{"class_name", class_name}, {"config", std::move(config)}});
}

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
  const Config written = config.at("layers");
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
