#include "tests/layers/layer_support.hpp"

// Which layers make, pass on, use and drop masks.

namespace keratin {

using namespace testing;
namespace kl = layers;

namespace {

Tensor steps(const std::vector<bool>& values) {
  return Tensor(values, {1, static_cast<std::int64_t>(values.size())});
}

const Tensor kMask = steps({true, false});
const Tensor kSteps = array({1, 2, 3, 4}, {1, 2, 2});

LayerRun masked(const Layer& layer, bool training = false) {
  return run_masked(layer, {kSteps}, {kMask}, {.training = training});
}

LayerRun merged(const Layer& layer, const Tensor& a, const Tensor& b) {
  return run_masked(layer, {kSteps, kSteps}, {a, b});
}

bool has_mask(const LayerRun& run) {
  return run.mask.size() > 0;
}

}  // namespace

TEST_CASE("Embedding masks index zero when told to") {
  const Tensor x(std::vector<std::int32_t>{2, 0}, {1, 2});
  const LayerRun run = run_layer(kl::Embedding(3, 2, {.mask_zero = true}), {x});
  check_values(run.mask, {1, 2}, {1, 0});
  CHECK_FALSE(has_mask(run_layer(kl::Embedding(3, 2), {x})));
}

TEST_CASE("element-wise layers pass masks on, others drop them") {
  const std::vector<Layer> pass = {
      kl::Dense(2),
      kl::Activation("relu"),
      kl::Identity(),
      kl::ReLU(),
      kl::LeakyReLU(),
      kl::PReLU(),
      kl::ELU(),
      kl::Dropout(0.5),
      kl::SpatialDropout1D(0.5),
      kl::GaussianNoise(0.5),
      kl::GaussianDropout(0.5),
      kl::AlphaDropout(0.5),
      kl::ActivityRegularization(),
      kl::BatchNormalization(),
      kl::LayerNormalization(),
      kl::GroupNormalization({.groups = 2}),
      kl::UnitNormalization(),
      kl::Rescaling(0.5),
      kl::Normalization()};
  for (const Layer& layer : pass) {
    CAPTURE(layer.class_name());
    CHECK(has_mask(masked(layer)));
  }
  const std::vector<Layer> drop = {
      kl::Flatten(),
      kl::Reshape({4}),
      kl::Conv1D(2, 1),
      kl::MaxPooling1D(),
      kl::GlobalAveragePooling1D(),
      kl::RMSNormalization(),
      kl::Permute({2, 1})};
  for (const Layer& layer : drop) {
    CAPTURE(layer.class_name());
    CHECK_FALSE(has_mask(masked(layer)));
  }
}

TEST_CASE("GlobalAveragePooling1D leaves masked steps out") {
  check_values(masked(kl::GlobalAveragePooling1D()).outputs[0], {1, 2}, {1, 2});
}

TEST_CASE("BatchNormalization leaves masked steps out of its statistics") {
  const LayerRun run = masked(kl::BatchNormalization({.momentum = 0}), true);
  REQUIRE(run.assigned.size() == 2);
  check_values(run.assigned[0], {2}, {1, 2});
  check_values(run.assigned[1], {2}, {0, 0});
}

TEST_CASE("layers that take a mask take it as a keyword argument, too") {
  const kl::Input x({2, 2});
  const kl::Input steps_mask({2}, {.dtype = DType::boolean});
  const kl::Input element_mask({2, 2}, {.dtype = DType::boolean});
  const auto shape_of = [&](const Layer& layer, const kl::Input& mask) {
    SymbolicInputs inputs(x.tensor());
    inputs.items.push_back({"mask", {mask.tensor()}});
    return layer.call(inputs)[0].shape().str();
  };
  CHECK(shape_of(kl::BatchNormalization(), steps_mask) == "[?,2,2]");
  CHECK(shape_of(kl::GlobalAveragePooling1D(), steps_mask) == "[?,2]");
  CHECK(shape_of(kl::Softmax(), element_mask) == "[?,2,2]");
}

TEST_CASE("BatchNormalization refuses a mask of another rank") {
  const Tensor mask(std::vector<bool>{true}, {1});
  CHECK(
      message_of<InvalidArgument>([&] {
        run_masked(
            kl::BatchNormalization({.name = "b"}),
            {kSteps},
            {mask},
            {.training = true});
      }) ==
      "[b: BatchNormalization] expected a mask of one axis less than the "
      "input [1,2,2], got [1]");
}

TEST_CASE("Softmax gives nothing to what its mask leaves out") {
  const LayerRun run = run_masked(
      kl::Softmax(), {array({5, 9}, {1, 2})}, {steps({true, false})});
  check_values(run.outputs[0], {1, 2}, {1, 0});
  const LayerRun none = run_masked(
      kl::Softmax(), {array({5, 9}, {1, 2})}, {steps({false, false})});
  check_values(none.outputs[0], {1, 2}, {0, 0});
}

TEST_CASE("a merged step counts when it counts in any input") {
  const Tensor other = steps({false, true});
  check_values(merged(kl::Add(), kMask, other).mask, {1, 2}, {1, 1});
  check_values(merged(kl::Add(), kMask, kMask).mask, {1, 2}, {1, 0});
  CHECK_FALSE(
      has_mask(run_masked(kl::Add(), {kSteps, kSteps}, {kMask, std::nullopt})));
  check_values(merged(kl::Concatenate(), kMask, kMask).mask, {1, 2}, {1, 0});
  check_values(
      merged(kl::Concatenate({.axis = 1}), kMask, other).mask,
      {1, 4},
      {1, 0, 0, 1});
  CHECK_FALSE(has_mask(merged(kl::Dot(1), kMask, kMask)));
}

TEST_CASE("products and extremes leave masked steps out") {
  const Tensor other = steps({false, true});
  check_values(
      merged(kl::Multiply(), kMask, other).outputs[0], {1, 2, 2}, {1, 2, 3, 4});
  check_values(
      merged(kl::Multiply(), kMask, kMask).outputs[0], {1, 2, 2}, {1, 4, 0, 0});
  const LayerRun largest = run_masked(
      kl::Maximum(),
      {kSteps, array({9, 9, 9, 9}, {1, 2, 2})},
      {std::nullopt, kMask});
  check_values(largest.outputs[0], {1, 2, 2}, {9, 9, 3, 4});
}

}  // namespace keratin
