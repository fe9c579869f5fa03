#include <doctest/doctest.h>

#include <cmath>
#include <thread>
#include <vector>

#include <keratin/callbacks.hpp>
#include <keratin/error.hpp>
#include <keratin/layers.hpp>
#include <keratin/model.hpp>
#include <keratin/ops.hpp>
#include <keratin/random.hpp>

#include "src/core/log.hpp"

using namespace keratin;          // NOLINT
using namespace keratin::layers;  // NOLINT

namespace {

/// y = 2 a - 3 b + 0.5 on a grid.
struct Plane {
  Tensor x;
  Tensor y;
};

Plane plane(std::int64_t rows) {
  std::vector<float> x;
  std::vector<float> y;
  for (std::int64_t i = 0; i < rows; ++i) {
    const float a = static_cast<float>(i % 11) / 11.0F - 0.5F;
    const float b = static_cast<float>(i % 7) / 7.0F - 0.5F;
    x.push_back(a);
    x.push_back(b);
    y.push_back(2 * a - 3 * b + 0.5F);
  }
  return {Tensor(x, {rows, 2}), Tensor(y, {rows, 1})};
}

Sequential linear_model() {
  return Sequential({Input({2}), Dense(1)});
}

FitArguments quiet(std::int64_t epochs, std::int64_t batch_size = 32) {
  FitArguments arguments;
  arguments.verbose = 0;
  arguments.epochs = epochs;
  arguments.batch_size = batch_size;
  return arguments;
}

}  // namespace

TEST_CASE("A linear model learns the weights that made the data") {
  set_random_seed(1);
  Sequential model = linear_model();
  model.compile(
      {.optimizer = optimizers::SGD({.learning_rate = 0.5}), .loss = "mse"});
  const Plane data = plane(154);
  const History history = model.fit(data.x, data.y, quiet(60, 22));
  CHECK(history["loss"].size() == 60);
  CHECK(history["loss"].back() < 1e-6);
  const std::vector<Tensor> weights = model.get_weights();
  CHECK(weights[0].at(0) == doctest::Approx(2).epsilon(1e-3));
  CHECK(weights[0].at(1) == doctest::Approx(-3).epsilon(1e-3));
  CHECK(weights[1].at(0) == doctest::Approx(0.5).epsilon(1e-3));
}

TEST_CASE("One seed gives one result, shuffling and dropout included") {
  const auto run = [] {
    set_random_seed(42);
    Sequential model(
        {Input({2}), Dense(8, {.activation = "relu"}), Dropout(0.3), Dense(1)});
    model.compile({.optimizer = "adam", .loss = "mse"});
    const Plane data = plane(50);
    model.fit(data.x, data.y, quiet(3, 16));
    return model.get_weights();
  };
  const std::vector<Tensor> first = run();
  const std::vector<Tensor> second = run();
  for (std::size_t i = 0; i < first.size(); ++i) CHECK(first[i] == second[i]);
}

TEST_CASE("The loss of an epoch weighs a partial last batch by its rows") {
  Sequential model = linear_model();
  model.compile(
      {.optimizer = optimizers::SGD({.learning_rate = 0.0}), .loss = "mse"});
  const Plane data = plane(23);
  FitArguments arguments = quiet(1, 10);
  const History history = model.fit(data.x, data.y, arguments);
  const double whole =
      model.evaluate(data.x, data.y, {.batch_size = 23, .verbose = 0})
          .at("loss");
  CHECK(history["loss"][0] == doctest::Approx(whole).epsilon(1e-5));
}

TEST_CASE("Validation is on the last rows and logged under val_") {
  Sequential model = linear_model();
  model.compile(
      {.optimizer = optimizers::SGD({.learning_rate = 0.0}),
       .loss = "mse",
       .metrics = {"mae"}});
  const Plane data = plane(40);
  FitArguments arguments = quiet(1);
  arguments.validation_split = 0.25;
  const History history = model.fit(data.x, data.y, arguments);
  const Logs last = model.evaluate(
      data.x.slice(30, 40), data.y.slice(30, 40), {.verbose = 0});
  CHECK(
      history["val_loss"][0] == doctest::Approx(last.at("loss")).epsilon(1e-6));
  CHECK(history["val_mae"][0] == doctest::Approx(last.at("mae")).epsilon(1e-6));
}

