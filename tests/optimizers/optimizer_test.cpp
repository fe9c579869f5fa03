#include <doctest/doctest.h>

#include <cmath>

#include <keratin/error.hpp>
#include <keratin/layer.hpp>
#include <keratin/ops.hpp>
#include <keratin/optimizers.hpp>

#include "src/core/fields.hpp"
#include "src/runtime/registry.hpp"
#include "tests/optimizers/training.hpp"

using namespace keratin;
using namespace keratin::testing;

namespace {

Tensor vector(const std::vector<float>& values) {
  return Tensor(values);
}

/// Steps of sum(w * g): the gradient is what is fed.
class Feed {
 public:
  Feed(const Optimizer& optimizer, const Variable& weight)
      : training_(
            optimizer,
            {weight},
            {weight.value()},
            [](const std::vector<Value>& w, const std::vector<Value>& g) {
              return ops::sum(w[0] * g[0]);
            },
            find_backend("reference")) {}

  void step(const Tensor& gradient) { training_.step({gradient}); }

 private:
  Training training_;
};

}  // namespace

TEST_CASE("SGD goes against the gradient") {
  const Variable w = make_weight(vector({1, 2}), "w");
  Feed feed(optimizers::SGD({.learning_rate = 0.5}), w);
  feed.step(vector({1, -2}));
  CHECK(w.value() == vector({0.5, 3}));
}

TEST_CASE("The learning rate can be changed between steps") {
  const Variable w = make_weight(vector({1}), "w");
  Optimizer sgd = optimizers::SGD({.learning_rate = 0.5});
  sgd.set_learning_rate(0.25);
  Feed feed(sgd, w);
  feed.step(vector({1}));
  CHECK(w.value().at(0) == 0.75);
  sgd.set_learning_rate(0.125);
  feed.step(vector({1}));
  CHECK(w.value().at(0) == 0.625);
  CHECK(sgd.learning_rate() == 0.125);
  CHECK(sgd.to_config().at("config").at("learning_rate") == Config(0.125));
  CHECK(sgd.iterations() == 2);
}

TEST_CASE("A schedule counts steps and cannot be set") {
  const Variable w = make_weight(vector({1}), "w");
  Optimizer sgd = optimizers::SGD(
      {.learning_rate = schedules::PiecewiseConstantDecay({0}, {0.5, 0.25})});
  Feed feed(sgd, w);
  CHECK(sgd.learning_rate() == 0.5);
  feed.step(vector({1}));
  CHECK(sgd.learning_rate() == 0.25);
  feed.step(vector({1}));
  CHECK(w.value().at(0) == 0.25);
  CHECK_THROWS_WITH_AS(
      sgd.set_learning_rate(0.1),
      doctest::Contains("schedule"),
      InvalidArgument);
}

TEST_CASE("Gradients are clipped one way or the other") {
  const auto after = [](optimizers::SGDOptions options) {
    options.learning_rate = 1;
    const Variable w = make_weight(vector({0, 0}), "w");
    Feed feed(optimizers::SGD(options), w);
    feed.step(vector({3, -4}));
    return w.value();
  };
  CHECK(after({.clipvalue = 2}) == vector({-2, 2}));
  const Tensor by_norm = after({.clipnorm = 1});
  CHECK(by_norm.at(0) == doctest::Approx(-0.6));
  CHECK(by_norm.at(1) == doctest::Approx(0.8));
  const Tensor by_global = after({.global_clipnorm = 2.5});
  CHECK(by_global.at(0) == doctest::Approx(-1.5));
  CHECK(after({.clipnorm = 10}).at(1) == doctest::Approx(4));
}

TEST_CASE("Weight decay leaves out what it is told to") {
  const auto after = [](const std::vector<std::string>& names) {
    const Variable w = make_weight(vector({1}), "dense/bias");
    Optimizer sgd =
        optimizers::SGD({.learning_rate = 0.5, .weight_decay = 0.5});
    sgd.impl().exclude_from_weight_decay({}, names);
    Feed feed(sgd, w);
    feed.step(vector({0}));
    return w.value().at(0);
  };
  CHECK(after({}) == 0.75);
  CHECK(after({"kernel"}) == 0.75);
  CHECK(after({"bi.s"}) == 1);
}

TEST_CASE("Accumulated gradients update every so many steps by their mean") {
  const Variable w = make_weight(vector({1}), "w");
  Optimizer sgd =
      optimizers::SGD({.learning_rate = 1, .gradient_accumulation_steps = 2});
  Feed feed(sgd, w);
  feed.step(vector({1}));
  CHECK(w.value().at(0) == 1);
  CHECK(sgd.iterations() == 0);
  feed.step(vector({0}));
  CHECK(w.value().at(0) == 0.5);
  CHECK(sgd.iterations() == 1);
  feed.step(vector({4}));
  feed.step(vector({4}));
  CHECK(w.value().at(0) == -3.5);
}

TEST_CASE("Averages take the weights' place when training ends") {
  const Variable w = make_weight(vector({0}), "w");
  Optimizer sgd = optimizers::SGD(
      {.learning_rate = 1, .use_ema = true, .ema_momentum = 0.5});
  Feed feed(sgd, w);
  feed.step(vector({-2}));  // w = 2, average = 2
  feed.step(vector({-2}));  // w = 4, average = 3
  CHECK(w.value().at(0) == 4);
  sgd.impl().finalize_variable_values();
  CHECK(w.value().at(0) == 3);
}

