// What one layer's arguments were, where the tables of layers.cpp are not
// enough.

#include "models/legacy/layer_rules.hpp"

#include <algorithm>
#include <cstdint>
#include <initializer_list>

#include <keratin/error.hpp>

#include "models/legacy/dialect.hpp"
#include "src/core/format.hpp"

namespace keratin::legacy {

void rename(Config& config, std::string_view from, std::string_view to) {
  const Config* found = config.find(from);
  if (found == nullptr) return;
  Config value = *found;
  config.erase(from);
  if (!config.contains(to)) config[to] = std::move(value);
}

namespace {

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

void convolution(Config& config, const std::string& where) {
  (void)where;
  kernel_from(config, {"filter_length"});
  kernel_from(config, {"nb_row", "nb_col"});
  kernel_from(config, {"kernel_dim1", "kernel_dim2", "kernel_dim3"});
}

/// The output_padding with which an axis gets the length that Keras 1 was told;
/// null: the length that follows from the rest. The input's length is the one
/// that a convolution leaves of the output's.
Config output_padding(
    std::int64_t length,
    std::int64_t kernel,
    std::int64_t stride,
    bool same,
    const std::string& where) {
  const std::int64_t valid = length - (same ? 1 : kernel) + 1;
  if (kernel < 1 || stride < 1 || valid < 1) {
    throw InvalidArgument(format(
        "[{}] Deconvolution: output_shape: no input yields {} elements with a "
        "kernel of {} and a stride of {}",
        where,
        length,
        kernel,
        stride));
  }
  const std::int64_t input = (valid + stride - 1) / stride;
  const std::int64_t usual =
      same ? input * stride : (input - 1) * stride + std::max(kernel, stride);
  if (length == usual) return {};
  return length - (input - 1) * stride - (same ? kernel % 2 : kernel);
}

Config per_axis(const Config& config, const char* key, std::size_t rank) {
  const Config value = config.get(key, 1);
  return value.is_array() && value.size() == rank
             ? value
             : Config(Config::Array(rank, value));
}

/// Keras 1 was told the shape of the result, batch and channels with it, where
/// later versions are told what lies beyond the least of the lengths.
void output_shape(Config& config, const std::string& where) {
  const Config shape = config.get("output_shape");
  config.erase("output_shape");
  if (!shape.is_array() || shape.size() < 3) return;
  const Config::Array& dims = shape.as_array();
  const std::size_t rank = dims.size() - 2;
  const bool first = config.get("data_format") == Config("channels_first");
  const bool same = config.get("padding", "valid") == Config("same");
  const Config kernel = per_axis(config, "kernel_size", rank);
  const Config strides = per_axis(config, "strides", rank);
  Config paddings = Config::array();
  bool usual = true;
  for (std::size_t i = 0; i < rank; ++i) {
    const Config& length = dims[i + (first ? 2 : 1)];
    if (length.is_null()) return;  // none was told
    const std::int64_t stride = strides.as_array()[i].as_int();
    Config padding = output_padding(
        length.as_int(), kernel.as_array()[i].as_int(), stride, same, where);
    usual = usual && padding.is_null();
    paddings.push_back(std::move(padding));
  }
  if (usual) return;
  for (std::size_t i = 0; i < rank; ++i) {
    Config& padding = paddings.as_array()[i];
    const std::int64_t stride = strides.as_array()[i].as_int();
    const std::int64_t k = kernel.as_array()[i].as_int();
    // Beside an axis that needs one, the usual length has to be said, too.
    if (padding.is_null()) {
      padding = same ? stride - k % 2 : std::max<std::int64_t>(stride - k, 0);
    }
    if (padding.as_int() < stride) continue;
    throw InvalidArgument(format(
        "[{}] Deconvolution of output_shape {}: no output_padding below the "
        "stride {} yields it; register a layer for it with register_layer",
        where,
        shape.dump(),
        stride));
  }
  config["output_padding"] = std::move(paddings);
}

void transposed(Config& config, const std::string& where) {
  convolution(config, where);
  output_shape(config, where);
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

/// What Keras 1 padded each side by: keys that the object lacks stood for 0.
Config sides(
    const Config& padding,
    std::initializer_list<const char*> keys,
    const std::string& where) {
  Config out = Config::array();
  for (const char* key : keys) out.push_back(padding.get(key, 0));
  for (const auto& [key, value] : padding.as_object()) {
    if (std::find(keys.begin(), keys.end(), key) != keys.end()) continue;
    throw InvalidArgument(format(
        "[{}] padding: expected left_pad, right_pad, top_pad and bottom_pad, "
        "got '{}'",
        where,
        key));
  }
  return out;
}

void zero_padding_1d(Config& config, const std::string& where) {
  Config* padding = config.find("padding");
  if (padding == nullptr || !padding->is_object()) return;
  *padding = sides(*padding, {"left_pad", "right_pad"}, where);
}

/// Keras 1: {"top_pad": 1, ...}, or four numbers.
void zero_padding_2d(Config& config, const std::string& where) {
  Config* padding = config.find("padding");
  if (padding == nullptr) return;
  const Config four =
      padding->is_object()
          ? sides(
                *padding,
                {"top_pad", "bottom_pad", "left_pad", "right_pad"},
                where)
          : *padding;
  if (!four.is_array() || four.size() != 4) return;
  const Config::Array& p = four.as_array();
  *padding =
      Config::array({Config::array({p[0], p[1]}), Config::array({p[2], p[3]})});
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
  void (*rule)(Config& config, const std::string& where);
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
    {"ZeroPadding1D", zero_padding_1d},
    {"ZeroPadding2D", zero_padding_2d},
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

}  // namespace

void apply_layer_rule(
    Config& config,
    std::string_view written,
    std::string_view name,
    const std::string& where) {
  const LayerRule* found = find_rule(written);
  if (found == nullptr) found = find_rule(name);
  if (found != nullptr) found->rule(config, where);
}

}  // namespace keratin::legacy
