// Runs on folders of pictures: the parts of the data, training, errors.

#include <doctest/doctest.h>

#include <filesystem>
#include <set>
#include <string>
#include <vector>

#include <keratin/error.hpp>
#include <keratin/experiment.hpp>
#include <keratin/image.hpp>
#include <keratin/io/npy.hpp>

#include "tests/support/paths.hpp"
#include "tests/support/throws.hpp"

using keratin::Config;
using keratin::Experiment;
using keratin::Tensor;
using keratin::testing::TempDir;

namespace fs = std::filesystem;

namespace {

/// FOLDER/{dark,light}/0.png ...: a picture's number is its brightness.
void write_pictures(const fs::path& folder, int count) {
  for (const char* const label : {"dark", "light"}) {
    fs::create_directories(folder / label);
    for (int i = 0; i < count; ++i) {
      const int level = i + (label[0] == 'l' ? 200 : 10);
      keratin::utils::save_img(
          (folder / label / (std::to_string(i) + ".png")).string(),
          Tensor(
              std::vector<std::uint8_t>(
                  4 * 4 * 3, static_cast<std::uint8_t>(level)),
              {4, 4, 3}),
          {.scale = false});
    }
  }
}

Config config_of(const std::string& data, const std::string& fit = "") {
  return Config::parse(
      R"({"seed": 3, "data": {"image_dataset_from_directory": {
            "directory": "train", "image_size": [4, 4], "batch_size": 4)" +
      data + R"(}},
        "model": {"layers": [{"Rescaling": {"scale": 0.004}}, {"Flatten": {}},
            {"Dense": {"units": 2, "activation": "softmax"}}]},
        "compile": {"optimizer": {"Adam": {"learning_rate": 0.1}},
                    "loss": "sparse_categorical_crossentropy",
                    "metrics": ["accuracy"]},
        "fit": {"epochs": 10, "verbose": 0)" +
      fit + "}}");
}

struct Rows {
  std::vector<std::int64_t> batches;  // their sizes
  std::vector<double> first;          // pixel of each picture
  std::vector<double> labels;
};

Rows rows_of(const keratin::DataPart& part, std::int64_t epoch = 0) {
  Rows out;
  for (auto pass = part.batches->iterate(epoch); auto batch = pass.next();) {
    const Tensor x = batch->x.tensors()[0];
    const Tensor y = batch->y.tensors()[0];
    out.batches.push_back(x.shape()[0]);
    for (std::int64_t i = 0; i < x.shape()[0]; ++i) {
      out.first.push_back(x[i].at(0));
      out.labels.push_back(y.at(i));
    }
  }
  return out;
}

std::string problem(const Config& config, const TempDir& folder) {
  return keratin::testing::message_of<keratin::InvalidArgument>(
      [&] { Experiment(config, folder.path().string()).run(); });
}

}  // namespace

TEST_CASE("A config trains on folders of pictures") {
  const TempDir folder;
  write_pictures(folder / "train", 9);
  write_pictures(folder / "val", 3);
  write_pictures(folder / "test", 2);
  Config config =
      config_of(R"(, "validation_directory": "val", "test_directory": "test")");
  config["output"] =
      Config::object({{"predictions", (folder / "p.npy").string()}});
  Experiment experiment(config, folder.path().string());
  const keratin::ExperimentData& data = experiment.data();
  CHECK(
      rows_of(data.train).batches == std::vector<std::int64_t>{4, 4, 4, 4, 2});
  CHECK(rows_of(data.test).first == std::vector<double>{10, 11, 200, 201});
  CHECK(rows_of(data.test).labels == std::vector<double>{0, 0, 1, 1});
  const keratin::RunResult result = experiment.run();
  // The validation part is looked at without being asked for.
  CHECK(result.history["val_accuracy"].size() == 10);
  CHECK(result.history["val_accuracy"].back() == 1);
  CHECK(result.validation.at("accuracy") == 1);
  CHECK(result.test.at("accuracy") == 1);
  CHECK(
      keratin::io::load_npy((folder / "p.npy").string()).shape() ==
      keratin::Shape{4, 2});
}

TEST_CASE("Pictures are shuffled anew in every epoch, kept or not") {
  const TempDir folder;
  write_pictures(folder / "train", 9);
  const auto passes = [&](const std::string& more) {
    Experiment experiment(config_of(more), folder.path().string());
    const keratin::DataPart& train = experiment.data().train;
    return std::pair(rows_of(train, 0), rows_of(train, 1));
  };
  for (const char* const more :
       {R"(, "seed": 5)", R"(, "seed": 5, "cache": true)"}) {
    CAPTURE(more);
    const auto [first, second] = passes(more);
    CHECK(first.first != second.first);
    CHECK(
        std::multiset<double>(first.first.begin(), first.first.end()) ==
        std::multiset<double>(second.first.begin(), second.first.end()));
    CHECK(passes(more).second.first == second.first);
    for (std::size_t i = 0; i < first.first.size(); ++i) {
      CHECK((first.first[i] >= 200) == (first.labels[i] == 1));
    }
  }
  const auto [first, second] = passes(R"(, "shuffle": false, "cache": true)");
  CHECK(first.first == second.first);
  CHECK(first.first.front() == 10);
}

