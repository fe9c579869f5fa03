// Initializers, regularizers, constraints and activations of older versions.

#include <string_view>

#include "models/legacy/dialect.hpp"

namespace keratin::legacy {

namespace {

struct Activation {
  std::string_view from;
  std::string_view to;
};

/// Names of TensorFlow's functions, and one that Keras 3 changed: up to Keras 2
/// hard_sigmoid was clip(0.2 x + 0.5, 0, 1).
constexpr Activation kActivations[] = {
    {"hard_sigmoid", "hard_sigmoid_keras2"},
    {"leaky_relu_v2", "leaky_relu"},
    {"relu_v2", "relu"},
    {"sigmoid_v2", "sigmoid"},
    {"softmax_v2", "softmax"},
    {"swish_v2", "silu"},
    {"tanh_v2", "tanh"},
};

std::string_view activation(std::string_view name) {
  for (const Activation& item : kActivations) {
    if (item.from == name) return item.to;
  }
  return name;
}

Config object(std::string_view class_name, Config config) {
  return Config::object(
      {{"class_name", class_name}, {"config", std::move(config)}});
}

/// Keras 1 wrote {"name": "WeightRegularizer", "l1": 0.0, "l2": 0.01}.
Config from_keras1(const Config& value) {
  const std::string name = value.at("name").as_string();
  Config config = value;
  config.erase("name");
  if (name.ends_with("Regularizer") && config.contains("l1")) {
    return object("L1L2", std::move(config));
  }
  if (name == "MaxNorm") {
    const Config limit = config.get("m", 2);
    config.erase("m");
    config["max_value"] = limit;
  }
  return object(name, std::move(config));
}

}  // namespace

Config function_to_keras3(const Config& value) {
  if (value.is_string()) return activation(value.as_string());
  if (!value.is_object()) return value;
  const Config* class_name = value.find("class_name");
  if (class_name == nullptr) {
    const Config* name = value.find("name");
    return name != nullptr && name->is_string() ? from_keras1(value) : value;
  }
  Config out = value;
  Config* config = out.find("config");
  if (config == nullptr) return out;
  if (config->is_string()) {  // a function
    *config = activation(config->as_string());
  } else if (config->is_object()) {
    // tf.keras noted the dtype beside an initializer's arguments.
    config->erase("dtype");
    config->erase("partition");
    if (const Config* limit = config->find("m")) {  // Keras 2.0's MaxNorm
      const Config max = *limit;
      config->erase("m");
      (*config)["max_value"] = max;
    }
    if (class_name->is_string() && (class_name->as_string() == "LeakyReLU" ||
                                    class_name->as_string() == "ReLU" ||
                                    class_name->as_string() == "ELU" ||
                                    class_name->as_string() == "PReLU")) {
      return layer_to_keras3(value, "activation");
    }
  }
  return out;
}

}  // namespace keratin::legacy
