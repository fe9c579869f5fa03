// Where data of a config come from, and what is done with them on the way.

#include <doctest/doctest.h>

#include <cmath>
#include <filesystem>
#include <set>
#include <string>
#include <vector>

#include <keratin/data/augment.hpp>
#include <keratin/error.hpp>
#include <keratin/experiment.hpp>
#include <keratin/image.hpp>
#include <keratin/io/npy.hpp>
#include <keratin/io/tfrecord.hpp>
#include <keratin/layers.hpp>
#include <keratin/threads.hpp>

#include "tests/support/files.hpp"
#include "tests/support/paths.hpp"
#include "tests/support/throws.hpp"

namespace keratin {

using data::Dataset;
using data::Element;
using testing::message_of;
using testing::TempDir;

namespace {

/// A config on data of our own; `model` layers but the last.
Config config_of(
    const std::string& data,
    const std::string& fit = "",
    const std::string& layers = "{\"Flatten\": {}},",
    const std::string& loss = "sparse_categorical_crossentropy") {
  return Config::parse(
      R"({"seed": 3, "data": )" + data + R"(, "model": {"layers": [)" + layers +
      R"({"Dense": {"units": 2, "activation": "softmax"}}]},
          "compile": {"optimizer": "adam", "loss": ")" +
      loss + R"("}, "fit": {"epochs": 2, "verbose": 0)" + fit + "}}");
}

ExperimentData load(const TempDir& folder, const std::string& data) {
  return Experiment(config_of(data), folder.path().string()).data();
}

std::string problem(
    const TempDir& folder,
    const std::string& data,
    const std::string& fit = "") {
  return message_of<InvalidArgument>(
      [&] { Experiment(config_of(data, fit), folder.path().string()).run(); });
}

/// Twelve people in four families; column 1 is 0 where it is not known.
void write_table(const TempDir& folder) {
  std::string text = "family,weight,height,ill\n";
  for (int i = 0; i < 12; ++i) {
    text += "f" + std::to_string(i / 3) + "," +
            (i % 4 == 0 ? "0" : std::to_string(60 + i)) + "," +
            (i == 5 ? "NA" : std::to_string(150 + 2 * i)) + "," +
            (i % 3 == 0 ? "yes" : "no") + "\n";
  }
  testing::write_file(folder / "t.csv", text);
}

std::vector<double> losses_of(const RunResult& result) {
  for (const auto& [name, values] : result.history.history) {
    if (name == "loss") return values;
  }
  return {};
}

std::vector<Element> elements(const Dataset& dataset) {
  std::vector<Element> out;
  for (const Element& element : dataset) out.push_back(element);
  return out;
}

}  // namespace

TEST_CASE("Missing values of a table are found and filled in") {
  const TempDir folder;
  write_table(folder);
  const std::string csv = R"({"csv": {"path": "t.csv", "target": "ill",
      "features": ["weight", "height"],
      "missing_values": {"weight": ["0"]}})";
  const ExperimentData raw = load(folder, csv + "}");
  CHECK(std::isnan(raw.train.x[0].at(0)));
  CHECK(std::isnan(raw.train.x[5].at(1)));
  const ExperimentData filled = load(folder, csv + R"(, "impute": "mean"})");
  // The mean of 60 + i without 0, 4 and 8.
  CHECK(filled.train.x[4].at(0) == doctest::Approx(60 + 54.0 / 9));
  CHECK(filled.train.x[5].at(1) == doctest::Approx(150 + 2 * 61.0 / 11));
  CHECK(
      filled.train.y ==
      Tensor(std::vector<std::int64_t>{1, 0, 0, 1, 0, 0, 1, 0, 0, 1, 0, 0}));
  CHECK(
      problem(folder, R"({"csv": {"path": "t.csv", "target": "ill",
          "features": ["weight"], "missing_values": {"weigt": ["0"]}}})")
          .find("no feature is called 'weigt'; did you mean") !=
      std::string::npos);
  CHECK(
      problem(folder, csv + R"(, "impute": "mode"})").find("[$.data.impute]") !=
      std::string::npos);
}

