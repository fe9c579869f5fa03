// Bad input at every entry: a message that helps, and nothing half-changed.

#include <doctest/doctest.h>

#include <limits>
#include <string>
#include <vector>

#include <keratin/error.hpp>
#include <keratin/layers.hpp>
#include <keratin/model.hpp>
#include <keratin/ops.hpp>

#include "src/core/env.hpp"
#include "tests/support/throws.hpp"

using namespace keratin;          // NOLINT
using namespace keratin::layers;  // NOLINT
using keratin::testing::message_of;

namespace {

Tensor zeros(const Shape& shape) {
  return Tensor(DType::f32, shape);
}

Sequential classifier() {
  Sequential model(
      {Input({4}), Dense(3, {.activation = "softmax", .name = "out"})});
  model.compile(
      {.optimizer = "sgd", .loss = "sparse_categorical_crossentropy"});
  return model;
}

Tensor labels(const std::vector<std::int64_t>& values) {
  return Tensor(values);
}

template <class F>
bool says(F&& f, const std::string& text) {
  const std::string message = message_of<InvalidArgument>(f);
  INFO(message);
  CHECK(message.find(text) != std::string::npos);
  return message.find(text) != std::string::npos;
}

FitArguments quiet() {
  FitArguments arguments;
  arguments.verbose = 0;
  return arguments;
}

}  // namespace

TEST_CASE("fit before compile says what to call") {
  Sequential model({Input({4}), Dense(3)});
  says(
      [&] {
        model.fit(zeros({2, 4}), zeros({2, 3}), quiet());
      },
      "call compile with an optimizer and a loss first");
  says([&] { model.evaluate(zeros({2, 4}), zeros({2, 3})); }, "call compile");
  says(
      [&] {
        model.train_on_batch(zeros({2, 4}), zeros({2, 3}));
      },
      "call compile");
  says([&] { model.optimizer(); }, "call compile first");
}

TEST_CASE("Arrays that do not fit the model are named with both shapes") {
  Sequential model = classifier();
  says(
      [&] {
        model.fit(zeros({2, 5}), labels({0, 1}), quiet());
      },
      "expected shape (None, 4), got (2, 5)");
  says([&] { model.predict(zeros({4})); }, "expected shape (None, 4)");
  says([&] { model.predict(Tensor(1.0F)); }, "expected");
  says(
      [&] {
        model.fit(zeros({2, 4}), labels({0, 1, 2}), quiet());
      },
      "has 3 rows where x[0] has 2");
  says(
      [&] {
        model.fit(zeros({0, 4}), labels({}), quiet());
      },
      "expected at least one row");
  says([&] { model.fit(TensorSet(), labels({0}), quiet()); }, "got no input");
  says(
      [&] {
        model.fit(
            std::vector<Tensor>{zeros({2, 4}), zeros({2, 4})},
            labels({0, 1}),
            quiet());
      },
      "expected 1 input tensors, got 2");
  says(
      [&] {
        model.fit(
            Tensor(std::vector<std::string>{"a", "b"}),
            labels({0, 1}),
            quiet());
      },
      "expected numbers, got strings");
  const TensorSet misnamed = {{"inptu", zeros({2, 4})}};
  says([&] { model.predict(misnamed); }, "which the model does not have");
}

TEST_CASE("Labels out of range are found before the first step") {
  Sequential model = classifier();
  const std::vector<Tensor> before = model.get_weights();
  says(
      [&] {
        model.fit(zeros({3, 4}), labels({0, 3, 1}), quiet());
      },
      "label 3 at position 1 is out of range: the output 'out' has 3 classes");
  says(
      [&] {
        model.fit(zeros({2, 4}), labels({0, -1}), quiet());
      },
      "label -1 at position 1");
  CHECK(model.get_weights()[0] == before[0]);
}

TEST_CASE("Validation labels out of range are found before the first step") {
  Sequential model = classifier();
  const std::vector<Tensor> before = model.get_weights();
  FitArguments arguments = quiet();
  arguments.validation_split = 0.25;
  says(
      [&] {
        model.fit(zeros({4, 4}), labels({0, 1, 2, 3}), arguments);
      },
      "fit validation_split y[0]: label 3 at position 0 is out of range");
  CHECK(model.get_weights() == before);
}

