// JSON Schema of the config, for editors and validators.

#include "src/experiment/schema.hpp"

#include <array>
#include <string>
#include <utility>

#include <keratin/activations.hpp>
#include <keratin/constraints.hpp>
#include <keratin/dtype_policy.hpp>
#include <keratin/experiment.hpp>
#include <keratin/initializers.hpp>
#include <keratin/losses.hpp>
#include <keratin/metrics.hpp>
#include <keratin/optimizers.hpp>
#include <keratin/regularizers.hpp>
#include <keratin/schedules.hpp>

#include "src/experiment/application.hpp"
#include "src/experiment/parts.hpp"
#include "src/experiment/trainable.hpp"

namespace keratin::experiment {

namespace {

/// The schema of one class in Keras's form; null for any other.
const Config* class_name_of(const Config& schema) {
  const Config* properties = schema.find("properties");
  if (properties == nullptr) return nullptr;
  const Config* name = properties->find("class_name");
  return name == nullptr ? nullptr : name->find("const");
}

/// Looks in anyOf and oneOf, and in those of their members.
void collect(const Config& schema, Config& classes) {
  if (const Config* name = class_name_of(schema)) {
    const Config* arguments = schema.at("properties").find("config");
    classes[name->as_string()] =
        arguments != nullptr ? *arguments : Config::object();
    return;
  }
  for (const char* key : {"anyOf", "oneOf"}) {
    const Config* members = schema.find(key);
    if (members == nullptr) continue;
    for (const Config& member : members->as_array()) collect(member, classes);
  }
}

Config object_schema(Config properties) {
  return Config::object(
      {{"type", "object"},
       {"properties", std::move(properties)},
       {"additionalProperties", false}});
}

/// One key, one of the classes, its arguments below: {"Dense": {...}}.
Config short_form_schema(const Config& classes) {
  Config out = object_schema(classes);
  out["minProperties"] = 1;
  out["maxProperties"] = 1;
  return out;
}

Config keras_form_schema(const Config& classes) {
  Config names = Config::array();
  for (const auto& [name, arguments] : classes.as_object()) {
    names.push_back(name);
  }
  return Config::object(
      {{"type", "object"},
       {"properties",
        Config::object(
            {{"class_name", Config::object({{"enum", std::move(names)}})},
             {"config", Config::object({{"type", "object"}})}})},
       {"required", Config::array({"class_name"})}});
}

/// A field's schema with its classes in both forms.
Config with_short_forms(const Config& schema) {
  const Config classes = classes_of(schema);
  if (classes.size() == 0) return schema;
  Config any = Config::array();
  if (const Config* members = schema.find("anyOf")) {
    for (const Config& member : members->as_array()) {
      if (class_name_of(member) == nullptr) any.push_back(member);
    }
  }
  any.push_back(short_form_schema(classes));
  any.push_back(keras_form_schema(classes));
  return Config::object({{"anyOf", std::move(any)}});
}

struct Definition {
  const char* name;
  Config schema;  // as the fields say it
};

/// What many fields share, to be written once.
std::vector<Definition> shared_definitions() {
  return {
      {"activation", Activation().schema()},
      {"constraint", Constraint().schema()},
      {"dtype", DTypePolicy().schema()},
      {"initializer", Initializer().schema()},
      {"learning_rate", LearningRate().schema()},
      {"loss", Loss().schema()},
      {"metric", Metric().schema()},
      {"optimizer", Optimizer().schema()},
      {"regularizer", Regularizer().schema()},
  };
}

/// A serialized default as short as it can be said.
Config short_default(const Config& value) {
  const Config* name = value.find("class_name");
  if (name == nullptr) return value;
  if (name->is_string() && name->as_string() == "DTypePolicy") {
    return value.at("config").get("name");
  }
  return *name;
}

/// The schema with what is shared replaced by references.
Config with_references(
    const Config& schema, const std::vector<Definition>& shared) {
  if (schema.is_array()) {
    Config out = Config::array();
    for (const Config& item : schema.as_array()) {
      out.push_back(with_references(item, shared));
    }
    return out;
  }
  if (!schema.is_object()) return schema;
  // A field's schema may have a default beside what its type says.
  Config bare = schema;
  bare.erase("default");
  for (const Definition& definition : shared) {
    if (!(bare == definition.schema)) continue;
    Config out = schema_ref(definition.name);
    if (const Config* value = schema.find("default")) {
      out["default"] = short_default(*value);
    }
    return out;
  }
  Config out = Config::object();
  for (const auto& [key, value] : schema.as_object()) {
    out[key] = key == "default" ? short_default(value)
                                : with_references(value, shared);
  }
  return out;
}

}  // namespace

Config classes_of(const Config& schema) {
  Config classes = Config::object();
  collect(schema, classes);
  return classes;
}

Config schema_ref(const char* name) {
  return Config::object({{"$ref", std::string("#/$defs/") + name}});
}

namespace {

Config any_of(std::initializer_list<Config> choices) {
  return Config::object({{"anyOf", Config::array(choices)}});
}

Config list_of(Config item) {
  return Config::object({{"type", "array"}, {"items", std::move(item)}});
}

Config by_name_of(Config item) {
  return Config::object(
      {{"type", "object"}, {"additionalProperties", std::move(item)}});
}

/// One for all outputs, one for each, or by the outputs' names.
Config per_output(const Config& item) {
  return any_of({item, list_of(item), by_name_of(item)});
}

Config layer_schema() {
  const Config classes = catalogue("layers");
  Config with_input = classes;
  // Keras's Input, the function, whose layer is InputLayer.
  with_input["Input"] = object_schema(Config::object(
      {{"shape",
        list_of(
            Config::object({{"type", Config::array({"integer", "null"})}}))},
       {"batch_size",
        Config::object({{"type", Config::array({"integer", "null"})}})},
       {"dtype", Config::object({{"type", "string"}})},
       {"name", Config::object({{"type", "string"}})}}));
  Config names = Config::array();
  for (const auto& [name, arguments] : classes.as_object()) {
    if (!arguments.contains("required")) names.push_back(name);
  }
  return any_of(
      {Config::object({{"enum", std::move(names)}}),
       short_form_schema(with_input),
       schema_ref("application"),
       keras_form_schema(with_input)});
}

}  // namespace

Config ModelPart::schema() const {
  Config stack = object_schema(Config::object(
      {{"name", Config::object({{"type", "string"}})},
       {"layers", list_of(schema_ref("layer"))}}));
  stack["required"] = Config::array({"layers"});
  Config keras = Config::object({{"type", "object"}});
  keras["required"] = Config::array({"class_name"});
  return any_of(
      {std::move(stack),
       schema_ref("application"),
       Config::object({{"type", "string"}, {"pattern", "\\.(keras|json)$"}}),
       std::move(keras)});
}

Config CompilePart::schema() const {
  const Config flag = Config::object({{"type", "boolean"}});
  const Config metric = schema_ref("metric");
  return object_schema(Config::object(
      {{"optimizer", schema_ref("optimizer")},
       {"loss", per_output(schema_ref("loss"))},
       {"loss_weights", per_output(Config::object({{"type", "number"}}))},
       {"metrics", per_output(any_of({metric, list_of(metric)}))},
       {"weighted_metrics", per_output(any_of({metric, list_of(metric)}))},
       {"run_eagerly", flag},
       {"steps_per_execution",
        Config::object({{"type", "integer"}, {"minimum", 1}})},
       {"jit_compile",
        Config::object({{"enum", Config::array({true, false, "auto"})}})},
       {"auto_scale_loss", flag}}));
}

Config CallbacksPart::schema() const {
  return list_of(schema_ref("callback"));
}

Config AugmentPart::schema() const {
  return list_of(schema_ref("layer"));
}

Config PhasesPart::schema() const {
  return list_of(object_schema(Config::object(
      {{"trainable", by_name_of(trainable_schema())},
       {"compile", CompilePart().schema()},
       {"fit", Nested<FitSection>().schema()},
       {"callbacks", CallbacksPart().schema()}})));
}

}  // namespace keratin::experiment

