// keratin data: what it says of data, good and bad.

#include <doctest/doctest.h>

#include <filesystem>
#include <string>

#include <keratin/config.hpp>
#include <keratin/image.hpp>

#include "tests/cli/run_program.hpp"
#include "tests/support/files.hpp"
#include "tests/support/paths.hpp"

namespace fs = std::filesystem;
using keratin::Config;
using keratin::Tensor;
using keratin::testing::has;
using keratin::testing::Outcome;
using keratin::testing::run_in;
using keratin::testing::TempDir;

namespace {

std::string config_of(const std::string& data) {
  return R"({"data": )" + data + R"(, "model": {"layers": [{"Flatten": {}},
      {"Dense": {"units": 2, "activation": "softmax"}}]},
      "compile": {"optimizer": "sgd",
                  "loss": "sparse_categorical_crossentropy"}})";
}

/// DIR/{dark,light}: five pictures, and one that is none.
void write_pictures(const fs::path& folder) {
  for (const char* const label : {"dark", "light"}) {
    fs::create_directories(folder / label);
    for (int i = 0; i < 5; ++i) {
      keratin::utils::save_img(
          (folder / label / (std::to_string(i) + ".png")).string(),
          Tensor(
              std::vector<std::uint8_t>(
                  4 * 4 * 3,
                  static_cast<std::uint8_t>(label[0] == 'd' ? 10 : 200)),
              {4, 4, 3}),
          {.scale = false});
    }
  }
  keratin::testing::write_file(folder / "dark/bad.png", "no picture");
}

}  // namespace

TEST_CASE("keratin data tells shapes, classes, ranges and bad files") {
  const TempDir folder;
  write_pictures(folder / "train");
  keratin::testing::write_file(
      folder / "c.json",
      config_of(R"({"image_dataset_from_directory": {"directory": "train",
          "image_size": [4, 4], "batch_size": 4}})"));
  const Outcome outcome =
      run_in(folder.path(), "data c.json --samples sheet.png");
  CAPTURE(outcome.text);
  CHECK(outcome.code == 0);
  CHECK(has(outcome, "train: 10 examples in 3 batches"));
  CHECK(has(outcome, "x  float32[4,4,4,3], [2,4,4,3]  10 to 200, mean 105"));
  CHECK(has(outcome, "y  int32[4], [2]  0 to 1, mean 0.5"));
  CHECK(has(outcome, "2 classes: 0: 5 1: 5"));
  CHECK(has(outcome, "left out: 1"));
  CHECK(has(outcome, "bad.png: expected a JPEG, PNG, GIF or BMP picture"));
  CHECK(has(outcome, "examples a second"));
  CHECK(has(outcome, "load pictures on "));
  const Tensor sheet =
      keratin::utils::load_img((folder / "sheet.png").string());
  CHECK(sheet.shape() == keratin::Shape{2 * 6 - 2, 8 * 6 - 2, 3});
  const double first = sheet[0][0].at(0);
  CHECK((first == 10 || first == 200));
  CHECK(sheet[4][0].at(0) == 255);  // between two pictures
}

TEST_CASE("keratin data finds missing values and prints JSON") {
  const TempDir folder;
  keratin::testing::write_file(
      folder / "t.csv", "a,b,c\n1,2,x\n3,NA,y\n5,6,x\n");
  keratin::testing::write_file(
      folder / "c.json",
      config_of(R"({"csv": {"path": "t.csv", "target": "c"}})"));
  const Outcome text = run_in(folder.path(), "data c.json");
  CAPTURE(text.text);
  CHECK(has(text, "x  float32[3,2]  1 to 6, mean 3.4  1 missing (NaN)"));
  CHECK(has(text, "2 classes: 0: 2 1: 1"));

  const Outcome json = run_in(folder.path(), "data c.json --json");
  CHECK(json.code == 0);
  // Behind the warning of missing values.
  const Config report =
      Config::parse(json.text.substr(json.text.find("\n{") + 1));
  const Config& part = report.at("parts").as_array()[0];
  CHECK(part.at("part").as_string() == "train");
  CHECK(part.at("examples").as_int() == 3);
  const Config& x = part.at("tensors").as_array()[0];
  CHECK(x.at("missing").as_int() == 1);
  CHECK(x.at("max").as_number() == 6);
  const Config& y = part.at("tensors").as_array()[1];
  CHECK(y.at("classes").at("0").as_int() == 2);
  CHECK(part.at("stages").size() == 2);

  const Outcome wrong = run_in(folder.path(), "data c.json --samples s.png");
  CHECK(wrong.code == 2);
  CHECK(has(wrong, "[--samples] expected pictures"));
  CHECK(run_in(folder.path(), "data none.json").code == 1);
}

TEST_CASE("keratin data looks at so many batches as it is told to") {
  const TempDir folder;
  keratin::testing::write_file(
      folder / "c.json", config_of(R"({"name": "digits"})"));
  const Outcome some =
      run_in(folder.path(), "data c.json --batches 2 --set data.seed=3");
  CAPTURE(some.text);
  CHECK(has(some, "train: 64 examples in 2 batches"));
  CHECK(has(some, "test: 64 examples in 2 batches"));
}
