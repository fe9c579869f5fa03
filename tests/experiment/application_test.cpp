// Architectures in a config: as the model, as a layer, with weights of a file.

#include <doctest/doctest.h>

#include <string>
#include <vector>

#include <keratin/applications.hpp>
#include <keratin/error.hpp>
#include <keratin/experiment.hpp>

#include "tests/support/paths.hpp"
#include "tests/support/throws.hpp"

using keratin::Config;
using keratin::Experiment;
using keratin::Layer;
using keratin::Tensor;
using keratin::testing::TempDir;

namespace apps = keratin::applications;

namespace {

Config config_of(const std::string& model) {
  return Config::parse(
      R"({"seed": 3, "data": {"name": "digits"}, "model": )" + model +
      R"(, "compile": {"optimizer": "sgd", "loss": "mse"}})");
}

/// A MobileNet for pictures of 32 x 32, with more arguments.
std::string mobilenet(const std::string& more = R"("weights": null)") {
  return R"({"MobileNet": {"alpha": 0.25, "input_shape": [32, 32, 3],
             "include_top": false, "pooling": "avg", )" +
         more + "}}";
}

std::string stack(const std::string& base) {
  return R"({"layers": [{"RandomFlip": {}}, )" + base +
         R"(, {"Dropout": {"rate": 0.5}}, {"Dense": {"units": 2}}]})";
}

std::string message(const std::string& model) {
  return keratin::testing::message_of<keratin::InvalidArgument>(
      [&] { Experiment(config_of(model)).model(); });
}

bool has(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

std::vector<std::string> trained_layers(const Layer& model) {
  std::vector<std::string> names;
  for (const keratin::Variable& variable : model.trainable_weights()) {
    names.push_back(variable.path());
  }
  return names;
}

/// Pixels of 0 to 255.
Tensor picture() {
  std::vector<float> pixels;
  for (int i = 0; i < 4 * 5 * 3; ++i) {
    pixels.push_back(static_cast<float>(i * 37 % 256));
  }
  return Tensor(pixels, {1, 4, 5, 3});
}

}  // namespace

TEST_CASE("An architecture is the model of a config") {
  Experiment experiment(config_of(
      R"({"MobileNet": {"alpha": 0.25, "weights": null, "classes": 10}})"));
  const keratin::Model model = experiment.model();
  CHECK(model.name() == "mobilenet_0.25_224");
  CHECK(model.outputs()[0].shape() == keratin::Shape{keratin::kUnknown, 10});
  CHECK(model.compiled());
}

TEST_CASE("An architecture is a layer of a stack") {
  const std::string base = mobilenet(
      R"("weights": null, "name": "base", "trainable": false,
         "preprocess_input": true)");
  Config config = config_of(stack(base));
  config["model"]["layers"].as_array().insert(
      config["model"]["layers"].as_array().begin(),
      Config::parse(R"({"Input": {"shape": [32, 32, 3]}})"));
  Experiment experiment(config);
  const keratin::Model model = experiment.model();
  std::vector<std::string> classes;
  for (const Layer& layer : model.layers()) {
    classes.push_back(layer.class_name());
  }
  CHECK(
      classes ==
      std::vector<std::string>{
          "RandomFlip", "Rescaling", "Functional", "Dropout", "Dense"});
  CHECK(model.trainable_weights().size() == 2);
  CHECK(model.get_layer("base").weights().size() == 135);
  // The file holds all of it.
  const TempDir folder;
  const std::string file = (folder / "m.keras").string();
  model.save(file);
  keratin::Model again = keratin::load_model(file);
  CHECK(again.trainable_weights().size() == 2);
  const Tensor x(std::vector<float>(32 * 32 * 3, 100), {1, 32, 32, 3});
  CHECK(again.predict(x) == keratin::Model(model).predict(x));
}

TEST_CASE("Weights are of a file beside the config, with the top or without") {
  const TempDir folder;
  apps::MobileNetOptions options;
  options.alpha = 0.25;
  options.input_shape = {{32, 32, 3}};
  options.weights = {};
  options.classes = 7;
  const keratin::Model whole = apps::MobileNet(options);
  whole.save((folder / "whole.h5").string());
  options.include_top = false;
  keratin::Model part = apps::MobileNet(options);
  part.save_weights((folder / "part.weights.h5").string());
  const auto base_with = [&](const char* file) {
    Experiment experiment(
        config_of(mobilenet(std::string(R"("weights": ")") + file + "\"")),
        folder.path().string());
    return experiment.model().get_weights();
  };
  CHECK(base_with("part.weights.h5") == part.get_weights());
  std::vector<Tensor> wanted = whole.get_weights();
  wanted.resize(135);  // what follows is the top's
  CHECK(base_with("whole.h5") == wanted);

  const std::string none = mobilenet(R"("weights": "none.h5")");
  CHECK(
      keratin::testing::message_of<keratin::InvalidArgument>(
          [&] { Experiment(config_of(none), folder.path().string()); }) ==
      "[$.model.MobileNet] [MobileNet] expected weights to be "
      "'imagenet', the path of a file or none, got '" +
          (folder / "none.h5").string() + "': no such file");
  const std::string other =
      R"({"MobileNet": {"alpha": 0.5, "include_top": false,
                        "input_shape": [32, 32, 3], "weights": "whole.h5"}})";
  const std::string unfit =
      keratin::testing::message_of<keratin::InvalidArgument>([&] {
        Experiment(config_of(other), folder.path().string()).model();
      });
  CHECK(has(unfit, "[load_weights whole.h5]"));
  CHECK(has(unfit, "conv1"));
}

