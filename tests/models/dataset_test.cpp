// fit, evaluate and predict on data::Dataset.

#include <doctest/doctest.h>

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include <keratin/callbacks.hpp>
#include <keratin/data/dataset.hpp>
#include <keratin/error.hpp>
#include <keratin/layers.hpp>
#include <keratin/model.hpp>
#include <keratin/random.hpp>

#include "src/core/log.hpp"
#include "tests/support/throws.hpp"

using namespace keratin;          // NOLINT
using namespace keratin::layers;  // NOLINT
using data::Dataset;
using data::Element;
using keratin::testing::message_of;

namespace {

Tensor full(const Shape& shape, double value) {
  return Tensor::full(DType::f32, shape, value);
}

template <class F>
void says(F&& f, const std::vector<std::string>& texts) {
  const std::string message = message_of<InvalidArgument>(f);
  INFO(message);
  for (const std::string& text : texts) {
    CHECK(message.find(text) != std::string::npos);
  }
}

constexpr std::int64_t kRows = 22;

Tensor inputs() {
  std::vector<float> values;
  for (std::int64_t i = 0; i < kRows * 3; ++i) {
    values.push_back(static_cast<float>(i * 7 % 67) / 67.0F - 0.5F);
  }
  return Tensor(values, {kRows, 3});
}

Tensor targets() {
  std::vector<float> values;
  for (std::int64_t i = 0; i < kRows; ++i) {
    values.push_back(static_cast<float>(i * 5 % 11) / 11.0F);
  }
  return Tensor(values, {kRows, 1});
}

Tensor row_weights() {
  std::vector<float> values;
  for (std::int64_t i = 0; i < kRows; ++i) {
    values.push_back(0.5F + static_cast<float>(i % 3));
  }
  return Tensor(values);
}

Dataset rows() {
  return Dataset::from_tensor_slices(inputs(), targets());
}

Sequential compiled_model() {
  set_random_seed(5);
  Sequential model({Input({3}), Dense(4, {.activation = "tanh"}), Dense(1)});
  model.compile(
      {.optimizer = optimizers::Adam({.learning_rate = 0.05}),
       .loss = "mse",
       .metrics = {"mae"},
       .weighted_metrics = {"mse"}});
  return model;
}

FitArguments quiet(std::int64_t epochs = 1) {
  FitArguments arguments;
  arguments.epochs = epochs;
  arguments.verbose = 0;
  arguments.batch_size = 5;
  arguments.shuffle = false;
  return arguments;
}

/// The first batches of a run, by the value of their first row.
std::vector<double> first_values(
    Sequential& model, const Dataset& dataset, const FitArguments& arguments) {
  std::vector<double> seen;
  model.fit(
      dataset.map([&seen](Element element) {
        seen.push_back(element.x.tensors()[0].at(0));
        return element;
      }),
      arguments);
  return seen;
}

}  // namespace

TEST_CASE("A batched dataset trains as its arrays do") {
  Sequential of_arrays = compiled_model();
  FitArguments arguments = quiet(3);
  arguments.validation_data = ValidationData(inputs(), targets());
  arguments.sample_weight = row_weights();
  const History expected = of_arrays.fit(inputs(), targets(), arguments);

  Sequential of_dataset = compiled_model();
  arguments = quiet(3);
  arguments.validation_data = rows().batch(5);
  const History got = of_dataset.fit(
      Dataset::from_tensor_slices(inputs(), targets(), row_weights()).batch(5),
      arguments);
  CHECK(got.history == expected.history);
  CHECK(of_dataset.get_weights() == of_arrays.get_weights());

  const Logs logs =
      of_arrays.evaluate(inputs(), targets(), {.batch_size = 5, .verbose = 0});
  CHECK(
      of_dataset.evaluate(rows().batch(5), {.verbose = 0}).entries() ==
      logs.entries());
  CHECK(
      of_dataset.predict(rows().batch(5)) ==
      of_arrays.predict(inputs(), {.batch_size = 5}));
}

