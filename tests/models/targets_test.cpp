// Targets for some of the outputs only, in the forms that Keras 3 takes.

#include <doctest/doctest.h>

#include <string>
#include <vector>

#include <keratin/error.hpp>
#include <keratin/layers.hpp>
#include <keratin/model.hpp>

#include "tests/support/throws.hpp"

using namespace keratin;          // NOLINT
using namespace keratin::layers;  // NOLINT
using keratin::testing::message_of;

namespace {

constexpr std::int64_t kRows = 8;

Tensor numbers(const Shape& shape, float step) {
  std::vector<float> values(static_cast<std::size_t>(shape.size()));
  for (std::size_t i = 0; i < values.size(); ++i) {
    values[i] = step * static_cast<float>(i % 7);
  }
  return Tensor(values, shape);
}

const Tensor kX = numbers({kRows, 4}, 0.1F);
const Tensor kA = numbers({kRows, 2}, 0.3F);
const Tensor kB = numbers({kRows, 3}, 0.2F);
const Tensor kNone;

/// Two outputs, the same weights every time.
Model two_outputs() {
  const SymbolicTensor in = Input({4});
  const auto dense = [&](std::int64_t units, const char* name) {
    return Dense(units, {.kernel_initializer = "ones", .name = name})(in);
  };
  return Model({in}, {dense(2, "a"), dense(3, "b")});
}

FitArguments quiet(std::int64_t batch_size = 32) {
  FitArguments arguments;
  arguments.verbose = 0;
  arguments.batch_size = batch_size;
  return arguments;
}

/// The losses of two epochs on one output alone.
std::vector<double> expected(const std::string& output) {
  const SymbolicTensor in = Input({4});
  Model one(
      in, Dense(output == "a" ? 2 : 3, {.kernel_initializer = "ones"})(in));
  one.compile({.optimizer = "sgd", .loss = "mse"});
  FitArguments arguments = quiet();
  arguments.epochs = 2;
  return one.fit(kX, output == "a" ? kA : kB, arguments)["loss"];
}

std::vector<double> train_losses(CompileArguments compile, const TensorSet& y) {
  Model model = two_outputs();
  compile.optimizer = "sgd";
  model.compile(std::move(compile));
  FitArguments arguments = quiet();
  arguments.epochs = 2;
  const History history = model.fit(kX, y, arguments);
  CHECK(history.history[0].first == "loss");
  // The names of a step, of an epoch and of an evaluation are the same.
  const Logs logs = model.evaluate(kX, y, {.verbose = 0});
  CHECK(logs.entries().size() == history.history.size());
  CHECK(model.train_on_batch(kX, y).entries().size() == history.history.size());
  return history["loss"];
}

const PerOutput<Loss> kOnlyA = {Loss("mse"), Loss()};
const PerOutput<Loss> kOnlyB = {Loss(), Loss("mse")};

}  // namespace

TEST_CASE("An output without a loss needs no target") {
  const std::vector<double> a = expected("a");
  CHECK(train_losses({.loss = kOnlyA}, TensorSet{kA, kB}) == a);
  CHECK(train_losses({.loss = kOnlyA}, TensorSet{kA, kNone}) == a);
  CHECK(train_losses({.loss = kOnlyA}, kA) == a);
  CHECK(
      train_losses({.loss = {{"a", Loss("mse")}}}, TensorSet{{"a", kA}}) == a);
  CHECK(
      train_losses(
          {.loss = {{"a", Loss("mse")}}}, TensorSet{{"a", kA}, {"b", kB}}) ==
      a);
  CHECK(
      train_losses(
          {.loss = {{"a", Loss("mse")}, {"b", Loss()}}},
          TensorSet{{"a", kA}}) == a);

  const std::vector<double> b = expected("b");
  CHECK(train_losses({.loss = kOnlyB}, TensorSet{kNone, kB}) == b);
  CHECK(train_losses({.loss = kOnlyB}, kB) == b);
  CHECK(
      train_losses({.loss = {{"b", Loss("mse")}}}, TensorSet{{"b", kB}}) == b);
}

