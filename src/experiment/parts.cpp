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

void ModelPart::make(const Config& config, const std::string& where) {
  register_model_classes();
  if (config.is_string()) {
    clear();
    file_ = config.as_string();
    return;
  }
  if (!config.is_object()) {
    throw InvalidArgument(format(
        "[{}] expected an object with \"layers\", an architecture, Keras's "
        "JSON or the name of a file, got {}",
        where,
        config.kind()));
  }
  if (config.contains("class_name")) {
    try {
      described_ = {model_from_config(config, {.compile = false}), {}};
    } catch (const InvalidArgument& error) {
      throw InvalidArgument(format("[{}] {}", where, error.what()));
    }
  } else {
    described_ = model_from_short_form(config, folder_, where);
  }
  file_.clear();
}

void ModelPart::clear() {
  described_ = {};
  file_.clear();
}

Model ModelPart::load() {
  // Kept until they are done, so that a load that fails can be tried again.
  for (const auto& load : described_.loads) load();
  described_.loads.clear();
  return described_.model;
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
  visit("phases", phases);
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
  phases_of(*this);
}

}  // namespace keratin::experiment
