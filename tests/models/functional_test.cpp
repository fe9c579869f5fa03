#include <doctest/doctest.h>

#include <algorithm>
#include <chrono>
#include <string>
#include <vector>

#include <keratin/error.hpp>
#include <keratin/layers.hpp>
#include <keratin/model.hpp>
#include <keratin/ops.hpp>

#include "tests/support/throws.hpp"

using namespace keratin;          // NOLINT
using namespace keratin::layers;  // NOLINT
using keratin::testing::message_of;

namespace {

Tensor ramp(const Shape& shape) {
  std::vector<float> values(static_cast<std::size_t>(shape.size()));
  for (std::size_t i = 0; i < values.size(); ++i) {
    values[i] = 0.1F * static_cast<float>(i % 17) - 0.7F;
  }
  return Tensor(values, shape);
}

std::vector<std::string> names_of(const std::vector<Layer>& layers) {
  std::vector<std::string> names;
  for (const Layer& layer : layers) names.push_back(layer.name());
  return names;
}

using Names = std::vector<std::string>;

}  // namespace

TEST_CASE("A functional model lists its layers in Keras's order") {
  clear_session();
  const SymbolicTensor a = Input({5}, {.name = "in0"});
  const SymbolicTensor b = Input({3}, {.name = "in1"});
  const auto h = Dense(4, {.activation = "relu", .name = "h1"})(a);
  const auto joined = Concatenate()({h, b});
  const auto o1 = Dense(2, {.name = "o1"})(joined);
  const auto o2 = Dense(1, {.activation = "sigmoid", .name = "o2"})(b);
  const Model model({a, b}, {o1, o2});
  // As Keras 3.15 writes them for this very model.
  CHECK(
      names_of(model.layers()) ==
      Names{"in0", "h1", "in1", "concatenate", "o1", "o2"});
  CHECK(o1.shape() == Shape{kUnknown, 2});
  CHECK(model.get_layer("h1").count_params() == 24);
}

TEST_CASE("Unknown dimensions stay unknown through layers") {
  const SymbolicTensor x = Input({kUnknown, kUnknown, 3});
  const auto y = Conv2D(8, {3, 3}, {.padding = "same"})(x);
  CHECK(y.shape() == Shape{kUnknown, kUnknown, kUnknown, 8});
  CHECK(GlobalAveragePooling2D()(y).shape() == Shape{kUnknown, 8});
}

TEST_CASE("A shared layer has one set of weights and two calls") {
  const SymbolicTensor a = Input({5});
  const SymbolicTensor b = Input({5});
  const Dense twin(4, {.name = "twin"});
  Model model({a, b}, {Concatenate()({twin(a), twin(b)})});
  CHECK(model.weights().size() == 2);
  const Tensor x = ramp({2, 5});
  const Tensor y = model.predict(std::vector<Tensor>{x, x});
  for (int row = 0; row < 2; ++row) {
    for (int k = 0; k < 4; ++k) {
      CHECK(y.at(row * 8 + k) == y.at(row * 8 + 4 + k));
    }
  }
}

TEST_CASE("A model inside a model is a layer") {
  const SymbolicTensor inner_in = Input({4});
  const Model inner(
      inner_in, Dense(3, {.activation = "tanh"})(inner_in), "inner");
  const SymbolicTensor x = Input({4});
  Model outer(x, Add()({inner(x), inner(x)}));
  CHECK(outer.weights().size() == 2);
  const Tensor data = ramp({3, 4});
  Model inner_again = inner;
  const Tensor once = inner_again.predict(data);
  const Tensor twice = outer.predict(data);
  for (std::int64_t i = 0; i < once.size(); ++i) {
    CHECK(twice.at(i) == doctest::Approx(2 * once.at(i)).epsilon(1e-6));
  }
}

TEST_CASE("A Sequential without an input is built by its first data") {
  Sequential model({Dense(4), Dense(2)});
  CHECK_FALSE(model.built());
  CHECK(model.predict(ramp({3, 5})).shape() == Shape{3, 2});
  CHECK(model.count_params() == 5 * 4 + 4 + 4 * 2 + 2);
  model.pop();
  model.add(Dense(7));
  CHECK(model.predict(ramp({3, 5})).shape() == Shape{3, 7});
}

TEST_CASE("Freezing a layer freezes all inside and is seen by the model") {
  Sequential stem({Input({4}), Dense(3), BatchNormalization()});
  Sequential model({Input({4}), stem, Dense(2)});
  CHECK(model.trainable_weights().size() == 6);
  stem.set_trainable(false);
  CHECK(model.trainable_weights().size() == 2);
  CHECK(model.non_trainable_weights().size() == 6);
  CHECK(model.weights().size() == 8);
}

TEST_CASE("A clone has the architecture and weights of its own") {
  Sequential model({Input({4}), Dense(3, {.activation = "relu"}), Dense(2)});
  Model clone = clone_model(model);
  CHECK(names_of(clone.layers()) == names_of(model.layers()));
  clone.set_weights(model.get_weights());
  const Tensor x = ramp({5, 4});
  CHECK(clone.predict(x) == model.predict(x));
  CHECK(clone.weights()[0].id() != model.weights()[0].id());
}

TEST_CASE("Graphs that do not hang together are refused") {
  const SymbolicTensor a = Input({4}, {.name = "first"});
  const SymbolicTensor b = Input({4}, {.name = "second"});
  const auto y = Add()({a, b});
  CHECK(message_of<InvalidArgument>([&] {
          Model({a}, {y});
        }).find("depends on input 'second'") != std::string::npos);
  const auto z = Dense(2, {.name = "same"})(Dense(2, {.name = "same"})(a));
  CHECK(message_of<InvalidArgument>([&] {
          Model(a, z);
        }).find("two layers named 'same'") != std::string::npos);
  const std::vector<SymbolicTensor> none;
  CHECK_THROWS_AS(Model(none, none), InvalidArgument);
}

TEST_CASE("A graph is read in any order of its layers without delay") {
  SymbolicTensor x = Input({4}, {.name = "x"});
  const SymbolicTensor first = x;
  for (int i = 0; i < 8000; ++i) x = Dropout(0.5)(x);
  Config config = Config::parse(Model(first, x).to_json());
  Config::Array& layers = config["config"]["layers"].as_array();
  std::reverse(layers.begin(), layers.end());
  const auto start = std::chrono::steady_clock::now();
  CHECK(model_from_config(config).layers().size() == 8001);
  const std::chrono::duration<double> elapsed =
      std::chrono::steady_clock::now() - start;
  CHECK(elapsed.count() < 6);
}

TEST_CASE("set_weights checks everything before it changes anything") {
  Sequential model({Input({4}), Dense(3)});
  const std::vector<Tensor> before = model.get_weights();
  const std::string message = message_of<InvalidArgument>([&] {
    model.set_weights({ramp({4, 3}), ramp({5})});
  });
  CHECK(message.find("expected shape (3,), got (5,)") != std::string::npos);
  CHECK(model.get_weights()[0] == before[0]);
  CHECK_THROWS_AS(model.set_weights({ramp({4, 3})}), InvalidArgument);
}

TEST_CASE("get_layer suggests the nearest name") {
  Sequential model({Input({4}), Dense(3, {.name = "hidden"})});
  CHECK(message_of<InvalidArgument>([&] {
          model.get_layer("hiden");
        }).find("did you mean \"hidden\"") != std::string::npos);
}
