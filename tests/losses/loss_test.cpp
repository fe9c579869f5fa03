#include <doctest/doctest.h>

#include <cmath>

#include <keratin/error.hpp>
#include <keratin/losses.hpp>
#include <keratin/ops.hpp>

#include "src/ir/autodiff.hpp"
#include "src/ir/graph.hpp"
#include "src/runtime/program.hpp"
#include "src/runtime/registry.hpp"

using namespace keratin;

namespace {

/// The loss of two arrays, computed on the reference.
Tensor loss_of(const Loss& loss, const Tensor& y_true, const Tensor& y_pred) {
  Graph graph;
  const Value y = graph.parameter({y_true.dtype(), y_true.shape()}, "y_true");
  const Value p = graph.parameter({y_pred.dtype(), y_pred.shape()}, "y_pred");
  graph.set_outputs({loss(y, p)});
  Program program(graph, find_backend("reference"));
  return program.run(std::vector<Tensor>{y_true, y_pred})[0];
}

Tensor floats(const std::vector<float>& values, Shape shape) {
  return Tensor(values, std::move(shape));
}

}  // namespace

TEST_CASE("A loss goes by every name that Keras has for it") {
  for (const char* name :
       {"mse", "MSE", "mean_squared_error", "MeanSquaredError"}) {
    CAPTURE(name);
    CHECK(Loss(name).impl().class_name() == "MeanSquaredError");
    CHECK(Loss(name).to_config() == Config(name));
  }
  CHECK(
      Loss("sparse_categorical_crossentropy").impl().class_name() ==
      "SparseCategoricalCrossentropy");
}

TEST_CASE("A misspelt loss names the nearest one") {
  CHECK_THROWS_WITH_AS(
      Loss("mean_square_error"),
      doctest::Contains("did you mean \"mean_squared_error\"?"),
      InvalidArgument);
}

TEST_CASE("MeanSquaredError averages over all elements") {
  const Tensor y = floats({0, 1, 2, 3}, {2, 2});
  const Tensor p = floats({1, 1, 2, 1}, {2, 2});
  CHECK(loss_of("mse", y, p).item<double>() == doctest::Approx(1.25));
  CHECK(
      loss_of(losses::MeanSquaredError({.reduction = "sum"}), y, p)
          .item<double>() == doctest::Approx(2.5));
  const Tensor each =
      loss_of(losses::MeanSquaredError({.reduction = "none"}), y, p);
  REQUIRE(each.shape() == Shape{2});
  CHECK(each.at(0) == doctest::Approx(0.5));
  CHECK(each.at(1) == doctest::Approx(2.0));
}

TEST_CASE("Targets without the last axis of 1 fit predictions with it") {
  const Tensor y = floats({0, 1}, {2});
  const Tensor p = floats({1, 3}, {2, 1});
  CHECK(loss_of("mse", y, p).item<double>() == doctest::Approx(2.5));
}

TEST_CASE("A function is a loss") {
  const Loss loss([](const Value& y, const Value& p) {
    return ops::mean(ops::abs(y - p), {-1});
  });
  const Tensor y = floats({0, 1, 2, 3}, {2, 2});
  const Tensor p = floats({1, 1, 2, 1}, {2, 2});
  CHECK(loss_of(loss, y, p).item<double>() == doctest::Approx(0.75));
  CHECK_THROWS_WITH_AS(
      loss.to_config(), doctest::Contains("register_loss"), InvalidArgument);
}

TEST_CASE("A registered function is saved by its name") {
  register_loss("always_seven", [](const Value& y, const Value& p) {
    (void)y;
    return ops::full_like(ops::mean(p, {-1}), 7);
  });
  Loss loss("always_seven");
  CHECK(loss.to_config() == Config("always_seven"));
  Loss again;
  again.from_config(
      Config::parse(R"({"class_name": "function",
                        "config": "package>always_seven"})"),
      "loss");
  const Tensor x = floats({1, 2}, {2, 1});
  CHECK(loss_of(again, x, x).item<double>() == 7);
}

TEST_CASE("Crossentropy picks the fitting one as Keras does") {
  const auto name = [](const Shape& y, const Shape& p) {
    return Loss("crossentropy").resolve(y, p).impl().class_name();
  };
  CHECK(name({8, 1}, {8, 1}) == "BinaryCrossentropy");
  CHECK(name({8}, {8, 10}) == "SparseCategoricalCrossentropy");
  CHECK(name({8, 1}, {8, 10}) == "SparseCategoricalCrossentropy");
  CHECK(name({8, 10}, {8, 10}) == "CategoricalCrossentropy");
}

