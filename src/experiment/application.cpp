#include "src/experiment/application.hpp"

#include <algorithm>
#include <filesystem>
#include <utility>

#include <keratin/applications.hpp>
#include <keratin/error.hpp>
#include <keratin/layers.hpp>
#include <keratin/ops.hpp>

#include "models/zoo/prepare.hpp"
#include "src/core/format.hpp"
#include "src/core/names.hpp"
#include "src/experiment/trainable.hpp"

namespace keratin::experiment {

namespace {

namespace apps = applications;

// What a config adds to the arguments of an architecture.
constexpr const char* kTrainable = "trainable";
constexpr const char* kPreprocess = "preprocess_input";

void check_names(
    const apps::ApplicationInfo& info,
    const Config& arguments,
    const std::string& where) {
  std::vector<std::string> names = info.arguments;
  names.insert(names.end(), {kTrainable, kPreprocess});
  for (const auto& [key, value] : arguments.as_object()) {
    if (std::ranges::find(names, key) != names.end()) continue;
    throw InvalidArgument(format(
        "[{}] {} has no argument '{}'{}",
        where,
        info.name,
        key,
        did_you_mean(key, names)));
  }
}

/// Takes a member out of an object; null when there is none.
Config taken(Config& object, const char* key) {
  Config value = object.get(key);
  object.erase(key);
  return value;
}

Layer normalization(
    const std::vector<double>& mean, const std::vector<double>& variance) {
  return layers::Normalization({.mean = mean, .variance = variance});
}

/// BGR less the mean of each channel. A model, as reversing is an operation.
Layer caffe_layer() {
  const SymbolicTensor rgb = layers::Input({kUnknown, kUnknown, 3});
  const Layer center = normalization({103.939, 116.779, 123.68}, {1, 1, 1});
  return Model(rgb, center(ops::flip(rgb, {-1})), "preprocess_input");
}

/// What the functions preprocess_input compute, as layers.
std::vector<Layer> preprocessing_layers(const std::string& mode) {
  if (mode == "tf") {
    return {layers::Rescaling(1 / 127.5, -1)};
  }
  if (mode == "caffe") return {caffe_layer()};
  if (mode == "torch") {
    std::vector<double> mean = {0.485, 0.456, 0.406};
    std::vector<double> variance = {0.229, 0.224, 0.225};
    for (double& value : mean) value *= 255;
    for (double& value : variance) value *= value * 255 * 255;
    return {normalization(mean, variance)};
  }
  return {};  // the model scales pixels itself
}

}  // namespace

bool is_application(const std::string& class_name) {
  const auto all = apps::list();
  return std::ranges::any_of(all, [&](const apps::ApplicationInfo& info) {
    return info.name == class_name;
  });
}

Base application_from_config(
    const std::string& class_name,
    const Config& arguments,
    const std::string& folder,
    const std::string& where) {
  const apps::ApplicationInfo info = apps::info(class_name);
  if (!arguments.is_object()) {
    throw InvalidArgument(
        format("[{}] expected an object, got {}", where, arguments.kind()));
  }
  check_names(info, arguments, where);
  Config own = arguments;
  const Config trainable = taken(own, kTrainable);
  const Config preprocess = taken(own, kPreprocess);
  if (!preprocess.is_null() && !preprocess.is_bool()) {
    throw InvalidArgument(format(
        "[{}.{}] expected true or false, got {}",
        where,
        kPreprocess,
        preprocess.dump()));
  }
  if (const Config* weights = own.find("weights");
      weights != nullptr && weights->is_string() &&
      weights->as_string() != "imagenet") {
    own["weights"] = (std::filesystem::path(folder) / weights->as_string())
                         .lexically_normal()
                         .string();
  }
  apps::Prepared made;
  try {
    made = apps::prepare(class_name, own, where);
  } catch (const InvalidArgument& error) {
    const std::string_view text = error.what();
    if (text.starts_with("[" + where)) throw;
    throw InvalidArgument(format("[{}] {}", where, text));
  }
  if (!trainable.is_null()) {
    apply(trainable_flags(made.model, trainable, where + "." + kTrainable));
  }
  Base out;
  if (preprocess == Config(true)) {
    out.layers = preprocessing_layers(info.preprocessing);
  }
  out.layers.push_back(made.model);
  out.load = std::move(made.load);
  return out;
}

Config application_schemas() {
  Config out = Config::object();
  for (const apps::ApplicationInfo& info : apps::list()) {
    Config schema = apps::schema(info.name);
    Config& properties = schema["properties"];
    properties[kTrainable] = trainable_schema();
    properties[kPreprocess] =
        Config::object({{"type", "boolean"}, {"default", false}});
    out[info.name] = std::move(schema);
  }
  return out;
}

}  // namespace keratin::experiment
