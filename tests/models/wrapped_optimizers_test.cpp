// Optimizers around others in models: what compile wraps, and files.

#include <doctest/doctest.h>

#include <cmath>

#include <keratin/dtype_policy.hpp>
#include <keratin/layers.hpp>
#include <keratin/model.hpp>
#include <keratin/optimizers.hpp>

#include "tests/support/paths.hpp"

using namespace keratin;

namespace {

/// Sets the global policy for the scope.
class PolicyScope {
 public:
  explicit PolicyScope(const char* name) : before_(dtype_policy()) {
    set_dtype_policy(name);
  }

  ~PolicyScope() { set_dtype_policy(before_); }

 private:
  DTypePolicy before_;
};

Sequential small() {
  return Sequential(
      {layers::Input({2}),
       layers::Dense(3, {.activation = "tanh"}),
       layers::Dense(1)});
}

const Tensor kX(std::vector<float>{1, 2, -1, 0.5F}, Shape{2, 2});
const Tensor kY(std::vector<float>{1, -1}, Shape{2, 1});

std::string class_of(Model& model) {
  return model.optimizer().impl().class_name();
}

}  // namespace

TEST_CASE("compile scales the loss of models in mixed_float16 only") {
  const PolicyScope policy("mixed_float16");
  Sequential model = small();
  model.compile({.optimizer = "sgd", .loss = "mse"});
  CHECK(class_of(model) == "LossScaleOptimizer");
  const std::vector<Tensor> before = model.get_weights();
  model.fit(kX, kY, {.epochs = 4, .verbose = 0});
  CHECK(model.get_weights()[0] != before[0]);
  // The first scale is large on purpose: steps that overflow halve it.
  const double scale = model.optimizer().impl().variables()[3].value().at(0);
  const double halved = std::log2(32768 / scale);
  CHECK(static_cast<double>(model.optimizer().iterations()) + halved == 4);
  // Files hold what was given to compile, and the scale's state.
  const testing::TempDir dir;
  const std::string path = (dir / "m.keras").string();
  model.save(path);
  Model loaded = load_model(path);
  CHECK(class_of(loaded) == "LossScaleOptimizer");
  const auto state = model.optimizer().impl().variables();
  const auto again = loaded.optimizer().impl().variables();
  REQUIRE(state.size() == again.size());
  for (std::size_t i = 0; i < state.size(); ++i) {
    CHECK(state[i].value() == again[i].value());
  }
  Sequential plain = small();
  plain.compile({.optimizer = "sgd", .loss = "mse", .auto_scale_loss = false});
  CHECK(class_of(plain) == "SGD");
}

TEST_CASE("a step whose gradients overflow changes nothing but the scale") {
  Sequential model = small();
  model.compile(
      {.optimizer = optimizers::LossScaleOptimizer(
           "adam", {.initial_scale = 64, .dynamic_growth_steps = 2}),
       .loss = "mse"});
  model.train_on_batch(kX, kY);
  const std::vector<Tensor> before = model.get_weights();
  const Tensor huge(std::vector<float>{3e38F, 3e38F}, Shape{2, 1});
  model.train_on_batch(kX, huge);
  for (std::size_t i = 0; i < before.size(); ++i) {
    CHECK(model.get_weights()[i] == before[i]);
  }
  CHECK(model.optimizer().iterations() == 1);
  // iteration, learning_rate, step_counter, dynamic_scale
  CHECK(model.optimizer().impl().variables()[3].value().at(0) == 32);
}

TEST_CASE("several optimizers train, are saved and go on") {
  using optimizers::OptimizerMap;
  Sequential model = small();
  model.compile(
      {.optimizer = optimizers::MultiOptimizer(
           OptimizerMap("sgd", {{".*kernel", "adam"}})),
       .loss = "mse"});
  model.train_on_batch(kX, kY);
  const testing::TempDir dir;
  const std::string path = (dir / "m.keras").string();
  model.save(path);
  Model loaded = load_model(path);
  model.train_on_batch(kX, kY);
  loaded.train_on_batch(kX, kY);
  for (std::size_t i = 0; i < model.get_weights().size(); ++i) {
    CHECK(model.get_weights()[i] == loaded.get_weights()[i]);
  }
}

TEST_CASE("files hold the sum of a weight and its adaptation") {
  const SymbolicTensor in = layers::Input({2});
  layers::Dense dense(2, {.lora_rank = 1, .name = "d"});
  Model model(in, dense(in));
  std::vector<Tensor> weights = dense.get_weights();
  weights[3] = Tensor(std::vector<float>{1, -2}, Shape{1, 2});  // b was zero
  dense.set_weights(weights);
  const testing::TempDir dir;
  const std::string path = (dir / "m.keras").string();
  model.save(path);
  Model loaded = load_model(path);
  const Tensor want = model.predict(kX);
  const Tensor got = loaded.predict(kX);
  for (std::int64_t i = 0; i < want.shape().size(); ++i) {
    CHECK(got.at(i) == doctest::Approx(want.at(i)).epsilon(1e-5));
  }
  // Loaded, the change is none yet.
  CHECK(loaded.get_weights()[3].at(1) == 0);
}
