// `keratin predict` on pictures.

#include <doctest/doctest.h>

#include <filesystem>
#include <sstream>
#include <string>
#include <vector>

#include "tests/cli/run_program.hpp"
#include "tests/support/files.hpp"
#include "tests/support/paths.hpp"
#include "tests/support/skip.hpp"

namespace fs = std::filesystem;
using keratin::testing::has;
using keratin::testing::Outcome;
using keratin::testing::run;

TEST_CASE("predict names what is on pictures") {
  const fs::path data = keratin::testing::data_dir();
  const fs::path model =
      data / "weights/mobilenet_v1_0.25_224_imagenet_full.h5";
  const fs::path table = data / "images/imagenet40.csv";
  if (!fs::exists(model) || !fs::exists(table)) {
    KERATIN_SKIP("no MobileNet and pictures in " + data.string());
  }
  // file, class, name, the reference's class, its name, its probability, ...
  std::istringstream lines(keratin::testing::read_file(table));
  std::string line;
  std::getline(lines, line);
  std::string pictures;
  std::vector<std::string> names;
  while (std::getline(lines, line)) {
    std::istringstream fields(line);
    std::vector<std::string> field;
    for (std::string text; std::getline(fields, text, ',');) {
      field.push_back(text);
    }
    REQUIRE(field.size() == 7);
    // One name has an apostrophe.
    const fs::path file = fs::path(field[0]).filename();
    pictures += " \"" + (data / "images/imagenet40" / file).string() + "\"";
    names.push_back(field[4]);
  }
  CHECK(names.size() == 40);
  const Outcome outcome = run(
      "predict --weights '" + model.string() + "' --top 1 --class-index '" +
      (data / "weights/imagenet_class_index.json").string() + "'" + pictures);
  CHECK(outcome.code == 0);
  std::istringstream output(outcome.text);
  std::size_t seen = 0;
  for (std::string text; std::getline(output, text);) {
    if (!text.starts_with("   1  ") || seen >= names.size()) continue;
    CAPTURE(text);
    CHECK(text.find("  " + names[seen] + " ") != std::string::npos);
    ++seen;
  }
  CHECK(seen == 40);
}

TEST_CASE("predict says what it needs to look at pictures") {
  const Outcome none = run("predict");
  CHECK(none.code == 2);
  CHECK(has(none, "expected a model: a file, or --application NAME"));
  const Outcome both = run("predict a.keras b.keras");
  CHECK(both.code == 2);
  CHECK(
      has(both,
          "expected pictures (.jpg, .png, .gif, .bmp) beside the "
          "model, got 'b.keras'"));
  const Outcome what = run("predict a.keras");
  CHECK(what.code == 2);
  CHECK(
      has(what, "expected pictures to look at, or --data DATA, and not both"));
}

TEST_CASE("predict finds the width of an architecture by its weights") {
  const fs::path data = keratin::testing::data_dir();
  const fs::path weights =
      data / "weights/mobilenet_v1_0.25_224_imagenet_full.h5";
  const fs::path pictures = data / "images/imagenet40";
  if (!fs::exists(weights) || !fs::exists(pictures)) {
    KERATIN_SKIP("no MobileNet and pictures in " + data.string());
  }
  const std::string picture = fs::directory_iterator(pictures)->path().string();
  const std::string rest =
      " --top 1 --class-index '" +
      (data / "weights/imagenet_class_index.json").string() + "' --weights '" +
      weights.string() + "' '" + picture + "'";
  const Outcome whole = run("predict" + rest);
  REQUIRE(whole.code == 0);
  const Outcome found = run("predict --application MobileNet" + rest);
  CAPTURE(found.text);
  CHECK(found.code == 0);
  CHECK(found.text == whole.text);
  const Outcome said =
      run("predict --application MobileNet --set alpha=0.25" + rest);
  CHECK(said.text == whole.text);
  const Outcome wrong =
      run("predict --application MobileNet --set alpha=0.5" + rest);
  CHECK(wrong.code == 2);
  CHECK(has(wrong, "weights do not fit"));
  const Outcome other =
      run("predict --application MobileNet --set classes=10" + rest);
  CHECK(other.code == 2);
  CHECK(has(other, "nor do they fit another published alpha"));
}

TEST_CASE("predict checks the arguments of an architecture") {
  const auto refused = [](const std::string& arguments) {
    const Outcome outcome =
        run("predict --application MobileNet " + arguments + " a.jpg");
    CHECK(outcome.code == 2);
    return outcome;
  };
  CHECK(
      has(refused("--set alpa=1"),
          "MobileNet has no argument 'alpa'; did you mean \"alpha\"?"));
  CHECK(has(refused("--set alpha"), "expected PATH=VALUE, as in alpha=0.25"));
  CHECK(has(refused("--set weights=a.h5"), "say --weights FILE"));
  CHECK(has(refused("--set include_top=false"), "cannot set include_top"));
  const Outcome alone = run("predict --set alpha=1 --weights a.h5 a.jpg");
  CHECK(alone.code == 2);
  CHECK(has(alone, "[--set] expected --application beside it"));
}
