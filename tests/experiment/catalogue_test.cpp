#include <doctest/doctest.h>

#include <filesystem>

#include <keratin/error.hpp>
#include <keratin/experiment.hpp>
#include <keratin/info.hpp>

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

TEST_CASE("Every config of the examples is taken") {
  const auto folder = keratin::testing::source_dir() / "examples";
  int count = 0;
  for (const auto& entry : std::filesystem::directory_iterator(folder)) {
    if (entry.path().extension() != ".json") continue;
    // Its texts are not shipped; examples.review_polarity runs it.
    if (entry.path().filename() == "review_polarity.json") continue;
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
