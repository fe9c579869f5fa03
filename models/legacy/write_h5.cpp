// Writing for Keras 2: HDF5 files.

#include <set>

#include <keratin/error.hpp>
#include <keratin/host_layer.hpp>

#include "layers/support/keras_layer.hpp"
#include "models/compile_config.hpp"
#include "models/legacy/keras2.hpp"
#include "models/legacy/matcher.hpp"
#include "models/weights_file.hpp"
#include "src/core/format.hpp"
#include "src/io/hdf5_writer.hpp"

namespace keratin::legacy {

namespace {

const layers::KerasLayer* owner_of(
    const LayerImpl& layer, const Variable& variable) {
  for (const Variable& own : layer.own_weights()) {
    if (own.id() == variable.id()) {
      return dynamic_cast<const layers::KerasLayer*>(&layer);
    }
  }
  for (const auto& [attribute, inner] : layer.sublayers()) {
    if (const auto* found = owner_of(inner.impl(), variable)) return found;
  }
  return nullptr;
}

/// TensorFlow's name of a variable, "dense/kernel:0", each once.
std::string unique_in(std::set<std::string>& taken, const std::string& path) {
  std::string name = path + ":0";
  for (int i = 1; !taken.insert(name).second; ++i) {
    name = format("{}_{}:0", path, i);
  }
  return name;
}

void write_group(
    h5::Writer& writer, const std::string& path, const LayerImpl& layer) {
  std::vector<std::string> names;
  std::set<std::string> taken;
  for (const Variable& variable : file_weights(layer)) {
    const layers::KerasLayer* owner = owner_of(layer, variable);
    std::string name = unique_in(taken, variable.path());
    writer.dataset(
        path + "/" + name,
        owner != nullptr ? owner->file_value(variable) : variable.value());
    names.push_back(std::move(name));
  }
  writer.attr(path, "weight_names", names);
}

void write_weights(
    h5::Writer& writer, const std::string& path, const ModelImpl& model) {
  std::vector<std::string> names;
  for (const auto& [attribute, layer] : model.sublayers()) {
    names.push_back(layer.name());
    const std::string group = path + "/" + layer.name();
    writer.group(group);
    write_group(writer, group, layer.impl());
  }
  writer.attr(path, "layer_names", names);
  writer.attr(path, "backend", "tensorflow");
  writer.attr(path, "keras_version", "2.15.0");
}

/// Arguments that Keras 2's optimizers did not have.
Config optimizer_to_keras2(const Config& optimizer) {
  if (!optimizer.is_object()) return optimizer;
  Config config = optimizer.get("config", Config::object());
  for (const char* key : {"loss_scale_factor", "gradient_accumulation_steps"}) {
    config.erase(key);
  }
  Config* rate = config.find("learning_rate");
  if (rate != nullptr && rate->is_object()) {
    const Config schedule = *rate;
    config["learning_rate"] = Config::object(
        {{"class_name", schedule.get("class_name")},
         {"config", schedule.get("config")}});
  }
  return Config::object(
      {{"class_name", optimizer.get("class_name")},
       {"config", std::move(config)}});
}

/// Objects without the keys of Keras 3.
Config plain(const Config& value) {
  if (value.is_array()) {
    Config out = Config::array();
    for (const Config& item : value.as_array()) out.push_back(plain(item));
    return out;
  }
  if (!value.is_object()) return value;
  Config out = Config::object();
  for (const auto& [key, item] : value.as_object()) {
    if (key == "module" || key == "registered_name" || key == "build_config") {
      continue;
    }
    if (item.is_object() && item.get("class_name") == Config("DTypePolicy")) {
      out[key] = item.at("config").get("name");
      continue;
    }
    out[key] = plain(item);
  }
  return out;
}

Config training_config(const ModelImpl& model) {
  const Config config = compile_config(model);
  return Config::object(
      {{"loss", plain(config.get("loss"))},
       {"metrics", plain(config.get("metrics"))},
       {"weighted_metrics", plain(config.get("weighted_metrics"))},
       {"loss_weights", config.get("loss_weights")},
       {"optimizer_config", optimizer_to_keras2(config.get("optimizer"))}});
}

void write_optimizer(h5::Writer& writer, const ModelImpl& model) {
  const OptimizerImpl& optimizer = model.compile_arguments().optimizer.impl();
  if (!optimizer.built()) return;
  std::vector<std::string> names;
  std::set<std::string> taken;
  for (const Variable& variable : optimizer.variables()) {
    names.push_back(unique_in(taken, variable.path()));
    writer.dataset("optimizer_weights/" + names.back(), variable.value());
  }
  writer.attr("optimizer_weights", "weight_names", names);
}

/// Keras 2 keeps vocabularies in a layer's config or not at all.
void check_vocabularies(const ModelImpl& model) {
  for (const WeightGroup& group : weight_groups(model, false)) {
    const auto* host = dynamic_cast<const HostLayer*>(group.layer);
    const auto* state = dynamic_cast<const Adaptable*>(group.layer);
    if (host == nullptr || state == nullptr || !state->adapted() ||
        host->save_assets().empty()) {
      continue;
    }
    throw InvalidArgument(format(
        "[{}] has adapted a vocabulary, for which Keras 2's files have no "
        "place; give it as the argument 'vocabulary', or save as .keras",
        group.layer->name()));
  }
}

}  // namespace

std::vector<std::byte> write_h5(const ModelImpl& model, bool whole_model) {
  check_vocabularies(model);
  h5::Writer writer;
  if (!whole_model) {
    write_weights(writer, "/", model);
    return writer.finish();
  }
  const Config json = keras2_json(model);
  writer.attr("/", "keras_version", json.at("keras_version").as_string());
  writer.attr("/", "backend", json.at("backend").as_string());
  writer.attr(
      "/",
      "model_config",
      Config::object({{"class_name", json.at("class_name")},
                      {"config", json.at("config")}})
          .dump());
  writer.group("model_weights");
  write_weights(writer, "model_weights", model);
  if (model.compiled()) {
    writer.attr("/", "training_config", training_config(model).dump());
    write_optimizer(writer, model);
  }
  return writer.finish();
}

}  // namespace keratin::legacy
