// Configs of Keras 1 and 2 against what Keras 3 writes for the same.

#include <doctest/doctest.h>

#include <keratin/error.hpp>
#include <keratin/files.hpp>
#include <keratin/layers.hpp>
#include <keratin/model.hpp>

#include "models/legacy/dialect.hpp"
#include "tests/support/throws.hpp"

using namespace keratin;          // NOLINT
using namespace keratin::layers;  // NOLINT
using keratin::testing::message_of;

namespace {

Config layer(const char* json) {
  return legacy::layer_to_keras3(Config::parse(json), "layer");
}

}  // namespace

TEST_CASE("Keras 1's Convolution2D becomes Conv2D with today's arguments") {
  const Config now = layer(R"({"class_name": "Convolution2D", "config": {
    "name": "c", "nb_filter": 8, "nb_row": 3, "nb_col": 5,
    "border_mode": "same", "subsample": [2, 2], "dim_ordering": "th",
    "bias": false, "init": "glorot_uniform", "W_regularizer":
    {"name": "WeightRegularizer", "l1": 0.0, "l2": 0.5},
    "W_constraint": {"name": "MaxNorm", "m": 2, "axis": 0},
    "b_regularizer": null, "batch_input_shape": [null, 3, 9, 9],
    "input_dtype": "float32", "activation": "relu", "trainable": true}})");
  CHECK(now.at("class_name") == Config("Conv2D"));
  const Config& config = now.at("config");
  CHECK(config.at("filters") == Config(8));
  CHECK(config.at("kernel_size") == Config::ints({3, 5}));
  CHECK(config.at("strides") == Config::ints({2, 2}));
  CHECK(config.at("padding") == Config("same"));
  CHECK(config.at("data_format") == Config("channels_first"));
  CHECK(config.at("use_bias") == Config(false));
  CHECK(config.at("kernel_regularizer").at("class_name") == Config("L1L2"));
  CHECK(
      config.at("kernel_constraint").at("config").at("max_value") == Config(2));
  CHECK_FALSE(config.contains("batch_input_shape"));
  CHECK_FALSE(config.contains("input_dtype"));
}

TEST_CASE("hard_sigmoid of Keras 1 and 2 keeps its slope of 0.2") {
  const Config now = layer(
      R"({"class_name": "Activation", "config":
          {"name": "a", "activation": "hard_sigmoid"}})");
  CHECK(now.at("config").at("activation") == Config("hard_sigmoid_keras2"));
  Model model = model_from_json(R"({"class_name": "Sequential", "config": [
    {"class_name": "Activation", "config": {"name": "a",
     "activation": "hard_sigmoid", "batch_input_shape": [null, 1]}}]})");
  const Tensor y =
      model.predict(Tensor(std::vector<float>{-3, -1, 1, 3}, {4, 1}));
  CHECK(y.to_vector<double>()[0] == doctest::Approx(0));
  CHECK(y.to_vector<double>()[1] == doctest::Approx(0.3));
  CHECK(y.to_vector<double>()[2] == doctest::Approx(0.7));
  CHECK(y.to_vector<double>()[3] == doctest::Approx(1));
}

TEST_CASE("GRU without reset_after had none; CuDNNGRU always had it") {
  CHECK(
      layer(R"({"class_name": "GRU", "config": {"name": "g", "units": 2}})")
          .at("config")
          .at("reset_after") == Config(false));
  const Config cudnn = layer(
      R"({"class_name": "CuDNNGRU", "config": {"name": "g", "units": 2}})");
  CHECK(cudnn.at("class_name") == Config("GRU"));
  CHECK(cudnn.at("config").at("reset_after") == Config(true));
  CHECK(cudnn.at("config").at("recurrent_activation") == Config("sigmoid"));
}

TEST_CASE("A config of Keras 3 passes the translation unchanged") {
  const SymbolicTensor x = Input({6, 6, 3});
  auto h = Conv2D(4, {3, 3}, {.activation = "relu"})(x);
  h = BatchNormalization()(h);
  const Model model(x, Dense(2)(Flatten()(h)));
  const Config config = Config::parse(model.to_json());
  CHECK_FALSE(legacy::is_old_dialect(config));
  const Model again = model_from_config(legacy::to_keras3(config, "model"));
  CHECK(again.to_json() == model.to_json());
}