TEST_CASE("A share of the pictures is for validation, as Keras splits them") {
  const TempDir folder;
  write_pictures(folder / "train", 10);
  const auto data = [&](const std::string& more) {
    Experiment experiment(
        config_of(R"(, "validation_split": 0.25, "seed": 7)" + more),
        folder.path().string());
    return experiment.data();
  };
  const keratin::ExperimentData both = data("");
  const Rows train = rows_of(both.train);
  const Rows validation = rows_of(both.validation);
  CHECK(train.first.size() == 15);
  CHECK(validation.first.size() == 5);
  std::set<double> all(train.first.begin(), train.first.end());
  all.insert(validation.first.begin(), validation.first.end());
  CHECK(all.size() == 20);
  const keratin::ExperimentData one = data(R"(, "subset": "validation")");
  CHECK(one.validation.empty());
  const Rows only = rows_of(one.train);
  CHECK(
      std::set<double>(only.first.begin(), only.first.end()) ==
      std::set<double>(validation.first.begin(), validation.first.end()));
}

TEST_CASE("Layers adapt to pictures in folders") {
  const TempDir folder;
  write_pictures(folder / "train", 2);  // 10, 11, 200 and 201
  Config config = config_of("");
  config["model"]["layers"].as_array()[0] = Config("Normalization");
  config["model"]["layers"].as_array().insert(
      config["model"]["layers"].as_array().begin(),
      Config::parse(R"({"Rescaling": {"scale": 2}})"));
  Experiment experiment(config, folder.path().string());
  const std::vector<Tensor> weights =
      experiment.model().layers()[1].get_weights();
  CHECK(weights[0].at(0) == doctest::Approx(211));
}

TEST_CASE("What does not go with pictures in folders is refused") {
  const TempDir folder;
  CHECK(
      problem(config_of(""), folder) ==
      "[$.data.image_dataset_from_directory.directory] expected a folder that "
      "can be read, got '" +
          (folder / "train").string() + "'");
  write_pictures(folder / "train", 2);
  const auto told = [&](const std::string& data, const std::string& fit = "") {
    return problem(config_of(data, fit), folder);
  };
  const std::string where = "[$.data.image_dataset_from_directory";
  CHECK(
      told(R"(, "image_sise": [4, 4])") ==
      where +
          "] image_dataset_from_directory has no argument 'image_sise'; "
          "did you mean \"image_size\"?");
  CHECK(
      told(R"(, "interpolation": "bilinea")")
          .find("did you mean \"bilinear\"?") != std::string::npos);
  CHECK(
      told(R"(, "validation_split": 0.5)") ==
      where +
          ".seed] expected a number beside validation_split, so that the "
          "parts do not overlap, got none");
  CHECK(
      told(R"(, "subset": "training")") ==
      where +
          ".subset] expected validation_split beside it, got 'training' "
          "alone");
  CHECK(
      told(R"(, "test_directory": "tset")").find(".test_directory]") !=
      std::string::npos);
  CHECK(
      told("", R"(, "batch_size": 8)") ==
      "[$.fit.batch_size] expected none for pictures in folders; say "
      "$.data.image_dataset_from_directory.batch_size");
  CHECK(
      told("", R"(, "validation_data": "test")") ==
      "[$.fit.validation_data] the data have no test part; give its folder");
  Config config = config_of("");
  config["data"]["image_dataset_from_directory"]["image_size"] =
      Config::parse("[4]");
  CHECK(
      problem(config, folder) ==
      where +
          ".image_size] expected rows and columns, e.g. [224, 224], got "
          "[4]");
  config = config_of("");
  config["data"]["standardize"] = true;
  CHECK(
      problem(config, folder) ==
      "[$.data.standardize] expected false for pictures, got true; put a "
      "Rescaling or a Normalization into the model");
  config = config_of("");
  config["data"]["test_size"] = 3;
  CHECK(
      problem(config, folder) ==
      "[$.data.test_size] expected nothing beside "
      "image_dataset_from_directory, whose test_directory does that");
  // A class that a part lacks.
  write_pictures(folder / "val", 1);
  fs::remove_all(folder / "val/light");
  CHECK(
      told(R"(, "validation_directory": "val")").find("got \"light\"") !=
      std::string::npos);
}
