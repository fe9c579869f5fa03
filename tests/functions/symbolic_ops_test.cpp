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

TEST_CASE("Lists of an operation may hold arrays among the tensors") {
  // Keras 3.15.1: concatenate([np.full((1, 3), 2), i, ops.ones((1, 3)) * 3]).
  const std::string json =
      R"({"module": "keras.src.models.functional", "class_name": "Functional",)"
      R"( "config": {"name": "m", "trainable": true, "layers": [)"
      R"({"module": "keras.layers", "class_name": "InputLayer", "config": )"
      R"({"batch_shape": [null, 3], "dtype": "float32", "name": "i"}, )"
      R"("registered_name": null, "name": "i", "inbound_nodes": []}, )"
      R"({"module": "keras.src.ops.numpy", "class_name": "Concatenate", )"
      R"("config": {"name": "concatenate", "axis": 0}, "registered_name": )"
      R"("Concatenate", "name": "concatenate", "inbound_nodes": [{"args": [[)"
      R"({"class_name": "__numpy__", "config": {"value": [[2.0, 2.0, 2.0]], )"
      R"("dtype": "float32"}}, {"class_name": "__keras_tensor__", "config": )"
      R"({"shape": [null, 3], "dtype": "float32", "keras_history": )"
      R"(["i", 0, 0]}}, {"class_name": "__tensor__", "config": {"value": )"
      R"([[3.0, 3.0, 3.0]], "dtype": "float32"}}]], "kwargs": {}}]}], )"
      R"("input_layers": ["i", 0, 0], "output_layers": ["concatenate", 0, 0]})"
      R"(, "registered_name": "Functional"})";
  const Model model = model_from_json(json);
  const Tensor x(std::vector<float>{0, 1, 2, 3, 4, 5}, {2, 3});
  const Tensor want(
      std::vector<float>{2, 2, 2, 0, 1, 2, 3, 4, 5, 3, 3, 3}, {4, 3});
  CHECK(model.model_impl().predict_on_batch(x)[0] == want);
  // Written again as it was read.
  const Model again = model_from_json(model.to_json());
  CHECK(again.to_json() == model.to_json());
  CHECK(again.model_impl().predict_on_batch(x)[0] == want);

  std::string flag = json;
  const std::size_t at = flag.find(R"({"class_name": "__tensor__")");
  flag.replace(at, flag.find("]], \"kwargs\"") - at, "[true]");
  CHECK_THROWS_WITH_AS(
      model_from_json(flag),
      doctest::Contains("expected tensors in the list, got true"),
      InvalidArgument);

  // A layer takes tensors alone.
  std::string layer = json;
  layer.replace(layer.find("keras.src.ops.numpy"), 19, "keras.layers");
  CHECK_THROWS_WITH_AS(
      model_from_json(layer),
      doctest::Contains("Concatenate expected tensors in its list, got the "
                        "constant {\"class_name\": \"__numpy__\""),
      InvalidArgument);
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