TEST_CASE("Sample weights and class weights mean the same thing") {
  const Tensor x(std::vector<float>{1, 2, 3, 4}, {4, 1});
  const Tensor y(std::vector<std::int64_t>{0, 1, 1, 0});
  const auto loss = [&](const FitArguments& arguments) {
    set_random_seed(3);
    Sequential model({Input({1}), Dense(2, {.activation = "softmax"})});
    model.compile(
        {.optimizer = optimizers::SGD({.learning_rate = 0.1}),
         .loss = "sparse_categorical_crossentropy"});
    return model.fit(x, y, arguments)["loss"][0];
  };
  FitArguments by_class = quiet(1);
  by_class.class_weight = {{1, 5.0}};
  FitArguments by_sample = quiet(1);
  by_sample.sample_weight = Tensor(std::vector<float>{1, 5, 5, 1});
  CHECK(loss(by_class) == doctest::Approx(loss(by_sample)).epsilon(1e-6));
  CHECK(loss(by_class) != doctest::Approx(loss(quiet(1))));
}

TEST_CASE("Several outputs have losses, weights and metrics by name") {
  const SymbolicTensor in = Input({2});
  const auto a = Dense(1, {.name = "a"})(in);
  const auto b = Dense(1, {.name = "b"})(in);
  Model model({in}, {a, b});
  model.compile(
      {.optimizer = optimizers::SGD({.learning_rate = 0.0}),
       .loss = {{"a", Loss("mse")}, {"b", Loss("mae")}},
       .loss_weights = {{"a", 1.0}, {"b", 0.5}}});
  const Plane data = plane(8);
  const Logs logs = model.evaluate(
      data.x, std::vector<Tensor>{data.y, data.y}, {.verbose = 0});
  CHECK(
      logs.at("loss") ==
      doctest::Approx(logs.at("a_loss") + 0.5 * logs.at("b_loss"))
          .epsilon(1e-6));
  // Targets by name, in any order.
  const TensorSet named = {{"b", data.y}, {"a", data.y}};
  CHECK(
      model.evaluate(data.x, named, {.verbose = 0}).at("loss") ==
      logs.at("loss"));
}

TEST_CASE("steps_per_execution changes when callbacks run, nothing else") {
  const auto run = [](std::int64_t steps, int& calls) {
    set_random_seed(5);
    Sequential model = linear_model();
    model.compile(
        {.optimizer = "sgd", .loss = "mse", .steps_per_execution = steps});
    FitArguments arguments = quiet(1, 10);
    arguments.callbacks = {callbacks::LambdaCallback(
        {.on_train_batch_end = [&](std::int64_t, Logs&) { ++calls; }})};
    const Plane data = plane(55);
    return model.fit(data.x, data.y, arguments)["loss"][0];
  };
  int one = 0;
  int four = 0;
  const double a = run(1, one);
  const double b = run(4, four);
  CHECK(a == b);
  CHECK(one == 6);
  CHECK(four == 2);
}

TEST_CASE("initial_epoch and steps_per_epoch bound what is run") {
  Sequential model = linear_model();
  model.compile({.optimizer = "sgd", .loss = "mse"});
  const Plane data = plane(30);
  FitArguments arguments = quiet(5, 10);
  arguments.initial_epoch = 3;
  CHECK(model.fit(data.x, data.y, arguments).epoch.size() == 2);
  FitArguments limited = quiet(2, 10);
  limited.steps_per_epoch = 2;
  const std::int64_t before = model.optimizer().iterations();
  const LogCapture capture;
  model.fit(data.x, data.y, limited);
  // As in Keras: the second epoch goes on with the third batch, the last one.
  CHECK(model.optimizer().iterations() == before + 3);
  CHECK(capture.contains("ran out of data after 1 of 2 steps"));
}

