#include <keratin/constraints.hpp>
#include <keratin/ops.hpp>
#include <keratin/regularizers.hpp>

#include "src/ir/graph.hpp"
#include "src/runtime/program.hpp"
#include "src/runtime/registry.hpp"
#include "tests/layers/layer_support.hpp"

namespace keratin {

using namespace testing;

namespace {

template <class F>
Tensor evaluate(const Tensor& x, const F& function) {
  Graph graph;
  const Value in = graph.parameter({x.dtype(), x.shape()}, "x");
  graph.set_outputs({function(in)});
  Program program(graph, find_backend("reference"));
  return program.run(std::vector<Tensor>{x})[0];
}

}  // namespace

TEST_CASE("regularizers add up absolute values and squares") {
  const Tensor x = array({1, -2, 3}, {3});
  CHECK(evaluate(x, regularizers::L1(0.5)).at(0) == doctest::Approx(3));
  CHECK(evaluate(x, regularizers::L2(0.5)).at(0) == doctest::Approx(7));
  CHECK(
      evaluate(x, regularizers::L1L2({.l1 = 0.5, .l2 = 0.5})).at(0) ==
      doctest::Approx(10));
}

TEST_CASE("the orthogonal regularizer measures the cosines of rows") {
  // Rows at 45 degrees: |cos| = 0.70710678, one pair, both orders halved.
  const Tensor x = array({1, 0, 1, 1}, {2, 2});
  CHECK(
      evaluate(x, regularizers::OrthogonalRegularizer({.factor = 2})).at(0) ==
      doctest::Approx(2 * 0.70710678));
  CHECK(
      evaluate(
          x,
          regularizers::OrthogonalRegularizer({.factor = 1, .mode = "columns"}))
          .at(0) == doctest::Approx(0.70710678));
  CHECK(make_error([&] {
          evaluate(array({1}, {1}), regularizers::OrthogonalRegularizer());
        }) == "[OrthogonalRegularizer] expected a matrix, got f32[1]");
}

TEST_CASE("constraints bound the norms of columns") {
  const Tensor w = array({3, 0.3, 4, 0.4}, {2, 2});  // norms 5 and 0.5
  check_values(
      evaluate(w, constraints::MaxNorm({.max_value = 1})),
      {2, 2},
      {0.6, 0.3, 0.8, 0.4});
  check_values(
      evaluate(w, constraints::UnitNorm()), {2, 2}, {0.6, 0.6, 0.8, 0.8});
  check_values(
      evaluate(w, constraints::MinMaxNorm({.min_value = 1, .rate = 0.5})),
      {2, 2},
      {1.8, 0.45, 2.4, 0.6});
  check_values(
      evaluate(array({-1, 2}, {2}), constraints::NonNeg()), {2}, {0, 2});
  check_values(
      evaluate(w, constraints::UnitNorm({.axis = {0, 1}})),
      {2, 2},
      {0.59702231, 0.05970223, 0.79602975, 0.07960297});
}

TEST_CASE("regularizers and constraints are written as Keras writes them") {
  CHECK(
      Regularizer("l2").to_config().dump() ==
      R"({"module": "keras.regularizers", "class_name": "L2", )"
      R"("config": {"l2": 0.01}, "registered_name": null})");
  CHECK(
      Constraint("max_norm").to_config().dump() ==
      R"({"module": "keras.constraints", "class_name": "MaxNorm", )"
      R"("config": {"max_value": 2.0, "axis": 0}, "registered_name": null})");
  CHECK(Regularizer().to_config().is_null());
  CHECK(Constraint().to_config().is_null());
}

TEST_CASE("regularizers and constraints are read back") {
  for (const std::string& name : regularizer_names()) {
    CAPTURE(name);
    const Config config = Regularizer(name).to_config();
    Regularizer again;
    again.from_config(config, "r");
    CHECK(again.to_config() == config);
  }
  for (const std::string& name : constraint_names()) {
    CAPTURE(name);
    const Config config = Constraint(name).to_config();
    Constraint again;
    again.from_config(config, "c");
    CHECK(again.to_config() == config);
  }
}

TEST_CASE("bad factors and unknown names are refused") {
  CHECK(make_error([] {
          regularizers::L1(-1);
        }) == "[regularizer] expected a finite l1 >= 0, got -1");
  CHECK(make_error([] {
          Regularizer("l3");
        }).find("no regularizer is called 'l3'") != std::string::npos);
  CHECK(
      make_error([] { Constraint("nonneg"); }) ==
      "[constraint] no constraint is called 'nonneg'; did you mean "
      "\"NonNeg\"?");
  Regularizer regularizer;
  CHECK_THROWS_AS(
      regularizer.from_config(
          Config::parse(R"({"class_name": "L2", "config": {"l2": -1}})"), "r"),
      InvalidArgument);
}

}  // namespace keratin
