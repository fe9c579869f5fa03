// The architectures beside those of real Keras, as
// tests/data/make_application_cases.py recorded them.

#include <doctest/doctest.h>

#include <set>
#include <string>

#include <keratin/applications.hpp>
#include <keratin/error.hpp>
#include <keratin/layers.hpp>

#include "layers/base/initial_values.hpp"
#include "src/io/sha256.hpp"
#include "tests/support/files.hpp"
#include "tests/support/paths.hpp"
#include "tests/support/throws.hpp"

namespace keratin {

namespace apps = applications;
using testing::message_of;

namespace {

std::string sha256(const std::string& text) {
  return io::sha256_of(io::as_bytes(text));
}

/// "path [3, 3, 3, 64] true" for every weight.
std::string weights_text(const Model& model) {
  std::string text;
  for (const Variable& weight : model.weights()) {
    std::string shape;
    for (const std::int64_t dim : weight.shape()) {
      shape += (shape.empty() ? "" : ", ") + std::to_string(dim);
    }
    text += weight.path() + " [" + shape + "] " +
            (weight.trainable() ? "true" : "false") + "\n";
  }
  return text;
}

/// Small and quick to build.
Model tiny(apps::MobileNetOptions options = {}) {
  options.alpha = 0.25;
  options.weights = {};
  return apps::MobileNet(options);
}

}  // namespace

TEST_CASE("Every architecture has Keras's layers and weights") {
  const Config cases = Config::parse(
      testing::read_file(
          testing::source_dir() / "tests/data/applications/cases.json"),
      "cases.json");
  const WithoutInitialValues quick;
  std::set<std::string> seen;
  for (const Config& test : cases.as_array()) {
    clear_session();
    const std::string name = test.at("name").as_string();
    Config arguments = test.at("arguments");
    CAPTURE(name);
    CAPTURE(arguments.dump());
    arguments["weights"] = nullptr;
    const Model model = apps::make(name, arguments);
    CHECK(model.count_params() == test.at("parameters").as_int());
    CHECK(
        static_cast<std::int64_t>(model.layers().size()) ==
        test.at("layers").as_int());
    CHECK(sha256(weights_text(model)) == test.at("weights").as_string());
    seen.insert(name);
  }
  for (const apps::ApplicationInfo& info : apps::list()) {
    CAPTURE(info.name);
    CHECK(seen.contains(info.name) == info.has_imagenet);
  }
}

TEST_CASE("The classics have the papers' numbers of parameters") {
  const auto count = [](const char* name) {
    clear_session();
    const WithoutInitialValues quick;
    return apps::make(name).count_params();
  };
  CHECK(count("LeNet5") == 61706);
  CHECK(count("AlexNet") == 60965224);
  CHECK(count("ZFNet") == 62357608);
  CHECK(count("GoogLeNet") == 6998552);
  CHECK(count("VGG_A") == 132863336);
  CHECK(count("VGG_A_LRN") == 132863336);
  CHECK(count("VGG_B") == 133047848);
  CHECK(count("VGG_C") == 133638952);
  CHECK(count("VGG_D") == 138357544);
  CHECK(count("VGG_E") == 143667240);
  CHECK(count("SqueezeNet1_0") == 1248424);
  CHECK(count("SqueezeNet1_1") == 1235496);
  CHECK(count("NetworkInNetwork") == 7595176);
}

TEST_CASE("C++ options and JSON arguments build the same") {
  clear_session();
  const Model a = apps::MobileNetV3Large(
      {.input_shape = {{64, 96, 3}},
       .alpha = 0.75,
       .minimalistic = true,
       .include_top = false,
       .weights = {},
       .pooling = "max",
       .include_preprocessing = false,
       .name = "small"});
  clear_session();
  const Model b = apps::make("MobileNetV3Large", Config::parse(R"({
      "input_shape": [64, 96, 3], "alpha": 0.75, "minimalistic": true,
      "include_top": false, "weights": null, "pooling": "max",
      "include_preprocessing": false, "name": "small"})"));
  CHECK(a.to_json() == b.to_json());
}

TEST_CASE("A model is built on a tensor of another model") {
  clear_session();
  const layers::Input input({64, 64, 3});
  const SymbolicTensor x = layers::Rescaling(1 / 127.5, -1)(input);
  const Model model = tiny({.include_top = false, .input_tensor = x});
  CHECK(model.inputs().size() == 1);
  CHECK(model.inputs()[0] == input.tensor());
  CHECK(model.layers()[1].class_name() == "Rescaling");
  CHECK(model.outputs()[0].shape() == Shape{kUnknown, 2, 2, 256});
}

TEST_CASE("Arguments that do not go together are refused") {
  const auto says = [](const auto& body, const std::string& what) {
    const std::string message = message_of<InvalidArgument>(body);
    CAPTURE(message);
    CHECK(message.find(what) != std::string::npos);
  };
  says(
      [] { apps::VGG16({.weights = "nowhere.h5"}); },
      "[VGG16] expected weights to be 'imagenet', the path of a file or none, "
      "got 'nowhere.h5': no such file");
  says(
      [] { apps::ResNet50({.classes = 10}); },
      "[ResNet50] expected classes to be 1000 with weights 'imagenet' and "
      "include_top, got 10; leave the top out and add one");
  says(
      [] {
        apps::InceptionV3({.input_shape = {{200, 200, 3}}});
      },
      "[InceptionV3] expected input_shape (299, 299, 3) with weights "
      "'imagenet' and include_top, got (200, 200, 3)");
  says(
      [] {
        apps::Xception(
            {.include_top = false,
             .weights = {},
             .input_shape = {{70, 70, 3}}});
      },
      "expected pictures of at least 71 x 71, got input_shape (70, 70, 3)");
  says(
      [] {
        apps::DenseNet121({.include_top = false, .input_shape = {{64, 64, 1}}});
      },
      "expected 3 channels with weights 'imagenet'");
  says(
      [] {
        apps::DenseNet121({.weights = {}, .input_shape = {{-1, 64, 3}}});
      },
      "expected known extents with include_top, got input_shape (None, 64, 3)");
  says(
      [] {
        apps::VGG19(
            {.include_top = false, .weights = {}, .pooling = "average"});
      },
      "expected pooling to be 'avg', 'max' or none, got 'average'");
  says(
      [] { apps::MobileNet({.alpha = 0.3}); },
      "expected alpha to be 0.25, 0.5, 0.75 or 1 with weights 'imagenet', got "
      "0.3");
  says(
      [] { apps::MobileNetV3Small({.alpha = 0.75, .minimalistic = true}); },
      "expected alpha to be 1 for a minimalistic model with weights "
      "'imagenet', got 0.75");
  says(
      [] { apps::ResNet50V2({.classifier_activation = "sigmoid"}); },
      "expected classifier_activation to be 'softmax' or none with weights");
  says(
      [] { apps::SqueezeNet1_1({.weights = "imagenet"}); },
      "[SqueezeNet1_1] has no published weights");
  says(
      [] { apps::make("ResNet51"); },
      "no architecture is called 'ResNet51'; did you mean \"ResNet50\"?");
  says([] { apps::make("VGG16", Config::object({{"alpha", 0.5}})); }, "alpha");
  says(
      [] {
        apps::make("VGG16", Config::parse(R"({"input_shape": [224, 224]})"));
      },
      "[VGG16.input_shape] expected rows, columns and channels, e.g. [224, "
      "224, 3], got [224, 224]");
}

TEST_CASE("Models with layers of Keras's own files load again") {
  clear_session();
  const testing::TempDir dir;
  const std::string path = (dir / "model.keras").string();
  const layers::Input input({8, 8, 4});
  SymbolicTensor x = layers::LayerScale(0.5, 4)(input);
  x = layers::StochasticDepth(0.3)(x);
  x = layers::CustomScaleLayer(0.25)({input, x});
  Model model(input, x);
  model.save(path);
  const Tensor data = Tensor::full(DType::f32, {2, 8, 8, 4}, 2);
  Model loaded = load_model(path);
  CHECK(loaded.to_json() == model.to_json());
  CHECK(loaded.predict(data).at(0) == doctest::Approx(2.25));
}

}  // namespace keratin
