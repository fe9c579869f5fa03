// Writing for Keras 2: what it had, what it did as Keras 3 does by default, and
// what it did not have.

#include "models/legacy/keras2.hpp"

#include <doctest/doctest.h>

#include <keratin/error.hpp>
#include <keratin/files.hpp>
#include <keratin/layers.hpp>
#include <keratin/model.hpp>

#include "tests/support/files.hpp"
#include "tests/support/paths.hpp"
#include "tests/support/throws.hpp"

using namespace keratin;          // NOLINT
using namespace keratin::layers;  // NOLINT
using keratin::testing::message_of;

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

TEST_CASE("Arguments that Keras 2 lacks are left out at their defaults") {
  struct Case {
    Layer layer;
    const char* argument;
  };

  const Case cases[] = {
      {AdditiveAttention(), "seed"},
      {CenterCrop(2, 2), "data_format"},
      {ConvLSTM1D(2, 2), "seed"},
      {ConvLSTM2D(2, 2), "seed"},
      {ConvLSTM3D(2, 2), "seed"},
      {Dense(2), "quantization_config"},
      {IntegerLookup(), "oov_method"},
      {IntegerLookup(), "salt"},
      {LayerNormalization(), "rms_scaling"},
      {MultiHeadAttention(2, 2), "sliding_window"},
      {MultiHeadAttention(2, 2), "use_gate"},
      {RandomBrightness(0.1), "data_format"},
      {RandomContrast(0.1), "data_format"},
      {RandomContrast(0.1), "value_range"},
      {RandomCrop(2, 2), "data_format"},
      {RandomFlip(), "data_format"},
      {RandomRotation(0.1), "data_format"},
      {RandomTranslation(0.1, 0.1), "data_format"},
      {RandomZoom(0.1), "data_format"},
      {Resizing(2, 2), "antialias"},
      {Resizing(2, 2), "data_format"},
      {Resizing(2, 2), "fill_mode"},
      {Resizing(2, 2), "pad_to_aspect_ratio"},
      {StringLookup(), "oov_method"},
      {StringLookup(), "salt"},
      {ZeroPadding1D(), "data_format"},
  };
  for (const Case& item : cases) {
    const Config written = serialize(item.layer.impl());
    CAPTURE(written.dump());
    CAPTURE(item.argument);
    const Config now = legacy::layer_to_keras2(written, "layer");
    CHECK(now.at("class_name") == written.at("class_name"));
    CHECK_FALSE(now.at("config").contains(item.argument));
  }
}

TEST_CASE("Layers in layers are written as Keras 2.15 does") {
  const RNN stack(StackedRNNCells({LSTMCell(2), GRUCell(3)}));
  const Config now = legacy::layer_to_keras2(serialize(stack.impl()), "layer");
  for (const Config& cell :
       now.at("config").at("cell").at("config").at("cells").as_array()) {
    CHECK(cell.at("module") == Config("keras.layers"));
    CHECK_FALSE(cell.contains("build_config"));
    CHECK_FALSE(cell.at("config").contains("seed"));
  }
}

TEST_CASE("A model in a layer, and what attention was built for") {
  const SymbolicTensor x = Input({4, 6});
  const SymbolicTensor context = Input({5, 3});
  const Model each = Sequential({Input({6}), Dense(2)}, "each");
  const auto h = MultiHeadAttention(2, 3)(x, context);
  const Model model({x, context}, {TimeDistributed(each)(h)});
  const std::string json = to_keras2_json(model);
  const Config config = Config::parse(json).at("config");
  const Config& attention = config.at("layers").as_array()[2].at("config");
  CHECK(attention.at("query_shape") == Config::parse("[null, 4, 6]"));
  CHECK(attention.at("value_shape") == Config::parse("[null, 5, 3]"));
  CHECK(attention.at("key_shape") == Config::parse("[null, 5, 3]"));
  const Config inner =
      config.at("layers").as_array()[3].at("config").at("layer");
  CHECK(inner.at("class_name") == Config("Sequential"));
  CHECK(inner.at("module") == Config("keras"));
  CHECK(inner.dump().find("batch_input_shape") != std::string::npos);
  CHECK(model_from_json(json).weights().size() == model.weights().size());
}

