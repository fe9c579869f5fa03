// What a file is, whether or not a model can be made of it.

#include <filesystem>
#include <new>
#include <set>

#include <keratin/error.hpp>
#include <keratin/files.hpp>

#include "layers/base/initial_values.hpp"
#include "layers/registry.hpp"
#include "models/file_kind.hpp"
#include "models/legacy/dialect.hpp"
#include "models/legacy/keras2.hpp"
#include "models/legacy/weights.hpp"
#include "src/core/format.hpp"
#include "src/io/atomic_file.hpp"
#include "src/io/hdf5_reader.hpp"
#include "src/io/zip.hpp"

namespace keratin {

namespace {

std::string class_of(const Config& object) {
  const Config* name = object.find("class_name");
  return name != nullptr && name->is_string() ? name->as_string() : "";
}

bool is_known(const Config& layer) {
  const std::string name = class_of(layer);
  if (legacy::is_model_class(name) || legacy::is_tensorflow_operation(name)) {
    return true;
  }
  if (name == "Lambda") return false;
  if (const Config module = layer.get("module");
      module.is_string() && module.as_string().starts_with("keras.src.ops.")) {
    return true;
  }
  if (find_builtin_layer(legacy::todays_class(name)) != nullptr) return true;
  const std::vector<std::string> names = layer_names();
  return std::find(names.begin(), names.end(), name) != names.end();
}

/// The layers of a config in any dialect, those of models inside after them.
class LayerList {
 public:
  Config layers = Config::array();

