#include "models/weights_file.hpp"

#include <algorithm>
#include <cstring>
#include <filesystem>
#include <map>
#include <set>

#include <keratin/error.hpp>
#include <keratin/host_layer.hpp>

#include "layers/base/naming.hpp"
#include "layers/support/keras_layer.hpp"
#include "models/functional.hpp"
#include "src/core/format.hpp"
#include "src/core/log.hpp"
#include "src/io/hdf5_writer.hpp"

namespace keratin {

namespace {

std::string python_name(const LayerImpl& layer) {
  const auto* keras = dynamic_cast<const layers::KerasLayer*>(&layer);
  return keras != nullptr ? keras->python_name() : layer.class_name();
}

/// What a file holds of a variable.
Tensor file_value(const WeightGroup& group, const Variable& variable) {
  const auto* keras = dynamic_cast<const layers::KerasLayer*>(group.layer);
  return keras != nullptr ? keras->file_value(variable) : variable.value();
}

/// Walks the layers as Keras's _save_state does.
class Walk {
 public:
  std::vector<WeightGroup> groups;

  /// Those of optimizers inside stand in groups of their own as well.
  void visit(const OptimizerImpl& optimizer, const std::string& path) {
    groups.push_back({path + "/vars", optimizer.name(), optimizer.variables()});
    for (const auto& [attribute, inner] : optimizer.inner()) {
      visit(inner.impl(), path + "/" + attribute);
    }
  }

  void visit(const LayerImpl& layer, const std::string& path) {
    if (!seen_.insert(&layer).second) return;
    const std::string prefix = path.empty() ? "" : path + "/";
    const auto* keras = dynamic_cast<const layers::KerasLayer*>(&layer);
    groups.push_back(
        {prefix + "vars",
         layer.name(),
         keras != nullptr ? keras->file_weights() : layer.own_weights(),
         &layer});
    if (dynamic_cast<const FunctionalImpl*>(&layer) == nullptr) {
      // Other layers keep their inner ones as attributes.
      for (const auto& [attribute, inner] : layer.sublayers()) {
        visit(inner.impl(), prefix + attribute);
      }
      return;
    }
    // Models number the layers of a class: names are often automatic.
    std::map<std::string, int> used;
    for (const auto& [attribute, inner] : layer.sublayers()) {
      std::string name = to_snake_case(python_name(inner.impl()));
      const int count = used[name]++;
      if (count > 0) name += format("_{}", count);
      visit(inner.impl(), prefix + "layers/" + name);
    }
  }

