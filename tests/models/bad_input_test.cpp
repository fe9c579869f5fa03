// Bad input, further: every entry, sizes, graphs and files. See errors_test.cpp
// for the first of them.

#include <doctest/doctest.h>

#include <functional>
#include <limits>
#include <string>
#include <utility>
#include <vector>

#include <keratin/error.hpp>
#include <keratin/layers.hpp>
#include <keratin/model.hpp>

#include "src/core/env.hpp"
#include "src/core/log.hpp"
#include "tests/support/files.hpp"
#include "tests/support/paths.hpp"
#include "tests/support/throws.hpp"

using namespace keratin;          // NOLINT
using namespace keratin::layers;  // NOLINT
using keratin::testing::message_of;
using keratin::testing::read_file;
using keratin::testing::write_file;

namespace {

Tensor zeros(const Shape& shape) {
  return Tensor(DType::f32, shape);
}

Tensor labels(const std::vector<std::int64_t>& values) {
  return Tensor(values);
}

Sequential classifier() {
  Sequential model(
      {Input({4}), Dense(3, {.activation = "softmax", .name = "out"})}, "net");
  model.compile(
      {.optimizer = "sgd", .loss = "sparse_categorical_crossentropy"});
  return model;
}

void says(const std::function<void()>& f, const std::string& text) {
  const std::string message = message_of<InvalidArgument>(f);
  INFO("got: " << message);
  INFO("expected: " << text);
  CHECK(message.find(text) != std::string::npos);
}

/// The ways into a model, by name.
using Entry = std::function<void(Model&, const Tensor& x, const Tensor& y)>;

const std::vector<std::pair<std::string, Entry>>& entries() {
  static const std::vector<std::pair<std::string, Entry>> all = {
      {"fit",
       [](Model& m, const Tensor& x, const Tensor& y) {
         FitArguments quiet;
         quiet.verbose = 0;
         m.fit(x, y, quiet);
       }},
      {"evaluate",
       [](Model& m, const Tensor& x, const Tensor& y) {
         m.evaluate(x, y, {.verbose = 0});
       }},
      {"train_on_batch",
       [](Model& m, const Tensor& x, const Tensor& y) {
         m.train_on_batch(x, y);
       }},
      {"test_on_batch",
       [](Model& m, const Tensor& x, const Tensor& y) {
         m.test_on_batch(x, y);
       }},
      {"fit validation_data",
       [](Model& m, const Tensor& x, const Tensor& y) {
         FitArguments quiet;
         quiet.verbose = 0;
         quiet.validation_data = ValidationData{x, y};
         m.fit(zeros({2, 4}), labels({0, 1}), quiet);
       }},
      {"predict",
       [](Model& m, const Tensor& x, const Tensor&) { m.predict(x); }},
      {"predict_on_batch",
       [](Model& m, const Tensor& x, const Tensor&) {
         m.model_impl().predict_on_batch(x);
       }},
  };
  return all;
}

}  // namespace

TEST_CASE("Every entry refuses inputs of a wrong shape or dtype by name") {
  for (const auto& entry : entries()) {
    const auto& name = entry.first;
    const auto& enter = entry.second;
    CAPTURE(name);
    Sequential model = classifier();
    const std::vector<Tensor> before = model.get_weights();
    const Tensor y = labels({0, 1});
    const auto with = [&](const Tensor& x) {
      return [&, x] { enter(model, x, y); };
    };
    says(with(zeros({2, 5})), "expected shape (None, 4), got (2, 5)");
    says(with(zeros({2})), "expected shape (None, 4), got (2,)");
    says(with(zeros({2, 4, 2})), "expected shape (None, 4), got (2, 4, 2)");
    says(
        with(Tensor(std::vector<std::string>{"a", "b"})),
        name + " x[0]: expected numbers, got strings; encode them first");
    says(with(Tensor(1.0F)), "expected");
    says(
        with(zeros({0, 4})),
        name + " expected at least one row of data, got shape [0,4]");
    CHECK(model.get_weights() == before);
  }
}

TEST_CASE("Every entry with targets refuses wrong ones by name") {
  for (const auto& entry : entries()) {
    const auto& name = entry.first;
    const auto& enter = entry.second;
    if (name.starts_with("predict")) continue;
    CAPTURE(name);
    Sequential model = classifier();
    const std::vector<Tensor> before = model.get_weights();
    const auto with = [&](const Tensor& y) {
      return [&, y] { enter(model, zeros({2, 4}), y); };
    };
    says(with(labels({0, 1, 2})), name + " y[0] has 3 rows where x[0] has 2");
    says(
        with(Tensor(std::vector<std::string>{"a", "b"})),
        name + " y[0]: expected numbers, got strings; encode them first");
    says(
        with(Tensor(1.0F)),
        name + " y[0]: expected a batch axis, got a scalar");
    says(
        with(labels({0, 3})),
        name +
            " y[0]: label 3 at position 1 is out of range: the output 'out' "
            "has 3 classes, 0 to 2");
    CHECK(model.get_weights() == before);
  }
}