TEST_CASE("A fold of a cross-validation is the test part") {
  const TempDir folder;
  write_table(folder);
  const std::string csv = R"({"csv": {"path": "t.csv", "target": "ill",
      "features": ["weight", "height"]}, "shuffle": false, "k_fold": )";
  std::set<double> tested;
  for (int fold = 0; fold < 3; ++fold) {
    const ExperimentData data = load(
        folder,
        csv + R"({"n_splits": 3, "fold": )" + std::to_string(fold) +
            R"(, "stratify": true}})");
    CHECK(data.test.y.shape()[0] == 4);
    CHECK(data.train.y.shape()[0] == 8);
    for (std::int64_t i = 0; i < 4; ++i) tested.insert(data.test.x[i].at(1));
  }
  CHECK(tested.size() >= 11);  // one of them is NaN
  const ExperimentData grouped =
      load(folder, csv + R"({"n_splits": 4, "fold": 1, "groups": "family"}})");
  CHECK(grouped.test.y.shape()[0] == 3);
  CHECK(grouped.test.x[0].at(1) + 4 == grouped.test.x[2].at(1));
  CHECK(
      problem(folder, csv + R"({"fold": 5}})") ==
      "[$.data.k_fold.fold] expected a number below n_splits, 5, got 5");
  CHECK(problem(folder, csv + R"({"n_splits": 13}})")
            .starts_with("[$.data.k_fold] [k_fold] expected n_splits from 2"));
  CHECK(problem(folder, R"({"name": "digits", "k_fold": {"groups": "x"}})")
            .starts_with("[$.data.k_fold.groups] expected a column of a csv"));
  CHECK(problem(folder, R"({"name": "digits", "k_fold": {}, "test_size": 0.5})")
            .starts_with("[$.data.test_size] expected nothing beside k_fold"));
}

TEST_CASE("Class weights come from counts when they are to be balanced") {
  const TempDir folder;
  write_table(folder);
  const std::string csv = R"({"csv": {"path": "t.csv", "target": "ill",
      "features": ["weight"]}, "standardize": true, "shuffle": false})";
  const auto losses = [&](const std::string& weights) {
    Experiment experiment(
        config_of(csv, ", \"shuffle\": false, \"class_weight\": " + weights),
        folder.path().string());
    return losses_of(experiment.run());
  };
  CHECK(losses("\"balanced\"") == losses(R"({"0": 0.75, "1": 1.5})"));
  CHECK(losses("\"balanced\"") != losses("null"));
  CHECK(
      problem(folder, csv, ", \"class_weight\": \"even\"")
          .find("expected an object of class and weight, or \"balanced\", got "
                "\"even\"") != std::string::npos);
}

TEST_CASE("A table is streamed in batches, classes and all") {
  const TempDir folder;
  write_table(folder);
  const std::string csv = R"({"csv": {"path": "t.csv", "target": "ill",
      "test_path": "t.csv", "features": ["height"], "stream": true,
      "batch_size": 5, "on_error": "skip"}})";
  const ExperimentData data = load(folder, csv);
  const auto batches = elements(*data.test.batches);
  REQUIRE(batches.size() == 3);
  CHECK(batches[0].x.tensors()[0].shape() == Shape{5, 1});
  CHECK(
      batches[0].y.tensors()[0] ==
      Tensor(std::vector<std::int64_t>{1, 0, 0, 1, 0}));
  CHECK(
      elements(*data.train.batches)[0].x.tensors()[0] !=
      batches[0].x.tensors()[0]);  // shuffled
  CHECK(
      problem(folder, csv, ", \"batch_size\": 5") ==
      "[$.fit.batch_size] expected none for data in batches; say "
      "$.data.csv.batch_size");
  CHECK(
      problem(folder, csv.substr(0, csv.size() - 1) + R"(, "test_size": 0.2})")
          .starts_with(
              "[$.data.test_size] expected nothing beside a csv that is "
              "streamed"));
  CHECK(problem(folder, R"({"csv": {"path": "t.csv", "target": "ill",
          "on_error": "skip"}})")
            .starts_with(
                "[$.data.csv.on_error] expected 'raise' for a csv that"));
}

