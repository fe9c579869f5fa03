// Whole runs: data, training, outputs.

#include <doctest/doctest.h>
#include <fcntl.h>
#include <unistd.h>

#include <filesystem>
#include <sstream>
#include <string>

#include <keratin/error.hpp>
#include <keratin/experiment.hpp>
#include <keratin/io/npy.hpp>

#include "tests/support/files.hpp"
#include "tests/support/paths.hpp"

using keratin::Config;
using keratin::Experiment;
using keratin::Tensor;

namespace fs = std::filesystem;

namespace {

Config linear_config(const std::string& data) {
  return Config::parse(R"({"seed": 3, "data": )" + data + R"(,
        "model": {"layers": [{"Dense": {"units": 1}}]},
        "compile": {"optimizer": {"SGD": {"learning_rate": 0.001}}, "loss": "mse"},
        "fit": {"epochs": 3, "batch_size": 2, "verbose": 0}})");
}

}  // namespace

TEST_CASE("A run writes the model, the history and the predictions") {
  const keratin::testing::TempDir folder;
  const auto path = [&](const char* name) {
    return (folder / "out" / name).string();
  };
  Config config = linear_config(R"({"name": "breast_cancer",
    "standardize": true, "test_size": 100})");
  config["output"] = Config::object(
      {{"model", path("m.keras")},
       {"weights", path("m.weights.h5")},
       {"history", path("h.csv")},
       {"predictions", path("p.npy")}});
  Experiment experiment(config);
  std::ostringstream out;
  const keratin::RunResult result = experiment.run({.out = &out});

  CHECK(result.history["loss"].size() == 3);
  CHECK(result.history["loss"][2] < result.history["loss"][0]);
  CHECK(result.test.at("loss") > 0);
  CHECK(out.str().find("Total params: 31") != std::string::npos);
  const std::string history = keratin::testing::read_file(path("h.csv"));
  CHECK(history.starts_with("epoch,loss\n0,"));
  const Tensor predictions = keratin::io::load_npy(path("p.npy"));
  CHECK(predictions.shape() == keratin::Shape{100, 1});
  // What was saved predicts the same.
  keratin::Model saved = keratin::load_model(path("m.keras"));
  CHECK(saved.predict(experiment.data().test.x) == predictions);
  CHECK(fs::exists(path("m.weights.h5")));
}

TEST_CASE("The seed makes runs equal") {
  const auto run = [] {
    Experiment experiment(linear_config(R"({"name": "breast_cancer",
      "standardize": true})"));
    return experiment.run().history["loss"];
  };
  CHECK(run() == run());
}

TEST_CASE("A CSV file gives columns by name") {
  const keratin::testing::TempDir folder;
  keratin::testing::write_file(
      folder / "table.csv",
      "a,b,kind,price\n1,2,cat,0.5\n3,4,dog,1.5\n5,6,cat,2.5\n7,8,dog,3\n");
  const std::string where = folder.path().string();

  Experiment prices(
      linear_config(R"({"csv": {"path": "table.csv", "target": "price",
                         "features": ["a", "b"]}})"),
      where);
  CHECK(prices.data().train.x.shape() == keratin::Shape{4, 2});
  CHECK(prices.data().train.y.dtype() == keratin::DType::f32);
  CHECK_FALSE(prices.data().has_test());

  // Without features all other columns count, and a text among them is said.
  Experiment all(
      linear_config(R"({"csv": {"path": "table.csv", "target": "price"}})"),
      where);
  CHECK_THROWS_WITH_AS(
      all.data(),
      doctest::Contains("expected a number, got 'cat'; list the columns to use "
                        "under csv.features"),
      keratin::InvalidArgument);

  Experiment kinds(
      linear_config(R"({"csv": {"path": "table.csv", "target": "kind",
                         "features": ["b"]}, "test_size": 2})"),
      where);
  CHECK(kinds.data().train.x.shape() == keratin::Shape{2, 1});
  CHECK(kinds.data().test.y.dtype() == keratin::DType::i64);

  Experiment wrong(
      linear_config(R"({"csv": {"path": "table.csv", "target": "pric"}})"),
      where);
  CHECK_THROWS_WITH_AS(
      wrong.data(),
      doctest::Contains("did you mean \"price\"?"),
      keratin::InvalidArgument);
}

TEST_CASE("Missing numbers of a CSV file are said with rows and columns") {
  const keratin::testing::TempDir folder;
  keratin::testing::write_file(
      folder / "t.csv", "a,b,c,y\n1,2,3,0\n1,,3,1\n,nan,3,0\n1,2,3,1\n");
  Experiment experiment(
      linear_config(R"({"csv": {"path": "t.csv", "target": "y"}})"),
      folder.path().string());
  // Warnings go to the standard error.
  const fs::path log = folder / "log";
  const int before = ::dup(2);
  const int file = ::open(log.c_str(), O_WRONLY | O_CREAT, 0600);
  ::dup2(file, 2);
  experiment.data();
  ::dup2(before, 2);
  ::close(before);
  ::close(file);
  const std::string text = keratin::testing::read_file(log);
  CAPTURE(text);
  CHECK(
      text.find("[t.csv] 2 of 4 rows lack a number (the first: row 2), in 2 of "
                "3 columns: 'a' (1), 'b' (2); they read as NaN") !=
      std::string::npos);
}

TEST_CASE("An .npz file gives arrays by name") {
  const keratin::testing::TempDir folder;
  keratin::io::save_npz(
      (folder / "a.npz").string(),
      {{"x_train", Tensor(std::vector<float>{1, 2, 3, 4}, {2, 2})},
       {"y_train", Tensor(std::vector<float>{1, 2})},
       {"x_test", Tensor(std::vector<float>{1, 2}, {1, 2})},
       {"y_test", Tensor(std::vector<float>{1})}});
  const std::string where = folder.path().string();
  Experiment experiment(linear_config(R"({"npz": {"path": "a.npz"}})"), where);
  CHECK(experiment.data().train.x.shape() == keratin::Shape{2, 2});
  CHECK(experiment.data().test.y.shape() == keratin::Shape{1});
  Experiment wrong(
      linear_config(R"({"npz": {"path": "a.npz", "x": "x_tran"}})"), where);
  CHECK_THROWS_WITH_AS(
      wrong.data(),
      "[$.data.npz.x] the file has no array 'x_tran'; did you mean "
      "\"x_train\"?",
      keratin::InvalidArgument);
}

TEST_CASE("The digits are split the same way every time, by class") {
  const keratin::ExperimentData data = keratin::load_named_data("digits");
  CHECK(data.train.x.shape() == keratin::Shape{1437, 8, 8});
  CHECK(data.test.x.shape() == keratin::Shape{360, 8, 8});
  std::vector<int> counts(10);
  for (const std::int64_t label : data.test.y.to_vector<std::int64_t>()) {
    ++counts[static_cast<std::size_t>(label)];
  }
  for (const int count : counts) {
    CHECK(count >= 35);
    CHECK(count <= 37);
  }
  CHECK(keratin::load_named_data("digits").test.x == data.test.x);
}
