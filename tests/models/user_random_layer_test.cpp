// A user's own layer with random numbers, as docs/adding_a_layer.md shows it.

#include <doctest/doctest.h>

#include <cmath>
#include <string>
#include <vector>

#include <keratin/files.hpp>
#include <keratin/keratin.hpp>

#include "tests/support/paths.hpp"

namespace keratin {

namespace {

class Jitter final : public LayerImpl {
 public:
  Jitter() = default;

  explicit Jitter(double amount) : amount_(amount) {}

  std::string class_name() const override { return "Jitter"; }

  void fields(FieldVisitor& visit) override {
    LayerImpl::fields(visit);
    visit("amount", amount_, {.minimum = 0});
    visit("seed", seed_);
  }

  void build(const std::vector<Shape>&) override {
    state_ = add_seed_generator(seed_);
  }

  Value call(CallContext& ctx, const Value& x) override {
    if (!ctx.training()) return x;
    const Value state = ctx.next_random_state(state_);
    return x + ops::random_normal(state, x.shape(), 0, amount_, x.dtype());
  }

 private:
  double amount_ = 0.1;
  std::optional<std::int64_t> seed_;
  Variable state_;
};

Tensor zeros() {
  return Tensor(DType::f32, {64, 64});
}

/// What the layer adds in training.
std::vector<double> draw(const Layer& layer) {
  return layer(zeros(), true).to_vector<double>();
}

}  // namespace

TEST_CASE("A user's random layer draws anew in training and not outside") {
  set_random_seed(5);
  const Layer layer = make_layer<Jitter>(0.5);
  CHECK(layer(zeros()) == zeros());
  const std::vector<double> first = draw(layer);
  CHECK(draw(layer) != first);
  double squares = 0;
  for (const double x : first) squares += x * x;
  CHECK(
      std::sqrt(squares / static_cast<double>(first.size())) ==
      doctest::Approx(0.5).epsilon(0.05));
  // One seed, one result; and every layer has a seed of its own.
  CHECK(draw(make_layer<Jitter>(0.5)) != first);
  set_random_seed(5);
  CHECK(draw(make_layer<Jitter>(0.5)) == first);
}

TEST_CASE("A model with a user's random layer trains, saves and loads") {
  register_layer<Jitter>("Jitter");
  set_random_seed(5);
  Sequential model(
      {layers::Input({64}), make_layer<Jitter>(0.5), layers::Dense(1)});
  model.compile({.optimizer = "sgd", .loss = "mse"});
  const Tensor x = Tensor::full(DType::f32, {64, 64}, 0.1);
  const Tensor y = Tensor::full(DType::f32, {64, 1}, 1);
  const History history =
      model.fit(x, y, {.batch_size = 16, .epochs = 3, .verbose = 0});
  CHECK(history["loss"].back() < history["loss"].front());

  const testing::TempDir folder;
  const std::string path = (folder / "m.keras").string();
  model.save(path);
  Model loaded = load_model(path);
  CHECK(loaded.layers()[0].impl().get_config().at("amount").as_number() == 0.5);
  CHECK(loaded.predict(x) == model.predict(x));
}

}  // namespace keratin