TEST_CASE("predict joins batches and is safe from several threads") {
  set_random_seed(2);
  Sequential model({Input({2}), Dense(16, {.activation = "tanh"}), Dense(3)});
  const Plane data = plane(101);
  const Tensor all = model.predict(data.x, {.batch_size = 101});
  CHECK(all.shape() == Shape{101, 3});
  std::vector<Tensor> results(4);
  std::vector<std::thread> threads;
  for (std::size_t i = 0; i < results.size(); ++i) {
    threads.emplace_back([&, i] {
      results[i] = model.predict(
          data.x, {.batch_size = 10 + static_cast<std::int64_t>(i)});
    });
  }
  for (std::thread& thread : threads) thread.join();
  for (const Tensor& result : results) {
    REQUIRE(result.shape() == all.shape());
    for (std::int64_t i = 0; i < all.size(); ++i) {
      CHECK(result.at(i) == doctest::Approx(all.at(i)).epsilon(1e-5));
    }
  }
}

TEST_CASE("run_eagerly trains like the compiled step") {
  const auto run = [](bool eagerly) {
    set_random_seed(7);
    Sequential model = linear_model();
    model.compile({.optimizer = "adam", .loss = "mse", .run_eagerly = eagerly});
    const Plane data = plane(20);
    return model.fit(data.x, data.y, quiet(2, 8))["loss"].back();
  };
  CHECK(run(true) == doctest::Approx(run(false)).epsilon(1e-5));
}

TEST_CASE("A factor on the loss leaves the training what it was") {
  const auto train = [](std::optional<double> factor) {
    set_random_seed(6);
    Sequential model = linear_model();
    model.compile(
        {.optimizer = optimizers::SGD(
             {.learning_rate = 0.1, .loss_scale_factor = factor}),
         .loss = "mse"});
    const Plane data = plane(32);
    model.fit(data.x, data.y, quiet(3));
    return model.get_weights()[0];
  };
  const Tensor plain = train({});
  const Tensor scaled = train(1024.0);
  CHECK(scaled.at(0) == doctest::Approx(plain.at(0)).epsilon(1e-5));
  CHECK(scaled.at(1) == doctest::Approx(plain.at(1)).epsilon(1e-5));
}

TEST_CASE("Frozen layers stay bit for bit what they were") {
  set_random_seed(4);
  const Dense frozen(4, {.activation = "relu", .trainable = false});
  Sequential model({Input({2}), frozen, Dense(1)});
  model.compile({.optimizer = "adam", .loss = "mse"});
  const std::vector<Tensor> before = frozen.get_weights();
  const Plane data = plane(64);
  model.fit(data.x, data.y, quiet(3));
  CHECK(frozen.get_weights()[0] == before[0]);
  CHECK(frozen.get_weights()[1] == before[1]);
}

TEST_CASE("Changing what is trainable needs a new compile") {
  Sequential model({Input({2}), Dense(4, {.name = "base"}), Dense(1)});
  model.compile({.optimizer = "sgd", .loss = "mse"});
  const Plane data = plane(8);
  model.fit(data.x, data.y, quiet(1));
  model.get_layer("base").set_trainable(false);
  CHECK_THROWS_AS(model.fit(data.x, data.y, quiet(1)), InvalidArgument);
  model.compile({.optimizer = "sgd", .loss = "mse"});
  CHECK_NOTHROW(model.fit(data.x, data.y, quiet(1)));
}

TEST_CASE("Early stopping restores the best weights") {
  set_random_seed(9);
  Sequential model = linear_model();
  // A rate at which the loss grows: the first epoch is the best.
  model.compile(
      {.optimizer = optimizers::SGD({.learning_rate = 20.0}), .loss = "mse"});
  FitArguments arguments = quiet(10);
  arguments.callbacks = {callbacks::EarlyStopping(
      {.monitor = "loss", .patience = 1, .restore_best_weights = true})};
  const Plane data = plane(64);
  std::vector<std::vector<Tensor>> after;  // each epoch
  arguments.callbacks.push_back(
      callbacks::LambdaCallback({.on_epoch_end = [&](std::int64_t, Logs&) {
        after.push_back(model.get_weights());
      }}));
  const History history = model.fit(data.x, data.y, arguments);
  REQUIRE(history.epoch.size() == 2);
  CHECK(after[0] != after[1]);
  CHECK(model.get_weights() == after[0]);
}

