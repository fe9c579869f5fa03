#include "models/weights_file.hpp"

#include <algorithm>
#include <map>
#include <set>

#include <keratin/error.hpp>

#include "layers/base/naming.hpp"
#include "models/functional.hpp"
#include "src/core/format.hpp"
#include "src/io/hdf5_writer.hpp"

namespace keratin {

namespace {

/// Walks the layers as Keras's _save_state does.
class Walk {
 public:
  std::vector<WeightGroup> groups;

  void visit(const LayerImpl& layer, const std::string& path) {
    if (!seen_.insert(&layer).second) return;
    const std::string prefix = path.empty() ? "" : path + "/";
    groups.push_back({prefix + "vars", layer.name(), layer.own_weights()});
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
      std::string name = to_snake_case(inner.class_name());
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
      const Config name = optimizer.get_config().get("name");
      walk.groups.push_back(
          {"optimizer/vars",
           name.is_string() ? name.as_string() : "optimizer",
           optimizer.variables()});
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
          format("{}/{}", group.path, i), group.variables[i].value());
    }
  }
  return writer.finish();
}

namespace {

struct Loaded {
  Variable variable;
  h5::Object dataset;
};

class Matcher {
 public:
  Matcher(const h5::File& file, const ReadWeightsOptions& options)
      : file_(file), options_(options) {}

  std::vector<Loaded> loaded;
  std::vector<std::string> problems;

  void group(const WeightGroup& group) {
    used_.insert(group.path);
    for (std::size_t i = 0; i < group.variables.size(); ++i) {
      const Variable& variable = group.variables[i];
      const std::string path = format("{}/{}", group.path, i);
      const auto dataset = file_.find(path);
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

  /// Datasets that no layer of the model asked for.
  void find_unexpected() {
    if (options_.skip_mismatch) return;
    for (const std::string& path : h5::walk(file_.root())) {
      if (path.empty() || path == "/" || used_.contains(path)) continue;
      const bool optimizer = path.starts_with("optimizer/");
      const auto object = file_.find(path);
      if (!object || !object->is_dataset()) continue;
      if (optimizer && !options_.optimizer) continue;
      problem(format(
          "{}: unexpected, file has {}{}, the model has no such weight",
          path,
          short_name(object->dtype()),
          object->shape()));
    }
  }

 private:
  void problem(std::string text) {
    if (!options_.skip_mismatch) problems.push_back(std::move(text));
  }

  const h5::File& file_;
  const ReadWeightsOptions& options_;
  std::set<std::string> used_;
};

}  // namespace

void read_weights(
    const ModelImpl& model,
    const h5::File& file,
    const std::string& source,
    const ReadWeightsOptions& options) {
  if (!model.built()) {
    throw InvalidArgument(format(
        "[load_weights {}] {} has no weights before it is built; give it an "
        "Input or call build",
        source,
        model.who()));
  }
  Matcher matcher(file, options);
  for (const WeightGroup& group : weight_groups(model, options.optimizer)) {
    matcher.group(group);
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
  for (std::size_t i = 0; i < values.size(); ++i) {
    matcher.loaded[i].variable.assign(values[i]);
  }
}

}  // namespace keratin