TEST_CASE("Targets of another shape than the output are refused") {
  Sequential model({Input({4}), Dense(3)});
  for (const char* loss :
       {"mse", "categorical_crossentropy", "binary_crossentropy"}) {
    CAPTURE(loss);
    model.compile({.optimizer = "sgd", .loss = loss});
    says([&] { model.train_on_batch(zeros({2, 4}), zeros({2, 5})); }, "5");
    says([&] { model.train_on_batch(zeros({2, 4}), zeros({2, 5})); }, "3");
  }
}

TEST_CASE("A layer called on an array refuses what it cannot take") {
  const Dense dense(3, {.name = "d"});
  says([&] { dense(Tensor(1.0F)); }, "[d: Dense]");
  dense(zeros({2, 4}));
  says([&] { dense(zeros({2, 5})); }, "[d: Dense]");
  const std::vector<std::string> words(4, "a");
  says([&] { dense(Tensor(words, {1, 4})); }, "got str[1,4]");
}

TEST_CASE("The warning about logits says how to mend it, and only then") {
  const auto warnings = [](const char* activation,
                           const Loss& loss,
                           const Tensor& y = zeros({2, 3})) {
    Sequential model(
        {Input({2}), Dense(3, {.activation = activation, .name = "out"})},
        "net");
    model.compile({.optimizer = "sgd", .loss = loss});
    const LogCapture capture;
    model.train_on_batch(zeros({2, 2}), y);
    model.train_on_batch(zeros({2, 2}), y);
    std::string text;
    for (const LogLine& line : capture.lines()) text += line.text + "\n";
    return text;
  };
  CHECK(
      warnings("linear", "sparse_categorical_crossentropy", labels({0, 1})) ==
      "[net] SparseCategoricalCrossentropy expects probabilities, but the "
      "layer 'out' has no activation: use from_logits=true in the loss, or "
      "give the layer softmax or sigmoid\n");
  CHECK(warnings("linear", "categorical_crossentropy")
            .starts_with("[net] CategoricalCrossentropy expects"));
  CHECK(warnings("linear", "binary_crossentropy")
            .starts_with("[net] BinaryCrossentropy expects"));
  CHECK(warnings("softmax", "sparse_categorical_crossentropy", labels({0, 1}))
            .empty());
  CHECK(warnings("linear", "mse").empty());
  CHECK(
      warnings("linear", losses::CategoricalCrossentropy({.from_logits = true}))
          .empty());
}

TEST_CASE(
    "A step that stops at a NaN names layer and op, and changes nothing") {
  const env::ScopedSetting check("KERATIN_CHECK_NAN", "1");
  Sequential model(
      {Input({4}),
       Dense(3, {.kernel_initializer = "ones", .name = "good"}),
       layers::Activation("exponential", {.name = "growth"}),
       Dense(1, {.name = "after"})},
      "net");
  model.compile({.optimizer = "adam", .loss = "mse"});
  const std::vector<Tensor> before = model.get_weights();
  std::string message;
  try {
    model.train_on_batch(Tensor::full(DType::f32, {2, 4}, 1000), zeros({2, 1}));
  } catch (const Error& error) {
    message = error.what();
  }
  INFO(message);
  CHECK(message.starts_with("[net_train] ["));
  CHECK(message.find("@growth] made") != std::string::npos);
  CHECK(
      message.find(
          "made the first NaN or infinity of the step: element 0 of ") !=
      std::string::npos);
  CHECK(model.get_weights() == before);
}

TEST_CASE("Sizes that overflow are refused before memory is asked for") {
  constexpr std::int64_t kHuge = std::int64_t{1} << 40;
  says([] { zeros({kHuge, kHuge}); }, "expected fewer than 2^63 elements");
  says([] { zeros({kHuge, kHuge >> 18}); }, "expected fewer than 2^63 bytes");
  says(
      [] { Dense(kHuge, {.name = "wide"})(Input({kHuge})); },
      "expected fewer than 2^63");
  says([] { Flatten()(Input({kHuge, kHuge})); }, "expected fewer than 2^63");
  says(
      [] {
        model_from_json(
            R"({"class_name": "Sequential", "config": {"name": "s", "layers": [)"
            R"({"class_name": "InputLayer", "config": {"batch_shape": )"
            R"([null, 1099511627776]}}, {"class_name": "Dense", "config": )"
            R"({"units": 1099511627776}}]}})");
      },
      "expected fewer than 2^63");
}