namespace {

/// Adds its input's sum of squares to the loss.
class SumOfSquares final : public LayerImpl {
 public:
  std::string class_name() const override { return "SumOfSquares"; }

  Value call(CallContext& ctx, const Value& x) override {
    ctx.add_loss(ops::sum(ops::square(x)));
    return x;
  }
};

/// A model that owns its forward pass and its training step: the loss is its
/// own, and so is what it logs.
class Own final : public ModelImpl {
 public:
  Own() {
    hidden_ = Dense(8, {.activation = "tanh"});
    out_ = Dense(1);
    add_sublayer("hidden", hidden_);
    add_sublayer("out", out_);
  }

  std::string class_name() const override { return "Own"; }

  Value call(CallContext& ctx, const Value& x) override {
    return out_(ctx, hidden_(ctx, x));
  }

  void train_step(StepContext& ctx, const StepData& data) override {
    const Value y = forward(ctx, data.x)[0];
    const Value loss = ops::mean(ops::square(y - data.y[0]));
    optimizer().impl().apply(
        ctx, ctx.gradients(loss, trainable_weights()), trainable_weights());
    ctx.track("own_loss", loss);
  }

 private:
  Layer hidden_;
  Layer out_;
};

}  // namespace

TEST_CASE("A model class owns its forward pass and its training step") {
  set_random_seed(11);
  Model model = make_model<Own>();
  model.compile({.optimizer = optimizers::Adam({.learning_rate = 0.05})});
  const Plane data = plane(64);
  const History history = model.fit(data.x, data.y, quiet(30, 16));
  CHECK(history["own_loss"].back() < 0.1 * history["own_loss"].front());
  CHECK(model.predict(data.x).shape() == Shape{64, 1});
}

TEST_CASE("A cross-entropy after an unactivated layer warns") {
  Sequential model({Input({2}), Dense(3)});
  model.compile(
      {.optimizer = "sgd", .loss = "sparse_categorical_crossentropy"});
  const Plane data = plane(6);
  const Tensor y(std::vector<std::int64_t>{0, 1, 2, 0, 1, 2});
  const LogCapture capture;
  model.fit(data.x, y, quiet(1));
  CHECK(capture.contains("use from_logits=true"));
}

TEST_CASE("Activity and weight regularizers are part of the loss") {
  Sequential model(
      {Input({2}),
       Dense(
           1,
           {.use_bias = false,
            .kernel_initializer = "ones",
            .kernel_regularizer = regularizers::L2(0.5)})});
  model.compile(
      {.optimizer = optimizers::SGD({.learning_rate = 0.0}), .loss = "mse"});
  const Tensor x(std::vector<float>{0, 0}, {1, 2});
  const Tensor y(std::vector<float>{0}, {1, 1});
  CHECK(
      model.evaluate(x, y, {.verbose = 0}).at("loss") == doctest::Approx(1.0));
}

TEST_CASE("A layer's add_loss is part of the loss and trains what is before") {
  Sequential model(
      {Input({2}),
       Dense(2, {.use_bias = false, .kernel_initializer = "identity"}),
       make_layer<SumOfSquares>()});
  model.compile(
      {.optimizer = optimizers::SGD({.learning_rate = 0.01}), .loss = "mse"});
  const Tensor x(std::vector<float>{1, 2}, {1, 2});
  CHECK(
      model.evaluate(x, x, {.verbose = 0}).at("loss") == doctest::Approx(5.0));
  model.train_on_batch(x, x);
  // d(1 + 4)/dW = 2 x^T x; the mean squared error has no gradient there.
  const Tensor kernel = model.get_weights()[0];
  CHECK(kernel.at(0) == doctest::Approx(1 - 0.01 * 2));
  CHECK(kernel.at(3) == doctest::Approx(1 - 0.01 * 8));
}