 private:
  std::set<const LayerImpl*> seen_;
};

}  // namespace

std::vector<WeightGroup> weight_groups(
    const ModelImpl& model, bool with_optimizer) {
  Walk walk;
  walk.visit(model, "");
  if (with_optimizer && model.compiled()) {
    const OptimizerImpl& optimizer = model.compile_arguments().optimizer.impl();
    if (optimizer.built()) {
      walk.visit(optimizer, "optimizer");
    }
  }
  return std::move(walk.groups);
}

std::vector<std::byte> write_weights(
    const ModelImpl& model, bool with_optimizer) {
  h5::Writer writer;
  for (const WeightGroup& group : weight_groups(model, with_optimizer)) {
    writer.group(group.path);
    writer.attr(group.path, "name", group.name);
    for (std::size_t i = 0; i < group.variables.size(); ++i) {
      writer.dataset(
          format("{}/{}", group.path, i),
          file_value(group, group.variables[i]));
    }
    if (const auto* host = dynamic_cast<const HostLayer*>(group.layer)) {
      for (const auto& [name, array] : host->named_arrays()) {
        writer.dataset(format("{}/{}", group.path, name), array);
      }
    }
  }
  return writer.finish();
}

std::optional<h5::Object> WeightFiles::find(const std::string& path) const {
  for (const h5::File& file : files_) {
    if (auto object = file.find(path)) return object;
  }
  // Keras 2's MultiHeadAttention: "_query_dense".
  for (const char* name :
       {"/query_dense/", "/key_dense/", "/value_dense/", "/output_dense/"}) {
    const std::size_t at = path.find(name);
    if (at == std::string::npos) continue;
    std::string older = path;
    older.insert(at + 1, "_");
    for (const h5::File& file : files_) {
      if (auto object = file.find(older)) return object;
    }
  }
  return {};
}

WeightFiles open_shards(const std::string& path) {
  const std::string name = io::base_name(path);
  const io::SharedBytes content = io::map_file(path);
  const Config config = Config::parse(io::as_text(content.bytes), name);
  const Config map = config.get("weight_map");
  if (!map.is_object()) {
    throw InvalidArgument(format(
        "[{}] expected Keras's list of sharded weights, an object with "
        "'weight_map'",
        name));
  }
  std::set<std::string> shards;
  for (const auto& [group, files] : map.as_object()) {
    const Config::Array& list =
        files.is_array() ? files.as_array() : Config::Array{files};
    for (const Config& file : list) {
      const std::string& shard = file.as_string();
      if (shard.find_first_of("/\\") != std::string::npos ||
          !shard.ends_with(".weights.h5")) {
        throw InvalidArgument(format(
            "[{}] weight_map: expected the plain name of a .weights.h5 file, "
            "got '{}'",
            name,
            shard));
      }
      shards.insert(shard);
    }
  }
  const std::filesystem::path folder =
      std::filesystem::path(path).parent_path();
  std::vector<h5::File> files;
  for (const std::string& shard : shards) {
    files.push_back(h5::File::open((folder / shard).string()));
  }
  return WeightFiles(std::move(files));
}

namespace {

struct Loaded {
  Variable variable;
  h5::Object dataset;
};

class Matcher {
 public:
  Matcher(
      const WeightFiles& files,
      std::string source,
      const ReadWeightsOptions& options)
      : files_(files), source_(std::move(source)), options_(options) {}

  std::vector<Loaded> loaded;
  std::vector<std::string> problems;

  void group(const WeightGroup& group) {
    used_.insert(group.path);
    if (group.layer == nullptr && starts_anew(group)) return;
    if (dynamic_cast<const ModelImpl*>(group.layer) != nullptr) {
      const std::string model =
          group.path.substr(0, group.path.size() - std::strlen("vars"));
      trainers_.push_back(model + "optimizer/");
      trainers_.push_back(model + "metrics/");
    }
    for (std::size_t i = 0; i < group.variables.size(); ++i) {
      const Variable& variable = group.variables[i];
      const std::string path = format("{}/{}", group.path, i);
      const auto dataset = files_.find(path);
      if (!dataset || !dataset->is_dataset()) {
        problem(format(
            "{}: missing in the file, model wants {}{} for '{}'",
            path,
            short_name(variable.dtype()),
            variable.shape(),
            variable.path()));
        continue;
      }
      used_.insert(path);
      used_.insert(dataset->path());
      if (dataset->shape() != variable.shape()) {
        problem(format(
            "{}: file has {}{}, model wants {}{} for '{}'",
            path,
            short_name(dataset->dtype()),
            dataset->shape(),
            short_name(variable.dtype()),
            variable.shape(),
            variable.path()));
        continue;
      }
      loaded.push_back({variable, *dataset});
    }
  }

  /// What host layers keep beside their weights.
  struct Named {
    HostLayer* layer;
    std::string name;
    h5::Object dataset;
  };

  std::vector<Named> named;

  /// Arrays by name, of a length that the file says.
  void named_arrays(const WeightGroup& group) {
    auto* host = dynamic_cast<HostLayer*>(const_cast<LayerImpl*>(group.layer));
    if (host == nullptr) return;
    for (const auto& [name, array] : host->named_arrays()) {
      const std::string path = format("{}/{}", group.path, name);
      const auto dataset = files_.find(path);
      if (!dataset || !dataset->is_dataset()) {
        problem(format("{}: missing in the file", path));
        continue;
      }
      used_.insert(path);
      used_.insert(dataset->path());
      if (dataset->shape().rank() != array.rank()) {
        problem(format(
            "{}: file has {}{}, model wants an array of rank {}",
            path,
            short_name(dataset->dtype()),
            dataset->shape(),
            array.rank()));
        continue;
      }
      named.push_back({host, name, *dataset});
    }
  }