TEST_CASE("Windows of a time series are split by time") {
  const TempDir folder;
  std::string text = "day,temp,rain\n";
  for (int i = 0; i < 20; ++i) {
    text += std::to_string(i) + "," + (i == 7 ? "NA" : std::to_string(10 * i)) +
            "," + std::to_string(i % 2) + "\n";
  }
  testing::write_file(folder / "s.csv", text);
  const std::string series = R"({"timeseries": {"path": "s.csv",
      "features": ["rain", "temp"], "target": "temp", "sequence_length": 3,
      "horizon": 2)";
  const ExperimentData data =
      load(folder, series + R"(, "missing": "previous"}, "test_size": 0.25})");
  CHECK(data.train.x.shape() == Shape{12, 3, 2});
  CHECK(data.test.x.shape() == Shape{4, 3, 2});
  CHECK(
      data.train.x[2] ==
      Tensor(std::vector<float>{0, 20, 1, 30, 0, 40}, {3, 2}));
  CHECK(data.train.y.at(2) == 60);
  CHECK(data.train.y.at(3) == 60);  // the one before, as day 7 has none
  CHECK(data.test.y.at(3) == 190);
  const ExperimentData scaled =
      load(folder, series + R"(, "missing": "previous"}, "test_size": 0.25,
          "standardize": true})");
  CHECK(
      scaled.train.x[2].at(1) - scaled.train.x[2].at(3) ==
      doctest::Approx(scaled.train.x[3].at(1) - scaled.train.x[3].at(3)));
  CHECK(std::abs(scaled.train.y.at(5)) < 2);
  CHECK(
      problem(folder, series + "}}") ==
      "[$.data.timeseries] row 8 of column 'temp' has no value; say "
      "\"missing\": \"previous\" to take the one before");
  CHECK(
      problem(folder, series + R"(, "missing": "previous",
          "sampling_rate": 10}})")
          .find("expected more than 22 rows for a window, got 20") !=
      std::string::npos);
}

TEST_CASE("Examples of TFRecord files and lists of pictures train a model") {
  const TempDir folder;
  const auto picture = [](int level) {
    return Tensor(
        std::vector<std::uint8_t>(4 * 4 * 3, static_cast<std::uint8_t>(level)),
        {4, 4, 3});
  };
  std::string list = "path,label\n";
  io::TfRecordWriter writer((folder / "x.tfrecord").string());
  for (int i = 0; i < 8; ++i) {
    const std::string name = std::to_string(i) + ".png";
    utils::save_img(
        (folder / name).string(),
        picture(i % 2 == 0 ? i : 240 + i),
        {.scale = false});
    list += name + (i % 2 == 0 ? ",dark\n" : ",light\n");
    writer.write(io::serialize_tf_example(
        {{"picture",
          Tensor(std::vector<std::string>{testing::read_file(folder / name)})},
         {"label", Tensor(std::vector<std::int64_t>{i % 2})}}));
  }
  writer.close();
  testing::write_file(folder / "list.csv", list);
  for (const std::string& data :
       {std::string(R"({"tfrecord": {"files": ["x.tfrecord"],
            "test_files": ["x.tfrecord"], "batch_size": 4,
            "x": {"name": "picture", "shape": [4, 4, 3], "picture": true},
            "y": {"name": "label", "dtype": "int64"}}})"),
        std::string(R"({"image_list": {"path": "list.csv",
            "test_path": "list.csv", "image_size": [4, 4], "batch_size": 4}})"),
        std::string(R"({"image_list": {"path": "list.csv", "seed": 1,
            "image_size": [4, 4], "batch_size": 4, "cache": true,
            "validation_split": 0.5}, "augment": [{"RandomFlip": {}}]})")}) {
    CAPTURE(data);
    Experiment experiment(
        config_of(
            data,
            ", \"validation_freq\": 20",
            R"({"Rescaling": {"scale": 0.004}}, {"Flatten": {}},)"),
        folder.path().string());
    const ExperimentData& parts = experiment.data();
    CHECK(elements(*parts.last().batches).size() >= 1);
    const RunResult result = experiment.run();
    CHECK(losses_of(result).size() == 2);
  }
  CHECK(
      problem(folder, R"({"tfrecord": {"files": ["x.tfrecord"],
          "x": {"name": "picture", "picture": true},
          "y": {"name": "label"}}})")
          .find("expected rows, columns and 1, 3 or 4 channels") !=
      std::string::npos);
}

