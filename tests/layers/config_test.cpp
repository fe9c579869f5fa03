#include <algorithm>
#include <set>

#include "layers/registry.hpp"
#include "tests/layers/keras_configs.hpp"
#include "tests/layers/layer_support.hpp"

namespace keratin {

using namespace testing;
namespace kl = layers;

namespace {

/// The same JSON with the keys of objects sorted and whole numbers as integers,
/// so that 2 equals 2.0.
Config normal(const Config& config) {
  if (config.is_number()) {
    const double value = config.as_number();
    if (value == static_cast<double>(static_cast<std::int64_t>(value))) {
      return static_cast<std::int64_t>(value);
    }
    return value;
  }
  if (config.is_array()) {
    Config out = Config::array();
    for (const Config& item : config.as_array()) out.push_back(normal(item));
    return out;
  }
  if (!config.is_object()) return config;
  Config::Object members;
  for (const auto& [key, value] : config.as_object()) {
    // Said of layers with nothing to build.
    if (key == "build_config" && value.size() == 0) continue;
    members.emplace_back(key, normal(value));
  }
  std::sort(members.begin(), members.end(), [](const auto& a, const auto& b) {
    return a.first < b.first;
  });
  return Config(std::move(members));
}

/// The first of Keras's configs of a class.
Config keras_config(const std::string& class_name) {
  for (const std::string_view text : keras_configs()) {
    const Config config = Config::parse(text);
    if (config.at("class_name").as_string() == class_name) return config;
  }
  return {};
}

}  // namespace

TEST_CASE("every layer Keras wrote is written back as Keras wrote it") {
  for (const std::string_view text : keras_configs()) {
    const Config keras = Config::parse(text);
    CAPTURE(text);
    const Layer layer = deserialize_layer(keras);
    CHECK(normal(serialize(layer.impl())).dump() == normal(keras).dump());
  }
}

TEST_CASE("there is a config of Keras's for every layer, aliases aside") {
  std::set<std::string> seen;
  for (const std::string_view text : keras_configs()) {
    seen.insert(Config::parse(text).at("class_name").as_string());
  }
  for (const BuiltinLayer& entry : builtin_layers()) {
    const std::string name = entry.make()->class_name();
    if (name == "Function") continue;  // Keratin's own
    const std::set<std::string> not_of_keras_3 = {
        "Highway",
        "LocalResponseNormalization",
        "LocallyConnected1D",
        "LocallyConnected2D",
        "Maxout",
        "MaxoutDense",
        "Merge",
        "ThresholdedReLU"};
    if (not_of_keras_3.contains(name)) continue;
    CAPTURE(name);
    CHECK(seen.contains(name));
  }
}

TEST_CASE("the table of layers is sorted, so that a search finds each") {
  for (const BuiltinLayer& entry : builtin_layers()) {
    CAPTURE(entry.name);
    CHECK(find_builtin_layer(entry.name) == &entry);
  }
  CHECK(find_builtin_layer("Dens") == nullptr);
  CHECK(
      find_builtin_layer("MaxPool2D")->make()->class_name() == "MaxPooling2D");
}

TEST_CASE("layers made in C++ have Keras's defaults") {
  const std::vector<Layer> made = {
      kl::Dense(3, {.name = "dense"}),
      kl::Conv3D(3, 2, {.name = "conv3d"}),
      kl::Conv3DTranspose(3, 2, {.name = "conv3d_transpose"}),
      kl::DepthwiseConv2D(2, {.name = "depthwise_conv2d"}),
      kl::SeparableConv1D(3, 2, {.name = "separable_conv1d"}),
      kl::MaxPooling1D(2, {.name = "max_pooling1d"}),
      kl::AveragePooling3D(2, {.name = "average_pooling3d"}),
      kl::GlobalMaxPooling1D({.name = "global_max_pooling1d"}),
      kl::Flatten({.name = "flatten"}),
      kl::Cropping3D(1, {.name = "cropping3d"}),
      kl::Dropout(0.5, {.name = "dropout"}),
      kl::SpatialDropout1D(0.5, {.name = "spatial_dropout1d"}),
      kl::GaussianNoise(0.5, {.name = "gaussian_noise"}),
      kl::Softmax({.name = "softmax"}),
      kl::RMSNormalization({.name = "rms_normalization"}),
      kl::UnitNormalization({.name = "unit_normalization"}),
      kl::Add({.name = "add"}),
      kl::Normalization({.name = "normalization"}),
      kl::Rescaling(0.5, 1.5, {.name = "rescaling"}),
      kl::Identity({.name = "identity"}),
  };
  for (const Layer& layer : made) {
    const Config keras = keras_config(layer.class_name());
    CAPTURE(layer.class_name());
    CHECK(normal(serialize(layer.impl())).dump() == normal(keras).dump());
  }
}

TEST_CASE("numbers stand for tuples and missing keys for defaults") {
  Config config = Config::object({{"class_name", "Conv2D"}});
  config["config"] =
      Config::object({{"filters", 2}, {"kernel_size", 3}, {"strides", 2}});
  const Config read = deserialize_layer(config).get_config();
  CHECK(read.at("kernel_size").dump() == "[3, 3]");
  CHECK(read.at("strides").dump() == "[2, 2]");
  CHECK(read.at("dilation_rate").dump() == "[1, 1]");
  CHECK(read.at("activation").as_string() == "linear");
}

TEST_CASE("quantized layers are refused, null ones accepted") {
  Config config = Config::object({{"class_name", "Dense"}});
  config["config"] =
      Config::object({{"units", 2}, {"quantization_config", nullptr}});
  deserialize_layer(config);
  config["config"]["quantization_config"] = Config::object();
  CHECK(
      message_of<InvalidArgument>([&] { deserialize_layer(config, "m"); }) ==
      "[m.quantization_config] expected null, got object: this layer takes no "
      "low-rank or quantized form; save the model without it");
}

TEST_CASE("a layer that Keras quantized is refused by its mode") {
  for (const char* mode : {"int8", "int4/128", "float8"}) {
    const Config config = Config::parse(
        R"({"module": "keras.layers", "class_name": "Dense", "config": {
        "name": "a", "units": 4, "dtype": {"module": "keras.dtype_policies",
        "class_name": "QuantizedDTypePolicy", "config": {"mode": ")" +
        std::string(mode) + R"(", "source_name": "float32"}},
        "quantization_config": {"class_name": "Int8QuantizationConfig",
        "config": {}}}, "registered_name": null})");
    CHECK(
        message_of<InvalidArgument>([&] { deserialize_layer(config, "m"); }) ==
        "[m.dtype] expected a layer whose weights are plain numbers, got one "
        "that is quantized, mode \"" +
            std::string(mode) + "\"; save the model before Model.quantize");
  }
}

