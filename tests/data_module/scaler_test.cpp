#include <doctest/doctest.h>

#include <cmath>
#include <limits>
#include <vector>

#include <keratin/data/scaler.hpp>
#include <keratin/error.hpp>

#include "tests/support/throws.hpp"

namespace keratin {

using data::StandardScaler;
using testing::message_of;

namespace {

using Doubles = std::vector<double>;

}  // namespace

TEST_CASE("A scaler takes mean and deviation as scikit-learn does") {
  const Tensor x(Doubles{1, 5, 2, 5, 3, 5, 6, 5}, {4, 2});
  StandardScaler scaler;
  const Tensor z = scaler.fit_transform(x);
  CHECK(scaler.mean() == Doubles{3, 5});
  CHECK(scaler.scale()[0] == doctest::Approx(std::sqrt(3.5)));
  CHECK(scaler.scale()[1] == 1);  // constant
  CHECK(z.at(0) == doctest::Approx(-2 / std::sqrt(3.5)));
  CHECK(z.at(1) == 0);
  CHECK(scaler.inverse_transform(z).at(6) == doctest::Approx(6));
}

TEST_CASE("A scaler keeps float dtypes, row shapes and NaNs") {
  const float nan = std::numeric_limits<float>::quiet_NaN();
  const Tensor x(std::vector<float>{1, nan, 3, 4, 5, 6, 7, 8}, {2, 2, 2});
  StandardScaler scaler;
  const Tensor z = scaler.fit_transform(x);
  CHECK(z.dtype() == DType::f32);
  CHECK(z.shape() == Shape{2, 2, 2});
  CHECK(std::isnan(z.at(1)));
  CHECK(z.at(5) == 0);  // the only value of its feature
  CHECK(z.at(0) == -1);
  CHECK(
      scaler.fit_transform(Tensor(std::vector<int>{1, 3}, {2, 1})).dtype() ==
      DType::f32);
  // A constant that rounding blurs is still a constant.
  const Tensor third(std::vector<double>(1000, 1e8 + 1. / 3), {1000, 1});
  CHECK(scaler.fit(third).scale() == Doubles{1});
}

TEST_CASE("A scaler refuses rows of another shape and being used too early") {
  StandardScaler scaler;
  const Tensor x(DType::f32, {2, 3});
  CHECK(
      message_of<InvalidArgument>([&] { scaler.transform(x); }) ==
      "[StandardScaler] expected fit() before it is used; call "
      "fit_transform()");
  scaler.fit(x);
  CHECK(message_of<InvalidArgument>([&] {
          scaler.transform(Tensor(DType::f32, {2, 4}));
        }) == "[StandardScaler] expected rows of shape [3], got f32[2,4]");
  CHECK(
      message_of<InvalidArgument>([&] {
        scaler.fit(Tensor(DType::f32, {0, 4}));
      }) ==
      "[StandardScaler] expected numbers [n, ...] with n >= 1, got f32[0,4]");
}

}  // namespace keratin
