// Training under Keras's mixed policies: variables and updates in float32, the
// rest in half the bits, and about the same accuracy.

#include <doctest/doctest.h>

#include <cmath>
#include <string>
#include <vector>

#include <keratin/keratin.hpp>

using namespace keratin;

namespace {

/// The policy for the time of a scope.
class PolicyScope {
 public:
  explicit PolicyScope(const std::string& name) : before_(dtype_policy()) {
    set_dtype_policy(name);
  }

  ~PolicyScope() { set_dtype_policy(before_); }

  PolicyScope(const PolicyScope&) = delete;
  PolicyScope& operator=(const PolicyScope&) = delete;

 private:
  DTypePolicy before_;
};

/// A small convolutional network on the digits' first 1,500 rows: the accuracy
/// on the rest.
double accuracy_under(const std::string& policy) {
  const PolicyScope scope(policy);
  set_random_seed(7);
  Sequential model(
      {layers::Input({8, 8, 1}),
       layers::Rescaling(1.0 / 16),
       layers::Conv2D(16, 3, {.padding = "same"}),
       layers::BatchNormalization({.momentum = 0.9}),
       layers::ReLU(),
       layers::MaxPooling2D(),
       layers::Conv2D(32, 3, {.activation = "relu"}),
       layers::Flatten(),
       layers::Dropout(0.2),
       layers::Dense(10),
       layers::Activation("softmax", {.dtype = "float32"})});
  model.compile(
      {.optimizer = "adam",
       .loss = "sparse_categorical_crossentropy",
       .metrics = {"accuracy"}});
  const auto digits = datasets::digits();
  const Tensor x = digits.x.reshape({1797, 8, 8, 1});
  constexpr std::int64_t kTrain = 1500;
  model.fit(
      x.slice(0, kTrain),
      digits.y.slice(0, kTrain),
      {.batch_size = 32, .epochs = 10, .verbose = 0});
  for (const Variable& weight : model.weights()) {
    CHECK(weight.dtype() == DType::f32);
  }
  return model
      .evaluate(
          x.slice(kTrain, 1797), digits.y.slice(kTrain, 1797), {.verbose = 0})
      .at("accuracy");
}

}  // namespace

TEST_CASE("mixed_bfloat16 learns the digits as float32 does") {
  const double full = accuracy_under("float32");
  const double mixed = accuracy_under("mixed_bfloat16");
  CAPTURE(full);
  CAPTURE(mixed);
  CHECK(full > 0.92);
  // Three of the 297 rows are one per cent: noise.
  CHECK(std::abs(full - mixed) < 0.025);
}

TEST_CASE("Layers under mixed_bfloat16 give bfloat16, the loss is float32") {
  const PolicyScope scope("mixed_bfloat16");
  Sequential model({layers::Input({4}), layers::Dense(3)});
  const Tensor x(DType::f32, {2, 4});
  CHECK(model.predict(x).dtype() == DType::bf16);
  model.compile({.optimizer = "sgd", .loss = "mse"});
  const double loss =
      model.evaluate(x, Tensor(DType::f32, {2, 3}), {.verbose = 0}).at("loss");
  CHECK(std::isfinite(loss));
}
