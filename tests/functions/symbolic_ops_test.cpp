// The functions of ops on symbolic tensors.

#include <doctest/doctest.h>

#include <string>
#include <vector>

#include <keratin/error.hpp>
#include <keratin/layers/core.hpp>
#include <keratin/layers/input.hpp>
#include <keratin/model.hpp>
#include <keratin/ops.hpp>

#include "tests/support/paths.hpp"
#include "tests/support/throws.hpp"

namespace keratin {

namespace {

/// The classes of a model's layers, in order.
std::vector<std::string> classes(const Model& model) {
  std::vector<std::string> names;
  for (const auto& [name, layer] : model.model_impl().sublayers()) {
    names.push_back(layer.class_name());
  }
  return names;
}

Tensor counting(Shape shape) {
  std::vector<float> values;
  for (std::int64_t i = 0; i < shape.size(); ++i) {
    values.push_back(static_cast<float>(i) / 4 - 1);
  }
  return Tensor(values, std::move(shape));
}

}  // namespace

TEST_CASE("Operators on symbolic tensors make Keras's operations") {
  clear_session();
  const SymbolicTensor a = layers::Input({4, 6}, {.name = "a"});
  const SymbolicTensor b = layers::Input({4, 6}, {.name = "b"});
  const Model model({a, b}, {a * 2.0 + b / 3 - a * b});
  CHECK(
      classes(model) == std::vector<std::string>{
                            "InputLayer",
                            "InputLayer",
                            "Multiply",
                            "TrueDivide",
                            "Add",
                            "Multiply",
                            "Subtract"});
  const std::string json = model.to_json();
  CHECK(
      json.find(
          R"({"module": "keras.src.ops.numpy", "class_name": "Multiply", )"
          R"("config": {"name": "multiply"}, "registered_name": "Multiply", )"
          R"("name": "multiply")") != std::string::npos);
  CHECK(
      json.find("\"keras_history\": [\"a\", 0, 0]}}, 2.0]") !=
      std::string::npos);
  CHECK(
      json.find("\"keras_history\": [\"b\", 0, 0]}}, 3]") != std::string::npos);
}

TEST_CASE("A model of operations computes, saves and loads") {
  const SymbolicTensor a = layers::Input({4, 6}, {.name = "a"});
  const SymbolicTensor h =
      ops::mean(ops::transpose(ops::relu(a), {0, 2, 1}), {1});
  CHECK(h.shape() == Shape{kUnknown, 4});
  const Model model(a, layers::Dense(2)(h));
  const Tensor x = counting({3, 4, 6});
  const Tensor y = model.model_impl().predict_on_batch(x)[0];
  const testing::TempDir folder;
  model.save((folder / "m.keras").string());
  const Model loaded = load_model((folder / "m.keras").string());
  CHECK(loaded.model_impl().predict_on_batch(x)[0] == y);
  CHECK(loaded.to_json() == model.to_json());
}

TEST_CASE("Symbolic results equal those of arrays") {
  const SymbolicTensor a = layers::Input({4, 6}, {.name = "a"});
  const Tensor weights(std::vector<float>{1, 2, 3, 4, 5, 6});
  const auto compute = [&](const auto& x) {
    const auto left = ops::where(ops::greater(x, 0), x * weights, 0.5);
    const auto right = ops::concatenate(
        {ops::slice_axis(x, 2, 1, 6), ops::sum(x, {-1}, true)}, -1);
    const auto [best, where] = ops::top_k(left + right, 3);
    return ops::softmax(best) + ops::cast(where, DType::f32) -
           ops::pad(
               ops::expand_dims(
                   ops::max(ops::reshape(x, {-1, 2, 12}), {-1}), 2),
               {0, 0, 0},
               {0, 2, 2});
  };
  const Model model(a, compute(a));
  const Tensor x = counting({2, 4, 6});
  const Tensor got = model.model_impl().predict_on_batch(x)[0];
  const Tensor want = compute(x);
  REQUIRE(got.shape() == want.shape());
  for (std::int64_t i = 0; i < got.size(); ++i) {
    CHECK(got.at(i) == doctest::Approx(want.at(i)).epsilon(1e-6));
  }
}

TEST_CASE("Operations are shown in the summary, but are not layers") {
  clear_session();
  const auto a = layers::Input({3}, {.name = "a"});
  const Model model(a, layers::Dense(2)(a * 2));
  CHECK(model.layers().size() == 2);
  CHECK(model.get_layer(1).class_name() == "Dense");
  CHECK(model.summary().find("multiply (Multiply)") != std::string::npos);
}

TEST_CASE("An Input is a symbolic tensor to operators and functions") {
  const auto a = layers::Input({3}, {.name = "a"});
  const auto b = layers::Input({3}, {.name = "b"});
  const SymbolicTensor y = ops::concatenate({a, b}, 1) +
                           ops::sum(a * b - ops::relu(a) / 2, {1}, true) +
                           ops::slice_axis(b, 1, 0, 1);
  CHECK(y.shape() == Shape{kUnknown, 6});
}

TEST_CASE("An array beside a symbolic tensor is a constant of the model") {
  const SymbolicTensor a = layers::Input({3}, {.name = "a"});
  const Model model(a, a + Tensor(std::vector<float>{1, 2, 3}));
  CHECK(
      model.to_json().find(
          R"({"class_name": "__numpy__", "config": )"
          R"({"value": [1.0, 2.0, 3.0], "dtype": "float32"}})") !=
      std::string::npos);
}

TEST_CASE("Gradients flow through operations in a model") {
  const SymbolicTensor a = layers::Input({3}, {.name = "a"});
  const SymbolicTensor h = layers::Dense(4, {.kernel_initializer = "ones"})(a);
  Model model(a, ops::sum(ops::square(h) * 0.25, {1}, true));
  model.compile({.optimizer = "sgd", .loss = "mse"});
  const Tensor x = Tensor::full(DType::f32, {2, 3}, 1);
  const double loss =
      model.train_on_batch(x, Tensor::full(DType::f32, {2, 1}, 5)).at("loss");
  CHECK(loss == doctest::Approx(16));  // sum of four times 9/4 is 9
  CHECK(model.get_weights()[0].at(0) != 1);
}

TEST_CASE("Wrong symbolic tensors are named with the operation") {
  const SymbolicTensor a = layers::Input({4, 6}, {.name = "a"});
  const SymbolicTensor b = layers::Input({5, 6}, {.name = "b"});
  CHECK_THROWS_AS(a + b, InvalidArgument);
  CHECK_THROWS_AS(ops::mean(a, {3}), InvalidArgument);
  CHECK_THROWS_AS(ops::exp(SymbolicTensor()), InvalidArgument);
}

}  // namespace keratin
