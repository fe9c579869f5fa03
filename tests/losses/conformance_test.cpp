// Values and gradients of losses against real Keras.

#include <doctest/doctest.h>

#include <keratin/losses.hpp>
#include <keratin/ops.hpp>

#include "src/ir/autodiff.hpp"
#include "src/ir/graph.hpp"
#include "src/runtime/program.hpp"
#include "src/runtime/registry.hpp"
#include "tests/losses/golden.hpp"
#include "tests/support/skip.hpp"

using namespace keratin;
using namespace keratin::testing;

namespace {

struct Result {
  Tensor value;
  Tensor gradient;
};

Result run(
    const Loss& loss, const h5::File& file, DType dtype, Backend& backend) {
  std::vector<Tensor> inputs = {
      as_float(file.at("y_true").read(), dtype),
      as_float(file.at("y_pred").read(), dtype)};
  Graph graph;
  const Value y_true =
      graph.parameter({inputs[0].dtype(), inputs[0].shape()}, "y_true");
  const Value y_pred =
      graph.parameter({inputs[1].dtype(), inputs[1].shape()}, "y_pred");
  Value weight;
  if (const auto weights = file.find("sample_weight")) {
    inputs.push_back(as_float(weights->read(), dtype));
    weight = graph.parameter({inputs[2].dtype(), inputs[2].shape()}, "weight");
  }
  const Value value = loss(y_true, y_pred, weight);
  const Value total = value.rank() == 0 ? value : ops::sum(value);
  graph.set_outputs({value, gradients(total, {y_pred})[0]});
  Program program(graph, backend);
  const std::vector<Tensor> out = program.run(inputs);
  return {out[0], out[1]};
}

void check_all(Backend& backend, DType dtype, double at_most) {
  const auto files = golden_files("losses");
  if (files.empty()) KERATIN_SKIP("no conformance cases");
  for (const auto& path : files) {
    const h5::File file = h5::File::open(path.string());
    const std::string precision = file.root().attr_text("precision");
    if (dtype == DType::f64 && precision != "float64") continue;
    const FloatxScope scope(dtype);
    double tolerance = at_most;
    CAPTURE(path.filename().string());
    Loss loss;
    loss.from_config(Config::parse(file.root().attr_text("loss")), "loss");
    const Result result = run(loss, file, dtype, backend);
    // Keras computes CTC in float32, whatever comes in.
    if (loss.impl().class_name() == "CTC")
      tolerance = std::max(1e-6, tolerance);
    CHECK(relative_error(result.value, file.at("value").read()) < tolerance);
    CHECK(
        relative_error(result.gradient, file.at("gradient").read()) <
        tolerance);
  }
}

}  // namespace

TEST_CASE("Losses and their gradients are Keras's in float64") {
  check_all(find_backend("reference"), DType::f64, 1e-10);
}

TEST_CASE("Losses and their gradients are Keras's in float32") {
  check_all(default_backend(), DType::f32, 1e-4);
}

TEST_CASE("Losses write the configs that Keras writes") {
  const auto files = golden_files("losses");
  if (files.empty()) KERATIN_SKIP("no conformance cases");
  for (const auto& path : files) {
    CAPTURE(path.filename().string());
    const h5::File file = h5::File::open(path.string());
    const Config config = Config::parse(file.root().attr_text("loss"));
    Loss loss;
    loss.from_config(config, "loss");
    CHECK(loss.to_config().dump() == config.dump());
  }
}
