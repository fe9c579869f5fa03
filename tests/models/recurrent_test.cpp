#include <doctest/doctest.h>

#include <cstdint>
#include <string>
#include <vector>

#include <keratin/keratin.hpp>

#include "tests/support/checks/check_layer.hpp"
#include "tests/support/paths.hpp"
#include "tests/support/throws.hpp"

// Recurrent layers in models: states, initial states, masks, files.

namespace keratin {

using namespace testing;
namespace kl = layers;

namespace {

Tensor array(const std::vector<double>& values, Shape shape) {
  return Tensor(values, std::move(shape)).cast(DType::f32);
}

void check_values(
    const Tensor& got, const Shape& shape, const std::vector<double>& want) {
  check_close(got, Tensor(want, shape), 1e-6);
}

/// The same weights in another layer of the same arguments but some.
Layer with_weights_of(const Layer& from, const Shape& input, Layer to) {
  to.impl().ensure_built({input});
  to.set_weights(from.get_weights());
  return to;
}

/// y = states = x + the states, and constants where there are some.
class SumCell final : public kl::CellImpl {
 public:
  std::string class_name() const override { return "SumCell"; }

  std::vector<Shape> state_shapes() const override { return {{3}}; }

  std::vector<Value> step(
      CallContext&, const Value& x, const std::vector<Value>& states) override {
    return {x + states[0], x + states[0]};
  }

