// What a group of weights holds, in the order in which it lists them.

#include <set>

#include <keratin/error.hpp>

#include "models/legacy/weights.hpp"
#include "src/core/format.hpp"

namespace keratin::legacy {

namespace {

/// States of random generators, which some versions wrote among the weights.
bool is_random_state(const std::string& name) {
  const std::string last = name.substr(name.rfind('/') + 1);
  return last.starts_with("StateVar") || last.starts_with("state_var") ||
         last.starts_with("seed_generator");
}

std::vector<Array> arrays_of(
    const h5::Object& group, const std::string& source) {
  std::vector<Array> out;
  for (const std::string& name : texts(group, "weight_names")) {
    if (is_random_state(name)) continue;
    const auto dataset = group.find(name);
    if (!dataset || !dataset->is_dataset()) {
      throw InvalidArgument(format(
          "[load_weights {}] {}: weight_names lists '{}', which is not in the "
          "file",
          source,
          group.path(),
          name));
    }
    out.push_back(array_of(name, *dataset));
  }
  return out;
}

int major_version(const std::string& version) {
  return version.empty() || version[0] < '0' || version[0] > '9'
             ? 2
             : version[0] - '0';
}

std::string text_attr(const h5::Object& object, const std::string& name) {
  if (!object.has_attr(name)) return "";
  return object.attr_text(name);
}

}  // namespace

std::vector<std::string> texts(
    const h5::Object& group, const std::string& name) {
  if (group.has_attr(name)) return group.attr_texts(name);
  std::vector<std::string> all;
  for (int part = 0;; ++part) {
    const std::string key = format("{}{}", name, part);
    if (!group.has_attr(key)) return all;
    const std::vector<std::string> more = group.attr_texts(key);
    all.insert(all.end(), more.begin(), more.end());
  }
}

std::optional<h5::Object> weights_group(const h5::File& file) {
  const auto holds_layers = [](const h5::Object& object) {
    return object.is_group() &&
           (object.has_attr("layer_names") || object.has_attr("layer_names0"));
  };
  if (const auto inner = file.find("model_weights");
      inner && holds_layers(*inner)) {
    return inner;
  }
  const h5::Object root = file.root();
  if (holds_layers(root)) return root;
  return {};
}

SavedWeights read_group(const h5::Object& group, const std::string& source) {
  SavedWeights out;
  const std::string version = text_attr(group, "keras_version");
  out.writer.keras = version.empty() ? 1 : major_version(version);
  out.writer.backend = text_attr(group, "backend");
  std::set<std::string> seen;
  for (const std::string& name : texts(group, "layer_names")) {
    if (!seen.insert(name).second) {
      throw InvalidArgument(format(
          "[load_weights {}] layer_names lists '{}' twice", source, name));
    }
    const auto layer = group.find(name);
    if (!layer || !layer->is_group()) {
      throw InvalidArgument(format(
          "[load_weights {}] layer_names lists '{}', which is not in the file",
          source,
          name));
    }
    std::vector<Array> arrays = arrays_of(*layer, source);
    if (!arrays.empty()) out.layers.push_back({name, std::move(arrays)});
  }
  if (const auto top = group.find("top_level_model_weights");
      top && top->is_group() && !seen.contains("top_level_model_weights")) {
    out.top_level = arrays_of(*top, source);
  }
  return out;
}

}  // namespace keratin::legacy
