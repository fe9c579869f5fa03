// Models to and from files and JSON.

#include <chrono>
#include <ctime>
#include <filesystem>
#include <mutex>

#include <keratin/error.hpp>
#include <keratin/model.hpp>

#include "layers/base/dtype_override.hpp"
#include "models/compile_config.hpp"
#include "models/functional.hpp"
#include "models/sequential.hpp"
#include "models/weights_file.hpp"
#include "src/core/format.hpp"
#include "src/io/atomic_file.hpp"
#include "src/io/zip.hpp"

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

std::string file_name(const std::string& path) {
  return std::filesystem::path(path).filename().string();
}

}  // namespace

std::string Model::to_json(int indent) const {
  return model_config(model_impl()).dump(indent);
}

void Model::save(const std::string& path) const {
  if (!ends_with(path, ".keras")) {
    throw InvalidArgument(format(
        "[save {}] expected a name that ends in .keras (save_weights writes "
        ".weights.h5)",
        path));
  }
  const ModelImpl& model = model_impl();
  if (!model.built()) {
    throw InvalidArgument(format(
        "[save {}] {} has no weights before it is built; give it an Input, "
        "call build, or train it first",
        path,
        model.who()));
  }
  io::ZipWriter archive;
  archive.add(
      "metadata.json",
      Config::object(
          {{"keras_version", kKerasVersion}, {"date_saved", date_saved()}})
          .dump());
  archive.add("config.json", model_config(model).dump());
  archive.add("model.weights.h5", write_weights(model, true));
  archive.save(path);
}

void Model::save_weights(const std::string& path) const {
  if (!ends_with(path, ".weights.h5")) {
    throw InvalidArgument(format(
        "[save_weights {}] expected a name that ends in .weights.h5", path));
  }
  const ModelImpl& model = model_impl();
  if (!model.built()) {
    throw InvalidArgument(format(
        "[save_weights {}] {} has no weights before it is built",
        path,
        model.who()));
  }
  io::write_file(path, write_weights(model, false));
}

void Model::load_weights(
    const std::string& path, const LoadWeightsOptions& options) {
  const ReadWeightsOptions read = {
      .optimizer = false, .skip_mismatch = options.skip_mismatch};
  const std::string name = file_name(path);
  if (ends_with(path, ".keras")) {
    const io::ZipReader archive = io::ZipReader::open(path);
    const h5::File file(archive.read("model.weights.h5"), name);
    read_weights(model_impl(), file, name, read);
    return;
  }
  if (!ends_with(path, ".weights.h5")) {
    throw InvalidArgument(format(
        "[load_weights {}] expected a name that ends in .weights.h5 or .keras",
        path));
  }
  read_weights(model_impl(), h5::File::open(path), name, read);
}

Model load_model(const std::string& path, const LoadOptions& options) {
  const std::string name = file_name(path);
  const io::ZipReader archive = io::ZipReader::open(path);
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
  // A file may hold a compiled model that has never been trained: then there
  // is no state to read.
  const bool with_optimizer =
      compiled && file.find("optimizer/vars/0").has_value();
  read_weights(model.model_impl(), file, name, {.optimizer = with_optimizer});
  return model;
}

Model model_from_config(const Config& config, const LoadOptions& options) {
  if (!config.is_object()) {
    throw InvalidArgument(
        format("[model config] expected an object, got {}", config.kind()));
  }
  const DTypeOverride scope(
      options.dtype.empty() ? dtype_override() : options.dtype);
  Model model = model_of(config, "model");
  build_from_config(model, config);
  const Config* compile = config.find("compile_config");
  if (options.compile && compile != nullptr && compile->is_object() &&
      compile->size() > 0) {
    model.compile(compile_arguments(*compile, "compile_config"));
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
