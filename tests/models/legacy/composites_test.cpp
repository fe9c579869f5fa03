// Layers that hold layers, in files of tf_keras and of Keras 3: their weights
// lie there in one list, whose order only Keras knows.

#include <doctest/doctest.h>

#include <keratin/io/npy.hpp>
#include <keratin/model.hpp>

#include "tests/support/difference.hpp"
#include "tests/support/paths.hpp"

using namespace keratin;  // NOLINT
using keratin::testing::difference;
using keratin::testing::TempDir;

namespace {

std::string file(const std::string& stem, const char* suffix) {
  return testing::fixture("legacy/" + stem + suffix).string();
}

constexpr const char* kStems[] = {
    "composites_tf_keras", "composites_keras3", "frozen_tf_keras"};

}  // namespace

TEST_CASE("Layers in layers load in Keras's order of weights") {
  for (const std::string stem : kStems) {
    CAPTURE(stem);
    Model model = load_model(file(stem, ".h5"));
    const auto arrays = io::load_npz(file(stem, ".npz"));
    CHECK(difference(model.predict(arrays.at("x")), arrays.at("y")) < 1e-5);
  }
}

TEST_CASE("As many weights train as in Keras, wrapped or not") {
  for (const std::string stem : kStems) {
    CAPTURE(stem);
    const Model model = load_model(file(stem, ".h5"));
    const auto arrays = io::load_npz(file(stem, ".npz"));
    const auto count = [](const std::vector<Variable>& weights) {
      return static_cast<double>(weights.size());
    };
    CHECK(count(model.trainable_weights()) == arrays.at("trainable").at(0));
    CHECK(count(model.non_trainable_weights()) == arrays.at("fixed").at(0));
  }
}

TEST_CASE("Layers in layers come back from a .h5 file of ours") {
  const TempDir dir;
  for (const std::string stem : kStems) {
    CAPTURE(stem);
    Model model = load_model(file(stem, ".h5"));
    const auto arrays = io::load_npz(file(stem, ".npz"));
    const std::string whole = (dir / (stem + ".h5")).string();
    const std::string weights = (dir / (stem + "_weights.h5")).string();
    model.save(whole);
    model.save_weights(weights);
    Model again = load_model(whole);
    CHECK(again.get_weights() == model.get_weights());
    CHECK(again.predict(arrays.at("x")) == model.predict(arrays.at("x")));
    Model empty = clone_model(model);
    empty.load_weights(weights);
    CHECK(empty.get_weights() == model.get_weights());
  }
}