TEST_CASE("An argument that Keras 2 lacks is refused where it matters") {
  struct Case {
    Layer layer;
    const char* message;
  };

  const Case cases[] = {
      {MultiHeadAttention(2, 2, {.sliding_window = 3}),
       "Keras 2's MultiHeadAttention has no argument 'sliding_window' and does "
       "as with null, here it is 3; save as .keras"},
      {MultiHeadAttention(2, 2, {.use_gate = true}), "'use_gate'"},
      {CenterCrop(2, 2, {.data_format = "channels_first"}),
       "CenterCrop has no argument 'data_format' and does as with "
       "\"channels_last\", here it is \"channels_first\""},
      {RandomContrast(0.1, {.value_range = {0.0, 1.0}}), "'value_range'"},
      {StringLookup({.salt = {7}}), "StringLookup has no argument 'salt'"},
      {Resizing(2, 2, {.pad_to_aspect_ratio = true}), "'pad_to_aspect_ratio'"},
      {deserialize_layer(Config::parse(
           R"({"class_name": "LayerNormalization",
               "config": {"name": "n", "rms_scaling": true}})")),
       "'rms_scaling'"},
  };
  for (const Case& item : cases) {
    const std::string message = message_of<InvalidArgument>(
        [&] { legacy::layer_to_keras2(serialize(item.layer.impl()), "m.l"); });
    CAPTURE(message);
    CHECK(message.starts_with("[m.l] "));
    CHECK(message.find(item.message) != std::string::npos);
  }
}

TEST_CASE("Layers that Keras 2 never had are refused, nothing being written") {
  const Layer layers[] = {
      AugMix(),
      ContrastLimitedAdaptiveHistogramEqualization(),
      LayerScale(0.1, 3),
      LocalResponseNormalization(),
      Maxout(3),
      MelSpectrogram(),
      MixUp(),
      RMSNormalization(),
      RandAugment(),
      RandomErasing(),
      STFTSpectrogram(),
      Solarization(0.1, 0.1),
  };
  for (const Layer& layer : layers) {
    const std::string name = layer.class_name();
    CAPTURE(name);
    CHECK(message_of<InvalidArgument>([&] {
            legacy::layer_to_keras2(serialize(layer.impl()), "l");
          }) == "[l] Keras 2 has no layer " + name + "; save as .keras");
  }
  const testing::TempDir dir;
  const std::string path = (dir / "m.h5").string();
  const Model model = Sequential({Input({4}), RMSNormalization(), Dense(2)});
  CHECK(message_of<InvalidArgument>([&] {
          model.save(path);
        }).find("Keras 2 has no layer RMSNormalization") != std::string::npos);
  CHECK_FALSE(std::filesystem::exists(path));
}

TEST_CASE("The dtype of a layer on strings is what it yields, to Keras 2") {
  const auto dtype = [](const Layer& layer) {
    return legacy::layer_to_keras2(serialize(layer.impl()), "l")
        .at("config")
        .contains("dtype");
  };
  CHECK_FALSE(dtype(TextVectorization()));
  CHECK_FALSE(dtype(StringLookup()));
  CHECK_FALSE(dtype(IntegerLookup()));
  CHECK_FALSE(dtype(Discretization({.num_bins = 2})));
  CHECK(dtype(StringLookup({.output_mode = "multi_hot"})));
  CHECK(dtype(Dense(2)));
}

TEST_CASE("A vocabulary for which a file has no place is not lost silently") {
  const testing::TempDir dir;
  const auto message = [&](const StringLookup& lookup) {
    const Model model =
        Sequential({Input({1}, {.dtype = DType::string}), lookup});
    const std::string path = (dir / "m.h5").string();
    return message_of<InvalidArgument>([&] {
      model.save(path);
      const Tensor x(std::vector<std::string>{"b", "?"}, {2, 1});
      CHECK(load_model(path).predict(x) == Model(model).predict(x));
    });
  };
  StringLookup adapted({.name = "words"});
  adapted.adapt(Tensor(std::vector<std::string>{"a", "b"}));
  CHECK(
      message(adapted) ==
      "[words] has adapted a vocabulary, for which Keras 2's files have no "
      "place; give it as the argument 'vocabulary', or save as .keras");
  CHECK(
      message(StringLookup({.vocabulary = {"a", "b"}})) == "(nothing thrown)");
}
