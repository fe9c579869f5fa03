#include <algorithm>
#include <map>
#include <mutex>
#include <utility>

#include <keratin/activations.hpp>
#include <keratin/error.hpp>
#include <keratin/layer.hpp>

#include "layers/functions/activation_functions.hpp"
#include "src/core/format.hpp"
#include "src/core/names.hpp"

namespace keratin {

namespace {

/// Functions of the user's own, by name.
struct Registered {
  std::mutex mutex;
  std::map<std::string, Activation::Function> functions;
};

Registered& registered() {
  static Registered instance;
  return instance;
}

/// A layer without weights in place of a function: Keras lets
/// Dense(activation=LeakyReLU(0.1)) pass.
struct LayerFunction {
  Layer layer;

  Value operator()(const Value& x) const {
    CallContext ctx(x.graph());
    const Value y = layer(ctx, x);
    if (!layer.weights().empty()) {
      throw InvalidArgument(format(
          "{} has weights and cannot be an activation; put it behind the layer",
          layer.impl().who()));
    }
    return y;
  }
};

struct Resolved {
  std::string name;
  Activation::Function function;
};

Resolved resolve(const std::string& name, const std::string& where) {
  {
    Registered& all = registered();
    const std::lock_guard lock(all.mutex);
    const auto found = all.functions.find(name);
    if (found != all.functions.end()) return {name, found->second};
  }
  if (const auto* named = activation_functions::find(name)) {
    return {named->name, named->function};
  }
  throw InvalidArgument(format(
      "[{}] no activation is called '{}'{}",
      where,
      name,
      did_you_mean(name, activation_names())));
}

}  // namespace

Activation::Activation() : Activation("linear") {}

Activation::Activation(const char* name) : Activation(std::string(name)) {}

// NOLINTNEXTLINE(performance-unnecessary-value-param): a name written in place
Activation::Activation(std::string name) {
  Resolved resolved = resolve(name, "activation");
  name_ = std::move(resolved.name);
  function_ = std::move(resolved.function);
}

Activation::Activation(Function function) : function_(std::move(function)) {
  if (!function_) {
    throw InvalidArgument("[activation] expected a function, got an empty one");
  }
}

Value Activation::operator()(const Value& x) const {
  return function_(x);
}

Config Activation::to_config() const {
  if (const auto* wrapped = function_.target<LayerFunction>()) {
    return serialize(wrapped->layer.impl());
  }
  if (name_.empty()) {
    throw InvalidArgument(
        "[activation] a function without a name cannot be saved; register it "
        "with register_activation and give the name");
  }
  return name_;
}

void Activation::from_config(const Config& config, const std::string& where) {
  std::string name = "linear";
  if (config.is_string()) {
    name = config.as_string();
  } else if (!config.is_null()) {
    // {"module": "builtins", "class_name": "function", "config": "relu"}
    const Config* inner = config.find("config");
    if (inner == nullptr || !inner->is_string()) {
      if (!config.contains("class_name")) {
        throw InvalidArgument(format(
            "[{}] expected the name of an activation or a layer's config, got "
            "{}",
            where,
            config.kind()));
      }
      Layer layer = deserialize_layer(config, where);
      name_ = layer.name();
      function_ = LayerFunction{std::move(layer)};
      return;
    }
    name = inner->as_string();
    // "package>name"
    const std::size_t at = name.find('>');
    if (at != std::string::npos) name = name.substr(at + 1);
  }
  Resolved resolved = resolve(name, where);
  name_ = std::move(resolved.name);
  function_ = std::move(resolved.function);
}

Config Activation::schema() const {
  Config choices = Config::array();
  for (const std::string& name : activation_names()) choices.push_back(name);
  choices.push_back(nullptr);
  return Config::object({{"enum", std::move(choices)}});
}

void register_activation(
    const std::string& name, Activation::Function function) {
  if (name.empty() || !function) {
    throw InvalidArgument(
        "[register_activation] expected a name and a function");
  }
  Registered& all = registered();
  const std::lock_guard lock(all.mutex);
  all.functions[name] = std::move(function);
}

std::vector<std::string> activation_names() {
  std::vector<std::string> names = activation_functions::names();
  {
    Registered& all = registered();
    const std::lock_guard lock(all.mutex);
    for (const auto& [name, function] : all.functions) names.push_back(name);
  }
  std::sort(names.begin(), names.end());
  names.erase(std::unique(names.begin(), names.end()), names.end());
  return names;
}

}  // namespace keratin
