#include <doctest/doctest.h>

#include <filesystem>
#include <set>
#include <string>

#include <keratin/error.hpp>
#include <keratin/experiment.hpp>
#include <keratin/info.hpp>

#include "tests/support/files.hpp"
#include "tests/support/paths.hpp"

using keratin::Config;

TEST_CASE("The catalogue has every kind, each with arguments and defaults") {
  for (const std::string& kind : keratin::catalogue_kinds()) {
    CAPTURE(kind);
    CHECK(keratin::catalogue(kind).size() > 0);
  }
  const Config dense = keratin::catalogue("layers").at("Dense");
  CHECK(dense.at("required") == Config::array({"units"}));
  CHECK(dense.at("properties").at("use_bias").at("default") == Config(true));
  const Config adam = keratin::catalogue("optimizers").at("Adam");
  CHECK(
      adam.at("properties").at("learning_rate").at("default") == Config(0.001));
}

TEST_CASE("An unknown kind is refused with the nearest") {
  CHECK_THROWS_WITH_AS(
      keratin::catalogue("layer"),
      doctest::Contains("did you mean \"layers\"?"),
      keratin::InvalidArgument);
}

TEST_CASE("The schema knows the parts of a config and every layer") {
  const Config schema = keratin::experiment_schema();
  CHECK(
      schema.at("$schema").as_string() ==
      "https://json-schema.org/draft/2020-12/schema");
  CHECK(schema.at("required") == Config::array({"data", "model", "compile"}));
  for (const char* part : {"data", "model", "compile", "fit", "output"}) {
    CHECK(schema.at("properties").contains(part));
  }
  const Config& layer = schema.at("$defs").at("layer").at("anyOf");
  CHECK(layer.as_array()[1].at("properties").contains("Conv2D"));
  // Every reference leads somewhere.
  const std::string text = schema.dump();
  const std::string mark = "\"$ref\": \"#/$defs/";
  std::size_t count = 0;
  for (std::size_t at = text.find(mark); at != std::string::npos;
       at = text.find(mark, at + 1)) {
    const std::size_t begin = at + mark.size();
    const std::string name = text.substr(begin, text.find('"', begin) - begin);
    CAPTURE(name);
    CHECK(schema.at("$defs").contains(name));
    ++count;
  }
  CHECK(count > 50);
}

namespace {

/// What is wrong with this argument of compile; empty when it is taken.
std::string compile_error(const std::string& key, const Config& value) {
  Config config = Config::parse(R"({
    "data": {"name": "digits"},
    "model": {"layers": [{"Flatten": {}}, {"Dense": {"units": 10}}]},
    "compile": {"loss": "mse"}})");
  config["compile"][key] = value;
  try {
    keratin::Experiment{config};
  } catch (const keratin::InvalidArgument& error) {
    return error.what();
  }
  return "";
}

}  // namespace

TEST_CASE("Schema, reader and guide know the same arguments of compile") {
  const std::string guide = keratin::testing::read_file(
      keratin::testing::source_dir() / "docs/json_config.md");
  const std::size_t row = guide.find("| `compile` |");
  REQUIRE(row != std::string::npos);
  const std::string line = guide.substr(row, guide.find('\n', row) - row);
  const Config schema = keratin::experiment_schema();
  const Config& known = schema.at("properties").at("compile").at("properties");
  CHECK(known.size() > 5);
  for (const auto& entry : known.as_object()) {
    const auto& key = entry.first;
    CAPTURE(key);
    CHECK(line.find("`" + key + "`") != std::string::npos);
    const std::string error = compile_error(key, "banana");
    CAPTURE(error);
    CHECK_FALSE(error.empty());
    CHECK(error.find("has no argument") == std::string::npos);
  }
}

TEST_CASE("jit_compile is a flag or \"auto\"") {
  for (const Config& good : {Config(true), Config(false), Config("auto")}) {
    CHECK(compile_error("jit_compile", good) == "");
  }
  CHECK(
      compile_error("jit_compile", "banana") ==
      "[$.compile.jit_compile] expected true, false or \"auto\", got "
      "\"banana\"");
}

TEST_CASE("Every config of the examples is taken") {
  const auto folder = keratin::testing::source_dir() / "examples";
  int count = 0;
  for (const auto& entry : std::filesystem::directory_iterator(folder)) {
    if (entry.path().extension() != ".json") continue;
    // Their data are not shipped; tests of their own run them.
    const std::string name = entry.path().filename().string();
    const std::set<std::string> elsewhere = {
        "ants_and_bees.json",
        "beijing_pollution.json",
        "cifar10_resnet20.json",
        "pima_diabetes.json",
        "resnet20.json",  // a model
        "review_polarity.json"};
    if (elsewhere.contains(name)) continue;
    CAPTURE(entry.path().string());
    CHECK_NOTHROW(keratin::Experiment::from_file(entry.path().string()));
    ++count;
  }
  CHECK(count >= 3);
}

TEST_CASE("The information names backends, libraries and settings") {
  const Config info = keratin::system_info();
  CHECK(info.at("version").as_string() == keratin::version());
  bool reference = false;
  for (const Config& backend : info.at("backends").as_array()) {
    if (backend.at("name").as_string() != "reference") continue;
    reference = backend.at("available").as_bool();
  }
  CHECK(reference);
  CHECK(info.at("libraries").contains("oneDNN"));
  CHECK(info.at("settings").contains("KERATIN_LOG"));
}
