#include "src/experiment/stack.hpp"

#include <optional>
#include <utility>

#include <keratin/error.hpp>

#include "src/core/format.hpp"
#include "src/experiment/application.hpp"
#include "src/experiment/sections.hpp"
#include "src/experiment/short_form.hpp"

namespace keratin::experiment {

namespace {

/// {"name": ..., "layers": [...]} as Keras writes a Sequential.
struct StackSection final : Section {
  std::optional<std::string> name;
  Config layers;

  std::string class_name() const override { return "model"; }

  void fields(FieldVisitor& visit) override {
    visit("name", name);
    visit("layers", layers, {.required = true});
  }
};

/// Keras's Input is a function; what it makes is an InputLayer.
Config input_as_layer(Config layer) {
  if (layer.is_string() && layer.as_string() == "Input") return "InputLayer";
  if (const Config* name = layer.find("class_name");
      name != nullptr && name->is_string() && name->as_string() == "Input") {
    layer["class_name"] = "InputLayer";
  }
  return layer;
}

/// Reads the items of a list one after the other.
class StackReader {
 public:
  explicit StackReader(const std::string& folder) : folder_(folder) {}

  void add(const Config& item, const std::string& path) {
    if (!item.is_string() && !is_short_form(item) &&
        !item.contains("class_name")) {
      throw InvalidArgument(format(
          "[{}] expected one layer, as in {{\"Dense\": {{\"units\": 10}}}}, "
          "got {}",
          path,
          item.is_object() ? format("{} keys", item.size())
                           : std::string(item.kind())));
    }
    const std::string where =
        is_short_form(item) ? path + "." + item.as_object()[0].first : path;
    const Config expanded = input_as_layer(expand_short_forms(item));
    const SerializedObject object = parse_serialized(expanded, path);
    if (!is_application(object.class_name)) {
      layers_.push_back(deserialize_layer(expanded, where));
      return;
    }
    Base base = application_from_config(
        object.class_name, object.config, folder_, where);
    layers_.insert(layers_.end(), base.layers.begin(), base.layers.end());
    if (base.load) loads_.push_back(std::move(base.load));
  }

  /// The model that is the only one of the layers, or a Sequential of them.
  Described finish(const std::string& name, bool bare) {
    if (bare && layers_.size() == 1) {
      const auto impl =
          std::dynamic_pointer_cast<ModelImpl>(layers_[0].impl_ptr());
      return {Model(impl), std::move(loads_)};
    }
    return {Sequential(layers_, name), std::move(loads_)};
  }

 private:
  const std::string& folder_;
  std::vector<Layer> layers_;
  std::vector<std::function<void()>> loads_;
};

Described one_architecture(
    const Config& config, const std::string& folder, const std::string& where) {
  const std::string& name = config.as_object()[0].first;
  if (!is_application(name)) {
    throw InvalidArgument(format(
        "[{}] expected an object with \"layers\" or an architecture, as in "
        "{{\"MobileNet\": {{\"alpha\": 0.25}}}}, got '{}'",
        where,
        name));
  }
  StackReader reader(folder);
  reader.add(config, where);
  return reader.finish("", true);
}

}  // namespace

Described model_from_short_form(
    const Config& config, const std::string& folder, const std::string& where) {
  if (is_short_form(config)) return one_architecture(config, folder, where);
  StackSection stack;
  stack.from_config(config, where);
  if (!stack.layers.is_array() || stack.layers.size() == 0) {
    throw InvalidArgument(format(
        "[{}.layers] expected a list of layers, got {}",
        where,
        stack.layers.is_array() ? "an empty one" : stack.layers.kind()));
  }
  StackReader reader(folder);
  for (std::size_t i = 0; i < stack.layers.size(); ++i) {
    reader.add(stack.layers.as_array()[i], format("{}.layers[{}]", where, i));
  }
  try {
    return reader.finish(stack.name.value_or(""), false);
  } catch (const InvalidArgument& error) {
    throw InvalidArgument(format("[{}] {}", where, error.what()));
  }
}

}  // namespace keratin::experiment
