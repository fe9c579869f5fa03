#include <doctest/doctest.h>

#include <optional>

#include <keratin/error.hpp>
#include <keratin/losses.hpp>

#include "src/ir/graph.hpp"
#include "src/runtime/program.hpp"
#include "src/runtime/registry.hpp"

using namespace keratin;

namespace {

Tensor reduce(
    const Tensor& values,
    const std::optional<Tensor>& weight,
    const std::optional<Tensor>& mask,
    const std::string& reduction) {
  Graph graph;
  std::vector<Tensor> inputs;
  const auto input = [&](const Tensor& tensor) {
    inputs.push_back(tensor);
    return graph.parameter({tensor.dtype(), tensor.shape()}, "x");
  };
  const Value v = input(values);
  const Value w = weight ? input(*weight) : Value();
  const Value m = mask ? input(*mask) : Value();
  graph.set_outputs({reduce_weighted_values(v, w, m, reduction)});
  Program program(graph, find_backend("reference"));
  return program.run(inputs)[0];
}

const Tensor kValues(std::vector<float>{1, 2, 3, 6}, {4});
const Tensor kWeights(std::vector<float>{1, 0, 2, 1}, {4});
const Tensor kMask(std::vector<bool>{true, true, false, false}, {4});

}  // namespace

TEST_CASE("Weighted losses are divided by how many there are") {
  CHECK(
      reduce(kValues, kWeights, {}, "sum_over_batch_size").item<double>() ==
      doctest::Approx(13.0 / 4));
  CHECK(
      reduce(kValues, kWeights, {}, "mean_with_sample_weight").item<double>() ==
      doctest::Approx(13.0 / 4));
  CHECK(
      reduce(kValues, kWeights, {}, "sum").item<double>() ==
      doctest::Approx(13));
  CHECK(reduce(kValues, kWeights, {}, "none").at(2) == 6);
}

TEST_CASE("A mask makes the mean one over what counts") {
  CHECK(
      reduce(kValues, {}, kMask, "sum_over_batch_size").item<double>() ==
      doctest::Approx(1.5));
  CHECK(reduce(kValues, {}, kMask, "sum").item<double>() == doctest::Approx(3));
  const Tensor nothing(std::vector<bool>{false, false, false, false}, {4});
  CHECK(
      reduce(kValues, {}, nothing, "sum_over_batch_size").item<double>() == 0);
}

TEST_CASE("Weights that sum to nothing give a loss of 0") {
  const Tensor zeros(DType::f32, {4});
  CHECK(
      reduce(kValues, zeros, {}, "mean_with_sample_weight").item<double>() ==
      0);
}

TEST_CASE("Weights with a last axis of 1 are taken for those without") {
  const Tensor column(std::vector<float>{1, 0, 2, 1}, {4, 1});
  CHECK(
      reduce(kValues, column, {}, "sum").item<double>() == doctest::Approx(13));
}

TEST_CASE("Weights that do not fit are refused") {
  CHECK_THROWS_WITH_AS(
      reduce(kValues, Tensor(DType::f32, {3}), {}, "sum"),
      doctest::Contains("[3]"),
      InvalidArgument);
}
