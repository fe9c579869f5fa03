// Classes and arguments of layers: one table for names, one for arguments.
// layer_rules.cpp has what is left to say of single layers.

#include <algorithm>
#include <span>

#include <keratin/error.hpp>

#include "layers/registry.hpp"
#include "models/legacy/dialect.hpp"
#include "models/legacy/layer_rules.hpp"
#include "src/core/fields.hpp"
#include "src/core/format.hpp"

namespace keratin::legacy {

namespace {

struct Name {
  std::string_view from;
  std::string_view to;
};

constexpr Name kClasses[] = {
    {"AtrousConv1D", "Conv1D"},
    {"AtrousConv2D", "Conv2D"},
    {"AtrousConvolution1D", "Conv1D"},
    {"AtrousConvolution2D", "Conv2D"},
    {"BatchNormalizationV1", "BatchNormalization"},
    {"BatchNormalizationV2", "BatchNormalization"},
    {"Convolution1D", "Conv1D"},
    {"Convolution2D", "Conv2D"},
    {"Convolution2DTranspose", "Conv2DTranspose"},
    {"Convolution3D", "Conv3D"},
    {"Convolution3DTranspose", "Conv3DTranspose"},
    {"CuDNNGRU", "GRU"},
    {"CuDNNLSTM", "LSTM"},
    {"Deconv2D", "Conv2DTranspose"},
    {"Deconv3D", "Conv3DTranspose"},
    {"Deconvolution2D", "Conv2DTranspose"},
    {"Deconvolution3D", "Conv3DTranspose"},
    {"DenseFeaturesV2", "DenseFeatures"},
    {"GRUCellV2", "GRUCell"},
    {"GRUV2", "GRU"},
    {"LSTMCellV2", "LSTMCell"},
    {"LSTMV2", "LSTM"},
    {"LayerNormalizationV1", "LayerNormalization"},
    {"SeparableConvolution1D", "SeparableConv1D"},
    {"SeparableConvolution2D", "SeparableConv2D"},
    {"SyncBatchNormalization", "BatchNormalization"},
    {"TimeDistributedDense", "Dense"},
};

/// Arguments that changed their names and nothing else, wherever they occur.
constexpr Name kArguments[] = {
    {"W_constraint", "kernel_constraint"},
    {"W_regularizer", "kernel_regularizer"},
    {"U_regularizer", "recurrent_regularizer"},
    {"atrous_rate", "dilation_rate"},
    {"b_constraint", "bias_constraint"},
    {"b_regularizer", "bias_regularizer"},
    {"beta_init", "beta_initializer"},
    {"bias", "use_bias"},
    {"border_mode", "padding"},
    {"dropout_U", "recurrent_dropout"},
    {"dropout_W", "dropout"},
    {"gamma_init", "gamma_initializer"},
    {"init", "kernel_initializer"},
    {"inner_activation", "recurrent_activation"},
    {"inner_init", "recurrent_initializer"},
    {"length", "size"},
    {"nb_filter", "filters"},
    {"pool_length", "pool_size"},
    {"stride", "strides"},
    {"subsample", "strides"},
    {"subsample_length", "strides"},
};

/// Layers of Keras 1 that have arguments of Keras 1.
constexpr std::string_view kKeras1[] = {
    "Highway", "Maxout", "MaxoutDense", "Merge"};

/// Arguments that say how a backend computes, or repeat what the first layer's
/// input tells: not arguments of Keras 3's layers.
constexpr std::string_view kDropped[] = {
    "_layers",
    "adjustment",
    "batch_input_shape",
    "batch_size",
    "consume_less",
    "force_generator",
    "fused",
    "groups",
    "implementation",
    "input_dim",
    "input_dtype",
    "input_length",
    "input_shape",
    "kernel_constraint",  // of separable convolutions, which have two others
    "kernel_initializer",
    "kernel_regularizer",
    "num_constants",
    "rng_type",
    "softmax_robust_masking",
    "time_major",
    "zero_output_for_mask",
};

bool contains(std::span<const std::string_view> names, std::string_view name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

/// "th" and "tf", "channels_first" and "channels_last".
void data_format(Config& config) {
  const Config* ordering = config.find("dim_ordering");
  if (ordering == nullptr) return;
  const bool first = *ordering == Config("th");
  config.erase("dim_ordering");
  if (!config.contains("data_format")) {
    config["data_format"] = first ? "channels_first" : "channels_last";
  }
}

bool is_function_argument(std::string_view key) {
  return key.ends_with("_initializer") || key.ends_with("_regularizer") ||
         key.ends_with("_constraint") || key.ends_with("activation") ||
         key == "init" || key.ends_with("_init");
}

/// A name, Keras 3's object, or Keras 2's {"class_name": "Policy", ...}.
Config dtype_to_keras3(const Config& dtype) {
  const Config* name = dtype.find("class_name");
  Config out = dtype;
  if (name != nullptr && name->is_string() &&
      name->as_string().starts_with("Policy")) {
    out = dtype.at("config").get("name");
  }
  if (out.is_string() &&
      (out.as_string() == "infer" || out.as_string() == "_infer" ||
       out.as_string().ends_with("_vars"))) {
    return {};
  }
  return out;
}

/// Whether a layer works on integers or strings, so that its dtype is one. Not
/// Discretization: its dtype was that of what it yields, and Keras 3's is that
/// of the numbers it takes.
bool takes_others(std::string_view class_name) {
  for (const char* part :
       {"InputLayer",
        "Lookup",
        "TextVectorization",
        "Hashing",
        "Hashed",
        "CategoryEncoding"}) {
    if (class_name.find(part) != std::string_view::npos) return true;
  }
  return false;
}

void settle_dtype(Config& config, std::string_view class_name) {
  const Config* dtype = config.find("dtype");
  if (dtype == nullptr) return;
  Config now = dtype_to_keras3(*dtype);
  if (now == Config("float")) now = "float32";
  // The dtype of the first layer was its input's.
  const bool number = now.is_string() && (now.as_string().starts_with("int") ||
                                          now.as_string().starts_with("uint") ||
                                          now.as_string() == "bool");
  if (now.is_null() || (number && !takes_others(class_name))) {
    config.erase("dtype");
  } else {
    config["dtype"] = now;
  }
}

/// Drops arguments that the layer does not have and that mean nothing: they
/// are about the backend, or are null or false.
void drop_unknown(Config& config, const BuiltinLayer& layer) {
  const auto impl = layer.make();
  const Config schema = fields_schema(*impl);
  const Config* known = schema.find("properties");
  if (known == nullptr) return;
  Config out = Config::object();
  for (const auto& [key, value] : config.as_object()) {
    const bool empty =
        value.is_null() || value == Config(false) ||
        ((value.is_array() || value.is_object()) && value.size() == 0);
    if (!known->contains(key) && (contains(kDropped, key) || empty)) continue;
    out[key] = value;
  }
  config = std::move(out);
}

void input_layer(Config& config) {
  rename(config, "batch_input_shape", "batch_shape");
  rename(config, "input_dtype", "dtype");
  for (const char* key : {"input_shape", "input_tensor", "type_spec"}) {
    config.erase(key);
  }
  settle_dtype(config, "InputLayer");
}

}  // namespace

std::string_view todays_class(std::string_view class_name) {
  for (const Name& item : kClasses) {
    if (item.from == class_name) return item.to;
  }
  return class_name;
}

bool is_model_class(std::string_view class_name) {
  return class_name == "Model" || class_name == "Functional" ||
         class_name == "Sequential" || class_name == "Network";
}

Config layer_to_keras3(const Config& object, const std::string& where) {
  Config out = object;
  const std::string& written = object.at("class_name").as_string();
  const std::string name(todays_class(written));
  const BuiltinLayer* builtin = find_builtin_layer(name);
  out["class_name"] = name;
  Config config = object.get("config", Config::object());
  if (!config.is_object()) return out;
  if (name == "InputLayer") {
    input_layer(config);
    out["config"] = std::move(config);
    return out;
  }
  settle_dtype(config, name);
  const bool keras1 = contains(kKeras1, name);
  if (!keras1) {
    for (const Name& item : kArguments) {
      // LocalResponseNormalization has a bias that is a number.
      const Config* value = config.find(item.from);
      if (item.from == "bias" && value != nullptr && !value->is_bool())
        continue;
      rename(config, item.from, item.to);
    }
    data_format(config);
    if (const Config* size = config.find("size");
        size != nullptr && name == "UpSampling1D" && size->is_array() &&
        size->size() > 0) {
      config["size"] = Config(size->as_array()[0]);
    }
  }
  if (name.ends_with("Pooling1D") && config.contains("strides") &&
      config.at("strides").is_null()) {
    config.erase("strides");
  }
  for (auto& [key, value] : config.as_object()) {
    if (is_function_argument(key)) value = function_to_keras3(value);
  }
  apply_layer_rule(config, written, name, where);
  if (builtin != nullptr) {
    drop_unknown(config, *builtin);
  } else {
    config.erase("batch_input_shape");
  }
  out["config"] = std::move(config);
  return out;
}

Config to_keras3(const Config& object, const std::string& where) {
  const Config* name = object.find("class_name");
  if (name == nullptr || !name->is_string()) {
    throw InvalidArgument(format(
        "[{}] expected an object with 'class_name', got {}",
        where,
        object.kind()));
  }
  const std::string& class_name = name->as_string();
  if (class_name == "Graph") {
    throw InvalidArgument(format(
        "[{}] is a Graph of Keras 0, which no later version reads", where));
  }
  if (class_name == "Sequential") return sequential_to_keras3(object, where);
  if (is_model_class(class_name)) {
    Config out = object;
    out["class_name"] = "Functional";
    out["config"] = functional_to_keras3(object.at("config"), where);
    return out;
  }
  return layer_to_keras3(object, where);
}

}  // namespace keratin::legacy
