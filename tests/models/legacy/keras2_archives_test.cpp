// .keras and .h5 files as Keras 2 writes them (tests/data/make_keras_files.py).

#include <doctest/doctest.h>

#include <cmath>
#include <string>

#include <keratin/files.hpp>
#include <keratin/io/npy.hpp>
#include <keratin/model.hpp>

#include "src/core/log.hpp"
#include "tests/support/difference.hpp"
#include "tests/support/paths.hpp"

using namespace keratin;  // NOLINT
using keratin::testing::difference;
using keratin::testing::TempDir;

namespace {

std::string file(const std::string& name) {
  return testing::fixture("keras_files/" + name).string();
}

/// The largest number of the optimizer's slots.
double largest_slot(const Model& model) {
  double largest = 0;
  const auto variables = model.optimizer().impl().variables();
  for (std::size_t i = 2; i < variables.size(); ++i) {
    const Tensor value = variables[i].value();
    for (std::int64_t k = 0; k < value.size(); ++k) {
      largest = std::max(largest, std::abs(value.at(k)));
    }
  }
  return largest;
}

}  // namespace

TEST_CASE("A .keras file of Keras 2 loads with the counts of its metrics") {
  const LogCapture log;
  for (const std::string name : {"before", "after", "legacy", "inside"}) {
    CAPTURE(name);
    const std::string path = file("keras2_" + name + ".keras");
    Model model = load_model(path);
    CHECK(model.compiled());
    Model again = clone_model(model);
    again.load_weights(path);
    CHECK(again.get_weights() == model.get_weights());
  }
  CHECK(log.lines().empty());
}

TEST_CASE("Training goes on from a .keras file of Keras 2") {
  const Model before = load_model(file("keras2_before.keras"));
  CHECK(before.optimizer().iterations() == 0);
  CHECK(before.optimizer().learning_rate() == 0.25);
  const Model after = load_model(file("keras2_after.keras"));
  CHECK(after.optimizer().iterations() == 2);
  CHECK(after.optimizer().learning_rate() == 0.25);
  CHECK(largest_slot(after) > 0.01);
}

TEST_CASE("A call of Keras 2 keeps the mode that it was given") {
  for (const std::string name : {"norm", "base"}) {
    CAPTURE(name);
    Model model = load_model(file("training_" + name + ".h5"));
    const auto arrays = io::load_npz(file("training_" + name + ".npz"));
    CHECK(difference(model.predict(arrays.at("x")), arrays.at("y")) < 1e-5);
  }
}

TEST_CASE("training=false of Keras 2 holds in fit") {
  Model model = load_model(file("training_base.h5"));
  const auto arrays = io::load_npz(file("training_base.npz"));
  const auto statistics = [&] {
    const std::vector<Tensor> weights = model.get_weights();
    return std::max(
        difference(weights[2], arrays.at("after")[0]),
        difference(weights[3], arrays.at("after")[1]));
  };
  CHECK(statistics() == 0);
  model.compile({.optimizer = "sgd", .loss = "mse"});
  const Tensor y(DType::f32, {8, 1});
  const std::vector<Tensor> before = model.get_weights();
  model.train_on_batch(arrays.at("x"), y);
  CHECK(statistics() == 0);
  CHECK_FALSE(model.get_weights()[4] == before[4]);
}

TEST_CASE("Dropout of Keras 2 may drop in predict, and so in files of ours") {
  Model model = load_model(file("training_dropout.h5"));
  const TempDir dir;
  model.save((dir / "m.keras").string());
  model.save((dir / "m.h5").string());
  const Tensor x = Tensor::full(DType::f32, {8, 3}, 1.0);
  for (Model again :
       {model,
        clone_model(model),
        load_model((dir / "m.keras").string()),
        load_model((dir / "m.h5").string())}) {
    const Tensor y = again.predict(x);
    int dropped = 0;
    for (std::int64_t i = 0; i < y.size(); ++i) {
      CHECK((y.at(i) == 0 || y.at(i) == 2));
      dropped += y.at(i) == 0 ? 1 : 0;
    }
    CHECK(dropped > 0);
    CHECK(dropped < 24);
  }
}

TEST_CASE("A training argument of Keras 3 gives way, in its files as here") {
  const std::string json =
      load_model(file("training_dropout.h5"), {.compile = false}).to_json();
  std::string without = json;
  const std::string key = "\"keeps_training\": true";
  const std::size_t at = without.find(key);
  REQUIRE(at != std::string::npos);
  without.replace(at, key.size(), "\"keeps_training\": false");
  const Tensor x = Tensor::full(DType::f32, {8, 3}, 1.0);
  Model model = model_from_json(without);
  CHECK(model.predict(x) == x);
  CHECK(to_keras2_json(model).find("training\"") == std::string::npos);
  CHECK(
      to_keras2_json(model_from_json(json)).find("\"training\": true") !=
      std::string::npos);
}

TEST_CASE("Keras 2's Discretization takes fractions and yields integers") {
  for (const std::string name : {"bins_int", "bins_multi_hot"}) {
    CAPTURE(name);
    Model model = load_model(file(name + ".h5"));
    const auto arrays = io::load_npz(file(name + ".npz"));
    CHECK(difference(model.predict(arrays.at("x")), arrays.at("y")) == 0);
  }
}
