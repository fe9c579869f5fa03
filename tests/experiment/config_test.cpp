// What is wrong with a config is told before any work starts.

#include <doctest/doctest.h>

#include <filesystem>
#include <string>

#include <keratin/error.hpp>
#include <keratin/experiment.hpp>

#include "tests/support/files.hpp"
#include "tests/support/paths.hpp"

using keratin::Config;
using keratin::Experiment;

namespace {

constexpr const char* kGood = R"({
  "data": {"name": "digits"},
  "model": {"layers": [
    {"Flatten": {}},
    {"Dense": {"units": 10, "activation": "softmax"}}]},
  "compile": {"optimizer": "sgd", "loss": "sparse_categorical_crossentropy"},
  "fit": {"epochs": 1}
})";

/// The message when `path` of a good config is `value`; empty when it is taken.
std::string message(const std::string& path, const std::string& value) {
  const keratin::testing::TempDir folder;
  const std::string file = (folder / "config.json").string();
  keratin::testing::write_file(file, kGood);
  try {
    Experiment::from_file(file, {{path, Config::parse(value)}});
  } catch (const keratin::InvalidArgument& error) {
    return error.what();
  }
  return "";
}

bool has(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

}  // namespace

TEST_CASE("A good config is taken") {
  CHECK(message("fit.epochs", "2") == "");
}

TEST_CASE("An unknown key is refused with its path and the nearest name") {
  CHECK(has(message("fit.epoch", "3"), "[$.fit]"));
  CHECK(has(message("fit.epoch", "3"), "did you mean \"epochs\"?"));
  CHECK(has(message("ouput", "{}"), "did you mean \"output\"?"));
  CHECK(has(message("data.nme", "1"), "[$.data]"));
  CHECK(has(message("compile.metric", "[]"), "did you mean \"metrics\"?"));
}

TEST_CASE("A wrong type is refused with its path and what came") {
  CHECK(message("fit.epochs", "\"x\"")
            .ends_with(
                "[$.fit.epochs] expected a whole number, got string \"x\""));
  CHECK(has(message("fit", "[]"), "[$.fit] expected an object, got array"));
  CHECK(has(message("callbacks", "{}"), "[$.callbacks] expected a list"));
  CHECK(has(message("model", "3"), "[$.model] expected an object"));
}

TEST_CASE("An impossible value is refused with its path") {
  CHECK(
      has(message("fit.epochs", "-1"),
          "[$.fit.epochs] expected a number >= 0, got -1"));
  CHECK(has(message("fit.validation_split", "1"), "expected a number below 1"));
  CHECK(has(message("data.name", "\"digit\""), "did you mean \"digits\"?"));
  CHECK(has(message("fit.class_weight", "{\"a\": 1}"), "[$.fit.class_weight]"));
  CHECK(has(message("model.layers", "[]"), "an empty one"));
  CHECK(has(message("compile.loss", "\"mss\""), "did you mean \"mse\"?"));
}

TEST_CASE("A layer is refused with its place in the list") {
  CHECK(has(
      message("model.layers.1", R"({"Dense": {"unit": 3}})"),
      "[$.model.layers[1].Dense] Dense has no argument 'unit'; did you mean "
      "\"units\"?"));
  CHECK(
      has(message("model.layers.0", R"({"Flaten": {}})"),
          "no layer is called 'Flaten'; did you mean \"Flatten\"?"));
  CHECK(
      has(message("model.layers.0", R"({"Flatten": {}, "Dense": {}})"),
          "[$.model.layers[0]] expected one layer"));
}

TEST_CASE("Data come from one place") {
  CHECK(
      has(message("data.csv", R"({"path": "x.csv", "target": "y"})"),
          "expected one of name, csv, npz, idx, hdf5, text_directory, "
          "image_dataset_from_directory, image_list, tfrecord and timeseries, "
          "got 2"));
  CHECK(has(message("data", "{}"), "got 0"));
  CHECK(
      has(message("data", R"({"csv": {"path": "no.csv", "target": "y"}})"),
          "[$.data.csv.path] expected a file that can be read"));
}

TEST_CASE("The parts that must be there are asked for") {
  CHECK_THROWS_WITH_AS(
      Experiment(Config::parse(R"({"data": {"name": "digits"}})")),
      "[$] the config needs the argument 'model'",
      keratin::InvalidArgument);
}

TEST_CASE("Text that is no JSON is refused with line and column") {
  const keratin::testing::TempDir folder;
  const std::string file = (folder / "config.json").string();
  keratin::testing::write_file(file, "{\n  \"data\": }");
  CHECK_THROWS_WITH_AS(
      Experiment::from_file(file),
      doctest::Contains("config.json] line 2, column 11"),
      keratin::InvalidArgument);
  CHECK_THROWS_WITH_AS(
      Experiment::from_file((folder / "none.json").string()),
      doctest::Contains("none.json] cannot be opened for reading"),
      keratin::SystemError);
}

TEST_CASE("An output that cannot be written is refused before training") {
  Config config = Config::parse(kGood);
  config["output"] = Config::object({{"model", "/proc/nowhere/digits.keras"}});
  Experiment experiment(config);
  CHECK_THROWS_WITH_AS(
      experiment.run(),
      doctest::Contains("[$.output.model] [/proc/nowhere] create_directories "
                        "failed: "),
      keratin::InvalidArgument);
  config["output"] = Config::object({{"model", "digits.h5"}});
  CHECK_THROWS_WITH_AS(
      Experiment{config},
      "[$.output.model] expected a file name that ends in .keras, got "
      "'digits.h5'",
      keratin::InvalidArgument);
}

TEST_CASE("Keras's own JSON is a model, too") {
  Experiment shortly(Config::parse(kGood));
  Config config = Config::parse(kGood);
  config["model"] = Config::parse(shortly.model().to_json());
  Experiment experiment(config);
  CHECK(experiment.model().count_params() == 650);
}
