// docs/adding_an_op.md's first advice, followed: an op of one's own made of
// those there are works on arrays, in gradients and in models.

#include <doctest/doctest.h>

#include <cmath>
#include <string>
#include <vector>

#include <keratin/function.hpp>
#include <keratin/layers.hpp>
#include <keratin/model.hpp>
#include <keratin/ops.hpp>

namespace keratin {

namespace {

/// log(1 + x^2): no op of Keras's.
Value log_square(const Value& x) {
  return ops::log(ops::square(x) + 1.0);
}

class LogSquare final : public LayerImpl {
 public:
  std::string class_name() const override { return "LogSquare"; }

  Value call(CallContext&, const Value& x) override { return log_square(x); }
};

const std::vector<double> kPoints = {-2, -0.5, 0, 1, 3};

Tensor points() {
  return {kPoints, {5}};
}

void check_points(const Tensor& got, double (*want)(double)) {
  const std::vector<double> values = got.to_vector<double>();
  REQUIRE(values.size() == kPoints.size());
  for (std::size_t i = 0; i < values.size(); ++i) {
    CAPTURE(kPoints[i]);
    CHECK(values[i] == doctest::Approx(want(kPoints[i])));
  }
}

}  // namespace

TEST_CASE("An op made of ops has values and gradients of any order") {
  check_points(
      function([](Value x) { return log_square(x); })(points()),
      [](double x) { return std::log(x * x + 1); });
  const auto sum = [](Value x) { return ops::sum(log_square(x)); };
  check_points(
      grad(sum)(points()), [](double x) { return 2 * x / (x * x + 1); });
  const auto slopes = grad([&](Value x) { return ops::sum(grad(sum)(x)); });
  check_points(slopes(points()), [](double x) {
    return 2 * (1 - x * x) / ((x * x + 1) * (x * x + 1));
  });
}

TEST_CASE("An op made of ops is a layer of a model") {
  const SymbolicTensor x = layers::Input({5});
  Model model(x, make_layer<LogSquare>()(x));
  check_points(
      model.predict(points().cast(DType::f32).reshape({1, 5})).reshape({5}),
      [](double at) { return std::log(at * at + 1); });
}

}  // namespace keratin
