// Classes and arguments of layers: one table for names, one for arguments, and
// a function for each layer where that is not enough.

#include <algorithm>
#include <array>
#include <span>

#include <keratin/error.hpp>

#include "layers/registry.hpp"
#include "models/legacy/dialect.hpp"
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

void rename(Config& config, std::string_view from, std::string_view to) {
  const Config* found = config.find(from);
  if (found == nullptr) return;
  Config value = *found;
  config.erase(from);
  if (!config.contains(to)) config[to] = std::move(value);
}

void kernel_from(
    Config& config, std::initializer_list<std::string_view> parts) {
  Config size = Config::array();
  for (const std::string_view part : parts) {
    if (!config.contains(part)) return;
    size.push_back(config.at(part));
    config.erase(part);
  }
  config["kernel_size"] = std::move(size);
}

// -- single layers
// ---------------------------------------------------------------

using Rule = void (*)(Config& config, const std::string& where);

void convolution(Config& config, const std::string& where) {
  (void)where;
  kernel_from(config, {"filter_length"});
  kernel_from(config, {"nb_row", "nb_col"});
  kernel_from(config, {"kernel_dim1", "kernel_dim2", "kernel_dim3"});
}

void transposed(Config& config, const std::string& where) {
  convolution(config, where);
  config.erase("output_shape");  // Keras 1: follows from the rest
}

void embedding(Config& config, const std::string& where) {
  (void)where;
  rename(config, "kernel_initializer", "embeddings_initializer");
  rename(config, "kernel_regularizer", "embeddings_regularizer");
  rename(config, "kernel_constraint", "embeddings_constraint");
  config.erase("dropout");  // of whole words, in training only
}

void dense(Config& config, const std::string& where) {
  (void)where;
  rename(config, "output_dim", "units");
  config.erase("input_dim");
}

void recurrent(Config& config, const std::string& where) {
  dense(config, where);
  kernel_from(config, {"nb_row", "nb_col"});
  if (const Config* bias = config.find("forget_bias_init")) {
    config["unit_forget_bias"] =
        bias->is_string() &&
        (bias->as_string() == "one" || bias->as_string() == "ones");
    config.erase("forget_bias_init");
  }
}

/// Keras 1 and 2 before TensorFlow 2 wrote no reset_after and had none.
void gru(Config& config, const std::string& where) {
  recurrent(config, where);
  if (!config.contains("reset_after")) config["reset_after"] = false;
}

void fixed_activations(Config& config) {
  config["activation"] = "tanh";
  config["recurrent_activation"] = "sigmoid";
}

void cudnn_lstm(Config& config, const std::string& where) {
  recurrent(config, where);
  fixed_activations(config);
}

void cudnn_gru(Config& config, const std::string& where) {
  recurrent(config, where);
  fixed_activations(config);
  config["reset_after"] = true;
}

void dropout(Config& config, const std::string& where) {
  (void)where;
  rename(config, "p", "rate");
}

void noise(Config& config, const std::string& where) {
  (void)where;
  rename(config, "sigma", "stddev");
}

void leaky(Config& config, const std::string& where) {
  (void)where;
  rename(config, "alpha", "negative_slope");
}

void prelu(Config& config, const std::string& where) {
  (void)where;
  rename(config, "kernel_initializer", "alpha_initializer");
}

/// Numbers that NumPy scalars were written for.
Config plain(const Config& value) {
  const Config* inner = value.find("value");
  if (inner != nullptr && value.contains("type")) return *inner;
  return value;
}

void numbers(Config& config, const std::string& where) {
  (void)where;
  for (auto& [key, value] : config.as_object()) value = plain(value);
}

void relu(Config& config, const std::string& where) {
  numbers(config, where);
  for (const char* key : {"negative_slope", "threshold"}) {
    if (const Config* value = config.find(key); value && value->is_null()) {
      config[key] = 0.0;
    }
  }
}

void batch_normalization(Config& config, const std::string& where) {
  if (const Config* mode = config.find("mode")) {
    if (mode->is_int() && mode->as_int() != 0) {
      throw InvalidArgument(format(
          "[{}] BatchNormalization of mode {} is Keras 1's alone; register a "
          "layer for it with register_layer",
          where,
          mode->as_int()));
    }
    config.erase("mode");
  }
  if (const Config* axis = config.find("axis");
      axis != nullptr && axis->is_array() && axis->size() == 1) {
    const Config value = axis->as_array()[0];
    config["axis"] = value;
  }
  rename(config, "kernel_initializer", "gamma_initializer");
  config.erase("virtual_batch_size");  // of training only
}

/// Keras 1: {"top_pad": 1, ...}, or four numbers.
void zero_padding(Config& config, const std::string& where) {
  (void)where;
  const Config* padding = config.find("padding");
  if (padding == nullptr) return;
  const auto side = [&](const char* key) { return padding->get(key, 0); };
  Config out;
  if (padding->is_object() && padding->contains("left_pad")) {
    const Config columns = Config::array({side("left_pad"), side("right_pad")});
    out = padding->contains("top_pad")
              ? Config::array(
                    {Config::array({side("top_pad"), side("bottom_pad")}),
                     columns})
              : columns;
  } else if (padding->is_array() && padding->size() == 4) {
    const Config::Array& p = padding->as_array();
    out = Config::array(
        {Config::array({p[0], p[1]}), Config::array({p[2], p[3]})});
  } else {
    return;
  }
  config["padding"] = std::move(out);
}

