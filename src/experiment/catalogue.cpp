// Every class there is, with the JSON Schema of its arguments.

#include <algorithm>
#include <array>
#include <cctype>
#include <utility>

#include <keratin/activations.hpp>
#include <keratin/applications.hpp>
#include <keratin/callbacks.hpp>
#include <keratin/constraints.hpp>
#include <keratin/error.hpp>
#include <keratin/experiment.hpp>
#include <keratin/initializers.hpp>
#include <keratin/losses.hpp>
#include <keratin/metrics.hpp>
#include <keratin/optimizers.hpp>
#include <keratin/regularizers.hpp>
#include <keratin/schedules.hpp>

#include "layers/functions/activation_functions.hpp"
#include "layers/registry.hpp"
#include "losses/registry.hpp"
#include "src/core/fields.hpp"
#include "src/core/format.hpp"
#include "src/core/names.hpp"
#include "src/experiment/schema.hpp"
#include "src/train/metrics/registry.hpp"

namespace keratin {

namespace {

Config layer_catalogue() {
  Config out = Config::object();
  for (const BuiltinLayer& layer : builtin_layers()) {
    const auto made = layer.make();
    if (made->class_name() != layer.name) continue;  // an alias
    Config schema = fields_schema(*made);
    // What the layer was called when the schema was made is no default.
    if (Config* properties = schema.find("properties")) {
      if (Config* name = properties->find("name")) name->erase("default");
    }
    out[layer.name] = std::move(schema);
  }
  return out;
}

Config activation_catalogue() {
  Config out = Config::object();
  for (const std::string& name : activation_names()) {
    const auto* const named = activation_functions::find(name);
    if (named != nullptr && named->name != name) continue;  // an alias
    out[name] = Config::object({{"type", "object"}});
  }
  for (const activation_functions::Named& named :
       activation_functions::table()) {
    Config properties = Config::object();
    Config required = Config::array();
    const Config arguments = Config::parse(named.arguments);
    for (const auto& [name, value] : arguments.as_object()) {
      if (value == Config("required")) required.push_back(name);
      properties[name] = value == Config("required")
                             ? Config::object()
                             : Config::object({{"default", value}});
    }
    Config& entry = out[named.name];
    entry = Config::object({{"type", "object"}});
    if (properties.size() > 0) entry["properties"] = std::move(properties);
    if (required.size() > 0) entry["required"] = std::move(required);
  }
  return out;
}

Config application_catalogue() {
  Config out = Config::object();
  for (const applications::ApplicationInfo& info : applications::list()) {
    out[info.name] = applications::schema(info.name);
  }
  return out;
}

Config callback_catalogue() {
  Config out = Config::object();
  for (const std::string& name : callbacks::names()) {
    out[name] = callbacks::arguments_schema(name);
  }
  return out;
}

/// The classes that the schema of a field lists.
template <class Field>
Config field_catalogue() {
  return experiment::classes_of(Field().schema());
}

// -- other names --------------------------------------------------------------

Config layer_aliases() {
  Config out = Config::object();
  for (const BuiltinLayer& layer : builtin_layers()) {
    const std::string name = layer.make()->class_name();
    if (name != layer.name) out[layer.name] = name;
  }
  return out;
}

Config activation_aliases() {
  Config out = Config::object();
  for (const std::string& name : activation_names()) {
    const auto* const named = activation_functions::find(name);
    if (named != nullptr && named->name != name)
      out[name] = Config(named->name);
  }
  return out;
}

Config loss_aliases() {
  Config out = Config::object();
  for (const losses::Alias& alias : losses::loss_aliases()) {
    out[alias.name] = Config(alias.class_name);
  }
  return out;
}

Config metric_aliases() {
  Config out = Config::object();
  for (const std::string& name : metrics::metric_spellings()) {
    const metrics::Entry* const entry = metrics::find_metric(name);
    if (entry != nullptr && entry->name != name) {
      out[name] = Config(entry->name);
    }
  }
  return out;
}

/// The names that the schema of a field lists beside the classes.
template <class Field>
Config field_aliases() {
  Config out = Config::object();
  const Config schema = Field().schema();
  const Config classes = experiment::classes_of(schema);
  for (const Config& choice : schema.at("anyOf").as_array()) {
    const Config* const names = choice.find("enum");
    if (names == nullptr) continue;
    for (const Config& name : names->as_array()) {
      if (!name.is_string() || classes.contains(name.as_string())) continue;
      Field field;
      field.from_config(name, "catalogue");
      out[name.as_string()] = field.to_config().at("class_name");
    }
  }
  return out;
}

/// Upper and lower case do not matter.
Config optimizer_aliases() {
  Config out = Config::object();
  for (const std::string& name : optimizer_names()) {
    std::string lower = name;
    for (char& c : lower) {
      c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
    }
    out[lower] = name;
  }
  return out;
}

Config no_aliases() {
  return Config::object();
}

struct Kind {
  const char* name;
  Config (*make)();
  Config (*aliases)();
};

constexpr std::array kKinds = {
    Kind{"activations", &activation_catalogue, &activation_aliases},
    Kind{"applications", &application_catalogue, &no_aliases},
    Kind{"callbacks", &callback_catalogue, &no_aliases},
    Kind{
        "constraints",
        &field_catalogue<Constraint>,
        &field_aliases<Constraint>},
    Kind{
        "initializers",
        &field_catalogue<Initializer>,
        &field_aliases<Initializer>},
    Kind{"layers", &layer_catalogue, &layer_aliases},
    Kind{"losses", &field_catalogue<Loss>, &loss_aliases},
    Kind{"metrics", &field_catalogue<Metric>, &metric_aliases},
    Kind{"optimizers", &field_catalogue<Optimizer>, &optimizer_aliases},
    Kind{
        "regularizers",
        &field_catalogue<Regularizer>,
        &field_aliases<Regularizer>},
    Kind{"schedules", &field_catalogue<LearningRate>, &no_aliases},
};

const Kind& find_kind(const std::string& kind) {
  for (const Kind& known : kKinds) {
    if (kind == known.name) return known;
  }
  std::string list;
  for (const std::string& known : catalogue_kinds()) {
    list += (list.empty() ? "" : ", ") + known;
  }
  throw InvalidArgument(format(
      "[list] expected one of {}, got '{}'{}",
      list,
      kind,
      did_you_mean(kind, catalogue_kinds())));
}

}  // namespace

std::vector<std::string> catalogue_kinds() {
  std::vector<std::string> kinds;
  for (const Kind& kind : kKinds) kinds.emplace_back(kind.name);
  return kinds;
}

Config catalogue(const std::string& kind) {
  return find_kind(kind).make();
}

Config catalogue_aliases(const std::string& kind) {
  return find_kind(kind).aliases();
}

}  // namespace keratin
