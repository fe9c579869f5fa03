// A Sequential: its input, which its first layer says, and its branches, where
// it starts with several.

#include <cstdint>
#include <map>

#include <keratin/error.hpp>

#include "models/legacy/dialect.hpp"
#include "models/legacy/graph_parts.hpp"
#include "src/core/format.hpp"

namespace keratin::legacy {

namespace {

// -- the input of a Sequential
// ---------------------------------------------------

Config with_batch(const Config& shape) {
  Config out = Config::array({nullptr});
  for (const Config& dim : shape.as_array()) out.push_back(dim);
  return out;
}

/// What the first layer says about its input; null when it says nothing.
Config shape_said_by(const Config& layer) {
  const Config config = layer.get("config");
  if (config.is_null()) return {};
  const std::string name = class_of(layer);
  if (is_model_class(name)) {
    const Config* layers = config.is_array() ? &config : config.find("layers");
    if (layers == nullptr || !layers->is_array() || layers->size() == 0) {
      return {};
    }
    return shape_said_by(layers->as_array()[0]);
  }
  for (const char* key : {"batch_input_shape", "batch_shape"}) {
    if (const Config* shape = config.find(key); shape && shape->is_array()) {
      return *shape;
    }
  }
  if (const Config* shape = config.find("input_shape");
      shape != nullptr && shape->is_array()) {
    return with_batch(*shape);
  }
  const Config dim = config.get("input_dim");
  if (!dim.is_int()) return {};
  if (name == "Embedding") {
    return Config::array({nullptr, config.get("input_length")});
  }
  const bool steps = config.contains("input_length") || name.ends_with("1D") ||
                     name.ends_with("RNN") || name.ends_with("LSTM") ||
                     name.ends_with("GRU");
  if (steps) return Config::array({nullptr, config.get("input_length"), dim});
  return Config::array({nullptr, dim});
}

Config dtype_said_by(const Config& layer) {
  const Config config = layer.get("config");
  if (class_of(layer) == "Embedding") return "float32";
  for (const char* key : {"input_dtype", "dtype"}) {
    const Config dtype = config.get(key);
    if (!dtype.is_string()) continue;
    const std::string& written = dtype.as_string();
    // Layers on numbers get floats, a policy's of full precision.
    const bool other =
        written == "string" || written == "float64" || written == "float16";
    return other ? dtype : Config("float32");
  }
  return "float32";
}

// -- Keras 1's Sequential that starts with several branches
// -----------------------

/// Adds a chain of layers to a functional model's list; yields its last layer.
/// Branches may start with a Merge themselves.
class BranchWriter {
 public:
  explicit BranchWriter(std::string where) : where_(std::move(where)) {}

  std::string add(const Config& sequential) {
    const Config config = sequential.get("config");
    const Config::Array& chain = layers_of(config, where_).as_array();
    std::string last;
    for (std::size_t i = 0; i < chain.size(); ++i) {
      const Config& layer = chain[i];
      if (class_of(layer) == "Merge") {
        last = add_merge(layer);
        continue;
      }
      if (i == 0 && class_of(layer) == "Sequential") {
        last = add(layer);
        continue;
      }
      if (i == 0 && class_of(layer) != "InputLayer") {
        const Config shape = shape_said_by(layer);
        if (shape.is_null()) {
          throw InvalidArgument(format(
              "[{}] a branch starts with '{}', which does not say its input's "
              "shape",
              where_,
              name_of_layer(layer)));
        }
        last = name_of_layer(layer) + "_input";
        put(input_layer(last, shape, dtype_said_by(layer)), last, {});
      }
      const std::string name = name_of_layer(layer);
      put(layer, name, last);
      last = name;
    }
    return last;
  }

  Config layers = Config::array();
  Config inputs = Config::array();

 private:
  std::string add_merge(const Config& merge) {
    const std::string name = name_of_layer(merge);
    Config calls = Config::array();
    const Config branches = merge.get("config").get("layers");
    if (!branches.is_array() || branches.size() == 0) {
      throw InvalidArgument(
          format("[{}] the Merge '{}' has no branches", where_, name));
    }
    for (const Config& branch : branches.as_array()) {
      if (class_of(branch) != "Sequential") {
        throw InvalidArgument(format(
            "[{}] the Merge '{}' joins a {}; expected Sequential models",
            where_,
            name,
            class_of(branch)));
      }
      calls.push_back(Config::array({add(branch), 0, 0}));
    }
    Config layer = merge;
    layer["name"] = name;
    layer["inbound_nodes"] = Config::array({std::move(calls)});
    layers.push_back(std::move(layer));
    return name;
  }

  void put(Config layer, const std::string& name, const std::string& source) {
    layer["name"] = name;
    if (class_of(layer) == "InputLayer") {
      inputs.push_back(Config::array({name, 0, 0}));
      layer["inbound_nodes"] = Config::array();
    } else {
      // Models inside counted their calls from one.
      layer["inbound_nodes"] = Config::array(
          {Config::array({Config::array({source, call_[source], 0})})});
    }
    call_[name] = is_model_class(class_of(layer)) ? 1 : 0;
    layers.push_back(std::move(layer));
  }

  std::string where_;
  std::map<std::string, std::int64_t> call_;
};

bool starts_with_merge(const Config& sequential) {
  const Config config = sequential.get("config");
  const Config* layers = config.is_array() ? &config : config.find("layers");
  if (layers == nullptr || !layers->is_array() || layers->size() == 0) {
    return false;
  }
  const Config& first = layers->as_array()[0];
  if (class_of(first) == "Sequential") return starts_with_merge(first);
  return class_of(first) == "Merge";
}

}  // namespace

Config sequential_to_keras3(const Config& object, const std::string& where) {
  const Config config = object.get("config");
  Config out = object;
  if (starts_with_merge(object)) {
    BranchWriter writer(where);
    const std::string last = writer.add(object);
    const Config graph = Config::object(
        {{"name", config.get("name")},
         {"layers", writer.layers},
         {"input_layers", writer.inputs},
         {"output_layers", Config::array({Config::array({last, 0, 0})})}});
    out["class_name"] = "Functional";
    out["config"] = functional_to_keras3(graph, where);
    return out;
  }
  const Config ordered = with_ordering(layers_of(config, where));
  const Config::Array& layers = ordered.as_array();
  Config list = Config::array();
  for (std::size_t i = 0; i < layers.size(); ++i) {
    if (i == 0 && class_of(layers[0]) != "InputLayer") {
      Config shape = shape_said_by(layers[0]);
      if (shape.is_null() && config.is_object()) {
        shape = config.get("build_input_shape");
      }
      if (shape.is_null()) {
        shape = object.get("build_config").get("input_shape");
      }
      if (shape.is_array() && shape.size() > 0 &&
          !shape.as_array()[0].is_array()) {
        list.push_back(input_layer(
            name_of_layer(layers[0]) + "_input",
            shape,
            dtype_said_by(layers[0])));
      }
    }
    list.push_back(to_keras3(layers[i], format("{}.layers[{}]", where, i)));
  }
  Config now = Config::object();
  if (config.is_object()) {
    for (const char* key :
         {"name", "trainable", "dtype", "build_input_shape"}) {
      if (const Config* value = config.find(key); value && !value->is_null()) {
        now[key] = *value;
      }
    }
  }
  now["layers"] = std::move(list);
  out["config"] = std::move(now);
  return out;
}

}  // namespace keratin::legacy
