// Whole files as Keras 3 writes them (tests/data/make_keras_files.py).

#include <doctest/doctest.h>

#include <cmath>
#include <filesystem>
#include <string>

#include <keratin/io/npy.hpp>
#include <keratin/model.hpp>
#include <keratin/optimizers.hpp>

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

}  // namespace

TEST_CASE("A file that was compiled and never trained loads") {
  for (const std::string& name : optimizer_names()) {
    CAPTURE(name);
    const std::string path = file("unbuilt_" + name + ".keras");
    REQUIRE(std::filesystem::exists(path));
    const LogCapture log;
    Model model = load_model(path);
    REQUIRE(model.compiled());
    CHECK(model.optimizer().impl().class_name() == name);
    CHECK(model.optimizer().iterations() == 0);
    if (name != "MultiOptimizer") {  // has none of its own
      CHECK(model.optimizer().learning_rate() == 0.25);
    }
    // SGD has no more than the file holds.
    CHECK(log.contains("starts anew") == (name != "SGD"));
    const Tensor x = Tensor::full(DType::f32, {4, 4}, 1.0);
    const Tensor y = Tensor::full(DType::f32, {4, 2}, 1.0);
    model.fit(x, y, {.batch_size = 4, .verbose = 0});
    CHECK(model.optimizer().iterations() == 1);
  }
}

TEST_CASE("A file that was compiled with a schedule and never trained loads") {
  const LogCapture log;
  const Model model = load_model(file("unbuilt_schedule.keras"));
  CHECK(log.contains("[unbuilt_schedule.keras] the optimizer 'adam"));
  CHECK(
      log.contains("' starts anew: the file has 1 of its variables, the "
                   "model 5"));
  CHECK(model.optimizer().iterations() == 0);
  CHECK(model.optimizer().learning_rate() == 0.25);
}

TEST_CASE("A model inside may have been compiled and trained by itself") {
  const LogCapture log;
  Model model = load_model(file("compiled_inside.keras"));
  CHECK(log.lines().empty());
  CHECK(model.optimizer().iterations() == 1);
  Model again = clone_model(model);
  again.load_weights(file("compiled_inside.keras"));
  CHECK(again.get_weights() == model.get_weights());
}

TEST_CASE("A model inside is called on a masked tensor as Keras calls it") {
  for (const std::string name :
       {"masked_sequential", "masked_functional", "masked_two"}) {
    CAPTURE(name);
    Model model = load_model(file(name + ".keras"));
    const auto arrays = io::load_npz(file(name + ".npz"));
    CHECK(difference(model.predict(arrays.at("x")), arrays.at("y")) < 1e-6);
    const TempDir dir;
    const std::string path = (dir / "again.keras").string();
    model.save(path);
    CHECK(
        load_model(path).predict(arrays.at("x")) ==
        model.predict(arrays.at("x")));
  }
}
