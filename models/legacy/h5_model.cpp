#include "models/legacy/h5_model.hpp"

#include <keratin/error.hpp>

#include "models/compile_config.hpp"
#include "models/legacy/dialect.hpp"
#include "models/legacy/weights.hpp"
#include "src/core/format.hpp"
#include "src/core/log.hpp"

namespace keratin::legacy {

namespace {

/// The JSON in an attribute of the root.
Config json_attr(
    const h5::File& file, const std::string& key, const std::string& name) {
  return Config::parse(file.root().attr_text(key), name + "/" + key);
}

/// Compiles as the file says; what it says of classes that do not exist here
/// (losses and metrics of the writer's own) leaves the model uncompiled.
void compile(Model& model, const h5::File& file, const std::string& name) {
  if (!file.root().has_attr("training_config")) return;
  const Config training = json_attr(file, "training_config", name);
  if (!training.is_object()) return;
  const Config config = compile_config_of(training);
  try {
    compile_from_config(model, config);
  } catch (const InvalidArgument& error) {
    log_message(
        LogChannel::warning,
        format(
            "[{}] the model is loaded but not compiled: {}",
            name,
            error.what()));
    return;
  }
  load_optimizer(model.model_impl(), file, name);
}

}  // namespace

Model load_h5_model(
    const h5::File& file, const std::string& name, const LoadOptions& options) {
  const auto group = weights_group(file);
  if (!file.root().has_attr("model_config")) {
    throw InvalidArgument(format(
        "[{}] is an HDF5 file but no whole model: it has no model_config{}",
        name,
        group || file.find("layers")
            ? "; it holds weights, which load_weights reads into a model"
            : ""));
  }
  const Config written = json_attr(file, "model_config", name);
  Model model =
      model_from_config(written, {.dtype = options.dtype, .compile = false});
  if (!group) {
    throw InvalidArgument(
        format("[{}] has a model_config but no weights (model_weights)", name));
  }
  load_weights(
      model.model_impl(),
      read_group(*group, name),
      name,
      {.whole_model = true});
  if (options.compile) compile(model, file, name);
  return model;
}

void load_h5_weights(
    const ModelImpl& model,
    const h5::File& file,
    const std::string& name,
    const LoadWeightsOptions& options) {
  const auto group = weights_group(file);
  if (!group) {
    throw InvalidArgument(format(
        "[load_weights {}] is an HDF5 file but holds no weights of Keras: "
        "neither layer_names nor a group 'layers'",
        name));
  }
  load_weights(
      model,
      read_group(*group, name),
      name,
      {.by_name = options.by_name, .skip_mismatch = options.skip_mismatch});
}

}  // namespace keratin::legacy