TEST_CASE("Impossible arguments of fit are refused") {
  Sequential model = classifier();
  const Tensor x = zeros({4, 4});
  const Tensor y = labels({0, 1, 2, 0});
  const auto with = [&](auto&& change, const std::string& text) {
    FitArguments arguments = quiet();
    change(arguments);
    says([&] { model.fit(x, y, arguments); }, text);
  };
  with([](auto& a) { a.batch_size = 0; }, "expected batch_size >= 1, got 0");
  with([](auto& a) { a.epochs = -1; }, "expected epochs");
  with([](auto& a) { a.validation_split = 1.0; }, "validation_split in [0, 1)");
  with([](auto& a) { a.validation_split = 0.9; }, "leaves");
  with([](auto& a) { a.steps_per_epoch = 0; }, "steps_per_epoch >= 1");
  with(
      [](auto& a) {
        a.class_weight = {{0, 1.0}};
        a.sample_weight = Tensor(DType::f32, {4});
      },
      "both class_weight and sample_weight");
  with(
      [](auto& a) { a.sample_weight = Tensor(DType::f32, {3}); },
      "sample_weight[0] has 3 rows");
}

TEST_CASE("Targets are asked for in every step, not just in the first") {
  Sequential model = classifier();
  model.fit(zeros({2, 4}), labels({0, 1}), quiet());
  says([&] { model.evaluate(zeros({2, 4}), {}); }, "1 arrays of targets");
  says([&] { model.train_on_batch(zeros({2, 4}), {}); }, "1 arrays of targets");
}

TEST_CASE("A first step that fails leaves nothing behind") {
  Sequential model({Input({4}), Dense(3)});
  model.compile({.optimizer = "sgd", .loss = "mse", .metrics = {"accuracy"}});
  // Of another rank, which would make the accuracy a sparse one.
  CHECK_THROWS_AS(
      model.fit(zeros({2, 4}), zeros({2, 7, 5}), quiet()), InvalidArgument);
  const History history = model.fit(zeros({2, 4}), zeros({2, 3}), quiet());
  CHECK(history.contains("accuracy"));
  says([&] { model.predict(zeros({2, 4}), {.steps = 0}); }, "steps >= 1");
}

TEST_CASE("Losses and metrics for outputs that are not there are refused") {
  Sequential model({Input({4}), Dense(3, {.name = "out"})});
  model.compile({.optimizer = "sgd", .loss = {{"uot", Loss("mse")}}});
  says(
      [&] {
        model.fit(zeros({2, 4}), zeros({2, 3}), quiet());
      },
      "names the output 'uot', which the model does not have");
  says(
      [&] { model.compile({.loss = "men_squared_error"}); },
      "mean_squared_error");
  says(
      [&] { model.compile({.optimizer = "adma", .loss = "mse"}); }, "\"Adam\"");
  model.compile({.optimizer = "sgd"});
  says(
      [&] {
        model.fit(zeros({2, 4}), zeros({2, 3}), quiet());
      },
      "no loss to compute");
}

TEST_CASE("A NaN names the first layer that made it") {
  const env::ScopedSetting check("KERATIN_CHECK_NAN", "1");
  Sequential model(
      {Input({4}), Dense(3, {.name = "first"}), Dense(1, {.name = "second"})});
  model.compile({.optimizer = "sgd", .loss = "mse"});
  Tensor x = zeros({2, 4});
  x.mutable_data<float>()[1] = std::numeric_limits<float>::quiet_NaN();
  std::string message;
  try {
    model.fit(x, zeros({2, 1}), quiet());
  } catch (const Error& error) {
    message = error.what();
  }
  INFO(message);
  CHECK(message.find("first") != std::string::npos);
}

TEST_CASE("Layers refuse inputs they cannot take") {
  says([] { Dense(3)(Input({})); }, "rank");
  says([] { Conv2D(3, {5, 5})(Input({3, 3, 1})); }, "conv2d");
  says([] { Input({-5}); }, "-5");
  says([] { Dense(0); }, "units");
  says([] { Dense(3, {.activation = "rleu"}); }, "relu");
}
