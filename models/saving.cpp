// Models to and from files and JSON.

#include "models/saving.hpp"

#include <chrono>
#include <ctime>
#include <filesystem>
#include <map>
#include <mutex>

#include <keratin/error.hpp>
#include <keratin/host_layer.hpp>
#include <keratin/model.hpp>

#include "layers/base/dtype_override.hpp"
#include "layers/base/initial_values.hpp"
#include "models/compile_config.hpp"
#include "models/file_kind.hpp"
#include "models/functional.hpp"
#include "models/legacy/dialect.hpp"
#include "models/legacy/h5_model.hpp"
#include "models/legacy/keras2.hpp"
#include "models/legacy/weights.hpp"
#include "models/sequential.hpp"
#include "models/weights_file.hpp"
#include "src/core/format.hpp"
#include "src/core/log.hpp"
#include "src/io/atomic_file.hpp"
#include "src/io/zip.hpp"
#include "src/train/trainer_state.hpp"

namespace keratin {

void register_model_classes() {
  static std::once_flag once;
  std::call_once(once, [] {
    const LayerFactory functional = [] {
      return std::make_shared<FunctionalImpl>();
    };
    register_layer("Functional", functional, "keras");
    register_layer("Model", functional, "keras");  // Keras 2's name
    register_layer(
        "Sequential",
        [] { return std::make_shared<SequentialImpl>(); },
        "keras");
  });
}

namespace {

/// The version of Keras whose dialect we write.
constexpr const char* kKerasVersion = "3.15.1";

bool ends_with(const std::string& path, std::string_view suffix) {
  return path.size() > suffix.size() && path.ends_with(suffix);
}

/// A member that Keras does not know and leaves alone.
constexpr const char* kOwnMember = "keratin.json";

/// "2026-11-21@09:09:51", as Keras notes it.
std::string date_saved() {
  const std::time_t now =
      std::chrono::system_clock::to_time_t(std::chrono::system_clock::now());
  std::tm parts{};
  gmtime_r(&now, &parts);
  char text[32];
  std::strftime(text, sizeof text, "%Y-%m-%d@%H:%M:%S", &parts);
  return text;
}

Config model_config(const ModelImpl& model) {
  Config config = serialize_built(model);
  config["compile_config"] = compile_config(model);
  return config;
}

Model model_of(const Config& config, const std::string& source) {
  register_model_classes();
  const Layer layer = deserialize_layer(config, source);
  auto impl = std::dynamic_pointer_cast<ModelImpl>(layer.impl_ptr());
  if (!impl) {
    throw InvalidArgument(format(
        "[{}] expected a model, got the layer class '{}'",
        source,
        layer.class_name()));
  }
  return Model(std::move(impl));
}

/// Keras's build_from_config for a model that the config did not build.
void build_from_config(Model& model, const Config& config) {
  if (model.built()) return;
  const Config* build = config.find("build_config");
  if (build == nullptr) return;
  const Config shape = build->get("input_shape");
  if (!shape.is_array() || shape.size() == 0) return;
  std::vector<std::int64_t> dims;
  for (const Config& dim : shape.as_array()) {
    if (!dim.is_null() && !dim.is_int()) return;
    dims.push_back(dim.is_null() ? kUnknown : dim.as_int());
  }
  model.build(Shape(std::move(dims)));
}

/// Where an archive keeps what a layer has beside its weights:
/// "assets/layers/string_lookup/".
std::string assets_path(const WeightGroup& group) {
  const std::string_view vars = "vars";
  return "assets/" + group.path.substr(0, group.path.size() - vars.size());
}

void add_assets(const ModelImpl& model, io::ZipWriter& archive) {
  for (const WeightGroup& group : weight_groups(model, false)) {
    const auto* host = dynamic_cast<const HostLayer*>(group.layer);
    if (host == nullptr) continue;
    for (const auto& [name, content] : host->save_assets()) {
      archive.add(assets_path(group) + name, content);
    }
  }
}

void read_assets(
    const ModelImpl& model,
    const io::ZipReader& archive,
    const std::string& source) {
  for (const WeightGroup& group : weight_groups(model, false)) {
    auto* host = dynamic_cast<HostLayer*>(const_cast<LayerImpl*>(group.layer));
    if (host == nullptr) continue;
    const std::string prefix = assets_path(group);
    std::map<std::string, std::string> assets;
    for (const io::ZipMember& member : archive.members()) {
      if (!member.name.starts_with(prefix)) continue;
      const std::string name = member.name.substr(prefix.size());
      if (name.empty() || name.find('/') != std::string::npos) continue;
      const auto content = archive.read(member.name);
      assets[name] = io::as_text(content.bytes);
    }
    if (assets.empty()) continue;
    try {
      host->load_assets(assets);
    } catch (const InvalidArgument& error) {
      throw InvalidArgument(format("[{}/{}] {}", source, prefix, error.what()));
    }
  }
}

std::string file_name(const std::string& path) {
  return std::filesystem::path(path).filename().string();
}

}  // namespace

std::string Model::to_json(int indent) const {
  return model_config(model_impl()).dump(indent);
}

std::function<void()> prepared_save(
    const Model& saved, const std::string& path) {
  const bool h5 = (ends_with(path, ".h5") || ends_with(path, ".hdf5")) &&
                  !ends_with(path, ".weights.h5");
  if (!h5 && !ends_with(path, ".keras")) {
    throw InvalidArgument(format(
        "[save {}] expected a name that ends in .keras, or in .h5 for a file "
        "of "
        "Keras 2 (save_weights writes .weights.h5)",
        path));
  }
  const ModelImpl& model = saved.model_impl();
  if (!model.built()) {
    throw InvalidArgument(format(
        "[save {}] {} has no weights before it is built; give it an Input, "
        "call build, or train it first",
        path,
        model.who()));
  }
  if (h5) {
    return [path, bytes = legacy::write_h5(model, true)] {
      io::write_file(path, bytes);
    };
  }
  io::ZipWriter archive;
  archive.add(
      "metadata.json",
      Config::object(
          {{"keras_version", kKerasVersion}, {"date_saved", date_saved()}})
          .dump());
  archive.add("config.json", model_config(model).dump());
  archive.add("model.weights.h5", write_weights(model, true));
  add_assets(model, archive);
  if (const Choices& choices = *model.trainer_state().choices;
      !choices.empty()) {
    archive.add(
        kOwnMember, Config::object({{"choices", choices.to_config()}}).dump());
  }
  return [path, archive = std::move(archive)] { archive.save(path); };
}

std::function<void()> prepared_save_weights(
    const Model& saved, const std::string& path) {
  const bool keras3 = ends_with(path, ".weights.h5");
  if (!keras3 && !ends_with(path, ".h5") && !ends_with(path, ".hdf5")) {
    throw InvalidArgument(format(
        "[save_weights {}] expected a name that ends in .weights.h5, or in .h5 "
        "for a file of Keras 2",
        path));
  }
  const ModelImpl& model = saved.model_impl();
  if (!model.built()) {
    throw InvalidArgument(format(
        "[save_weights {}] {} has no weights before it is built",
        path,
        model.who()));
  }
  return [path,
          bytes = keras3 ? write_weights(model, false)
                         : legacy::write_h5(model, false)] {
    io::write_file(path, bytes);
  };
}

void Model::save(const std::string& path) const {
  prepared_save(*this, path)();
}

void Model::save_weights(const std::string& path) const {
  prepared_save_weights(*this, path)();
}

void Model::load_weights(
    const std::string& path, const LoadWeightsOptions& options) {
  const ReadWeightsOptions read = {
      .optimizer = false, .skip_mismatch = options.skip_mismatch};
  const std::string name = file_name(path);
  const io::SharedBytes content = io::map_file(path);
  const auto refuse_by_name = [&] {
    if (!options.by_name) return;
    throw InvalidArgument(format(
        "[load_weights {}] by_name: a file of Keras 3 keeps no names of "
        "layers; load it by structure",
        name));
  };
  switch (kind_of(content)) {
    case FileKind::keras: {
      refuse_by_name();
      const io::ZipReader archive(content, name);
      const h5::File file(archive.read("model.weights.h5"), name);
      read_weights(model_impl(), WeightFiles(file), name, read);
      return;
    }
    case FileKind::hdf5: {
      const h5::File file(content, name);
      if (legacy::weights_group(file)) {
        legacy::load_h5_weights(model_impl(), file, name, options);
        return;
      }
      refuse_by_name();
      read_weights(model_impl(), WeightFiles(file), name, read);
      return;
    }
    case FileKind::json:
      refuse_by_name();
      read_weights(model_impl(), open_shards(path), name, read);
      return;
    case FileKind::other:
      refuse_content(content, name, "a file with weights (.h5, .keras)");
  }
}

namespace {

Model load_keras_archive(
    const io::SharedBytes& content,
    const std::string& name,
    const LoadOptions& options) {
  const io::ZipReader archive(content, name);
  if (!archive.contains("config.json") ||
      !archive.contains("model.weights.h5")) {
    throw InvalidArgument(format(
        "[{}] is a zip archive but no Keras model: it lacks {}",
        name,
        archive.contains("config.json") ? "model.weights.h5" : "config.json"));
  }
  const auto text = archive.read("config.json");
  const Config config =
      Config::parse(io::as_text(text.bytes), name + "/config.json");
  Model model = model_from_config(config, options);
  const bool compiled = model.compiled();
  if (compiled) {
    OptimizerImpl& optimizer = model.optimizer().impl();
    if (!optimizer.built()) {
      optimizer.build(model.trainable_weights());
    }
  }
  const h5::File file(archive.read("model.weights.h5"), name);
  // A file of ours has no state where the model has never been trained.
  const bool with_optimizer =
      compiled && file.find("optimizer/vars/0").has_value();
  const bool old = legacy::is_old_dialect(config);
  read_weights(
      model.model_impl(),
      WeightFiles(file),
      name,
      {.optimizer = with_optimizer && !old});
  if (with_optimizer && old) {
    legacy::load_optimizer(model.model_impl(), file, name);
  }
  read_assets(model.model_impl(), archive, name);
  if (archive.contains(kOwnMember)) {
    const auto own = archive.read(kOwnMember);
    const std::string where = name + "/" + kOwnMember;
    model.model_impl().trainer().choices->add(
        Config::parse(io::as_text(own.bytes), where)
            .get("choices", Config::object()),
        where);
  }
  return model;
}

}  // namespace

Model load_model(const std::string& path, const LoadOptions& options) {
  const std::string name = file_name(path);
  const WithoutInitialValues scope;  // every weight is read, or loading throws
  const io::SharedBytes content = io::map_file(path);
  switch (kind_of(content)) {
    case FileKind::keras:
      return load_keras_archive(content, name, options);
    case FileKind::hdf5:
      return legacy::load_h5_model(h5::File(content, name), name, options);
    case FileKind::json:
      throw InvalidArgument(format(
          "[{}] is a JSON text: an architecture without weights; "
          "model_from_json reads it",
          name));
    case FileKind::other:
      refuse_content(content, name, "a model of Keras (.keras, .h5)");
  }
  return {};
}

Model model_from_config(const Config& config, const LoadOptions& options) {
  if (!config.is_object()) {
    throw InvalidArgument(
        format("[model config] expected an object, got {}", config.kind()));
  }
  const DTypeOverride scope(
      options.dtype.empty() ? dtype_override() : options.dtype);
  const bool old = legacy::is_old_dialect(config);
  Model model =
      model_of(old ? legacy::to_keras3(config, "model") : config, "model");
  build_from_config(model, config);
  const Config* compile = config.find("compile_config");
  if (options.compile && compile != nullptr && compile->is_object() &&
      compile->size() > 0) {
    compile_from_config(
        model, old ? legacy::compile_config_of(*compile) : *compile);
  }
  return model;
}

Model model_from_json(const std::string& json, const LoadOptions& options) {
  return model_from_config(Config::parse(json, "model json"), options);
}

Model clone_model(const Model& model) {
  register_model_classes();
  const ModelImpl& impl = model.model_impl();
  Model clone = model_of(serialize_built(impl), impl.name());
  if (!clone.built() && impl.built() && !impl.build_shapes().empty()) {
    clone.model_impl().ensure_built(impl.build_shapes());
  }
  return clone;
}

}  // namespace keratin
