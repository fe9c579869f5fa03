// Configs of Keras 1 and 2 against what Keras 3 writes for the same.

#include <doctest/doctest.h>

#include <keratin/error.hpp>
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

TEST_CASE("Sides that Keras 1's padding does not name are not padded") {
  const auto padding = [](const std::string& written, const char* rank = "2D") {
    return layer((R"({"class_name": "ZeroPadding)" + std::string(rank) +
                  R"(", "config": {"name": "z", "padding": )" + written + "}}")
                     .c_str())
        .at("config")
        .at("padding");
  };
  CHECK(
      padding(R"({"top_pad": 1, "left_pad": 2, "right_pad": 3})") ==
      Config::parse("[[1, 0], [2, 3]]"));
  CHECK(padding(R"({"bottom_pad": 2})") == Config::parse("[[0, 2], [0, 0]]"));
  CHECK(padding("{}") == Config::parse("[[0, 0], [0, 0]]"));
  CHECK(padding("[1, 2, 3, 4]") == Config::parse("[[1, 2], [3, 4]]"));
  CHECK(padding("[1, 2]") == Config::parse("[1, 2]"));
  CHECK(padding(R"({"right_pad": 2})", "1D") == Config::parse("[0, 2]"));
  CHECK(padding("3", "1D") == Config(3));
  CHECK(
      message_of<InvalidArgument>([&] { padding(R"({"up": 1})"); })
          .find("[layer] padding: expected left_pad, right_pad, top_pad and "
                "bottom_pad, got 'up'") != std::string::npos);
}

namespace {

/// A Keras 1 Deconvolution2D with a square kernel on [None, rows, 3, 1].
Config deconvolution(
    const std::string& shape, const std::string& mode, int kernel, int stride) {
  const std::string k = std::to_string(kernel);
  const std::string s = std::to_string(stride);
  return Config::parse(
      R"({"class_name": "Deconvolution2D", "config": {"name": "d",
      "nb_filter": 1, "nb_row": )" +
      k + R"(, "nb_col": )" + k + R"(, "subsample": [)" + s + ", " + s +
      R"(], "border_mode": ")" + mode + R"(", "dim_ordering": "tf",
      "init": "one", "output_shape": )" +
      shape + "}}");
}

}  // namespace

TEST_CASE("Keras 1's output_shape is the length of the deconvolution") {
  struct Case {
    const char* shape;
    const char* mode;
    int kernel;
    int stride;
    const char* padding;  // null: that which follows from the rest
  };

  const Case cases[] = {
      {"[null, 7, 7, 1]", "valid", 3, 2, nullptr},
      {"[null, 8, 7, 1]", "valid", 3, 2, "[1, 0]"},
      {"[null, 6, 6, 1]", "same", 3, 2, nullptr},
      {"[null, 5, 6, 1]", "same", 3, 2, "[0, 1]"},
      {"[null, 5, 5, 1]", "same", 4, 2, "[1, 1]"},
      {"[null, 6, 6, 1]", "valid", 1, 2, nullptr},
      {"[null, 5, 6, 1]", "valid", 1, 2, "[0, 1]"},
      {"[null, null, null, 1]", "valid", 3, 2, nullptr},
  };
  for (const Case& item : cases) {
    CAPTURE(item.shape);
    const Config now = legacy::layer_to_keras3(
        deconvolution(item.shape, item.mode, item.kernel, item.stride),
        "layer");
    const Config padding = now.at("config").get("output_padding");
    CHECK(
        padding ==
        (item.padding == nullptr ? Config() : Config::parse(item.padding)));
    const Layer made = deserialize_layer(now);
    const Config shape = Config::parse(item.shape);
    if (shape.as_array()[1].is_null()) continue;
    const Shape y = made(Input({3, 3, 1})).shape();
    CHECK(y[1] == shape.as_array()[1].as_int());
    CHECK(y[2] == shape.as_array()[2].as_int());
  }
}

TEST_CASE("An output_shape that nothing yields here is refused by name") {
  const auto message = [](const char* shape, const char* mode, int kernel) {
    return message_of<InvalidArgument>([&] {
      legacy::layer_to_keras3(deconvolution(shape, mode, kernel, 2), "up");
    });
  };
  CHECK(
      message("[null, 2, 7, 1]", "valid", 3)
          .find("[up] Deconvolution: output_shape: no input yields 2 elements "
                "with a kernel of 3 and a stride of 2") != std::string::npos);
  // Beside 5, six rows would need an output_padding as large as the stride.
  CHECK(
      message("[null, 6, 5, 1]", "same", 4)
          .find("[up] Deconvolution of output_shape [null, 6, 5, 1]: no "
                "output_padding below the stride 2") != std::string::npos);
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
