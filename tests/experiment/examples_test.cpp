// The configs of examples/ on real data, where these are there, for a few
// epochs.

#include <doctest/doctest.h>

#include <cmath>
#include <filesystem>
#include <string>
#include <vector>

#include <keratin/experiment.hpp>

#include "tests/support/paths.hpp"
#include "tests/support/skip.hpp"

namespace keratin {

namespace {

using Overrides = std::vector<std::pair<std::string, Config>>;

Experiment example(const std::string& name, Overrides overrides) {
  overrides.emplace_back("output", Config());  // nothing is written
  overrides.emplace_back("fit.verbose", Config(0));
  return Experiment::from_file(
      (testing::source_dir() / "examples" / name).string(), overrides);
}

}  // namespace

TEST_CASE("Pima diabetes is learnt from a table with missing values") {
  const auto file =
      testing::data_dir() / "datasets/tabular/pima-indians-diabetes.csv";
  if (!std::filesystem::exists(file)) {
    KERATIN_SKIP("no datasets/tabular under KERATIN_DATA");
  }
  double accuracy = 0;
  for (std::int64_t fold = 0; fold < 5; ++fold) {
    Experiment experiment = example(
        "pima_diabetes.json",
        {{"data.csv.path", file.string()},
         {"data.k_fold.fold", fold},
         {"fit.epochs", 20}});
    for (const float value : experiment.data().train.x.data<float>()) {
      REQUIRE(std::isfinite(value));
    }
    accuracy += experiment.run().test.at("accuracy") / 5;
  }
  // 0.65 of the women are healthy; scikit-learn's logistic regression: 0.76.
  CHECK(accuracy > 0.71);
}

TEST_CASE("An LSTM tells Beijing's pollution better than its last value") {
  const auto file = testing::data_dir() / "datasets/timeseries/pollution.csv";
  if (!std::filesystem::exists(file)) {
    KERATIN_SKIP("no datasets/timeseries under KERATIN_DATA");
  }
  Experiment experiment = example(
      "beijing_pollution.json",
      {{"data.timeseries.path", file.string()},
       {"data.timeseries.sequence_stride", 3},
       {"compile.optimizer", "adam"},
       {"fit.epochs", 3}});
  const DataPart& test = experiment.data().test;
  const std::int64_t windows = test.y.shape()[0];
  CHECK(windows > 2000);
  double squares = 0;
  for (std::int64_t i = 0; i < windows; ++i) {
    // The first feature is the target; scaled by the same numbers.
    const double last = test.x[i][23].at(0);
    squares += std::pow(test.y.at(i) - last, 2);
  }
  const double of_last_value = squares / static_cast<double>(windows);
  const double of_model = experiment.run().test.at("loss");
  CAPTURE(of_last_value);
  CHECK(of_model < 0.95 * of_last_value);
}

}  // namespace keratin