namespace keratin {

Config experiment_schema() {
  using namespace experiment;
  const std::vector<Definition> shared = shared_definitions();
  Config definitions = Config::object();
  for (const Definition& definition : shared) {
    // Arguments of classes may refer to other definitions, never to their own.
    std::vector<Definition> others;
    for (const Definition& other : shared) {
      if (other.name != definition.name) others.push_back(other);
    }
    definitions[definition.name] =
        with_references(with_short_forms(definition.schema), others);
  }
  const Config callbacks = catalogue("callbacks");
  Config names = Config::array();
  for (const auto& [name, arguments] : callbacks.as_object()) {
    names.push_back(name);
  }
  definitions["callback"] = any_of(
      {Config::object({{"enum", std::move(names)}}),
       short_form_schema(callbacks),
       keras_form_schema(callbacks)});
  definitions["application"] =
      with_references(short_form_schema(application_schemas()), shared);
  definitions["layer"] = with_references(layer_schema(), shared);

  Root root;
  Config out = Config::object(
      {{"$schema", "https://json-schema.org/draft/2020-12/schema"},
       {"title", "Keratin experiment"}});
  const Config fields = fields_schema(root);
  for (const auto& [key, value] : fields.as_object()) out[key] = value;
  out["$defs"] = std::move(definitions);
  return out;
}

}  // namespace keratin