void time_distributed(Config& config, const std::string& where);

/// Keras 2 cropped to nothing where Keras 3 refuses.
void cropping(Config& config, const std::string& where) {
  (void)where;
  config["allow_empty"] = true;
}

void concatenate(Config& config, const std::string& where) {
  (void)where;
  rename(config, "concat_axis", "axis");
}

void multi_head(Config& config, const std::string& where) {
  (void)where;
  for (const char* key : {"query_shape", "key_shape", "value_shape"}) {
    config.erase(key);
  }
}

void normalization(Config& config, const std::string& where) {
  (void)where;
  if (const Config* axis = config.find("axis");
      axis != nullptr && axis->is_array() && axis->size() == 1) {
    const Config value = axis->as_array()[0];
    config["axis"] = value;
  }
}

/// Keras 2's Rescaling among the preprocessing layers and its like.
void random(Config& config, const std::string& where) {
  numbers(config, where);
}

struct LayerRule {
  std::string_view class_name;  // as written, or as renamed
  Rule rule;
};

constexpr LayerRule kRules[] = {
    {"AtrousConvolution1D", convolution},
    {"AtrousConvolution2D", convolution},
    {"BatchNormalization", batch_normalization},
    {"Bidirectional", time_distributed},
    {"Concatenate", concatenate},
    {"Conv1D", convolution},
    {"Conv2D", convolution},
    {"Conv2DTranspose", transposed},
    {"Conv3D", convolution},
    {"Conv3DTranspose", transposed},
    {"ConvLSTM2D", recurrent},
    {"Cropping1D", cropping},
    {"Cropping2D", cropping},
    {"Cropping3D", cropping},
    {"CuDNNGRU", cudnn_gru},
    {"CuDNNLSTM", cudnn_lstm},
    {"Dense", dense},
    {"Dropout", dropout},
    {"ELU", numbers},
    {"Embedding", embedding},
    {"GRU", gru},
    {"GRUCell", gru},
    {"GaussianDropout", dropout},
    {"GaussianNoise", noise},
    {"LSTM", recurrent},
    {"LSTMCell", recurrent},
    {"LeakyReLU", leaky},
    {"LocallyConnected1D", convolution},
    {"LocallyConnected2D", convolution},
    {"MultiHeadAttention", multi_head},
    {"Normalization", normalization},
    {"PReLU", prelu},
    {"RNN", time_distributed},
    {"RandomContrast", random},
    {"ReLU", relu},
    {"SeparableConv1D", convolution},
    {"SeparableConv2D", convolution},
    {"SimpleRNN", recurrent},
    {"SpatialDropout1D", dropout},
    {"SpatialDropout2D", dropout},
    {"SpatialDropout3D", dropout},
    {"StackedRNNCells", time_distributed},
    {"TimeDistributed", time_distributed},
    {"ZeroPadding1D", zero_padding},
    {"ZeroPadding2D", zero_padding},
    {"ZeroPadding3D", zero_padding},
};

const LayerRule* find_rule(std::string_view class_name) {
  for (const LayerRule& rule : kRules) {
    if (rule.class_name == class_name) return &rule;
  }
  return nullptr;
}

bool is_object_of_class(const Config& value) {
  return value.is_object() && value.contains("class_name");
}

/// Wrappers hold layers: "layer", "backward_layer", "cell", "cells".
void time_distributed(Config& config, const std::string& where) {
  for (const char* key : {"layer", "backward_layer", "forward_layer", "cell"}) {
    Config* inner = config.find(key);
    if (inner == nullptr) continue;
    if (is_object_of_class(*inner)) {
      *inner = to_keras3(*inner, format("{}.{}", where, key));
    } else if (inner->is_array()) {
      for (Config& item : inner->as_array()) {
        if (is_object_of_class(item)) item = to_keras3(item, where);
      }
    }
  }
  if (Config* cells = config.find("cells"); cells && cells->is_array()) {
    for (Config& cell : cells->as_array()) cell = to_keras3(cell, where);
  }
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

/// Whether a layer works on integers or strings, so that its dtype is one.
bool takes_others(std::string_view class_name) {
  for (const char* part :
       {"InputLayer",
        "Lookup",
        "TextVectorization",
        "Hashing",
        "Hashed",
        "Discretization",
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

bool is_model_class(std::string_view class_name) {
  return class_name == "Model" || class_name == "Functional" ||
         class_name == "Sequential" || class_name == "Network";
}

Config layer_to_keras3(const Config& object, const std::string& where) {
  Config out = object;
  std::string written = object.at("class_name").as_string();
  std::string name = written;
  for (const Name& item : kClasses) {
    if (item.from == name) name = item.to;
  }
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
  const LayerRule* rule = find_rule(written);
  if (rule == nullptr) rule = find_rule(name);
  if (rule != nullptr) rule->rule(config, where);
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
