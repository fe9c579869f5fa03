#include <cmath>
#include <set>

#include "tests/layers/layer_support.hpp"

namespace keratin {

using namespace testing;
namespace kl = layers;

namespace {

const Tensor kOnes = Tensor::full(DType::f32, {100, 100}, 1);

double mean(const Tensor& x) {
  double sum = 0;
  for (std::int64_t i = 0; i < x.size(); ++i) sum += x.at(i);
  return sum / static_cast<double>(x.size());
}

double deviation(const Tensor& x) {
  const double middle = mean(x);
  double sum = 0;
  for (std::int64_t i = 0; i < x.size(); ++i) {
    sum += std::pow(x.at(i) - middle, 2);
  }
  return std::sqrt(sum / static_cast<double>(x.size()));
}

}  // namespace

TEST_CASE("Dropout zeroes a share of the elements and scales the others") {
  const Tensor y = apply(kl::Dropout(0.25, {.seed = 1}), kOnes, true);
  std::int64_t zeros = 0;
  for (std::int64_t i = 0; i < y.size(); ++i) {
    const double value = y.at(i);
    zeros += value == 0 ? 1 : 0;
    CHECK((value == 0 || value == doctest::Approx(1 / 0.75)));
  }
  CHECK(static_cast<double>(zeros) == doctest::Approx(2500).epsilon(0.06));
}

TEST_CASE("random layers do nothing outside training") {
  const std::vector<Layer> layers = {
      kl::Dropout(0.5),
      kl::AlphaDropout(0.5),
      kl::GaussianNoise(0.5),
      kl::GaussianDropout(0.5)};
  for (const Layer& layer : layers) {
    CAPTURE(layer.class_name());
    CHECK(apply(layer, kOnes) == kOnes);
    CHECK(apply(layer, kOnes, true) != kOnes);
  }
}

TEST_CASE("a seed gives the same choice, every step another") {
  const kl::Dropout a(0.5, {.seed = 3});
  const kl::Dropout b(0.5, {.seed = 3});
  const LayerRun first = run_layer(a, {kOnes}, {.training = true});
  CHECK(first.outputs[0] == apply(b, kOnes, true));
  // The run assigns the state of the next step.
  REQUIRE(first.assigned.size() == 1);
  Variable state = a.impl().seeds()[0];
  state.assign(first.assigned[0]);
  CHECK(first.outputs[0] != apply(a, kOnes, true));
}

TEST_CASE("a noise shape shares the choice along its axes of one") {
  const kl::Dropout rows(0.5, {.noise_shape = Shape{kUnknown, 1}, .seed = 1});
  const Tensor y = apply(rows, kOnes, true);
  std::set<double> seen;
  for (std::int64_t i = 0; i < 100; ++i) {
    for (std::int64_t j = 1; j < 100; ++j) {
      REQUIRE(y.at(i * 100 + j) == y.at(i * 100));
    }
    seen.insert(y.at(i * 100));
  }
  CHECK(seen == std::set<double>{0, 2});
}

TEST_CASE("SpatialDropout drops whole channels") {
  const Tensor x = Tensor::full(DType::f32, {1, 4, 4, 64}, 1);
  const Tensor y = apply(kl::SpatialDropout2D(0.5, {.seed = 1}), x, true);
  std::set<double> seen;
  for (std::int64_t c = 0; c < 64; ++c) {
    for (std::int64_t i = 1; i < 16; ++i) {
      REQUIRE(y.at(i * 64 + c) == y.at(c));
    }
    seen.insert(y.at(c));
  }
  CHECK(seen == std::set<double>{0, 2});
}

TEST_CASE("Gaussian noise has its mean and deviation") {
  const Tensor added = apply(kl::GaussianNoise(0.5, {.seed = 1}), kOnes, true);
  CHECK(mean(added) == doctest::Approx(1).epsilon(0.02));
  CHECK(deviation(added) == doctest::Approx(0.5).epsilon(0.03));
  const Tensor scaled =
      apply(kl::GaussianDropout(0.2, {.seed = 1}), kOnes, true);
  CHECK(mean(scaled) == doctest::Approx(1).epsilon(0.02));
  CHECK(deviation(scaled) == doctest::Approx(0.5).epsilon(0.03));
}

TEST_CASE("AlphaDropout keeps mean and variance of normal data") {
  const Tensor x = initializers::RandomNormal({.stddev = 1, .seed = 2})(
      {100, 100}, DType::f32);
  const Tensor y = apply(kl::AlphaDropout(0.3, {.seed = 1}), x, true);
  CHECK(mean(y) == doctest::Approx(0).scale(1).epsilon(0.05));
  CHECK(deviation(y) == doctest::Approx(1).epsilon(0.05));
}

TEST_CASE("ActivityRegularization adds to the loss only") {
  const Tensor x = array({1, -2}, {1, 2});
  const LayerRun run =
      run_layer(kl::ActivityRegularization({.l1 = 1, .l2 = 0.5}), {x});
  CHECK(run.outputs[0] == x);
  CHECK(run.loss.at(0) == doctest::Approx(3 + 2.5));
}

TEST_CASE("regularization layers say what is wrong") {
  CHECK(make_error([] {
          kl::Dropout(1.5, {.name = "d"});
        }) == "[d: Dropout] expected rate <= 1, got 1.5");
  CHECK(
      make_error(
          [] { kl::Dropout(0.5, {.noise_shape = Shape{0}, .name = "d"}); }) ==
      "[d: Dropout] expected noise_shape of extents > 0 or null, got [0]");
  CHECK(
      call_error(
          kl::Dropout(0.5, {.noise_shape = Shape{1}, .name = "d"}), {2, 3}) ==
      "[d: Dropout] expected a noise_shape of 2 extents, as the input [?,3] "
      "has, got [1]");
  CHECK(
      make_error([] { kl::GaussianDropout(1, {.name = "g"}); }) ==
      "[g: GaussianDropout] expected rate < 1, got 1: the noise would be "
      "infinite");
  CHECK(make_error([] {
          kl::SpatialDropout1D(
              0.5, {.data_format = "channels_first", .name = "s"});
        }).find("expected data_format \"channels_last\"") != std::string::npos);
  CHECK(make_error([] {
          kl::ActivityRegularization({.l1 = -1, .name = "a"});
        }) == "[a: ActivityRegularization] expected l1 >= 0, got -1");
}

}  // namespace keratin