TEST_CASE("Nothing is fetched while a config is read") {
  CHECK_NOTHROW(Experiment(config_of(R"({"MobileNet": {"alpha": 0.25}})")));
}

TEST_CASE("What of an architecture trains is a flag, a name or a place") {
  const auto trained = [](const std::string& value) {
    Experiment experiment(config_of(mobilenet(
        R"("weights": null, "name": "base", "trainable": )" + value)));
    return trained_layers(experiment.model());
  };
  CHECK(trained("false").empty());
  CHECK(trained("true").size() == 81);
  const std::vector<std::string> last = {
      "conv_pw_13/kernel", "conv_pw_13_bn/gamma", "conv_pw_13_bn/beta"};
  CHECK(trained(R"("conv_pw_13")") == last);
  // conv_pw_13, its normalisation, its activation, the pooling.
  CHECK(trained("-4") == last);
  CHECK(trained("83") == last);
  CHECK(
      trained(R"({"from": -4, "except": ["BatchNormalization"]})") ==
      std::vector<std::string>{"conv_pw_13/kernel"});
  CHECK(
      trained(R"({"from": "conv_pw_13", "except": ["conv_pw_13"]})").size() ==
      2);
}

TEST_CASE("Preprocessing layers compute what preprocess_input does") {
  for (const auto& entry : std::vector<std::pair<std::string, std::string>>{
           {"MobileNet", "tf"}, {"DenseNet121", "torch"}, {"VGG16", "caffe"}}) {
    const auto& name = entry.first;
    const auto& mode = entry.second;
    CAPTURE(name);
    Experiment experiment(config_of(
        R"({"layers": [{"Input": {"shape": [64, 64, 3]}}, {")" + name +
        R"(": {"weights": null, "include_top": false,
               "preprocess_input": true}}]})"));
    const keratin::Model model = experiment.model();
    REQUIRE(model.layers().size() == 2);
    const Tensor y = model.get_layer(0)(picture());
    const Tensor wanted = apps::preprocess_input(picture(), mode);
    REQUIRE(y.shape() == wanted.shape());
    for (std::int64_t i = 0; i < y.size(); ++i) {
      CHECK(y.at(i) == doctest::Approx(wanted.at(i)).epsilon(1e-5));
    }
  }
  // MobileNetV3 scales pixels itself.
  Experiment experiment(config_of(
      R"({"layers": [{"Input": {"shape": [64, 64, 3]}}, {"MobileNetV3Small": {"weights": null,
          "include_top": false, "preprocess_input": true}}]})"));
  CHECK(experiment.model().layers().size() == 1);
}

TEST_CASE("An architecture is refused with its place, as every layer") {
  const std::string where = "[$.model.layers[1].MobileNet";
  CHECK(
      message(stack(mobilenet(R"("alpa": 1)"))) ==
      where + "] MobileNet has no argument 'alpa'; did you mean \"alpha\"?");
  CHECK(
      has(message(stack(mobilenet(R"("trainabel": true)"))),
          "did you mean \"trainable\"?"));
  CHECK(
      message(stack(mobilenet(R"("alpha": "wide")"))) ==
      where + ".alpha] expected a number, got string \"wide\"");
  CHECK(
      has(message(stack(mobilenet(R"("pooling": "mean")"))),
          where + ".pooling] expected one of 'avg', 'max', got 'mean'"));
  CHECK(
      has(message(stack(mobilenet(R"("input_shape": [16, 16, 3])"))),
          where + "] [MobileNet] expected pictures of at least 32 x 32"));
  CHECK(
      has(message(stack(mobilenet(R"("preprocess_input": "tf")"))),
          where + ".preprocess_input] expected true or false, got \"tf\""));
  const auto trainable = [&](const std::string& value) {
    return message(stack(
        mobilenet(R"("weights": null, "name": "b", "trainable": )" + value)));
  };
  CHECK(
      trainable(R"("conv_dw_14")") ==
      where +
          ".trainable] b has no layer 'conv_dw_14'; did you mean "
          "\"conv_dw_1\"?");
  CHECK(has(trainable("100"), "expected a place from -87 to 86"));
  CHECK(has(trainable("1.5"), "expected true, false, the name of a layer"));
  CHECK(has(trainable(R"({"form": 3})"), "did you mean \"from\"?"));
  CHECK(has(
      trainable(R"({"from": 3, "except": ["BatchNormalisation"]})"),
      where + ".trainable.except[0]] b has no layer of the name or class "
              "'BatchNormalisation'; did you mean \"BatchNormalization\"?"));
  CHECK(
      has(message(R"({"Dense": {"units": 3}})"),
          "[$.model] expected an object with \"layers\" or an architecture"));
}

TEST_CASE("The schema knows architectures with what a config adds") {
  const Config schema = keratin::experiment_schema();
  const Config& arguments = schema.at("$defs")
                                .at("application")
                                .at("properties")
                                .at("MobileNet")
                                .at("properties");
  // What may be null is null among the choices, too.
  CHECK(
      arguments.at("pooling").at("enum") ==
      Config::array({"avg", "max", nullptr}));
  for (const std::string& name : std::vector<std::string>{
           "alpha",
           "weights",
           "input_shape",
           "trainable",
           "preprocess_input"}) {
    CAPTURE(name);
    CHECK(arguments.contains(name));
  }
}
