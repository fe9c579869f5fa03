#include "tests/layers/layer_support.hpp"

namespace keratin {

using namespace testing;
namespace kl = layers;

TEST_CASE("BatchNormalization uses the batch while training and moves on") {
  kl::BatchNormalization layer({.momentum = 0.75, .epsilon = 0});
  const Tensor x = array({1, 3}, {2, 1});  // mean 2, variance 1
  const LayerRun run = run_layer(layer, {x}, {.training = true});
  check_values(run.outputs[0], {2, 1}, {-1, 1});
  REQUIRE(run.assigned.size() == 2);
  CHECK(run.assigned[0].at(0) == doctest::Approx(0.25 * 2));
  CHECK(run.assigned[1].at(0) == doctest::Approx(0.75 + 0.25));
}

TEST_CASE("BatchNormalization uses the moving statistics otherwise") {
  kl::BatchNormalization layer({.epsilon = 0});
  layer.impl().ensure_built({{2, 1}});
  layer.set_weights(
      {array({10}, {1}), array({1}, {1}), array({2}, {1}), array({4}, {1})});
  const Tensor x = array({0, 4}, {2, 1});
  const LayerRun idle = run_layer(layer, {x});
  check_values(idle.outputs[0], {2, 1}, {-9, 11});
  CHECK(idle.assigned.empty());
  // A frozen layer is in inference mode also while training.
  layer.set_trainable(false);
  const LayerRun frozen = run_layer(layer, {x}, {.training = true});
  check_values(frozen.outputs[0], {2, 1}, {-9, 11});
  CHECK(frozen.assigned.empty());
}

TEST_CASE("BatchNormalization names its weights as Keras does, in its order") {
  const kl::BatchNormalization layer;
  layer.impl().ensure_built({{kUnknown, 3}});
  std::string names;
  for (const Variable& weight : layer.weights()) names += weight.name() + " ";
  CHECK(names == "gamma beta moving_mean moving_variance ");
  CHECK(layer.trainable_weights().size() == 2);
}

TEST_CASE("BatchNormalization computes half precision in float32") {
  const kl::BatchNormalization layer({.dtype = "mixed_float16"});
  // The squares overflow float16.
  const Tensor x = array({1000, 3000}, {2, 1});
  const Tensor y = apply(layer, x, true);
  CHECK(y.dtype() == DType::f16);
  check_close(y, array({-1, 1}, {2, 1}), 1e-3);
}

TEST_CASE("BatchNormalization says what is wrong") {
  CHECK(
      call_error(kl::BatchNormalization({.axis = 2, .name = "b"}), {2, 3}) ==
      "[b: BatchNormalization] expected an axis of [?,3], got 2");
  CHECK(make_error([] {
          kl::BatchNormalization({.momentum = 2, .name = "b"});
        }) == "[b: BatchNormalization] expected momentum <= 1, got 2");
  Config config = Config::object({{"class_name", "BatchNormalization"}});
  config["config"] = Config::object(
      {{"name", "b"},
       {"renorm", true},
       {"renorm_clipping", Config::object({{"rmaxx", 2}})}});
  CHECK(
      message_of<InvalidArgument>([&] { deserialize_layer(config, "m"); }) ==
      "[m] [b: BatchNormalization] expected renorm_clipping of rmax, rmin and "
      "dmax, got 'rmaxx'");
}

TEST_CASE("LayerNormalization normalises each sample") {
  const Tensor x = array({1, 3, 10, 30}, {2, 2});
  check_values(
      apply(kl::LayerNormalization({.epsilon = 0}), x), {2, 2}, {-1, 1, -1, 1});
  kl::LayerNormalization whole({.axis = {1, 2}, .epsilon = 0});
  whole.impl().ensure_built({{1, 2, 2}});
  CHECK(whole.weights()[0].shape() == Shape{2, 2});
  whole.set_weights({array({1, 1, 1, 2}, {2, 2}), array({0, 0, 0, 5}, {2, 2})});
  check_values(
      apply(whole, array({1, 1, 3, 3}, {1, 2, 2})), {1, 2, 2}, {-1, -1, 1, 7});
  CHECK(
      call_error(
          kl::LayerNormalization({.axis = {1, 1}, .name = "l"}), {2, 3}) ==
      "[l: LayerNormalization] expected different axes, got [1, 1]");
}

TEST_CASE("GroupNormalization normalises groups of channels") {
  const Tensor x = array({1, 3, 10, 30}, {1, 4});
  check_values(
      apply(kl::GroupNormalization({.groups = 2, .epsilon = 0}), x),
      {1, 4},
      {-1, 1, -1, 1});
  CHECK(
      call_error(kl::GroupNormalization({.groups = 3, .name = "g"}), {1, 4}) ==
      "[g: GroupNormalization] expected groups that divide the 4 channels of "
      "the input [?,4], got 3");
}

TEST_CASE("RMS- and UnitNormalization divide by a norm") {
  const Tensor x = array({3, 4}, {1, 2});
  check_values(
      apply(kl::RMSNormalization({.epsilon = 0}), x),
      {1, 2},
      {3 / std::sqrt(12.5), 4 / std::sqrt(12.5)});
  check_values(apply(kl::UnitNormalization(), x), {1, 2}, {0.6, 0.8});
  // Zero stays zero, and its gradient finite.
  const LayerRun run =
      run_layer(kl::UnitNormalization(), {array({0, 0}, {1, 2})});
  check_values(run.outputs[0], {1, 2}, {0, 0});
  CHECK(std::isfinite(run.gradients[0].at(0)));
  CHECK(
      call_error(kl::UnitNormalization({.axis = 5, .name = "u"}), {1, 2}) ==
      "[u: UnitNormalization] expected axes of [?,2], got 5");
}

TEST_CASE("a wrapped layer is read back from its config") {
  // check_layer would not do: as in Keras the gradient in training is that by
  // the weight after its division.
  const kl::SpectralNormalization layer(
      kl::Dense(3, {.name = "d"}), {.power_iterations = 2, .name = "s"});
  const Layer again = deserialize_layer(serialize(layer.impl()));
  CHECK(again.get_config() == layer.get_config());
  CHECK(layer.get_config().at("layer").at("class_name").as_string() == "Dense");
  apply(again, Tensor(DType::f32, {2, 4}));
  CHECK(again.weights().size() == 3);
}

TEST_CASE("batch renormalisation, by hand") {
  const kl::BatchNormalization layer(
      {.momentum = 0.5,
       .epsilon = 0,
       .renorm = true,
       .renorm_clipping = {.rmax = 1.5, .dmax = 0.25},
       .renorm_momentum = 0.75});
  const Tensor x = array({-1, 3}, {2, 1});
  // Mean 1, deviation 2, so -1 and 1 plain. r = min(2 / 1, 1.5) and
  // d = min(1, 0.25).
  const LayerRun run = run_layer(layer, {x}, {.training = true});
  check_values(run.outputs[0], {2, 1}, {-1.25, 1.75});
  CHECK(layer.weights().size() == 7);
  std::vector<double> moved;
  for (const Tensor& value : run.assigned) moved.push_back(value.at(0));
  // renorm_mean, renorm_stddev, moving_mean, moving_stddev, moving_variance.
  CHECK(moved == std::vector<double>{0.25, 1.25, 0.5, 1.5, 2.25});
  CHECK(
      make_error([] {
        kl::BatchNormalization(
            {.renorm = true,
             .renorm_clipping = {.rmax = 1, .rmin = 2},
             .name = "b"});
      }) ==
      "[b: BatchNormalization] expected rmax >= rmin in renorm_clipping, got 1 "
      "and 2");
}

TEST_CASE("a kernel is divided by its largest singular value") {
  kl::SpectralNormalization layer(
      kl::Dense(2, {.use_bias = false}), {.power_iterations = 30});
  const Tensor x = array({1, 0, 0, 1}, {2, 2});
  apply(layer, x);
  // The kernel counts among the wrapper's own, before vector_u.
  layer.set_weights({array({4, 0, 0, 2}, {2, 2}), array({1, 1}, {1, 2})});
  check_values(apply(layer, x, true), {2, 2}, {1, 0, 0, 0.5});
  check_values(apply(layer, x, false), {2, 2}, {4, 0, 0, 2});
  CHECK(
      call_error(
          kl::SpectralNormalization(kl::ReLU({.name = "r"}), {.name = "s"}),
          {2, 2}) ==
      "[s: SpectralNormalization] expected a layer with a weight named kernel "
      "or embeddings, got [r: ReLU]");
}

}  // namespace keratin