  void add(const Config& object, const std::string& prefix, int depth = 0) {
    constexpr int kDeepest = 100;
    if (depth > kDeepest || !object.is_object()) return;
    static const Config none;
    const Config* const found = object.find("config");
    const Config& config = found == nullptr ? none : *found;
    std::string name;
    for (const Config* from : {object.find("name"), config.find("name")}) {
      if (from != nullptr && name.empty() && from->is_string()) {
        name = from->as_string();
      }
    }
    if (depth > 0) {
      Config item = Config::object(
          {{"name", prefix + name},
           {"class_name", class_of(object)},
           {"known", is_known(object)}});
      for (const char* key : {"batch_shape", "batch_input_shape"}) {
        if (const Config* shape = config.find(key)) item["shape"] = *shape;
      }
      layers.push_back(std::move(item));
    }
    const Config* const list =
        config.is_array() ? &config : config.find("layers");
    if (list == nullptr || !list->is_array()) return;
    const std::string inner = depth > 0 ? prefix + name + "/" : prefix;
    for (const Config& layer : list->as_array()) add(layer, inner, depth + 1);
  }
};

void note_check(
    Config& report, const char* name, bool ok, const std::string& message) {
  report["checks"].push_back(
      Config::object({{"check", name}, {"ok", ok}, {"message", message}}));
}

/// Whether every class is known.
bool note_layers(Config& report, const Config& model) {
  LayerList list;
  list.add(model, "");
  std::set<std::string> unknown;
  for (const Config& layer : list.layers.as_array()) {
    if (!layer.at("known").as_bool()) {
      unknown.insert(layer.at("class_name").as_string());
    }
  }
  report["layers"] = std::move(list.layers);
  std::string names;
  for (const std::string& name : unknown) {
    names += (names.empty() ? "" : ", ") + name;
  }
  note_check(
      report,
      "every layer's class exists here",
      unknown.empty(),
      unknown.empty() ? "" : "unknown: " + names);
  return unknown.empty();
}

/// Lists the arrays; reads them, too, when nothing else will.
void note_arrays(Config& report, const h5::File& file, bool read = false) {
  Config arrays = Config::array();
  std::int64_t parameters = 0;
  std::int64_t state = 0;
  for (const std::string& path : h5::walk(file.root())) {
    const auto object = path == "/" ? std::nullopt : file.find(path);
    if (!object || !object->is_dataset()) continue;
    const Shape shape = object->shape();
    if (read) object->read();
    const bool optimizer = path.starts_with("optimizer/") ||
                           path.starts_with("optimizer_weights/");
    (optimizer ? state : parameters) += shape.size();
    arrays.push_back(Config::object(
        {{"path", path},
         {"dtype", name_of(object->dtype())},
         {"shape", Config::ints(shape.dims())}}));
  }
  report["arrays"] = std::move(arrays);
  report["parameters"] = parameters;
  report["optimizer_numbers"] = state;
}

/// Runs what a failing check tells of when it throws.
template <class F>
bool attempt(Config& report, const char* name, const F& run) {
  try {
    run();
    return true;
  } catch (const Error& error) {
    note_check(report, name, false, error.what());
  } catch (const std::bad_alloc&) {
    note_check(report, name, false, "there is no memory for it");
  }
  return false;
}

/// Runs a check whose failure is an exception.
template <class F>
void check(Config& report, const char* name, const F& run) {
  if (attempt(report, name, run)) note_check(report, name, true, "");
}

/// Makes the model that a file describes. `known`: whether every class is.
template <class F>
void check_model(Config& report, bool known, const F& make) {
  if (!known) return;  // a check says so already
  const WithoutInitialValues scope;
  check(report, "a model can be made of it", make);
}

std::string text_attr(const h5::Object& object, const char* name) {
  return object.has_attr(name) ? object.attr_text(name) : "";
}

std::string keras_of(const std::string& version, const std::string& backend) {
  return "Keras " + (version.empty() ? std::string("1") : version) +
         (backend.empty() ? "" : " (" + backend + ")");
}

/// Who wrote it. Keras opens a file without, too.
void note_metadata(
    Config& report, const io::ZipReader& archive, const std::string& name) {
  try {
    const auto text = archive.read("metadata.json");
    const Config metadata =
        Config::parse(io::as_text(text.bytes), name + "/metadata.json");
    const Config version = metadata.get("keras_version");
    if (version.is_string()) {
      report["written_by"] = keras_of(version.as_string(), "");
    }
    report["date_saved"] = metadata.get("date_saved");
  } catch (const Error& error) {
    note_check(
        report,
        "metadata.json is not needed, but cannot be read",
        true,
        error.what());
  }
}

void inspect_archive(
    Config& report,
    const io::SharedBytes& content,
    const std::string& name,
    const std::string& path) {
  const io::ZipReader archive(content, name);
  Config members = Config::array();
  for (const io::ZipMember& member : archive.members()) {
    members.push_back(Config::object(
        {{"name", member.name},
         {"size_bytes", static_cast<std::int64_t>(member.size)}}));
  }
  report["members"] = std::move(members);
  report["kind"] = "a zip archive that is no model of Keras";
  if (archive.contains("metadata.json")) note_metadata(report, archive, name);
  const bool whole = archive.contains("config.json");
  bool known = false;
  if (whole) {
    report["kind"] = "a Keras model (.keras)";
    attempt(report, "config.json can be read", [&] {
      const auto text = archive.read("config.json");
      known = note_layers(
          report,
          Config::parse(io::as_text(text.bytes), name + "/config.json"));
    });
  }
  if (archive.contains("model.weights.h5")) {
    check(report, "the weights can be read", [&] {
      note_arrays(report, h5::File(archive.read("model.weights.h5"), name));
    });
  }
  check_model(report, known, [&] { load_model(path); });
}

void inspect_h5(
    Config& report,
    const io::SharedBytes& content,
    const std::string& name,
    const std::string& path) {
  const h5::File file(content, name);
  const h5::Object root = file.root();
  const auto group = legacy::weights_group(file);
  const bool whole = root.has_attr("model_config");
  bool known = false;
  if (whole) {
    report["kind"] = "a whole Keras model (.h5)";
    attempt(report, "model_config can be read", [&] {
      known = note_layers(
          report,
          Config::parse(
              root.attr_text("model_config"), name + "/model_config"));
    });
  } else if (group) {
    report["kind"] = "weights of Keras 1 or 2 (.h5)";
  } else if (file.find("layers") || file.find("vars")) {
    report["kind"] = "weights of Keras 3 (.weights.h5)";
    report["written_by"] = "Keras 3";
  } else {
    report["kind"] = "an HDF5 file that holds no model of Keras";
  }
  if (group || whole) {
    attempt(report, "the version of Keras can be read", [&] {
      std::string version = text_attr(root, "keras_version");
      std::string backend = text_attr(root, "backend");
      if (group && version.empty())
        version = text_attr(*group, "keras_version");
      if (group && backend.empty()) backend = text_attr(*group, "backend");
      report["written_by"] = keras_of(version, backend);
    });
  }
  check(report, "the arrays can be read", [&] {
    note_arrays(report, file, !whole);
  });
  check_model(report, known, [&] { load_model(path); });
  if (!group) return;
  check(report, "every weight that is listed is there", [&] {
    const legacy::SavedWeights saved = legacy::read_group(*group, name);
    if (whole) return;
    Config layers = Config::array();
    for (const legacy::SavedLayer& layer : saved.layers) {
      Config item = Config::object({{"name", layer.name}});
      item["weights"] = static_cast<std::int64_t>(layer.arrays.size());
      layers.push_back(std::move(item));
    }
    report["layers"] = std::move(layers);
  });
}

void inspect_json(
    Config& report, const io::SharedBytes& content, const std::string& name) {
  const Config config = Config::parse(io::as_text(content.bytes), name);
  if (config.contains("weight_map")) {
    report["kind"] = "the list of sharded weights of Keras 3 (.weights.json)";
    report["written_by"] = "Keras 3";
    return;
  }
  if (class_of(config).empty()) {
    report["kind"] = "a JSON text that is no model of Keras";
    return;
  }
  report["kind"] = "the architecture of a Keras model (JSON)";
  const Config version = config.get("keras_version");
  const Config backend = config.get("backend");
  if (version.is_string()) {
    report["written_by"] = keras_of(
        version.as_string(), backend.is_string() ? backend.as_string() : "");
  } else if (!legacy::is_old_dialect(config)) {
    report["written_by"] = "Keras 3";
  }
  const bool known = note_layers(report, config);
  check_model(report, known, [&] { model_from_config(config); });
}

std::string file_name(const std::string& path) {
  return std::filesystem::path(path).filename().string();
}

std::string text_of(const std::string& path) {
  return std::string(io::as_text(io::map_file(path).bytes));
}

/// A model of any file, the weights being fresh where it has none.
Model any_model(const std::string& path) {
  const io::SharedBytes content = io::map_file(path);
  if (kind_of(content) == FileKind::json) return model_from_json(text_of(path));
  return load_model(path);
}

}  // namespace

Config inspect_file(const std::string& path) {
  const std::string name = file_name(path);
  const io::SharedBytes content = io::map_file(path);
  Config report = Config::object(
      {{"file", path},
       {"kind", nullptr},
       {"written_by", nullptr},
       {"size_bytes", static_cast<std::int64_t>(content.bytes.size())},
       {"layers", Config::array()},
       {"arrays", Config::array()},
       {"checks", Config::array()}});
  switch (kind_of(content)) {
    case FileKind::keras:
      inspect_archive(report, content, name, path);
      break;
    case FileKind::hdf5:
      inspect_h5(report, content, name, path);
      break;
    case FileKind::json:
      inspect_json(report, content, name);
      break;
    case FileKind::other:
      refuse_content(content, name, "a model or weights of Keras");
  }
  return report;
}

std::string to_keras2_json(const Model& model, int indent) {
  return legacy::keras2_json(model.model_impl()).dump(indent);
}

void convert_file(
    const std::string& from,
    const std::string& to,
    const std::string& model_of_weights) {
  Model model;
  if (model_of_weights.empty()) {
    model = any_model(from);
  } else {
    model = any_model(model_of_weights);
    model.load_weights(from);
  }
  const auto write_text = [&](const std::string& text) {
    io::write_file(to, io::as_bytes(text));
  };
  constexpr int kIndent = 2;
  if (to.ends_with(".keras2.json")) {
    write_text(to_keras2_json(model, kIndent));
  } else if (to.ends_with(".json")) {
    write_text(model.to_json(kIndent));
  } else if (to.ends_with(".weights.h5") || to.ends_with("_weights.h5")) {
    model.save_weights(to);
  } else if (
      to.ends_with(".keras") || to.ends_with(".h5") || to.ends_with(".hdf5")) {
    model.save(to);
  } else {
    throw InvalidArgument(format(
        "[convert {}] expected a name that ends in .keras, .h5 (Keras 2), "
        ".weights.h5, .json or .keras2.json",
        to));
  }
}

}  // namespace keratin
