// Optimizers around others, and ScheduleFreeAdamW, against recorded steps of
// real Keras (tests/data/make_optimizer_cases.py).

#include <doctest/doctest.h>

#include <fstream>
#include <iterator>
#include <limits>

#include <keratin/error.hpp>
#include <keratin/ops.hpp>
#include <keratin/optimizers.hpp>

#include "src/runtime/registry.hpp"
#include "tests/optimizers/training.hpp"
#include "tests/support/paths.hpp"
#include "tests/support/throws.hpp"

using namespace keratin;
using namespace keratin::testing;

namespace {

Config cases() {
  std::ifstream in(fixture("optimizers/wrappers.json"));
  const std::string text{std::istreambuf_iterator<char>(in), {}};
  return Config::parse(text, "wrappers.json");
}

Tensor numbers(const Config& list, const Shape& shape) {
  std::vector<float> values;
  for (const Config& item : list.as_array()) {
    values.push_back(
        item.is_string() ? std::numeric_limits<float>::infinity()
                         : static_cast<float>(item.as_number()));
  }
  return Tensor(values, shape);
}

void check_near(const Tensor& got, const Tensor& want) {
  CHECK(got.shape() == want.shape());
  for (std::int64_t i = 0; i < want.shape().size(); ++i) {
    CHECK(got.at(i) == doctest::Approx(want.at(i)).epsilon(1e-5));
  }
}

}  // namespace

TEST_CASE("Optimizers around others step as Keras's do") {
  const Config all = cases();
  for (const Config& test : all.as_array()) {
    CAPTURE(test.at("name").as_string());
    std::vector<Variable> weights;
    for (const auto& [path, value] : test.at("weights").as_object()) {
      const Shape shape(test.at("shapes").at(path).as_ints());
      weights.push_back(make_weight(numbers(value, shape), path));
    }
    Optimizer optimizer;
    optimizer.from_config(test.at("optimizer"), "optimizer");
    std::vector<Tensor> example;
    for (const Variable& weight : weights) example.push_back(weight.value());
    // The gradient of sum(w * g) is g.
    Training training(
        optimizer,
        weights,
        example,
        [](const std::vector<Value>& w, const std::vector<Value>& g) {
          Value loss = ops::sum(w[0] * g[0]);
          for (std::size_t i = 1; i < w.size(); ++i) {
            loss = loss + ops::sum(w[i] * g[i]);
          }
          return loss;
        },
        find_backend("reference"));
    const Config::Array& steps = test.at("steps").as_array();
    for (std::size_t step = 0; step < steps.size(); ++step) {
      CAPTURE(step);
      std::vector<Tensor> gradients;
      for (std::size_t i = 0; i < weights.size(); ++i) {
        gradients.push_back(
            numbers(steps[step].as_array()[i], weights[i].shape()));
      }
      training.step(gradients);
      const Config& after = test.at("after").as_array()[step];
      for (std::size_t i = 0; i < weights.size(); ++i) {
        check_near(
            weights[i].value(),
            numbers(after.as_array()[i], weights[i].shape()));
      }
    }
    const std::vector<Variable> variables = optimizer.impl().variables();
    const Config::Array& want = test.at("variables").as_array();
    REQUIRE(variables.size() == want.size());
    for (std::size_t i = 0; i < want.size(); ++i) {
      CAPTURE(variables[i].path());
      check_near(
          variables[i].value().cast(DType::f32),
          numbers(want[i], variables[i].shape()));
    }
    // Back to the config it came from.
    Optimizer again;
    again.from_config(optimizer.to_config(), "optimizer");
    CHECK(again.to_config() == optimizer.to_config());
  }
}

TEST_CASE("A map chooses by path, then by pattern, then the default") {
  const Optimizer sgd = optimizers::SGD();
  const Optimizer adam = optimizers::Adam();
  const Optimizer lion = optimizers::Lion();
  const optimizers::OptimizerMap map(
      sgd, {{"encoder/.*", adam}, {"encoder/dense/bias", lion}});
  CHECK(&map.of("encoder/dense/kernel").impl() == &adam.impl());
  CHECK(&map.of("encoder/dense/bias").impl() == &lion.impl());
  CHECK(&map.of("encoder").impl() == &sgd.impl());
  const optimizers::OptimizerMap twice(sgd, {{"a.*", adam}, {".*b", lion}});
  CHECK(message_of<InvalidArgument>([&] {
          (void)twice.of("ab");
        }) == "[optimizer_map] several optimizers match the variable 'ab'");
}

TEST_CASE("Optimizers around others say what is wrong") {
  using optimizers::LossScaleOptimizer;
  using optimizers::OptimizerMap;
  CHECK(message_of<InvalidArgument>([] {
          LossScaleOptimizer("adam", {.initial_scale = 0});
        }) == "[loss_scale_optimizer] expected initial_scale > 0, got 0");
  CHECK(
      message_of<InvalidArgument>([] {
        OptimizerMap("sgd", {{"a", LossScaleOptimizer("adam")}});
      }) ==
      "[optimizer_map['a']] expected an optimizer that is not around others, "
      "got LossScaleOptimizer");
  CHECK(message_of<InvalidArgument>([] {
          OptimizerMap("sgd", {{"a", "adam"}, {"a", "lion"}});
        }) == "[optimizer_map['a']] is given twice");
  const Optimizer multi = optimizers::MultiOptimizer(OptimizerMap("sgd"));
  CHECK(message_of<InvalidArgument>([&] {
          (void)multi.learning_rate();
        }).find("has no learning rate of its own") != std::string::npos);
  CHECK(LossScaleOptimizer("adam").learning_rate() == 0.001);
}
