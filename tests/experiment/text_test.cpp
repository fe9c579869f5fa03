// Runs on folders of texts: reading, adapting, training, the file.

#include <doctest/doctest.h>

#include <filesystem>
#include <string>
#include <vector>

#include <keratin/error.hpp>
#include <keratin/experiment.hpp>

#include "tests/support/files.hpp"
#include "tests/support/paths.hpp"
#include "tests/support/throws.hpp"

using keratin::Config;
using keratin::Experiment;
using keratin::Tensor;
using keratin::testing::TempDir;
using keratin::testing::write_file;

namespace {

/// reviews/{bad,good}/0.txt ...
void write_reviews(const TempDir& folder) {
  for (const char* const label : {"good", "bad"}) {
    const auto inside = folder / "reviews" / label;
    std::filesystem::create_directories(inside);
    for (int i = 0; i < 10; ++i) {
      write_file(
          inside / (std::to_string(i) + ".txt"),
          std::string(label) + " film number " + std::to_string(i) + "\n");
    }
    write_file(inside / ".hidden", "not a review");
  }
}

Config config_of(const std::string& first_layer, const std::string& data = "") {
  return Config::parse(
      R"({"seed": 3, "data": {"text_directory": {"path": "reviews")" + data +
      R"(}, "test_size": 0.2},
        "model": {"layers": [)" +
      first_layer + R"(, {"Dense": {"units": 1, "activation": "sigmoid"}}]},
        "compile": {"optimizer": {"Adam": {"learning_rate": 0.1}},
                    "loss": "binary_crossentropy", "metrics": ["accuracy"]},
        "fit": {"epochs": 8, "batch_size": 4, "verbose": 0}})");
}

}  // namespace

TEST_CASE("A config trains on a folder of texts, adapting what needs it") {
  const TempDir folder;
  write_reviews(folder);
  Config config =
      config_of(R"({"TextVectorization": {"output_mode": "count"}})");
  const std::string path = (folder / "m.keras").string();
  config["output"] = Config::object({{"model", path}});
  Experiment experiment(config, folder.path().string());
  const keratin::ExperimentData& data = experiment.data();
  CHECK(data.train.x.shape() == keratin::Shape{16});
  CHECK(data.test.y.shape() == keratin::Shape{4});
  CHECK(data.train.x.dtype() == keratin::DType::string);
  const keratin::RunResult result = experiment.run();
  CHECK(result.test.at("accuracy") == 1);
  // bad is class 0, and the vocabulary is in the file.
  keratin::Model model = keratin::load_model(path);
  const Tensor y = model.predict(
      Tensor(std::vector<std::string>{"a good film", "a bad film"}));
  CHECK(y.at(0) > 0.5);
  CHECK(y.at(1) < 0.5);
  // A file's model has its vocabulary: it is not adapted again.
  config["model"] = path;
  config["fit"]["epochs"] = 0;
  Experiment again(config, folder.path().string());
  CHECK(
      again.model().layers()[0].get_config().at("vocabulary_size") ==
      model.layers()[0].get_config().at("vocabulary_size"));
}

TEST_CASE("Classes of texts may be given, in any order") {
  const TempDir folder;
  write_reviews(folder);
  Config config = config_of(
      R"({"TextVectorization": {"output_mode": "count"}})",
      R"(, "classes": ["good", "bad"])");
  config["data"]["test_size"] = 0;
  Experiment experiment(config, folder.path().string());
  const keratin::ExperimentData& data = experiment.data();
  CHECK(data.train.y.at(0) == 0);
  CHECK(data.train.x.data<std::string>()[0] == "good film number 0\n");
}

TEST_CASE("A folder of texts that is none is refused") {
  const TempDir folder;
  const auto problem = [&](const Config& config) {
    return keratin::testing::message_of<keratin::InvalidArgument>(
        [&] { Experiment(config, folder.path().string()).data(); });
  };
  const Config config = config_of(R"({"TextVectorization": {}})");
  CHECK(
      problem(config) ==
      "[$.data.text_directory.path] expected a folder that "
      "can be read, got '" +
          (folder / "reviews").string() + "'");
  std::filesystem::create_directories(folder / "reviews");
  CHECK(
      problem(config).find("expected a folder with a folder per class") !=
      std::string::npos);
  write_reviews(folder);
  CHECK(
      problem(config_of(
          R"({"TextVectorization": {}})",
          R"(, "classes": ["good", "ugly"])")) ==
      "[$.data.text_directory] expected a folder for the class 'ugly', got "
      "none");
  Config standardized = config;
  standardized["data"]["standardize"] = true;
  CHECK(
      problem(standardized).find("expected numbers, got texts") !=
      std::string::npos);
}