  /// Datasets that no layer of the model asked for.
  void find_unexpected() {
    if (options_.skip_mismatch) return;
    for (const h5::File& file : files_.all()) find_unexpected(file);
  }

 private:
  void find_unexpected(const h5::File& file) {
    for (const std::string& path : h5::walk(file.root())) {
      if (path.empty() || path == "/" || used_.contains(path)) continue;
      const auto object = file.find(path);
      if (!object || !object->is_dataset()) continue;
      if (std::any_of(
              trainers_.begin(), trainers_.end(), [&](const auto& trainer) {
                return path.starts_with(trainer);
              })) {
        continue;
      }
      problem(format(
          "{}: unexpected, file has {}{}, the model has no such weight",
          path,
          short_name(object->dtype()),
          object->shape()));
    }
  }

  /// Keras's rule for an optimizer whose variables the file has in another
  /// number, none but its counter and rate before the first step: it takes none
  /// of them. Its rate is the one that the config has.
  bool starts_anew(const WeightGroup& group) const {
    const auto object = files_.find(group.path);
    const std::size_t count =
        object && object->is_group() ? object->keys().size() : 0;
    if (count == group.variables.size()) return false;
    log_message(
        LogChannel::warning,
        format(
            "[{}] the optimizer '{}' starts anew: the file has {} of its "
            "variables, the model {}",
            source_,
            group.name,
            count,
            group.variables.size()));
    return true;
  }

  void problem(std::string text) {
    if (!options_.skip_mismatch) problems.push_back(std::move(text));
  }

  const WeightFiles& files_;
  std::string source_;
  const ReadWeightsOptions& options_;
  std::set<std::string> used_;

  // Where models keep what they train with, those inside, too: an optimizer of
  // theirs, and the counts of Keras 2's metrics.
  std::vector<std::string> trainers_;
};

}  // namespace

void read_weights(
    const ModelImpl& model,
    const WeightFiles& files,
    const std::string& source,
    const ReadWeightsOptions& options) {
  if (!model.built()) {
    throw InvalidArgument(format(
        "[load_weights {}] {} has no weights before it is built; give it an "
        "Input or call build",
        source,
        model.who()));
  }
  Matcher matcher(files, source, options);
  const std::vector<WeightGroup> groups =
      weight_groups(model, options.optimizer);
  for (const WeightGroup& group : groups) {
    matcher.group(group);
    matcher.named_arrays(group);
  }
  matcher.find_unexpected();
  if (!matcher.problems.empty()) {
    std::string list;
    for (const std::string& problem : matcher.problems) {
      list += "\n  " + problem;
    }
    throw InvalidArgument(format(
        "[load_weights {}] {} weights do not fit:{}",
        source,
        matcher.problems.size(),
        list));
  }
  // Everything is read before the first weight changes.
  std::vector<Tensor> values;
  values.reserve(matcher.loaded.size());
  for (const Loaded& item : matcher.loaded) {
    values.push_back(item.dataset
                         .read(static_cast<std::uint64_t>(
                             item.variable.shape().size() * 8 + 64))
                         .cast(item.variable.dtype()));
  }
  std::vector<Tensor> arrays;
  arrays.reserve(matcher.named.size());
  for (const auto& item : matcher.named) arrays.push_back(item.dataset.read());
  for (std::size_t i = 0; i < values.size(); ++i) {
    matcher.loaded[i].variable.assign(values[i]);
  }
  for (std::size_t i = 0; i < arrays.size(); ++i) {
    matcher.named[i].layer->set_named_arrays(
        {{matcher.named[i].name, arrays[i]}});
  }
  for (const WeightGroup& group : groups) {
    if (const auto* keras =
            dynamic_cast<const layers::KerasLayer*>(group.layer)) {
      keras->after_load();
    }
  }
}

}  // namespace keratin
