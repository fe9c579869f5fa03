#include "src/experiment/parts.hpp"

#include <fstream>
#include <iterator>
#include <utility>

#include <keratin/error.hpp>

#include "models/compile_config.hpp"
#include "models/functional.hpp"
#include "src/core/format.hpp"
#include "src/core/names.hpp"
#include "src/experiment/short_form.hpp"

namespace keratin::experiment {

void Part::from_config(const Config& config, const std::string& where) {
  if (config.is_null()) {
    clear();
    config_ = {};
    return;
  }
  make(config, where);
  config_ = config;
}

namespace {

/// {"name": ..., "layers": [...]} as Keras writes a Sequential.
struct StackSection final : Section {
  std::optional<std::string> name;
  Config layers;

  std::string class_name() const override { return "model"; }

  void fields(FieldVisitor& visit) override {
    visit("name", name);
    visit("layers", layers, {.required = true});
  }
};

/// Keras's Input is a function; what it makes is an InputLayer.
Config input_as_layer(Config layer) {
  if (layer.is_string() && layer.as_string() == "Input") return "InputLayer";
  if (const Config* name = layer.find("class_name");
      name != nullptr && name->is_string() && name->as_string() == "Input") {
    layer["class_name"] = "InputLayer";
  }
  return layer;
}

Model stack_from_config(const Config& config, const std::string& where) {
  StackSection stack;
  stack.from_config(config, where);
  if (!stack.layers.is_array() || stack.layers.size() == 0) {
    throw InvalidArgument(format(
        "[{}.layers] expected a list of layers, got {}",
        where,
        stack.layers.is_array() ? "an empty one" : stack.layers.kind()));
  }
  std::vector<Layer> layers;
  for (std::size_t i = 0; i < stack.layers.size(); ++i) {
    const Config& item = stack.layers.as_array()[i];
    const std::string path = format("{}.layers[{}]", where, i);
    if (!item.is_string() && !is_short_form(item) &&
        !item.contains("class_name")) {
      throw InvalidArgument(format(
          "[{}] expected one layer, as in {{\"Dense\": {{\"units\": 10}}}}, "
          "got {}",
          path,
          item.is_object() ? format("{} keys", item.size())
                           : std::string(item.kind())));
    }
    layers.push_back(deserialize_layer(
        input_as_layer(expand_short_forms(item)),
        is_short_form(item) ? path + "." + item.as_object()[0].first : path));
  }
  try {
    return Sequential(layers, stack.name.value_or(""));
  } catch (const InvalidArgument& error) {
    throw InvalidArgument(format("[{}] {}", where, error.what()));
  }
}

}  // namespace

void ModelPart::make(const Config& config, const std::string& where) {
  register_model_classes();
  if (config.is_string()) {
    model_.reset();
    file_ = config.as_string();
    return;
  }
  if (!config.is_object()) {
    throw InvalidArgument(format(
        "[{}] expected an object with \"layers\", Keras's JSON or the name of "
        "a file, got {}",
        where,
        config.kind()));
  }
  if (config.contains("class_name")) {
    try {
      model_ = model_from_config(config, {.compile = false});
    } catch (const InvalidArgument& error) {
      throw InvalidArgument(format("[{}] {}", where, error.what()));
    }
  } else {
    model_ = stack_from_config(config, where);
  }
  file_.clear();
}

void ModelPart::clear() {
  model_.reset();
  file_.clear();
}

Model model_from_file(const std::string& path, const std::string& where) {
  if (path.ends_with(".keras")) return load_model(path, {.compile = false});
  if (!path.ends_with(".json")) {
    throw InvalidArgument(format(
        "[{}] expected a file that ends in .keras or .json, got '{}'",
        where,
        path));
  }
  std::ifstream in(path, std::ios::binary);
  if (!in) {
    throw SystemError(format("[{}] cannot read '{}'", where, path));
  }
  const std::string text{std::istreambuf_iterator<char>(in), {}};
  return model_from_json(text, {.compile = false});
}

void CompilePart::make(const Config& config, const std::string& where) {
  // Metrics named "accuracy" and the like are names, not short forms.
  arguments_ = keratin::compile_arguments(expand_short_forms(config), where);
  if (arguments_.steps_per_execution < 1) {
    throw InvalidArgument(format(
        "[{}.steps_per_execution] expected a number >= 1, got {}",
        where,
        arguments_.steps_per_execution));
  }
}

void CompilePart::clear() {
  arguments_ = {};
}

void CallbacksPart::make(const Config& config, const std::string& where) {
  if (!config.is_array()) {
    throw InvalidArgument(format(
        "[{}] expected a list of callbacks, got {}", where, config.kind()));
  }
  std::vector<std::shared_ptr<Callback>> made;
  for (std::size_t i = 0; i < config.size(); ++i) {
    const std::string path = format("{}[{}]", where, i);
    const Config& item = config.as_array()[i];
    const SerializedObject object =
        parse_serialized(expand_short_forms(item), path);
    made.push_back(callbacks::from_config(
        object.class_name,
        object.config,
        is_short_form(item) ? path + "." + object.class_name : path));
  }
  callbacks_ = std::move(made);
}

void CallbacksPart::clear() {
  callbacks_.clear();
}

void Root::fields(FieldVisitor& visit) {
  visit("$schema", schema);
  visit("seed", seed, {.minimum = 0});
  visit("data", data, {.required = true});
  visit("model", model, {.required = true});
  visit("compile", compile, {.required = true});
  visit("fit", fit);
  visit("callbacks", callbacks);
  visit("output", output);
}

void Root::check(const std::string& where) const {
  for (const auto& [name, given] :
       {std::pair<const char*, bool>{"data", static_cast<bool>(data)},
        {"model", model.given()},
        {"compile", compile.given()}}) {
    if (!given) {
      throw InvalidArgument(
          format("[{}.{}] expected an object, got null", where, name));
    }
  }
}

}  // namespace keratin::experiment