TEST_CASE("Shapes that do not fit are named with the fix") {
  const Tensor classes(std::vector<std::int32_t>{0, 2});
  const Tensor p = floats({0.1F, 0.2F, 0.7F, 0.3F, 0.3F, 0.4F}, {2, 3});
  CHECK_THROWS_WITH_AS(
      loss_of("categorical_crossentropy", classes, p),
      doctest::Contains("use sparse_categorical_crossentropy"),
      InvalidArgument);
  CHECK_THROWS_WITH_AS(
      loss_of("sparse_categorical_crossentropy", p, p),
      doctest::Contains("use categorical_crossentropy"),
      InvalidArgument);
  CHECK_THROWS_WITH_AS(
      loss_of("mse", floats({1, 2}, {1, 2}), p),
      doctest::Contains("[1,2] and [2,3]"),
      InvalidArgument);
  CHECK_THROWS_WITH_AS(
      loss_of(losses::SparseCategoricalCrossentropy({.axis = 0}), classes, p),
      doctest::Contains("last axis"),
      InvalidArgument);
}

TEST_CASE("Cross-entropy of a softmax is that of its logits, as in Keras") {
  // From probabilities, clipped at 1e-7, it could be 16.1 at most.
  const Tensor logits = floats({100, 0, -50}, {1, 3});
  const Tensor label(std::vector<std::int32_t>{2});
  Graph graph;
  const Value y = graph.parameter({label.dtype(), label.shape()}, "y");
  const Value x = graph.parameter({logits.dtype(), logits.shape()}, "x");
  const Value p = ops::softmax(x);
  const Loss sparse = "sparse_categorical_crossentropy";
  const Value direct = sparse(y, p);
  const Value through = sparse(y, ops::reshape(ops::reshape(p, {3}), {1, 3}));
  graph.set_outputs({direct, through, gradients(direct, {x})[0]});
  Program program(graph, find_backend("reference"));
  const auto out = program.run(std::vector<Tensor>{label, logits});
  CHECK(out[0].item<double>() == doctest::Approx(150));
  CHECK(out[1].item<double>() == doctest::Approx(16.118).epsilon(1e-4));
  CHECK(out[2].at(2) == doctest::Approx(-1));
}

TEST_CASE("Binary cross-entropy of a sigmoid is that of its logits") {
  const Tensor logits = floats({100, 0}, {2, 1});
  const Tensor label = floats({0, 1}, {2, 1});
  Graph graph;
  const Value y = graph.parameter({label.dtype(), label.shape()}, "y");
  const Value x = graph.parameter({logits.dtype(), logits.shape()}, "x");
  const Value loss =
      losses::BinaryCrossentropy({.reduction = "none"})(y, ops::sigmoid(x));
  graph.set_outputs({loss, gradients(ops::sum(loss), {x})[0]});
  Program program(graph, find_backend("reference"));
  const auto out = program.run(std::vector<Tensor>{label, logits});
  CHECK(out[0].at(0) == doctest::Approx(100));
  CHECK(out[0].at(1) == doctest::Approx(std::log(2.0)));
  CHECK(out[1].at(0) == doctest::Approx(1));
  CHECK(out[1].at(1) == doctest::Approx(-0.5));
}

TEST_CASE("An ignored class counts for nothing, and not in the mean") {
  const Tensor labels(std::vector<std::int32_t>{-1, 0});
  const Tensor p = floats({5, 1, 0, 0}, {2, 2});
  const Loss loss = losses::SparseCategoricalCrossentropy(
      {.from_logits = true, .ignore_class = -1});
  CHECK(
      loss_of(loss, labels, p).item<double>() ==
      doctest::Approx(std::log(2.0)));
  CHECK(loss.impl().ignored_class() == -1);
}

TEST_CASE("A loss computes in the dtype it is given") {
  const Tensor y = floats({0, 1}, {1, 2});
  CHECK(loss_of("mse", y, y).dtype() == DType::f32);
  CHECK(
      loss_of(losses::MeanSquaredError({.dtype = "float64"}), y, y).dtype() ==
      DType::f64);
  CHECK(loss_of("mse", y, y.cast(DType::f64)).dtype() == DType::f64);
  CHECK(loss_of("mse", y, y.cast(DType::bf16)).dtype() == DType::f32);
}

TEST_CASE("Bad arguments of losses are refused") {
  CHECK_THROWS_WITH_AS(
      losses::MeanSquaredError({.reduction = "avg"}),
      doctest::Contains("reduction"),
      InvalidArgument);
  CHECK_THROWS_WITH_AS(
      losses::CategoricalGeneralizedCrossEntropy({.q = 1}),
      doctest::Contains("q in (0, 1)"),
      InvalidArgument);
  Loss loss;
  CHECK_THROWS_WITH_AS(
      loss.from_config(
          Config::parse(R"({"class_name": "Huber",
                            "config": {"detla": 1.0}})"),
          "compile.loss"),
      doctest::Contains("did you mean \"delta\"?"),
      InvalidArgument);
}

TEST_CASE("What Keras forgets to save is saved when it matters") {
  CHECK_FALSE(losses::Huber().to_config().at("config").contains("delta"));
  const Config config = losses::Huber({.delta = 2}).to_config();
  Loss again;
  again.from_config(config, "loss");
  CHECK(again.to_config() == config);
  const Tensor y = floats({0}, {1, 1});
  const Tensor p = floats({3}, {1, 1});
  CHECK(loss_of(again, y, p).item<double>() == doctest::Approx(4.0));
}
