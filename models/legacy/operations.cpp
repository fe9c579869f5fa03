// TensorFlow's operations that tf.keras put into models, as Keras 3's.
//
// tf.keras 2.0 to 2.3 wrote a TensorFlowOpLayer with the node of TensorFlow's
// graph, later versions a TFOpLambda with the function's Python name.

#include <algorithm>
#include <optional>
#include <string_view>
#include <utility>
#include <vector>

#include <keratin/error.hpp>

#include "models/legacy/dialect.hpp"
#include "models/legacy/tf_operations.hpp"
#include "src/core/format.hpp"

namespace keratin::legacy {

Config& first_of(Config& args, const std::string& where) {
  if (!args.is_array() || args.size() == 0) {
    throw InvalidArgument(
        format("[{}] expected a call with an argument, got none", where));
  }
  return args.as_array()[0];
}

void refuse(const TfPlace& place, const std::string& why) {
  throw InvalidArgument(format(
      "[{}] '{}' is TensorFlow's '{}', which {}; write it as a layer and "
      "register_layer it, or replace it in Python by layers of Keras's",
      place.where,
      place.layer,
      place.function,
      why));
}

Config slice_item(Config start, Config stop, Config step) {
  return Config::object(
      {{"class_name", "__slice__"},
       {"config",
        Config::object(
            {{"start", std::move(start)},
             {"stop", std::move(stop)},
             {"step", std::move(step)}})}});
}

namespace {

Config make(
    const Config& name,
    std::string_view module,
    std::string_view class_name,
    const Config& arguments,
    Config nodes) {
  Config config = Config::object({{"name", name}});
  for (const auto& [key, value] : arguments.as_object()) config[key] = value;
  const bool layer = module == "layers";
  return Config::object(
      {{"module", layer ? "keras.layers" : format("keras.src.ops.{}", module)},
       {"class_name", class_name},
       {"config", std::move(config)},
       {"registered_name", layer ? Config() : Config(class_name)},
       {"name", name},
       {"inbound_nodes", std::move(nodes)}});
}

Config node_of(Config args, Config kwargs) {
  return Config::object(
      {{"args", std::move(args)}, {"kwargs", std::move(kwargs)}});
}

/// An operation on the results of all calls of another layer.
Config after(
    const Config& object, std::string_view class_name, const Config& before) {
  Config nodes = Config::array();
  const std::size_t calls = object.at("inbound_nodes").size();
  for (std::size_t i = 0; i < calls; ++i) {
    nodes.push_back(node_of(
        Config::array({Config::object(
            {{"class_name", "__keras_tensor__"},
             {"config",
              Config::object(
                  {{"keras_history",
                    Config::array(
                        {before, static_cast<std::int64_t>(i), 0})}})}})}),
        Config::object()));
  }
  return make(
      object.get("name"),
      "numpy",
      class_name,
      Config::object(),
      std::move(nodes));
}

bool is_tensor(const Config& value) {
  return value.get("class_name") == Config("__keras_tensor__");
}

/// What says nothing, or how TensorFlow computes.
bool means_nothing(std::string_view key, const Config& value) {
  return key == "name" || value.is_null() || value == Config(false) ||
         (key == "data_format" && value == Config("NHWC"));
}

/// The call's keyword arguments, as operands or arguments of the layer.
void settle_arguments(
    Substitute& to,
    TfCall& call,
    const TfFunction& function,
    const TfPlace& place) {
  for (const auto& [key, value] : call.kwargs.as_object()) {
    if (key == function.operand) {
      call.args.push_back(value);
      continue;
    }
    const auto renamed = std::find_if(
        function.arguments.begin(),
        function.arguments.end(),
        [&k = key](const Renamed& item) { return item.from == k; });
    if (renamed == function.arguments.end()) {
      if (means_nothing(key, value)) continue;
      refuse(place, format("is called with '{}'", key));
    }
    if (is_tensor(value)) {
      refuse(place, format("takes '{}' from another layer", key));
    }
    if (!value.is_null()) to.arguments[renamed->to] = value;
  }
}

}  // namespace

std::vector<Config> substitutes(
    const Config& object,
    const TfPlace& place,
    const std::vector<TfCall>& calls) {
  const TfFunction* function = find_tf_function(place.function);
  if (function == nullptr) refuse(place);
  const Substitute start = {
      std::string(function->module),
      std::string(function->name),
      Config::parse(function->defaults, function->function),
      ""};
  std::optional<Substitute> all;
  Config nodes = Config::array();
  for (TfCall call : calls) {
    Substitute to = start;
    Config& x = first_of(call.args, place.where);
    if (x.is_array() && x.size() == 1 && !function->takes_list) {
      const Config only = x.as_array()[0];
      x = only;
    }
    if (function->rule != nullptr) function->rule(to, call, place);
    settle_arguments(to, call, *function, place);
    if (all && (all->name != to.name || all->arguments != to.arguments)) {
      refuse(place, "is called twice, with different arguments");
    }
    all = std::move(to);
    nodes.push_back(node_of(std::move(call.args), std::move(call.keywords)));
  }
  const Config name = object.get("name");
  const Substitute to = all.value_or(start);
  if (to.then.empty()) {
    return {make(name, to.module, to.name, to.arguments, std::move(nodes))};
  }
  const Config before = place.layer + "_operand";
  return {
      make(before, to.module, to.name, to.arguments, std::move(nodes)),
      after(object, to.then, before)};
}

namespace {

Config index_item(const Config& item) {
  if (!item.is_object() || !item.contains("start")) return item;
  return slice_item(item.get("start"), item.get("stop"), item.get("step"));
}

Config slicing(const Config& object, const std::string& where) {
  Config nodes = Config::array();
  for (const Config& node : object.at("inbound_nodes").as_array()) {
    const Config spec = node.at("kwargs").get("slice_spec");
    Config items = Config::array();
    if (spec.is_array()) {
      for (const Config& item : spec.as_array()) {
        items.push_back(index_item(item));
      }
    } else if (!spec.is_null()) {
      items.push_back(index_item(spec));
    } else {
      throw InvalidArgument(format("[{}] expected a slice_spec", where));
    }
    Config args = node.at("args");
    Config& x = first_of(args, where);
    if (x.is_array() && x.size() == 1) {
      const Config only = x.as_array()[0];
      x = only;
    }
    args.push_back(std::move(items));
    nodes.push_back(node_of(std::move(args), Config::object()));
  }
  return make(
      object.get("name"),
      "numpy",
      "GetItem",
      Config::object(),
      std::move(nodes));
}

std::vector<Config> lambda_to_keras3(
    const Config& object, const std::string& where) {
  const Config written = object.at("config").get("function");
  const std::string function = written.is_string() ? written.as_string() : "";
  if (function == "__operators__.getitem") return {slicing(object, where)};
  std::vector<TfCall> calls;
  for (const Config& node : object.at("inbound_nodes").as_array()) {
    calls.push_back({node.at("args"), node.at("kwargs")});
  }
  const std::string name = object.get("name", "").as_string();
  return substitutes(object, {where, name, function}, calls);
}

}  // namespace

bool is_tensorflow_operation(std::string_view class_name) {
  return class_name == "TFOpLambda" || class_name == "SlicingOpLambda" ||
         class_name == "TensorFlowOpLayer";
}

std::vector<Config> operation_to_keras3(
    const Config& object, const std::string& where) {
  const std::string& name = object.at("class_name").as_string();
  try {
    return name == "TensorFlowOpLayer" ? node_to_keras3(object, where)
                                       : lambda_to_keras3(object, where);
  } catch (const InvalidArgument& error) {
    const std::string text = error.what();
    if (text.starts_with("[")) throw;
    throw InvalidArgument(format("[{}] {}", where, text));
  } catch (const std::exception&) {  // a number or an index out of its range
    throw InvalidArgument(
        format("[{}] the {} is not as TensorFlow writes it", where, name));
  }
}

}  // namespace keratin::legacy
