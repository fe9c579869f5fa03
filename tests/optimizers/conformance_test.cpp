// Twelve training steps of a small network against real Keras.

#include <doctest/doctest.h>

#include <keratin/ops.hpp>

#include "src/runtime/registry.hpp"
#include "tests/losses/golden.hpp"
#include "tests/optimizers/training.hpp"
#include "tests/support/skip.hpp"

using namespace keratin;
using namespace keratin::testing;

namespace {

/// Dense(5, tanh), Dense(3), mean squared error.
Value network_loss(
    const std::vector<Value>& w, const std::vector<Value>& inputs) {
  const Value h = ops::tanh(ops::matmul(inputs[0], w[0]) + w[1]);
  const Value y = ops::matmul(h, w[2]) + w[3];
  return ops::mean(ops::square(inputs[1] - y));
}

void check_all(Backend& backend, DType dtype, double tolerance) {
  const auto files = golden_files("optimizers");
  if (files.empty()) KERATIN_SKIP("no conformance cases");
  for (const auto& path : files) {
    CAPTURE(path.filename().string());
    const h5::File file = h5::File::open(path.string());
    if (dtype == DType::f64 &&
        file.root().attr_text("precision") != "float64") {
      continue;
    }
    const FloatxScope scope(dtype);
    Optimizer optimizer;
    optimizer.from_config(
        Config::parse(file.root().attr_text("optimizer")), "optimizer");
    const Tensor path_list = file.at("paths").read();
    const auto paths = path_list.data<std::string>();
    std::vector<Variable> weights;
    for (const std::string& name : paths) {
      weights.push_back(
          make_weight(file.at("start/" + name).read().cast(dtype), name));
    }
    const Tensor x = file.at("x").read().cast(dtype);
    const Tensor y = file.at("y").read().cast(dtype);
    const Tensor losses = file.at("loss").read();
    Training training(optimizer, weights, {x[0], y[0]}, network_loss, backend);
    for (std::int64_t step = 0; step < losses.size(); ++step) {
      CAPTURE(step);
      const double loss = training.step({x[step], y[step]});
      CHECK(relative_error(Tensor(loss), Tensor(losses.at(step))) < tolerance);
      const auto after = file.find("after/" + std::to_string(step + 1));
      if (!after) continue;
      for (std::size_t i = 0; i < weights.size(); ++i) {
        CAPTURE(paths[i]);
        CHECK(
            relative_error(weights[i].value(), after->at(paths[i]).read()) <
            tolerance);
      }
    }
    CHECK(
        optimizer.impl().iterations() ==
        losses.size() /
            optimizer.impl().arguments().gradient_accumulation_steps.value_or(
                1));
  }
}

}  // namespace

TEST_CASE("Optimizers train as Keras's do in float64") {
  check_all(find_backend("reference"), DType::f64, 1e-10);
}

TEST_CASE("Optimizers train as Keras's do in float32") {
  check_all(default_backend(), DType::f32, 1e-4);
}

TEST_CASE("Optimizers write the configs that Keras writes") {
  const auto files = golden_files("optimizers");
  if (files.empty()) KERATIN_SKIP("no conformance cases");
  for (const auto& path : files) {
    CAPTURE(path.filename().string());
    const h5::File file = h5::File::open(path.string());
    const Config config = Config::parse(file.root().attr_text("optimizer"));
    Optimizer optimizer;
    optimizer.from_config(config, "optimizer");
    CHECK(optimizer.to_config().dump() == config.dump());
  }
}

TEST_CASE("Optimizers have the variables of Keras's, in its order") {
  const auto files = golden_files("resume");
  if (files.empty()) KERATIN_SKIP("no conformance cases");
  for (const auto& path : files) {
    CAPTURE(path.filename().string());
    const auto same = conformance_dir() / "optimizers" / path.filename();
    if (!std::filesystem::exists(same)) continue;
    const h5::File config_file = h5::File::open(same.string());
    Optimizer optimizer;
    optimizer.from_config(
        Config::parse(config_file.root().attr_text("optimizer")), "optimizer");
    const h5::File file = h5::File::open(path.string());
    std::vector<Variable> weights;
    const Tensor path_list = file.at("paths").read();
    for (const std::string& name : path_list.data<std::string>()) {
      if (name.find("moving_") != std::string::npos) continue;
      weights.push_back(make_weight(file.at("after/" + name).read(), name));
    }
    optimizer.impl().build(weights);
    const auto& variables = optimizer.impl().variables();
    const Tensor names_list = file.at("optimizer_paths").read();
    const auto names = names_list.data<std::string>();
    REQUIRE(variables.size() == names.size());
    for (std::size_t i = 0; i < names.size(); ++i) {
      CHECK(variables[i].path() == names[i]);
      const h5::Object saved = file.at("optimizer/" + std::to_string(i));
      CHECK(variables[i].shape() == saved.shape());
      CHECK(variables[i].dtype() == saved.dtype());
    }
  }
}