TEST_CASE("A Sequential of Keras 1 that starts with a Merge is a graph") {
  const Model model = model_from_json(R"({"class_name": "Sequential",
    "config": [{"class_name": "Merge", "config": {"name": "merge_1",
      "mode": "concat", "concat_axis": -1, "mode_type": "raw",
      "layers": [
        {"class_name": "Sequential", "config": [{"class_name": "Dense",
          "config": {"name": "a", "output_dim": 2, "input_dim": 3,
                     "batch_input_shape": [null, 3], "init": "uniform"}}]},
        {"class_name": "Sequential", "config": [{"class_name": "Dense",
          "config": {"name": "b", "output_dim": 4, "input_dim": 5,
                     "batch_input_shape": [null, 5], "init": "uniform"}}]}]}},
    {"class_name": "Dense", "config": {"name": "c", "output_dim": 1,
      "init": "uniform", "activation": "linear"}}]})");
  CHECK(model.inputs().size() == 2);
  CHECK(model.get_layer("c").weights()[0].shape() == Shape{6, 1});
}

TEST_CASE("TensorFlow's operations in models of tf.keras compute") {
  Model model = model_from_json(R"({"class_name": "Functional", "config": {
    "name": "m", "layers": [
    {"class_name": "InputLayer", "name": "x", "inbound_nodes": [], "config":
      {"batch_input_shape": [null, 2], "dtype": "float32", "name": "x"}},
    {"class_name": "TFOpLambda", "name": "t", "config": {"name": "t",
      "trainable": true, "dtype": "float32", "function": "math.multiply"},
      "inbound_nodes": [["x", 0, 0, {"y": 3.0, "name": null}]]},
    {"class_name": "TFOpLambda", "name": "c", "config": {"name": "c",
      "trainable": true, "dtype": "float32", "function": "concat"},
      "inbound_nodes": [[["x", 0, 0, {"axis": -1}],
                         ["t", 0, 0, {"axis": -1}]]]},
    {"class_name": "SlicingOpLambda", "name": "s", "config": {"name": "s",
      "trainable": true, "dtype": "float32",
      "function": "__operators__.getitem"}, "inbound_nodes":
      [["c", 0, 0, {"slice_spec": [{"start": null, "stop": null, "step": null},
        {"start": 1, "stop": 3, "step": null}]}]]}],
    "input_layers": [["x", 0, 0]], "output_layers": [["s", 0, 0]]}})");
  const Tensor y = model.predict(Tensor(std::vector<float>{1, 2}, {1, 2}));
  CHECK(y == Tensor(std::vector<float>{2, 3}, {1, 2}));
}

TEST_CASE("An operation without a counterpart is refused by its name") {
  const std::string message = message_of<InvalidArgument>([] {
    model_from_json(R"({"class_name": "Model", "config": {"name": "m",
      "layers": [{"class_name": "InputLayer", "name": "x", "inbound_nodes": [],
        "config": {"batch_input_shape": [null, 2], "name": "x"}},
      {"class_name": "TFOpLambda", "name": "t", "config": {"name": "t",
        "function": "signal.stft"}, "inbound_nodes": [["x", 0, 0, {}]]}],
      "input_layers": [["x", 0, 0]], "output_layers": [["t", 0, 0]]}})");
  });
  CHECK(message.find("'signal.stft'") != std::string::npos);
  CHECK(message.find("register_layer") != std::string::npos);
}

TEST_CASE("Code in a Lambda layer is refused by name, with what to do") {
  const std::string message = message_of<InvalidArgument>([] {
    model_from_json(R"({"class_name": "Sequential", "config": [
      {"class_name": "Lambda", "config": {"name": "twice",
       "function": ["4wEAAAA=", null, null], "function_type": "lambda",
       "batch_input_shape": [null, 2]}}]})");
  });
  CHECK(message.find("'twice'") != std::string::npos);
  CHECK(message.find("never run") != std::string::npos);
}

TEST_CASE("decay of Keras 2's optimizers is the schedule that it was") {
  const Config compile = legacy::compile_config_of(Config::parse(
      R"({"optimizer_config": {"class_name": "SGD", "config":
          {"lr": 0.5, "decay": 0.25, "momentum": 0.0, "nesterov": false}},
          "loss": "mse", "metrics": [["accuracy"]]})"));
  const Config& rate = compile.at("optimizer").at("config").at("learning_rate");
  CHECK(rate.at("class_name") == Config("InverseTimeDecay"));
  CHECK(rate.at("config").at("decay_rate") == Config(0.25));
  CHECK(compile.at("metrics") == Config::array({"accuracy"}));
}

TEST_CASE("JSON of Keras 2 comes back as the same model") {
  const SymbolicTensor x = Input({4});
  const Model inner(
      Sequential({Input({4}), Dense(4, {.activation = "tanh"})}, "inner"));
  const Model model(x, Dense(2)(LeakyReLU()(inner(x))), "outer");
  const std::string json = to_keras2_json(model);
  CHECK(json.find("batch_input_shape") != std::string::npos);
  CHECK(json.find("\"alpha\"") != std::string::npos);
  CHECK(json.find("__keras_tensor__") == std::string::npos);
  CHECK(json.find("registered_name") == std::string::npos);
  CHECK(model_from_json(json).to_json() == model.to_json());
}