TEST_CASE("Class weights weigh the rows of every batch") {
  const auto train = [](bool as_dataset) {
    set_random_seed(5);
    Sequential model({Input({3}), Dense(3)});
    model.compile(
        {.optimizer = "sgd",
         .loss = losses::SparseCategoricalCrossentropy({.from_logits = true})});
    std::vector<std::int32_t> classes;
    for (std::int32_t i = 0; i < kRows; ++i) classes.push_back(i % 3);
    FitArguments arguments = quiet(2);
    arguments.class_weight = {{0, 3.0}, {2, 0.25}};
    const Tensor y(classes);
    if (as_dataset) {
      model.fit(Dataset::from_tensor_slices(inputs(), y).batch(5), arguments);
    } else {
      model.fit(inputs(), y, arguments);
    }
    return model.get_weights();
  };
  CHECK(train(true) == train(false));
}

TEST_CASE("Every epoch is a pass of its own, by its number") {
  const Dataset batches = rows().shuffle(kRows, {.seed = 3}).batch(11);
  Sequential model = compiled_model();
  const std::vector<double> whole = first_values(model, batches, quiet(3));
  REQUIRE(whole.size() == 6);
  CHECK(whole[0] != whole[2]);
  // A run that goes on in the middle sees what the whole run saw.
  FitArguments rest = quiet(3);
  rest.initial_epoch = 1;
  Sequential resumed = compiled_model();
  const std::vector<double> seen = first_values(resumed, batches, rest);
  CHECK(seen == std::vector<double>(whole.begin() + 2, whole.end()));
}

TEST_CASE("With steps_per_epoch an epoch goes on where the last one stopped") {
  const Dataset batches = Dataset::range(5).map([](Element element) {
    const double number = element.x.tensors()[0].at(0);
    element.x = full({2, 3}, number);
    element.y = full({2, 1}, 1);
    return element;
  });
  FitArguments arguments = quiet(3);
  arguments.steps_per_epoch = 2;
  Sequential model = compiled_model();
  SUBCASE("for ever") {
    CHECK(
        first_values(model, batches.repeat(), arguments) ==
        std::vector<double>{0, 1, 2, 3, 4, 0});
  }
  SUBCASE("until the data run out, with a warning") {
    const LogCapture log;
    CHECK(
        first_values(model, batches, arguments) ==
        std::vector<double>{0, 1, 2, 3, 4});
    CHECK(log.contains("ran out of data after 1 of 2 steps"));
  }
}

TEST_CASE("Datasets of unknown length train, and batches may differ") {
  // Padded to the longest of the batch: programs for other shapes.
  const auto lengths = [] {
    return data::Dataset::from_generator([] {
      return [i = std::int64_t{0}]() mutable -> std::optional<Element> {
        if (i == 7) return {};
        ++i;
        return Element{
            full({2, i % 3 + 1, 3}, 0.1 * static_cast<double>(i)),
            full({2, 1}, 1)};
      };
    });
  };
  set_random_seed(5);
  Sequential model({Input({kUnknown, 3}), GlobalAveragePooling1D(), Dense(1)});
  model.compile({.optimizer = "sgd", .loss = "mse"});
  CHECK(lengths().cardinality() == Dataset::kUnknownCardinality);
  FitArguments arguments = quiet(2);
  arguments.validation_data = lengths();
  std::int64_t steps = 0;
  arguments.callbacks = {callbacks::LambdaCallback(
      {.on_train_batch_end = [&](std::int64_t, Logs&) { ++steps; }})};
  const History history = model.fit(lengths(), arguments);
  CHECK(steps == 14);
  CHECK(history["val_loss"].size() == 2);
  // Whether a pass is over shows at its end alone.
  arguments.steps_per_epoch = 7;
  model.fit(lengths(), arguments);
  CHECK(steps == 28);
  CHECK(model.predict(lengths()).shape() == Shape{14, 1});
  CHECK(model.predict(lengths(), {.steps = 3}).shape() == Shape{6, 1});
}

