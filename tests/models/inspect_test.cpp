// What inspect_file says of files that cannot be loaded, and of odd ones that
// can (tests/data/make_keras_files.py).

#include <doctest/doctest.h>

#include <string>

#include <keratin/error.hpp>
#include <keratin/files.hpp>
#include <keratin/layers.hpp>
#include <keratin/model.hpp>

#include "tests/support/files.hpp"
#include "tests/support/paths.hpp"

using namespace keratin;          // NOLINT
using namespace keratin::layers;  // NOLINT
using keratin::testing::TempDir;

namespace {

std::string file(const std::string& name) {
  return testing::fixture("keras_files/" + name).string();
}

/// The messages of the checks that fail.
std::string failures(const Config& report) {
  std::string text;
  for (const Config& check : report.at("checks").as_array()) {
    if (check.at("ok").as_bool()) continue;
    text += check.at("check").as_string() + ": " +
            check.at("message").as_string() + "\n";
  }
  return text;
}

/// Those for an architecture.
std::string failures_of(const Config& model) {
  const TempDir dir;
  const std::string path = (dir / "model.json").string();
  testing::write_file(path, model.dump());
  return failures(inspect_file(path));
}

/// x, a Dense and a Dense.
Config chain() {
  const SymbolicTensor x = Input({4}, {.name = "x"});
  const auto h = Dense(4, {.name = "a"})(x);
  return Config::parse(Model(x, Dense(4, {.name = "b"})(h)).to_json());
}

Config& layer_of(Config& model, std::size_t index) {
  return model["config"]["layers"].as_array()[index];
}

bool has(const std::string& text, const char* part) {
  return text.find(part) != std::string::npos;
}

}  // namespace

TEST_CASE("inspect finds nothing wrong with what loads") {
  CHECK(failures_of(chain()).empty());
  for (const char* name :
       {"unbuilt_Adam.keras", "keras2_after.keras", "training_base.h5"}) {
    CAPTURE(name);
    CHECK(failures(inspect_file(file(name))).empty());
  }
  const TempDir dir;
  const Sequential model({Input({4}), Dense(3)});
  for (const char* name : {"m.weights.h5", "m_weights.h5"}) {
    CAPTURE(name);
    model.save_weights((dir / name).string());
    CHECK(failures(inspect_file((dir / name).string())).empty());
  }
}

TEST_CASE("inspect says why a config makes no model") {
  Config cycle = chain();
  layer_of(cycle, 1)["inbound_nodes"]
      .as_array()[0]["args"]
      .as_array()[0]["config"]["keras_history"] = Config::array({"b", 0, 0});
  CHECK(has(failures_of(cycle), "form a cycle"));
  Config twice = chain();
  layer_of(twice, 2)["name"] = "a";
  CHECK(has(failures_of(twice), "a second layer is named 'a'"));
  Config none = chain();
  none["config"] = nullptr;
  CHECK(has(failures_of(none), "a model can be made of it: "));
  Config path =
      Config::parse(Sequential({Input({1}), Dense(2)}, "outer").to_json());
  path["config"]["layers"].push_back(Config::parse(
      R"({"module": "keras.layers", "class_name": "IntegerLookup",
          "config": {"name": "l", "vocabulary": "/etc/hosts"}})"));
  CHECK(has(failures_of(path), "vocabulary"));
  // A class that is unknown is one failure, not two.
  Config unknown = chain();
  layer_of(unknown, 1)["class_name"] = "Unknown";
  CHECK(
      failures_of(unknown) ==
      "every layer's class exists here: unknown: Unknown\n");
}

TEST_CASE("inspect says of arrays that lie in other files") {
  for (const char* kind : {"external", "virtual"}) {
    CAPTURE(kind);
    const std::string text =
        failures(inspect_file(file(std::string("odd_") + kind + ".keras")));
    CHECK(has(text, "a model can be made of it: "));
    CHECK(has(text, "layers/dense/vars/0"));
    CHECK(has(text, kind));
  }
}

TEST_CASE("inspect reads what is left of a file with an odd part") {
  const Config version = inspect_file(file("odd_version.h5"));
  CHECK(version.at("kind") == Config("a whole Keras model (.h5)"));
  CHECK(version.at("layers").size() == 2);
  CHECK(has(failures(version), "the version of Keras can be read: "));
  // Nothing that loading needs.
  const Config metadata = inspect_file(file("odd_metadata.keras"));
  CHECK(metadata.at("written_by").is_null());
  CHECK(failures(metadata).empty());
  CHECK(has(metadata.at("checks").dump(), "metadata.json is not needed"));
  CHECK(load_model(file("odd_metadata.keras")).built());
}
