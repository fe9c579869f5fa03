#include <cmath>

#include <keratin/initializers.hpp>
#include <keratin/random.hpp>

#include "tests/layers/layer_support.hpp"

namespace keratin {

using namespace testing;

namespace {

struct Statistics {
  double mean = 0;
  double stddev = 0;
  double low = 0;
  double high = 0;
};

Statistics statistics(const Tensor& values) {
  Statistics out;
  out.low = out.high = values.at(0);
  for (std::int64_t i = 0; i < values.size(); ++i) {
    out.mean += values.at(i);
    out.low = std::min(out.low, values.at(i));
    out.high = std::max(out.high, values.at(i));
  }
  out.mean /= static_cast<double>(values.size());
  for (std::int64_t i = 0; i < values.size(); ++i) {
    out.stddev += std::pow(values.at(i) - out.mean, 2);
  }
  out.stddev = std::sqrt(out.stddev / static_cast<double>(values.size()));
  return out;
}

Statistics draw(const Initializer& initializer, const Shape& shape) {
  return statistics(initializer(shape, DType::f64));
}

}  // namespace

TEST_CASE("constants fill with their value") {
  CHECK(initializers::Zeros()({2}, DType::f32).at(1) == 0);
  CHECK(initializers::Ones()({2}, DType::f16).at(1) == 1);
  CHECK(initializers::Constant(2.5)({2}, DType::f64).at(1) == 2.5);
  const Tensor eye = initializers::Identity(3)({2, 3}, DType::f32);
  check_values(eye, {2, 3}, {3, 0, 0, 0, 3, 0});
}

TEST_CASE("random initializers have the mean and deviation they are given") {
  const Shape shape = {400, 250};
  const Statistics normal = draw(
      initializers::RandomNormal({.mean = 1, .stddev = 2, .seed = 1}), shape);
  CHECK(normal.mean == doctest::Approx(1).epsilon(0.03));
  CHECK(normal.stddev == doctest::Approx(2).epsilon(0.01));
  CHECK(normal.high > 1 + 4 * 2 * 0.8);

  const Statistics truncated = draw(
      initializers::TruncatedNormal({.mean = 1, .stddev = 2, .seed = 1}),
      shape);
  CHECK(truncated.mean == doctest::Approx(1).epsilon(0.03));
  CHECK(truncated.stddev == doctest::Approx(2 * 0.8796256610).epsilon(0.01));
  CHECK(truncated.low >= 1 - 4);
  CHECK(truncated.high <= 1 + 4);

  const Statistics uniform = draw(
      initializers::RandomUniform({.minval = -1, .maxval = 3, .seed = 1}),
      shape);
  CHECK(uniform.mean == doctest::Approx(1).epsilon(0.03));
  CHECK(uniform.stddev == doctest::Approx(4 / std::sqrt(12.0)).epsilon(0.01));
  CHECK(uniform.low >= -1);
  CHECK(uniform.high < 3);
}

TEST_CASE("variance scaling divides by the fans of the shape") {
  const Shape matrix = {300, 100};
  const auto deviation = [&](const char* name) {
    return draw(Initializer(name), matrix).stddev;
  };
  set_random_seed(1);
  for (const char* name : {"glorot_uniform", "glorot_normal"}) {
    CAPTURE(name);
    CHECK(
        deviation(name) == doctest::Approx(std::sqrt(1.0 / 200)).epsilon(0.02));
  }
  for (const char* name : {"he_uniform", "he_normal"}) {
    CAPTURE(name);
    CHECK(
        deviation(name) == doctest::Approx(std::sqrt(2.0 / 300)).epsilon(0.02));
  }
  for (const char* name : {"lecun_uniform", "lecun_normal"}) {
    CAPTURE(name);
    CHECK(
        deviation(name) == doctest::Approx(std::sqrt(1.0 / 300)).epsilon(0.02));
  }
  const Statistics limit = draw("glorot_uniform", matrix);
  CHECK(limit.high <= std::sqrt(6.0 / 400));
  // A convolution: the kernel's size counts in both fans.
  const Statistics conv = draw(
      initializers::VarianceScaling(
          {.scale = 2,
           .mode = "fan_out",
           .distribution = "untruncated_normal"}),
      {3, 3, 16, 64});
  CHECK(
      conv.stddev == doctest::Approx(std::sqrt(2.0 / (9 * 64))).epsilon(0.02));
}

TEST_CASE(
    "orthogonal makes orthonormal columns, or rows when those are fewer") {
  for (const Shape& shape : {Shape{12, 5}, Shape{5, 12}, Shape{2, 3, 4}}) {
    const Tensor q =
        initializers::Orthogonal({.gain = 2, .seed = 4})(shape, DType::f64);
    const std::int64_t columns = shape.back();
    const std::int64_t rows = shape.size() / columns;
    const bool tall = rows >= columns;
    const std::int64_t count = tall ? columns : rows;
    const std::int64_t length = tall ? rows : columns;
    for (std::int64_t a = 0; a < count; ++a) {
      for (std::int64_t b = 0; b < count; ++b) {
        double dot = 0;
        for (std::int64_t i = 0; i < length; ++i) {
          dot += tall ? q.at(i * columns + a) * q.at(i * columns + b)
                      : q.at(a * columns + i) * q.at(b * columns + i);
        }
        CHECK(dot == doctest::Approx(a == b ? 4 : 0).epsilon(1e-12));
      }
    }
  }
}

TEST_CASE("a seed gives the same numbers, the global one a fresh draw each") {
  const Initializer seeded = initializers::RandomNormal({.seed = 9});
  CHECK(seeded({4}, DType::f32) == seeded({4}, DType::f32));
  const Initializer open = "random_normal";
  set_random_seed(5);
  const Tensor first = open({4}, DType::f32);
  CHECK(open({4}, DType::f32) != first);
  set_random_seed(5);
  CHECK(open({4}, DType::f32) == first);
}

TEST_CASE("initializers are known by both of Keras's spellings") {
  for (const std::string& name : initializer_names()) {
    CAPTURE(name);
    CHECK(
        Initializer(name).to_config().at("module").as_string() ==
        "keras.initializers");
  }
  CHECK(
      Initializer("uniform").to_config().dump() ==
      R"({"module": "keras.initializers", "class_name": "RandomUniform", )"
      R"("config": {"seed": null, "minval": -0.05, "maxval": 0.05}, )"
      R"("registered_name": null})");
  CHECK(
      Initializer("glorot_uniform").to_config().at("config").dump() ==
      R"({"seed": null, "input_axes": null, "output_axes": null})");
  CHECK(Initializer("identity").to_config().at("config").dump() == "{}");
}

TEST_CASE("what initializers cannot do they say") {
  CHECK(
      make_error([] { Initializer("glorot_unifrom"); }) ==
      "[initializer] no initializer is called 'glorot_unifrom'; did you mean "
      "\"glorot_uniform\"?");
  CHECK(make_error([] {
          initializers::VarianceScaling({.scale = 0});
        }) == "[VarianceScaling] expected scale > 0, got 0");
  CHECK(
      make_error([] { initializers::VarianceScaling({.mode = "fan"}); }) ==
      "[VarianceScaling] expected mode fan_in, fan_out or fan_avg, got 'fan'");
  CHECK(make_error([] {
          Initializer("orthogonal")({3}, DType::f32);
        }) == "[Orthogonal] expected a shape of rank >= 2, got [3]");
  CHECK(make_error([] {
          Initializer("identity")({3}, DType::f32);
        }) == "[Identity] expected the shape of a matrix, got [3]");
}

TEST_CASE("a function makes values but cannot be saved") {
  const Initializer own([](const Shape& shape, DType dtype) {
    return Tensor::full(dtype, shape, 7);
  });
  CHECK(own({2}, DType::f32).at(1) == 7);
  CHECK_THROWS_AS(own.to_config(), InvalidArgument);
  const Initializer wrong(
      [](const Shape&, DType dtype) { return Tensor(dtype, {1}); });
  CHECK(make_error([&] {
          wrong({2}, DType::f32);
        }) == "[initializer] expected a function that makes [2], got [1]");
}

}  // namespace keratin