  std::vector<Value> step_with(
      CallContext& ctx,
      const Value& x,
      const std::vector<Value>& states,
      const std::vector<Value>& constants) override {
    return step(ctx, constants.empty() ? x : x + constants[0], states);
  }
};

}  // namespace

TEST_CASE("an initial state given in the call is what the first step sees") {
  const kl::Input x({5, 3});
  const kl::Input h({2});
  const kl::GRU layer(2, {.return_state = true});
  const kl::RecurrentResult result =
      layer.with_state(x.tensor(), {.initial_state = {h.tensor()}});
  CHECK(result.output.shape().keras_str() == "(None, 2)");
  REQUIRE(result.states.size() == 1);
  Model model({x.tensor(), h.tensor()}, {result.output});
  // One sequence in two halves gives what the whole gives.
  const Tensor whole = noise({1, 5, 3}, 5, DType::f32);
  const Tensor zero(DType::f32, {1, 2});
  const Tensor want = model.predict({whole, zero});
  const kl::Input a({2, 3});
  const kl::Input b({3, 3});
  const auto first = layer.with_state(a.tensor());
  Model halves(
      {a.tensor(), b.tensor()},
      {layer.with_state(b.tensor(), {.initial_state = first.states}).output});
  std::vector<float> head;
  std::vector<float> tail;
  for (std::int64_t i = 0; i < 15; ++i) {
    (i < 6 ? head : tail).push_back(static_cast<float>(whole.at(i)));
  }
  const Tensor got =
      halves.predict({Tensor(head, {1, 2, 3}), Tensor(tail, {1, 3, 3})});
  check_close(got, want, 1e-6);
}

TEST_CASE("a stateful layer starts where the batch before ended") {
  for (const char* kind : {"LSTM", "GRU", "SimpleRNN"}) {
    CAPTURE(kind);
    const auto make = [&](bool stateful) -> Layer {
      if (kind[0] == 'L') return kl::LSTM(2, {.stateful = stateful});
      if (kind[0] == 'G') return kl::GRU(2, {.stateful = stateful});
      return kl::SimpleRNN(2, {.stateful = stateful});
    };
    const Layer layer = make(true);
    const Tensor x = noise({2, 6, 3}, 6, DType::f32);
    std::vector<float> parts[2];
    for (std::int64_t i = 0; i < 36; ++i) {
      parts[(i / 9) % 2].push_back(static_cast<float>(x.at(i)));
    }
    const Tensor head(parts[0], {2, 3, 3});
    const Tensor tail(parts[1], {2, 3, 3});
    layer(head);
    const Tensor got = layer(tail);
    const Layer whole = with_weights_of(layer, {2, 6, 3}, make(false));
    check_close(got, whole(x), 1e-6);
    CHECK(layer.weights().size() == 3);  // states are not among the weights
    kl::reset_states(layer);
    layer(head);
    check_close(layer(tail), got, 0);
  }
}

TEST_CASE("states of a stateful layer are read and set") {
  const kl::LSTM layer(2, {.stateful = true});
  CHECK(layer.states().empty());
  layer(noise({1, 2, 3}, 7, DType::f32));
  REQUIRE(layer.states().size() == 2);
  CHECK(layer.states()[0].at(0) != 0);
  layer.reset_states({array({1, 2}, {1, 2}), array({3, 4}, {1, 2})});
  check_values(layer.states()[1], {1, 2}, {3, 4});
  layer.reset_states();
  check_values(layer.states()[1], {1, 2}, {0, 0});
  CHECK(message_of<InvalidArgument>([&] {
          layer.reset_states({array({1}, {1, 1})});
        }).find("expected 2 states, got 1") != std::string::npos);
  CHECK(message_of<InvalidArgument>([] {
          kl::LSTM(2).reset_states();
        }).find("expected stateful=true") != std::string::npos);
}

TEST_CASE("a sequence of unknown length is run as long as it is") {
  const kl::Input x({kUnknown, 3});
  const SymbolicTensor y = kl::GRU(4, {.return_sequences = true})(x.tensor());
  CHECK(y.shape().keras_str() == "(None, None, 4)");
  Model model(x.tensor(), y);
  CHECK(
      model.predict(noise({2, 7, 3}, 1, DType::f32)).shape() == Shape{2, 7, 4});
  CHECK(
      model.predict(noise({2, 3, 3}, 1, DType::f32)).shape() == Shape{2, 3, 4});
}

TEST_CASE("constants of a call reach every step of a cell") {
  const kl::Input x({2, 3});
  const kl::Input c({3});
  const kl::RNN layer(make_layer<SumCell>());
  Model model(
      {x.tensor(), c.tensor()},
      {layer(x.tensor(), {.constants = {c.tensor()}})});
  check_values(
      model.predict(
          {array({1, 2, 3, 4, 5, 6}, {1, 2, 3}), array({1, 0, -1}, {1, 3})}),
      {1, 3},
      {7, 7, 7});
  CHECK(message_of<InvalidArgument>([&] {
          kl::LSTM(2, {.name = "l"})(x.tensor(), {.constants = {c.tensor()}});
        }).find("takes no constants, got 1") != std::string::npos);
}

TEST_CASE("a stateful layer refuses another number of sequences") {
  const kl::LSTM stateful(4, {.stateful = true, .name = "s"});
  stateful(noise({2, 5, 3}, 1, DType::f32));
  CHECK(
      message_of<InvalidArgument>([&] {
        stateful(noise({3, 5, 3}, 1, DType::f32));
      }) ==
      "[s: LSTM] expected batches of 2 sequences, as the states of "
      "stateful=true have, got 3");
}

TEST_CASE("models with recurrent layers are saved and read back") {
  register_layer<SumCell>("SumCell");
  const testing::TempDir folder;
  const kl::Input x({4, 3}, {.name = "x"});
  const kl::Input h({2}, {.name = "h"});
  const kl::Input c({2}, {.name = "c"});
  const kl::Input g({3}, {.name = "g"});
  const auto inner =
      kl::RNN(
          {kl::LSTMCell(2), kl::GRUCell(3)},
          {.return_sequences = true, .return_state = true})
          .with_state(
              x.tensor(),
              {.initial_state = {h.tensor(), c.tensor(), g.tensor()}});
  const SymbolicTensor both =
      kl::Bidirectional(kl::LSTM(2, {.return_sequences = true}))(
          kl::TimeDistributed(kl::Dense(4))(inner.output));
  const SymbolicTensor summed = kl::RNN(make_layer<SumCell>())(x.tensor());
  Model model(
      {x.tensor(), h.tensor(), c.tensor(), g.tensor()},
      {kl::Concatenate()({kl::GRU(3)(both), inner.states[2], summed})});
  const std::vector<Tensor> data = {
      noise({2, 4, 3}, 1, DType::f32),
      noise({2, 2}, 2, DType::f32),
      noise({2, 2}, 3, DType::f32),
      noise({2, 3}, 4, DType::f32)};
  const Tensor want = model.predict(data);
  const std::string path = (folder / "m.keras").string();
  model.save(path);
  Model again = load_model(path);
  check_close(again.predict(data), want, 0);
  CHECK(again.to_json() == model.to_json());
}

TEST_CASE("states of stacked cells are nested as Keras nests them") {
  const kl::Input x({4, 3}, {.name = "x"});
  const kl::Input h({2}, {.name = "h"});
  const kl::Input c({2}, {.name = "c"});
  const kl::Input g({3}, {.name = "g"});
  Model model(
      {x.tensor(), h.tensor(), c.tensor(), g.tensor()},
      {kl::RNN({kl::LSTMCell(2), kl::GRUCell(3)})(
          x.tensor(),
          {.initial_state = {h.tensor(), c.tensor(), g.tensor()}})});
  const Config config = Config::parse(model.to_json());
  bool found = false;
  for (const Config& layer : config.at("config").at("layers").as_array()) {
    if (layer.at("class_name").as_string() != "RNN") continue;
    const Config& call = layer.at("inbound_nodes").as_array()[0];
    const Config& states = call.at("kwargs").at("initial_state");
    REQUIRE(states.size() == 2);
    CHECK(states.as_array()[0].size() == 2);
    CHECK(states.as_array()[1].size() == 1);
    found = true;
  }
  CHECK(found);
  Model again = model_from_json(model.to_json());
  again.set_weights(model.get_weights());
  const std::vector<Tensor> data = {
      noise({2, 4, 3}, 1, DType::f32),
      noise({2, 2}, 2, DType::f32),
      noise({2, 2}, 3, DType::f32),
      noise({2, 3}, 4, DType::f32)};
  check_close(again.predict(data), model.predict(data), 0);
}

TEST_CASE("an Embedding's mask reaches the layers behind a recurrent one") {
  const kl::Input x({4}, {.dtype = DType::i32});
  const SymbolicTensor e = kl::Embedding(5, 2, {.mask_zero = true})(x.tensor());
  const kl::LSTM first(2, {.return_sequences = true});
  const kl::Bidirectional second(kl::GRU(2));
  Model model(x.tensor(), second(first(e)));
  const Tensor a(std::vector<std::int32_t>{1, 2, 0, 0}, {1, 4});
  const Tensor b(std::vector<std::int32_t>{1, 2}, {1, 2});
  const kl::Input y({2}, {.dtype = DType::i32});
  // Zeros at the end are as if they were not there.
  Model shorter(y.tensor(), second(first(model.layers()[1](y.tensor()))));
  check_close(model.predict(a), shorter.predict(b), 1e-6);
}

}  // namespace keratin
