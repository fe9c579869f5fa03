// Training in phases: what trains, what stays, how epochs are counted.

#include <doctest/doctest.h>

#include <cmath>
#include <sstream>
#include <string>
#include <vector>

#include <keratin/error.hpp>
#include <keratin/experiment.hpp>
#include <keratin/io/npy.hpp>

#include "tests/support/paths.hpp"
#include "tests/support/throws.hpp"

using keratin::Config;
using keratin::Experiment;
using keratin::Layer;
using keratin::Tensor;
using keratin::testing::TempDir;

namespace {

constexpr const char* kTwoPhases = R"([
  {"fit": {"epochs": 2}},
  {"trainable": {"base": {"from": "conv_dw_13_bn",
                          "except": ["conv_dw_13_bn", "Conv2D"]}},
   "compile": {"optimizer": {"SGD": {"learning_rate": 0.01}}},
   "fit": {"epochs": 3}}])";

/// Eight pictures of 32 x 32 and a small network with a frozen base.
Config config_of(const TempDir& folder, const std::string& phases) {
  std::vector<float> pixels;
  for (int i = 0; i < 8 * 32 * 32 * 3; ++i) {
    pixels.push_back(static_cast<float>(i * 7919 % 256));
  }
  keratin::io::save_npz(
      (folder / "a.npz").string(),
      {{"x_train", Tensor(pixels, {8, 32, 32, 3})},
       {"y_train", Tensor(std::vector<std::int64_t>{0, 1, 0, 1, 0, 1, 1, 0})}});
  return Config::parse(
      R"({"seed": 3, "data": {"npz": {"path": "a.npz"}},
        "model": {"layers": [
          {"MobileNet": {"alpha": 0.25, "input_shape": [32, 32, 3],
                         "include_top": false, "pooling": "avg",
                         "weights": null, "name": "base", "trainable": false,
                         "preprocess_input": true}},
          {"Dense": {"units": 2, "activation": "softmax", "name": "head"}}]},
        "compile": {"optimizer": {"Adam": {"learning_rate": 0.01}},
                    "loss": "sparse_categorical_crossentropy",
                    "metrics": ["accuracy"]},
        "fit": {"batch_size": 4, "verbose": 0},
        "phases": )" +
      phases + "}");
}

std::string problem(const std::string& phases) {
  const TempDir folder;
  return keratin::testing::message_of<keratin::InvalidArgument>(
      [&] { Experiment(config_of(folder, phases), folder.path().string()); });
}

}  // namespace

TEST_CASE("Phases train the head, then what they unfreeze, and nothing else") {
  const TempDir folder;
  Experiment experiment(config_of(folder, kTwoPhases), folder.path().string());
  keratin::Model model = experiment.model();
  const Layer layer = model.get_layer("base");
  const keratin::Model base(
      std::dynamic_pointer_cast<keratin::ModelImpl>(layer.impl_ptr()));
  std::vector<std::vector<Tensor>> before;
  for (const Layer& inner : base.layers()) {
    before.push_back(inner.get_weights());
  }
  const std::vector<Tensor> head = model.get_layer("head").get_weights();
  std::ostringstream out;
  const keratin::RunResult result = experiment.run({.out = &out});

  CHECK(out.str().find("phase 1 of 2: 514 of ") != std::string::npos);
  CHECK(out.str().find("phase 2 of 2: 1026 of ") != std::string::npos);
  CHECK(result.history.epoch == std::vector<std::int64_t>{0, 1, 2, 3, 4});
  CHECK(result.history["loss"].size() == 5);
  CHECK(model.get_layer("head").get_weights() != head);
  std::size_t i = 0;
  for (const Layer& inner : base.layers()) {
    CAPTURE(inner.name());
    const bool trained = inner.name() == "conv_pw_13_bn";
    // Bit for bit, moving statistics included.
    CHECK((inner.get_weights() == before[i++]) == !trained);
  }
  // The optimizer of the second phase is its own.
  CHECK(model.optimizer().impl().class_name() == "SGD");
}

TEST_CASE("A phase that changes nothing but fit goes on training") {
  const TempDir folder;
  Experiment experiment(
      config_of(
          folder,
          R"([{"fit": {"epochs": 1}}, {"fit": {"epochs": 2, "batch_size": 8}}])"),
      folder.path().string());
  const keratin::RunResult result = experiment.run();
  CHECK(result.history.epoch == std::vector<std::int64_t>{0, 1, 2});
  // Two steps, then one and one.
  CHECK(experiment.model().optimizer().impl().iterations() == 4);
}

TEST_CASE("A run that is stopped leaves the other phases out") {
  const TempDir folder;
  Experiment experiment(config_of(folder, kTwoPhases), folder.path().string());
  const keratin::RunResult result =
      experiment.run({.stop = [] { return true; }});
  CHECK(result.history.epoch == std::vector<std::int64_t>{0, 1});
}

TEST_CASE("What a phase does not log is missing in the history") {
  const TempDir folder;
  Experiment experiment(
      config_of(
          folder,
          R"([{"fit": {"epochs": 1}},
              {"compile": {"metrics": []},
               "fit": {"epochs": 2, "validation_split": 0.5,
                       "validation_freq": 2}}])"),
      folder.path().string());
  const keratin::History history = experiment.run().history;
  CHECK(history["loss"].size() == 3);
  REQUIRE(history["accuracy"].size() == 3);
  CHECK_FALSE(std::isnan(history["accuracy"][0]));
  CHECK(std::isnan(history["accuracy"][1]));
  REQUIRE(history["val_loss"].size() == 3);
  CHECK(std::isnan(history["val_loss"][0]));
  CHECK(std::isnan(history["val_loss"][1]));
  CHECK_FALSE(std::isnan(history["val_loss"][2]));
}

TEST_CASE("A phase is refused with its place before any work starts") {
  CHECK(
      problem("[]") ==
      "[$.phases] expected a list of phases, got an empty one");
  CHECK(problem("{}") == "[$.phases] expected a list of phases, got object");
  CHECK(
      problem(R"([{"fits": {}}])") ==
      "[$.phases[0]] phases has no argument 'fits'; did you mean \"fit\"?");
  CHECK(
      problem(R"([{}, {"fit": {"epoch": 1}}])") ==
      "[$.phases[1].fit] fit has no argument 'epoch'; did you mean "
      "\"epochs\"?");
  CHECK(
      problem(R"([{"fit": 3}])") ==
      "[$.phases[0].fit] expected an object, got int");
  CHECK(
      problem(R"([{"compile": {"optimizer": {"SDG": {}}}}])")
          .find("[$.phases[0].compile") != std::string::npos);
  CHECK(
      problem(R"([{"trainable": {"bass": true}}])")
          .find("[$.phases[0].trainable] ") != std::string::npos);
  CHECK(
      problem(R"([{"trainable": {"bass": true}}])")
          .find("has no layer 'bass'; did you mean \"base\"?") !=
      std::string::npos);
  CHECK(
      problem(R"([{"trainable": {"base": "conv_dw_31"}}])")
          .find(
              "[$.phases[0].trainable.base] base has no layer 'conv_dw_31'") !=
      std::string::npos);
  CHECK(
      problem(R"([{"trainable": {"head": -1}}])") ==
      "[$.phases[0].trainable.head] expected true or false for a layer that is "
      "no model, got -1");
  CHECK(
      problem(R"([{"callbacks": ["EarlyStoping"]}])")
          .find("[$.phases[0].callbacks[0]") != std::string::npos);
}