namespace {

/// A functional model of two Dense layers that have these inputs.
std::string graph_json(
    const std::string& first_name,
    const std::string& first_input,
    const std::string& second_input) {
  const auto dense = [](const std::string& name, const std::string& input) {
    return R"({"class_name": "Dense", "name": ")" + name +
           R"(", "config": {"name": ")" + name +
           R"(", "units": 4}, "inbound_nodes": [[[")" + input +
           R"(", 0, 0, {}]]]})";
  };
  return R"({"class_name": "Functional", "config": {"name": "m", "layers": [)"
         R"({"class_name": "InputLayer", "name": "x", "config": )"
         R"({"batch_shape": [null, 4], "name": "x"}, "inbound_nodes": []}, )" +
         dense(first_name, first_input) + ", " + dense("b", second_input) +
         R"(], "input_layers": [["x", 0, 0]], "output_layers": )"
         R"([["b", 0, 0]]}})";
}

void json_says(const std::string& json, const std::string& text) {
  says([&] { model_from_json(json); }, text);
}

}  // namespace

TEST_CASE("Graphs in files: cycles, missing inputs, names that occur twice") {
  CHECK(model_from_json(graph_json("a", "x", "a")).layers().size() == 3);
  json_says(
      graph_json("a", "b", "a"),
      "the calls of these layers form a cycle or lack an input: a, b");
  json_says(
      graph_json("a", "x", "b"),
      "the calls of these layers form a cycle or lack an input: b");
  json_says(graph_json("a", "x", "c"), "no layer is named 'c'");
  json_says(graph_json("b", "x", "x"), "a second layer is named 'b'");
  says(
      [] {
        Sequential(
            {Input({2}), Dense(2, {.name = "d"}), Dense(2, {.name = "d"})});
      },
      "has two layers named 'd'; give each layer a name of its own");
}

TEST_CASE("JSON of a model that is cut off says where") {
  const std::string json = classifier().to_json();
  for (std::size_t size = 0; size < json.size(); size += 97) {
    CAPTURE(size);
    const std::string message = message_of<InvalidArgument>(
        [&] { model_from_json(json.substr(0, size)); });
    CHECK(message.starts_with("[model json] "));
    CHECK(message.find("line 1") != std::string::npos);
  }
  says([] { model_from_json("[1]"); }, "expected an object, got array");
  says([] { model_from_json(R"({"class_name": 3})"); }, "class_name");
}

TEST_CASE("Files of models that are cut off or no models are named") {
  const keratin::testing::TempDir dir;
  Sequential model = classifier();
  const std::string whole = (dir / "m.keras").string();
  const std::string weights = (dir / "m.weights.h5").string();
  model.save(whole);
  model.save_weights(weights);
  const std::vector<Tensor> before = model.get_weights();

  const std::string part = (dir / "part.keras").string();
  const std::string part_weights = (dir / "part.weights.h5").string();
  const auto cut = [](const std::string& from, const std::string& to) {
    const std::string bytes = read_file(from);
    write_file(to, bytes.substr(0, bytes.size() / 2));
  };
  cut(whole, part);
  cut(weights, part_weights);
  says([&] { load_model(part); }, "[part.keras]");
  says([&] { model.load_weights(part); }, "[part.keras]");
  says([&] { model.load_weights(part_weights); }, "part.weights.h5");
  write_file(part, "");
  says([&] { load_model(part); }, "[part.keras]");
  write_file(part_weights, "this is text");
  says([&] { model.load_weights(part_weights); }, "part.weights.h5");
  // One kind of file under the name of the other.
  write_file(part, read_file(weights));
  says([&] { load_model(part); }, "[part.keras]");
  CHECK_THROWS_AS(load_model((dir / "none.keras").string()), SystemError);
  CHECK(model.get_weights() == before);

  // Damage in the middle of the weights: all or nothing.
  std::string bytes = read_file(weights);
  for (std::size_t at = 0; at < bytes.size(); at += bytes.size() / 200 + 1) {
    std::string damaged = bytes;
    damaged[at] = static_cast<char>(damaged[at] ^ 0x55);
    write_file(part_weights, damaged);
    Sequential other = classifier();
    const std::vector<Tensor> own = other.get_weights();
    try {
      other.load_weights(part_weights);
    } catch (const InvalidArgument&) {
      CHECK(other.get_weights() == own);
    }
  }
}
