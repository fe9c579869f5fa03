// Every class there is, with the JSON Schema of its arguments.

#include <algorithm>
#include <array>
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
#include "src/core/fields.hpp"
#include "src/core/format.hpp"
#include "src/core/names.hpp"
#include "src/experiment/schema.hpp"

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

struct Kind {
  const char* name;
  Config (*make)();
};

constexpr std::array kKinds = {
    Kind{"activations", &activation_catalogue},
    Kind{"applications", &application_catalogue},
    Kind{"callbacks", &callback_catalogue},
    Kind{"constraints", &field_catalogue<Constraint>},
    Kind{"initializers", &field_catalogue<Initializer>},
    Kind{"layers", &layer_catalogue},
    Kind{"losses", &field_catalogue<Loss>},
    Kind{"metrics", &field_catalogue<Metric>},
    Kind{"optimizers", &field_catalogue<Optimizer>},
    Kind{"regularizers", &field_catalogue<Regularizer>},
    Kind{"schedules", &field_catalogue<LearningRate>},
};

}  // namespace

std::vector<std::string> catalogue_kinds() {
  std::vector<std::string> kinds;
  for (const Kind& kind : kKinds) kinds.emplace_back(kind.name);
  return kinds;
}

Config catalogue(const std::string& kind) {
  for (const Kind& known : kKinds) {
    if (kind == known.name) return known.make();
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

}  // namespace keratin