TEST_CASE("Metrics are of the outputs that have targets") {
  Model model = two_outputs();
  model.compile(
      {.optimizer = "sgd",
       .loss = kOnlyA,
       .metrics = std::vector<MetricSet::List>{{Metric("mae")}, {}}});
  const History history = model.fit(kX, TensorSet{kA, kNone}, quiet());
  CHECK(history.history.size() == 2);
  CHECK(history.contains("a_mae"));
}

TEST_CASE("Batches, validation and weights go without a target, too") {
  Model model = two_outputs();
  model.compile({.optimizer = "sgd", .loss = kOnlyB});
  FitArguments arguments = quiet(3);
  arguments.validation_split = 0.25;
  arguments.sample_weight = numbers({kRows}, 0.5F);
  const History history = model.fit(kX, TensorSet{kNone, kB}, arguments);
  CHECK(history.contains("val_loss"));
  arguments.validation_split = 0;
  arguments.validation_data = ValidationData{kX, {{"b", kB}}};
  CHECK(model.fit(kX, TensorSet{{"b", kB}}, arguments).contains("val_loss"));

  // Weights for the one that has a loss are weights for all.
  const auto weighted = [](const TensorSet& weights) {
    Model fresh = two_outputs();
    fresh.compile({.optimizer = "sgd", .loss = kOnlyA});
    return fresh.train_on_batch(kX, TensorSet{kA, kNone}, weights).at("loss");
  };
  const Tensor w = numbers({kRows}, 0.25F);
  CHECK(weighted(TensorSet{w, kNone}) == weighted(w));
  CHECK(weighted(TensorSet{{"a", w}}) == weighted(w));
  CHECK(weighted(w) != weighted({}));
}

TEST_CASE("Some sample weights: the other outputs weigh one") {
  const auto loss = [](const TensorSet& weights) {
    Model model = two_outputs();
    model.compile({.optimizer = "sgd", .loss = "mse"});
    return model.train_on_batch(kX, TensorSet{kA, kB}, weights).at("loss");
  };
  const Tensor w = numbers({kRows}, 0.25F);
  const Tensor ones = Tensor::full(DType::f32, {kRows}, 1);
  CHECK(loss(TensorSet{w, kNone}) == doctest::Approx(loss({w, ones})));
}

TEST_CASE("A target that a loss or a metric needs is asked for by output") {
  const auto message = [](CompileArguments compile, const TensorSet& y) {
    Model model = two_outputs();
    compile.optimizer = "sgd";
    model.compile(std::move(compile));
    return message_of<InvalidArgument>([&] { model.fit(kX, y, quiet()); });
  };
  const std::string b_loss =
      "expected a target for the output 'b', which has a loss; got none";
  const auto ends = [](const std::string& text, const std::string& end) {
    INFO(text);
    CHECK(text.ends_with(end));
  };
  ends(message({.loss = "mse"}, TensorSet{kA, kNone}), b_loss);
  ends(message({.loss = "mse"}, TensorSet{{"a", kA}}), b_loss);
  ends(message({.loss = kOnlyB}, TensorSet{{"a", kA}}), b_loss);
  ends(
      message(
          {.loss = kOnlyA,
           .metrics =
               std::vector<MetricSet::List>{{Metric("mae")}, {Metric("mae")}}},
          TensorSet{kA, kNone}),
      "expected a target for the output 'b', which has a metric; got none");
  ends(
      message({.loss = PerOutput<Loss>{Loss(), Loss()}}, TensorSet{kA, kB}),
      "has no loss to compute; give a loss in compile");

  // In every step, not just in the first.
  Model model = two_outputs();
  model.compile({.optimizer = "sgd", .loss = "mse"});
  model.train_on_batch(kX, TensorSet{kA, kB});
  ends(
      message_of<InvalidArgument>([&] {
        model.train_on_batch(kX, TensorSet{kA, kNone});
      }),
      b_loss);
  ends(
      message_of<InvalidArgument>([&] { model.predict(TensorSet{Tensor()}); }),
      "expected at least one row of data, got shape [0]");
}

TEST_CASE("A file keeps which outputs have a loss") {
  Model model = two_outputs();
  model.compile({.optimizer = "sgd", .loss = kOnlyA});
  Model same = model_from_json(model.to_json());
  CHECK(same.to_json() == model.to_json());
  CHECK(same.train_on_batch(kX, kA).entries().size() == 1);
}