TEST_CASE("A dataset's first element gives a model its weights") {
  set_random_seed(1);
  Sequential model({Dense(2), Dense(1)});
  model.compile({.optimizer = "sgd", .loss = "mse"});
  model.fit(rows().batch(4), quiet());
  CHECK(model.get_weights()[0].shape() == Shape{3, 2});
}

TEST_CASE("Sets of inputs and targets by name come from a dataset") {
  const SymbolicTensor a = Input({3}, {.name = "a"});
  const SymbolicTensor b = Input({3}, {.name = "b"});
  const SymbolicTensor sum = Dense(1, {.name = "sum"})(Add()({a, b}));
  Model model({a, b}, {sum});
  model.compile({.optimizer = "sgd", .loss = "mse"});
  const Dataset named = Dataset::from_tensor_slices(
      TensorSet{{"b", inputs()}, {"a", inputs()}},
      TensorSet{{"sum", targets()}});
  CHECK_NOTHROW(model.fit(named.batch(4), quiet()));
  CHECK(model.predict(named.batch(4)).shape() == Shape{kRows, 1});
}

TEST_CASE("Datasets that cannot be trained on are refused") {
  Sequential model = compiled_model();
  const std::vector<Tensor> before = model.get_weights();
  FitArguments arguments = quiet();
  says(
      [&] { model.fit(rows(), arguments); },
      {"y[0] has 1 rows where x[0] has 3", "as .batch(n) makes them"});
  says(
      [&] { model.fit(rows().batch(4).repeat(), arguments); },
      {"fit got a dataset that repeats for ever", "steps_per_epoch"});
  says(
      [&] { model.evaluate(rows().batch(4).repeat()); },
      {"evaluate got a dataset that repeats for ever; give steps"});
  says(
      [&] { model.predict(rows().batch(4).repeat()); },
      {"predict got a dataset that repeats for ever; give steps"});
  says(
      [&] { model.fit(rows().take(0), arguments); },
      {"fit got a dataset without elements"});
  arguments.validation_data = rows().batch(4).repeat();
  says(
      [&] { model.fit(rows().batch(4), arguments); },
      {"validation_data got a dataset that repeats for ever",
       "validation_steps"});
  arguments.validation_data =
      Dataset::from_tensors(full({4, 2}, 1), full({4, 1}, 1));
  says(
      [&] { model.fit(rows().batch(4), arguments); },
      {"validation_data x[0]: expected shape (None, 3), got (4, 2)"});
  arguments = quiet();
  arguments.sample_weight = row_weights();
  says(
      [&] { model.fit(rows().batch(4), arguments); },
      {"sample_weight beside a dataset"});
  arguments = quiet();
  arguments.validation_split = 0.5;
  says(
      [&] { model.fit(rows().batch(4), arguments); },
      {"validation_split takes arrays"});
  CHECK(model.get_weights() == before);
}

TEST_CASE("Labels out of range are found in the batch that holds them") {
  set_random_seed(5);
  Sequential model({Input({3}), Dense(3)});
  model.compile(
      {.optimizer = "sgd",
       .loss = losses::SparseCategoricalCrossentropy({.from_logits = true})});
  std::vector<std::int32_t> classes(kRows, 1);
  classes[9] = 3;
  says(
      [&] {
        model.fit(
            Dataset::from_tensor_slices(inputs(), Tensor(classes)).batch(4),
            quiet());
      },
      {"label 3 at position 1 is out of range"});
}

TEST_CASE("A missing or superfluous last axis of 1 is mended, as in Keras") {
  set_random_seed(2);
  Sequential model({Input({1}), Dense(2)});
  const Tensor flat(std::vector<float>{0.5F, -1, 2});
  CHECK(model.predict(flat) == model.predict(flat.reshape({3, 1})));
  Sequential wide({Input({3}), Dense(2)});
  CHECK(
      wide.predict(inputs().reshape({kRows, 3, 1})) == wide.predict(inputs()));
  const SymbolicTensor x = Input({3, 1});
  CHECK(wide(x).shape() == Shape{kUnknown, 2});
}