TEST_CASE("Averages take the weights' place every so many steps") {
  const Variable w = make_weight(vector({0}), "w");
  Feed feed(
      optimizers::SGD(
          {.learning_rate = 1,
           .use_ema = true,
           .ema_momentum = 0.5,
           .ema_overwrite_frequency = 2}),
      w);
  feed.step(vector({-2}));
  CHECK(w.value().at(0) == 2);
  feed.step(vector({-2}));
  CHECK(w.value().at(0) == 3);
}

TEST_CASE("A constraint holds after every step") {
  VariableOptions options;
  options.constraint = [](const Value& x) { return ops::maximum(x, 0.0); };
  const Variable w = make_weight(vector({1, 1}), "w", options);
  Feed feed(optimizers::SGD({.learning_rate = 1}), w);
  feed.step(vector({3, -3}));
  CHECK(w.value() == vector({0, 4}));
}

TEST_CASE("A scaled loss gives the same step") {
  const Variable w = make_weight(vector({1}), "w");
  Feed feed(
      optimizers::SGD({.learning_rate = 0.5, .loss_scale_factor = 1024}), w);
  feed.step(vector({1}));
  CHECK(w.value().at(0) == 0.5);
}

TEST_CASE("A norm that is no number makes weights none") {
  const Variable w = make_weight(vector({1}), "w");
  Feed feed(optimizers::SGD({.global_clipnorm = 1}), w);
  feed.step(vector({INFINITY}));
  CHECK(std::isnan(w.value().at(0)));
}

TEST_CASE("An optimizer goes by Keras's names, in any case") {
  for (const char* name : {"adam", "Adam", "ADAM"}) {
    CHECK(Optimizer(name).impl().class_name() == "Adam");
  }
  CHECK(Optimizer("rmsprop").impl().class_name() == "RMSprop");
  CHECK_THROWS_WITH_AS(
      Optimizer("adan"), doctest::Contains("did you mean"), InvalidArgument);
}

TEST_CASE("Every optimizer survives its config") {
  for (const std::string& name : optimizer_names()) {
    CAPTURE(name);
    if (name == "LossScaleOptimizer" || name == "MultiOptimizer") {
      // Around others, which have to be given: see wrappers_test.cpp.
      CHECK_THROWS_WITH_AS(
          Optimizer{name},
          doctest::Contains("needs the argument"),
          InvalidArgument);
      continue;
    }
    const Optimizer optimizer(name);
    const Config config = optimizer.to_config();
    Optimizer again;
    again.from_config(config, "optimizer");
    CHECK(again.to_config() == config);
    CHECK(config.at("class_name") == Config(name));
  }
}

TEST_CASE("Names are made from class names as Keras makes them") {
  clear_session();
  CHECK(Optimizer("AdamW").impl().name() == "adam_w");
  CHECK(Optimizer("AdamW").impl().name() == "adam_w_1");
  CHECK(Optimizer("RMSprop").impl().name() == "rm_sprop");
  CHECK(optimizers::SGD({.name = "mine"}).impl().name() == "mine");
}

TEST_CASE("Configs of Keras 2 are read") {
  Optimizer optimizer;
  optimizer.from_config(
      Config::parse(R"({"class_name": "Adam", "config": {
          "name": "Adam", "lr": 0.5, "decay": 0.0, "beta_1": 0.8,
          "jit_compile": false, "is_legacy_optimizer": false}})"),
      "optimizer");
  CHECK(optimizer.learning_rate() == 0.5);
  CHECK(optimizer.to_config().at("config").at("beta_1") == Config(0.8));
}

TEST_CASE("Optimizers of bad arguments are refused") {
  CHECK_THROWS_WITH_AS(
      optimizers::SGD({.clipnorm = 1, .clipvalue = 1}),
      doctest::Contains("one of clipnorm, clipvalue"),
      InvalidArgument);
  CHECK_THROWS_WITH_AS(
      optimizers::SGD({.momentum = 2}),
      doctest::Contains("momentum in [0, 1]"),
      InvalidArgument);
  CHECK_THROWS_WITH_AS(
      optimizers::Adam({.gradient_accumulation_steps = 1}),
      doctest::Contains("gradient_accumulation_steps >= 2"),
      InvalidArgument);
  Optimizer optimizer;
  CHECK_THROWS_WITH_AS(
      optimizer.from_config(
          Config::parse(
              R"({"class_name": "SGD", "config": {"momentun": 0.9}})"),
          "compile.optimizer"),
      doctest::Contains("did you mean \"momentum\"?"),
      InvalidArgument);
  CHECK_THROWS_WITH_AS(
      optimizer.from_config(
          Config::parse(
              R"({"class_name": "AdamW", "config": {"weight_decay": null}})"),
          "compile.optimizer"),
      doctest::Contains("use Adam"),
      InvalidArgument);
}

TEST_CASE("An optimizer updates only what it was built with") {
  const Variable a = make_weight(vector({1}), "a");
  const Variable b = make_weight(vector({1}), "b");
  Optimizer sgd = optimizers::SGD();
  sgd.impl().build({a});
  CHECK_THROWS_WITH_AS(Feed(sgd, b), doctest::Contains("'b'"), InvalidArgument);
  CHECK_THROWS_WITH_AS(
      sgd.impl().build({b}),
      doctest::Contains("built already"),
      InvalidArgument);
}

TEST_CASE("The schema of an optimizer names its arguments") {
  const Config schema = Optimizer("sgd").schema();
  CHECK(schema.dump().find("nesterov") != std::string::npos);
  CHECK(schema.dump().find("amsgrad") != std::string::npos);
}
