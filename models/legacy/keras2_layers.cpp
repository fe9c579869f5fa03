// Writing for Keras 2: layers, their arguments and functions.

#include <algorithm>
#include <string_view>

#include <keratin/error.hpp>

#include "models/legacy/dialect.hpp"
#include "models/legacy/graph_parts.hpp"
#include "models/legacy/keras2.hpp"
#include "src/core/format.hpp"

namespace keratin::legacy {

namespace {

/// An argument that came with Keras 3. Left out where it has the value with
/// which Keras 3 does what Keras 2 does; null: always, as it says how a layer
/// computes, or where a generator starts.
struct Lacking {
  std::string_view class_name;  // empty: of every layer
  std::string_view argument;
  const char* only = nullptr;  // JSON
};

constexpr Lacking kLacking[] = {
    {"", "bounding_box_format", "null"},
    {"", "gptq_unpacked_column_size"},
    {"", "lora_alpha"},
    {"", "lora_rank"},
    {"", "optional", "false"},
    {"", "quantization_config", "null"},
    {"", "use_cudnn"},
    {"AdditiveAttention", "seed"},
    {"Attention", "seed"},
    {"BatchNormalization", "synchronized"},
    {"CenterCrop", "data_format", R"("channels_last")"},
    {"ConvLSTM1D", "seed"},
    {"ConvLSTM2D", "seed"},
    {"ConvLSTM3D", "seed"},
    {"GRU", "seed"},
    {"GRUCell", "seed"},
    {"IntegerLookup", "oov_method", R"("floormod")"},
    {"IntegerLookup", "salt", "null"},
    {"LSTM", "seed"},
    {"LSTMCell", "seed"},
    {"LayerNormalization", "rms_scaling", "false"},
    {"MultiHeadAttention", "flash_attention"},
    {"MultiHeadAttention", "seed"},
    {"MultiHeadAttention", "sliding_window", "null"},
    {"MultiHeadAttention", "use_gate", "false"},
    {"Permute", "data_format"},
    {"RandomBrightness", "data_format", R"("channels_last")"},
    {"RandomContrast", "data_format", R"("channels_last")"},
    {"RandomContrast", "value_range", "[0, 255]"},
    {"RandomCrop", "data_format", R"("channels_last")"},
    {"RandomFlip", "data_format", R"("channels_last")"},
    {"RandomRotation", "data_format", R"("channels_last")"},
    {"RandomTranslation", "data_format", R"("channels_last")"},
    {"RandomZoom", "data_format", R"("channels_last")"},
    {"Resizing", "antialias", "false"},
    {"Resizing", "data_format", R"("channels_last")"},
    {"Resizing", "fill_mode"},
    {"Resizing", "fill_value"},
    {"Resizing", "pad_to_aspect_ratio", "false"},
    {"SimpleRNN", "seed"},
    {"SimpleRNNCell", "seed"},
    {"StringLookup", "oov_method", R"("floormod")"},
    {"StringLookup", "salt", "null"},
    {"ZeroPadding1D", "data_format", R"("channels_last")"},
};

/// Layers that Keras 2 did not have, and Keras 1's that it did not keep.
constexpr std::string_view kNew[] = {
    "AdaptiveAveragePooling1D",
    "AdaptiveAveragePooling2D",
    "AdaptiveAveragePooling3D",
    "AdaptiveMaxPooling1D",
    "AdaptiveMaxPooling2D",
    "AdaptiveMaxPooling3D",
    "AugMix",
    "AutoContrast",
    "ContrastLimitedAdaptiveHistogramEqualization",
    "CustomScaleLayer",
    "CutMix",
    "Equalization",
    "Function",
    "GroupQueryAttention",
    "GroupedQueryAttention",
    "Highway",
    "LayerScale",
    "LocalResponseNormalization",
    "MaxNumBoundingBoxes",
    "Maxout",
    "MaxoutDense",
    "MelSpectrogram",
    "Merge",
    "MixUp",
    "Pipeline",
    "RMSNormalization",
    "RandAugment",
    "RandomColorDegeneration",
    "RandomColorJitter",
    "RandomElasticTransform",
    "RandomErasing",
    "RandomGaussianBlur",
    "RandomGrayscale",
    "RandomHue",
    "RandomInvert",
    "RandomPerspective",
    "RandomPosterization",
    "RandomSaturation",
    "RandomSharpness",
    "RandomShear",
    "ReversibleEmbedding",
    "STFTSpectrogram",
    "Solarization",
    "StochasticDepth",
};

const Lacking* find_lacking(
    std::string_view class_name, std::string_view argument) {
  for (const Lacking& item : kLacking) {
    if (item.argument == argument &&
        (item.class_name.empty() || item.class_name == class_name)) {
      return &item;
    }
  }
  return nullptr;
}

/// Whether Keras 2's layer had the dtype of what it yields, strings' numbers,
/// where Keras 3's has a policy.
bool derives_dtype(std::string_view class_name, const Config& config) {
  return class_name == "TextVectorization" ||
         (config.get("output_mode") == Config("int") &&
          (class_name == "Discretization" || class_name == "IntegerLookup" ||
           class_name == "StringLookup"));
}

/// Keras 2 wrote into this layer's config what it was built for.
void add_shapes(Config& config, const Config& layer) {
  const Config shapes = layer.get("build_config").get("shapes_dict");
  const Config value = shapes.get("value_shape");
  config["query_shape"] = shapes.get("query_shape");
  config["value_shape"] = value;
  config["key_shape"] = shapes.get("key_shape", value);
}

/// Equal, whether numbers are written as whole ones or not.
bool same(const Config& a, const Config& b) {
  if (a.is_number() && b.is_number()) return a.as_number() == b.as_number();
  if (!a.is_array() || !b.is_array() || a.size() != b.size()) return a == b;
  return std::equal(
      a.as_array().begin(), a.as_array().end(), b.as_array().begin(), same);
}

std::string activation(const std::string& name, const std::string& where) {
  if (name == "hard_sigmoid_keras2") return "hard_sigmoid";
  if (name == "silu") return "swish";
  constexpr std::string_view kMissing[] = {
      "celu",
      "glu",
      "hard_shrink",
      "hard_sigmoid",  // Keras 2's of that name is another function
      "hard_silu",
      "hard_tanh",
      "log_sigmoid",
      "log_softmax",
      "relu6",
      "soft_shrink",
      "sparse_plus",
      "sparse_sigmoid",
      "sparsemax",
      "squareplus",
      "tanh_shrink",
  };
  if (std::find(std::begin(kMissing), std::end(kMissing), name) !=
      std::end(kMissing)) {
    throw InvalidArgument(format(
        "[{}] Keras 2 has no activation '{}' that computes as Keras 3's; save "
        "as .keras",
        where,
        name));
  }
  return name;
}

/// Also registered ones, which know no module of Keras's, where they are built.
bool is_layer(const Config& object) {
  const std::string module = text(object, "module");
  return module.starts_with("keras.layers") ||
         is_model_class(class_of(object)) || object.contains("build_config");
}

/// A layer held by another one. Keras 2.15 writes the module here alone,
/// without which Keras 3 finds no class.
Config inner_layer(const Config& layer, const std::string& where) {
  Config out = to_keras2(layer, where);
  const bool sequential = class_of(layer) == "Sequential";
  if (!sequential && text(layer, "module") != "keras.layers") return out;
  out["module"] = sequential ? "keras" : "keras.layers";
  out["registered_name"] = nullptr;
  return out;
}

/// {"module", "class_name", "config", "registered_name"} as Keras 2 wrote it.
Config value_to_keras2(
    const std::string& key, const Config& value, const std::string& where) {
  if (value.is_string()) {
    return key.ends_with("activation")
               ? Config(activation(value.as_string(), where))
               : value;
  }
  if (value.is_array()) {
    Config out = Config::array();
    for (const Config& item : value.as_array()) {
      out.push_back(value_to_keras2("", item, where));
    }
    return out;
  }
  if (!value.is_object()) return value;
  const std::string class_name = class_of(value);
  if (class_name.empty()) return value;
  if (class_name == "DTypePolicy") return value.at("config").get("name");
  if (is_layer(value)) return inner_layer(value, where);
  Config out = Config::object({{"class_name", class_name}});
  Config config = value.get("config", Config::object());
  if (config.is_object()) {
    for (const char* added : {"input_axes", "output_axes"}) config.erase(added);
  }
  out["config"] = std::move(config);
  return out;
}

}  // namespace

Config layer_to_keras2(const Config& layer, const std::string& where) {
  const std::string class_name = class_of(layer);
  if (const Config module = layer.get("module");
      module.is_string() && module.as_string().starts_with("keras.src.ops.")) {
    throw InvalidArgument(format(
        "[{}] is the operation {}, which Keras 2 would run as TensorFlow's; "
        "save as .keras",
        where,
        class_name));
  }
  if (std::find(std::begin(kNew), std::end(kNew), class_name) !=
      std::end(kNew)) {
    throw InvalidArgument(format(
        "[{}] Keras 2 has no layer {}; save as .keras", where, class_name));
  }
  Config config = Config::object();
  const Config written = layer.get("config", Config::object());
  for (const auto& [key, value] : written.as_object()) {
    const Lacking* lacking = find_lacking(class_name, key);
    if (lacking == nullptr) {
      config[key] = value_to_keras2(key, value, where);
    } else if (
        lacking->only != nullptr &&
        !same(value, Config::parse(lacking->only, "keras 2"))) {
      throw InvalidArgument(format(
          "[{}] Keras 2's {} has no argument '{}' and does as with {}, here it "
          "is {}; save as .keras",
          where,
          class_name,
          key,
          lacking->only,
          value.dump()));
    }
  }
  if (derives_dtype(class_name, config)) config.erase("dtype");
  if (class_name == "MultiHeadAttention") add_shapes(config, layer);
  const auto rename = [&](const char* from, const char* to) {
    if (const Config* found = config.find(from)) {
      const Config value = *found;
      config.erase(from);
      config[to] = value;
    }
  };
  if (class_name == "InputLayer") rename("batch_shape", "batch_input_shape");
  if (class_name == "LeakyReLU") rename("negative_slope", "alpha");
  return Config::object(
      {{"class_name", class_name}, {"config", std::move(config)}});
}

}  // namespace keratin::legacy