TEST_CASE("layers that only Python can run are named, and may be registered") {
  for (const char* name :
       {"FlaxLayer", "JaxLayer", "TFSMLayer", "TorchModuleWrapper"}) {
    const std::string message = message_of<InvalidArgument>([&] {
      deserialize_layer(
          Config::object(
              {{"class_name", name},
               {"config", Config::object({{"name", "mine"}})}}),
          "m");
    });
    CAPTURE(message);
    CHECK(message.starts_with(std::string("[m] the ") + name + " 'mine' "));
    CHECK(message.find("register_layer it as") != std::string::npos);
  }
}

TEST_CASE("an argument out of range in a file names the place") {
  Config config = Config::object({{"class_name", "Dropout"}});
  config["config"] = Config::object({{"name", "d"}, {"rate", 2}});
  CHECK(message_of<InvalidArgument>([&] {
          deserialize_layer(config, "m");
        }) == "[m.rate] expected a number <= 1, got 2");
  config["config"] = Config::object({{"name", "p"}, {"pool_size", 0}});
  config["class_name"] = "MaxPooling2D";
  CHECK(message_of<InvalidArgument>([&] {
          deserialize_layer(config, "m");
        }) == "[m] [p: MaxPooling2D] expected pool_size >= 1, got 0");
}

}  // namespace keratin
