#include <doctest/doctest.h>

#include <keratin/error.hpp>
#include <keratin/schedules.hpp>

#include "src/ir/graph.hpp"
#include "src/runtime/program.hpp"
#include "src/runtime/registry.hpp"
#include "tests/losses/golden.hpp"
#include "tests/support/skip.hpp"

using namespace keratin;
using namespace keratin::testing;

namespace {

LearningRate read(const Config& config) {
  LearningRate rate;
  rate.from_config(config, "learning_rate");
  return rate;
}

/// The rates of a schedule at some steps, computed in a graph.
Tensor rates(
    const LearningRate& rate,
    const std::vector<double>& steps,
    Backend& backend) {
  Graph graph;
  const Value step = graph.parameter({DType::f32, Shape{}}, "step");
  graph.set_outputs({rate.schedule().rate(step)});
  Program program(graph, backend);
  std::vector<double> out;
  for (const double at : steps) {
    out.push_back(
        program.run(std::vector<Tensor>{Tensor(at).cast(DType::f32)})[0]
            .item<double>());
  }
  return Tensor(out);
}

}  // namespace

TEST_CASE("Schedules are Keras's, on the host and in the graph") {
  const auto files = golden_files("schedules");
  if (files.empty()) KERATIN_SKIP("no conformance cases");
  for (const auto& path : files) {
    CAPTURE(path.filename().string());
    const h5::File file = h5::File::open(path.string());
    const Config config = Config::parse(file.root().attr_text("schedule"));
    const LearningRate rate = read(config);
    const auto steps = file.at("step").read().to_vector<double>();
    const Tensor expected = file.at("value").read();
    std::vector<double> host;
    for (const double step : steps) {
      host.push_back(rate.at(static_cast<std::int64_t>(step)));
    }
    CHECK(relative_error(Tensor(host), expected) < 1e-10);
    CHECK(
        relative_error(
            rates(rate, steps, find_backend("reference")), expected) < 1e-7);
    CHECK(
        relative_error(rates(rate, steps, default_backend()), expected) < 1e-4);
    CHECK(rate.to_config().dump() == config.dump());
  }
}

TEST_CASE("Every schedule computes the same on the host and in the graph") {
  const LearningRate all[] = {
      schedules::ExponentialDecay(0.1, 100, 0.5, {.staircase = true}),
      schedules::InverseTimeDecay(0.1, 50, 0.5),
      schedules::PiecewiseConstantDecay({100, 200}, {1.0, 0.5, 0.1}),
      schedules::PolynomialDecay(0.1, 60, {.power = 2, .cycle = true}),
      schedules::CosineDecay(
          0.01, 200, {.warmup_target = 0.1, .warmup_steps = 50}),
      schedules::CosineDecayRestarts(0.1, 40, {.t_mul = 1}),
  };
  std::vector<double> steps;
  for (int step = 0; step < 300; step += 10) steps.push_back(step);
  for (const LearningRate& rate : all) {
    CAPTURE(rate.schedule().class_name());
    std::vector<double> host;
    for (const double step : steps) {
      host.push_back(rate.at(static_cast<std::int64_t>(step)));
    }
    CHECK(
        relative_error(
            rates(rate, steps, find_backend("reference")), Tensor(host)) <
        1e-7);
    CHECK(read(rate.to_config()).to_config() == rate.to_config());
  }
}

TEST_CASE("Schedules have the values one expects") {
  const LearningRate steps =
      schedules::PiecewiseConstantDecay({10, 20}, {1.0, 0.5, 0.1});
  CHECK(steps.at(0) == 1);
  CHECK(steps.at(10) == 1);
  CHECK(steps.at(11) == 0.5);
  CHECK(steps.at(20) == 0.5);
  CHECK(steps.at(21) == doctest::Approx(0.1));
  CHECK(schedules::ExponentialDecay(1, 10, 0.5).at(20) == doctest::Approx(.25));
  CHECK(schedules::CosineDecay(1, 10).at(5) == doctest::Approx(0.5));
  CHECK(
      schedules::CosineDecay(1, 10, {.alpha = 0.2}).at(99) ==
      doctest::Approx(0.2));
  CHECK(LearningRate(0.25).at(7) == 0.25);
}

TEST_CASE("Schedules that cannot be are refused") {
  CHECK_THROWS_WITH_AS(
      schedules::CosineDecay(0.1, 0),
      doctest::Contains("decay_steps > 0"),
      InvalidArgument);
  CHECK_THROWS_WITH_AS(
      schedules::PiecewiseConstantDecay({1, 2}, {0.1, 0.2}),
      doctest::Contains("one value more than boundaries"),
      InvalidArgument);
  CHECK_THROWS_WITH_AS(
      read(Config::parse(R"({"class_name": "CosineDecy", "config": {}})")),
      doctest::Contains("did you mean \"CosineDecay\"?"),
      InvalidArgument);
  CHECK_THROWS_WITH_AS(
      read(Config::parse(R"({"class_name": "ExponentialDecay",
                             "config": {"initial_learning_rate": 1}})")),
      doctest::Contains("'decay_steps'"),
      InvalidArgument);
  CHECK_THROWS_WITH_AS(
      read(Config(true)), doctest::Contains("a number"), InvalidArgument);
}