TEST_CASE("Arrays and folders go through layers in the pipeline") {
  const TempDir folder;
  const std::string data = R"({"name": "digits", "one_hot": true,
      "batch_size": 50, "augment": [{"Reshape": {"target_shape": [8, 8, 1]}},
          {"RandomTranslation": {"height_factor": 0.1, "width_factor": 0.1}},
          {"MixUp": {"alpha": 0.4}}]})";
  const ExperimentData mixed = load(folder, data);
  REQUIRE(mixed.train.batches);
  CHECK_FALSE(mixed.test.batches);  // looked at as it is
  const auto batches = elements(*mixed.train.batches);
  CHECK(batches.size() == 29);
  CHECK(batches[0].x.tensors()[0].shape() == Shape{50, 8, 8, 1});
  const Tensor& labels = batches[0].y.tensors()[0];
  bool between = false;
  for (std::int64_t row = 0; row < 50; ++row) {
    double sum = 0;
    for (std::int64_t c = 0; c < 10; ++c) {
      const double value = labels[row].at(c);
      sum += value;
      between = between || (value > 0.01 && value < 0.99);
    }
    CHECK(sum == doctest::Approx(1));
  }
  CHECK(between);
  CHECK(
      problem(
          folder, R"({"name": "digits", "augment": [{"Dense": {"units": 2}}]})")
          .find("expected layers without weights") != std::string::npos);
  CHECK(problem(folder, R"({"name": "digits", "augment": []})")
            .starts_with("[$.data.augment] expected a list of layers"));
  CHECK(
      problem(folder, data, ", \"batch_size\": 5") ==
      "[$.fit.batch_size] expected none for data in batches; say "
      "$.data.batch_size");
}

TEST_CASE("What augment draws depends on the seed, not on threads") {
  const Tensor images = Tensor::full(DType::f32, {24, 6, 6, 3}, 100);
  const Tensor labels = Tensor::full(DType::f32, {24, 2}, 0.5);
  const Dataset batches = Dataset::from_tensor_slices(images, labels).batch(4);
  const std::vector<Layer> chosen = {
      layers::RandAugment(), layers::CutMix(), layers::RandomBrightness(0.2)};
  const auto drawn = [&](std::optional<std::int64_t> threads,
                         std::uint64_t seed,
                         std::int64_t epoch) {
    std::vector<Tensor> out;
    const Dataset dataset = data::augment(
        batches, chosen, {.num_parallel_calls = threads, .seed = seed});
    for (auto pass = dataset.iterate(epoch); auto element = pass.next();) {
      out.push_back(element->x.tensors()[0]);
    }
    return out;
  };
  const std::vector<Tensor> once = drawn({}, 7, 0);
  REQUIRE(once.size() == 6);
  CHECK(once[0] != once[1]);
  CHECK(drawn({}, 7, 0) == once);
  CHECK(drawn(1, 7, 0) == once);
  CHECK(drawn(4, 7, 0) == once);
  CHECK(drawn(4, 7, 1) != once);
  CHECK(drawn(4, 8, 0) != once);
  // A pass goes on with what would have come.
  const Dataset dataset = data::augment(batches, chosen, {.seed = 7});
  auto pass = dataset.iterate();
  for (int i = 0; i < 4; ++i) pass.next();
  CHECK(dataset.resume(pass.state()).next()->x.tensors()[0] == once[4]);
}

}  // namespace keratin
