#include <functional>
#include <memory>
#include <utility>

#include "tests/layers/layer_support.hpp"

// SimpleRNN, LSTM, GRU and RNN over cells.

namespace keratin {

using namespace testing;
namespace kl = layers;

namespace {

/// The same weights in another layer of the same arguments but some.
Layer with_weights_of(const Layer& from, const Shape& input, Layer to) {
  to.impl().ensure_built({input});
  to.set_weights(from.get_weights());
  return to;
}

Layer built(Layer layer, const Shape& input) {
  layer.impl().ensure_built({input});
  return layer;
}

const Shape kInput = {2, 5, 3};

/// Two sequences of five steps, the second three steps long, the third step of
/// the first one missing.
const Tensor kMask(
    std::vector<bool>{
        true, true, false, true, true, true, true, true, false, false},
    {2, 5});

double sigmoid(double x) {
  return 1 / (1 + std::exp(-x));
}

}  // namespace

TEST_CASE("recurrent layers keep the layer contract") {
  const std::vector<std::pair<std::function<Layer()>, std::size_t>> layers = {
      {[] { return kl::SimpleRNN(4); }, 3},
      {[] { return kl::LSTM(4); }, 3},
      {[] { return kl::LSTM(4, {.use_bias = false}); }, 2},
      {[] { return kl::GRU(4); }, 3},
      {[] { return kl::GRU(4, {.reset_after = false}); }, 3},
      {[] { return kl::LSTM(4, {.go_backwards = true, .unroll = true}); }, 3},
      {[] { return kl::RNN(kl::GRUCell(4)); }, 3},
      {[] {
         return kl::RNN({kl::LSTMCell(2), kl::SimpleRNNCell(4)});
       },
       6},
      {[] { return kl::LSTM(4, {.dropout = 0.3, .seed = 1}); }, 3},
      {[] { return kl::GRU(4, {.recurrent_dropout = 0.3, .seed = 1}); }, 3},
  };
  for (const auto& [layer, weights] : layers) {
    check_layer(
        {.layer = layer,
         .inputs = {{2, 3, 3}},
         .output = {2, 4},
         .weights = weights});
  }
  check_layer(
      {.layer =
           [] {
             return kl::GRU(
                 2, {.return_sequences = true, .go_backwards = true});
           },
       .inputs = {{2, 3, 3}},
       .output = {2, 3, 2},
       .weights = 3});
}

TEST_CASE("SimpleRNN computes what its formula says") {
  const Layer layer =
      built(kl::SimpleRNN(1, {.return_sequences = true}), {1, 2, 1});
  Layer copy = layer;
  copy.set_weights({array({2}, {1, 1}), array({0.5}, {1, 1}), array({1}, {1})});
  const double first = std::tanh(2 * 0.1 + 1);
  const double second = std::tanh(2 * -0.2 + 1 + 0.5 * first);
  check_values(
      apply(layer, array({0.1, -0.2}, {1, 2, 1})), {1, 2, 1}, {first, second});
}

TEST_CASE(
    "LSTM computes what its formula says, its forget gate open at first") {
  Layer layer = built(kl::LSTM(1), {1, 1, 1});
  CHECK(layer.get_weights()[2].at(1) == 1);
  CHECK(layer.get_weights()[2].at(0) == 0);
  layer.set_weights(
      {array({1, 2, 3, 4}, {1, 4}),
       array({0.1, 0.2, 0.3, 0.4}, {1, 4}),
       array({0, 1, 0, -1}, {4})});
  double h = 0;
  double c = 0;
  for (const double x : {0.5, -0.3}) {
    const double i = sigmoid(1 * x + 0.1 * h);
    const double f = sigmoid(2 * x + 0.2 * h + 1);
    const double g = std::tanh(3 * x + 0.3 * h);
    const double o = sigmoid(4 * x + 0.4 * h - 1);
    c = f * c + i * g;
    h = o * std::tanh(c);
  }
  check_values(apply(layer, array({0.5, -0.3}, {1, 2, 1})), {1, 1}, {h});
}

TEST_CASE("GRU's reset gate acts before or after the product") {
  const std::vector<double> recurrent = {0.1, -0.2, 0.3};
  for (const bool after : {true, false}) {
    CAPTURE(after);
    Layer layer = built(kl::GRU(1, {.reset_after = after}), {1, 2, 1});
    const Tensor bias =
        after ? array({0, 0, 0, 0, 0, 0.5}, {2, 3}) : array({0, 0, 0.5}, {3});
    layer.set_weights(
        {array({1, 2, 3}, {1, 3}), array(recurrent, {1, 3}), bias});
    double h = 0;
    for (const double x : {0.5, -0.3}) {
      const double z = sigmoid(x + recurrent[0] * h);
      const double r = sigmoid(2 * x + recurrent[1] * h);
      const double inner =
          after ? r * (recurrent[2] * h + 0.5) : recurrent[2] * (r * h) + 0.5;
      h = z * h + (1 - z) * std::tanh(3 * x + inner);
    }
    check_values(apply(layer, array({0.5, -0.3}, {1, 2, 1})), {1, 1}, {h});
  }
}

TEST_CASE("a loop computes what its unrolled steps compute") {
  const Tensor x = noise(kInput, 1, DType::f32);
  const auto options = [](bool unroll, int variant) {
    kl::LSTMOptions out;
    out.unroll = unroll;
    out.return_sequences = variant % 2 == 1;
    out.return_state = true;
    out.go_backwards = (variant / 2) % 2 == 1;
    out.zero_output_for_mask = variant / 4 == 1;
    return out;
  };
  for (int variant = 0; variant < 8; ++variant) {
    CAPTURE(variant);
    const Layer loop = built(kl::LSTM(4, options(false, variant)), kInput);
    const Layer steps =
        with_weights_of(loop, kInput, kl::LSTM(4, options(true, variant)));
    for (const bool masked : {false, true}) {
      const std::optional<Tensor> mask =
          masked ? std::optional<Tensor>(kMask) : std::nullopt;
      for (const char* backend : {"reference", "cpu"}) {
        const LayerRun a = run_masked(loop, {x}, {mask}, {.backend = backend});
        const LayerRun b = run_masked(steps, {x}, {mask}, {.backend = backend});
        REQUIRE(a.outputs.size() == 3);
        for (std::size_t i = 0; i < a.outputs.size(); ++i) {
          check_close(a.outputs[i], b.outputs[i], 1e-6);
        }
        for (std::size_t i = 0; i < a.gradients.size(); ++i) {
          check_close(a.gradients[i], b.gradients[i], 1e-5);
        }
      }
    }
  }
}

TEST_CASE(
    "masked steps leave states alone and repeat the output or give zeros") {
  const Tensor x = noise(kInput, 2, DType::f32);
  for (const bool zeros : {false, true}) {
    CAPTURE(zeros);
    const Layer layer = built(
        kl::GRU(
            2,
            {.return_sequences = true,
             .return_state = true,
             .zero_output_for_mask = zeros}),
        kInput);
    const LayerRun run = run_masked(layer, {x}, {kMask});
    const Tensor& y = run.outputs[0];
    const auto at = [&](int row, int step) {
      return y.at((row * 5 + step) * 2);
    };
    CHECK(at(0, 2) == (zeros ? 0 : at(0, 1)));
    CHECK(at(1, 4) == (zeros ? 0 : at(1, 2)));
    CHECK(at(0, 3) != at(0, 1));
    // The states are those after the last step that counts.
    CHECK(run.outputs[1].at(0) == at(0, 4));
    CHECK(run.outputs[1].at(2) == at(1, 2));
    check_close(run.mask, kMask, 0);
    // The last output alone: of the last step, masked or not.
    const Layer last = with_weights_of(
        layer, kInput, kl::GRU(2, {.zero_output_for_mask = zeros}));
    const LayerRun short_run = run_masked(last, {x}, {kMask});
    CHECK(short_run.outputs[0].at(0) == at(0, 4));
    CHECK(short_run.outputs[0].at(2) == at(1, 4));
    CHECK(short_run.mask.size() == 0);
  }
}

TEST_CASE("what comes after a sequence's end has no effect and no gradient") {
  const Layer layer = built(kl::LSTM(3), kInput);
  const Tensor x = noise(kInput, 3, DType::f32);
  Tensor other = x;
  auto values = other.mutable_data<float>();
  for (std::size_t i = 0; i < 3; ++i) values[15 + 4 * 3 + i] = 9;
  const LayerRun a = run_masked(layer, {x}, {kMask});
  const LayerRun b = run_masked(layer, {other}, {kMask});
  check_close(a.outputs[0], b.outputs[0], 0);
  for (std::int64_t i = 15 + 9; i < 30; ++i) CHECK(a.gradients[0].at(i) == 0);
}

TEST_CASE("go_backwards takes the last step first") {
  const Layer forwards =
      built(kl::SimpleRNN(2, {.return_sequences = true}), kInput);
  const Layer backwards = with_weights_of(
      forwards,
      kInput,
      kl::SimpleRNN(2, {.return_sequences = true, .go_backwards = true}));
  const Tensor x = noise(kInput, 4, DType::f32);
  Tensor reversed = x;
  auto values = reversed.mutable_data<float>();
  for (std::int64_t b = 0; b < 2; ++b) {
    for (std::int64_t t = 0; t < 5; ++t) {
      for (std::int64_t f = 0; f < 3; ++f) {
        values[static_cast<std::size_t>((b * 5 + t) * 3 + f)] =
            static_cast<float>(x.at((b * 5 + 4 - t) * 3 + f));
      }
    }
  }
  check_close(apply(backwards, x), apply(forwards, reversed), 1e-6);
}

TEST_CASE("one choice of dropout holds for all steps") {
  // A linear cell without recurrence shows which features were kept.
  const Layer layer = kl::SimpleRNN(
      1,
      {.activation = "linear",
       .use_bias = false,
       .dropout = 0.5,
       .return_sequences = true,
       .seed = 3});
  Layer ready = built(layer, {64, 4, 1});
  ready.set_weights({array({1}, {1, 1}), array({0}, {1, 1})});
  Tensor ones(DType::f32, {64, 4, 1});
  for (float& value : ones.mutable_data<float>()) value = 1;
  const LayerRun run = run_layer(ready, {ones}, {.training = true});
  int kept = 0;
  for (std::int64_t row = 0; row < 64; ++row) {
    const double first = run.outputs[0].at(row * 4);
    CHECK((first == 0 || first == 2));
    kept += first == 2 ? 1 : 0;
    for (std::int64_t t = 1; t < 4; ++t) {
      CHECK(run.outputs[0].at(row * 4 + t) == first);
    }
  }
  CHECK(kept > 16);
  CHECK(kept < 48);
  // One seed, one result; none while not training.
  check_close(
      run_layer(ready, {ones}, {.training = true}).outputs[0],
      run.outputs[0],
      0);
  check_close(run_layer(ready, {ones}).outputs[0], ones, 0);
}

TEST_CASE("dropout of a loop and of its unrolled steps choose the same") {
  const Tensor x = noise(kInput, 8, DType::f32);
  const auto make = [](bool unroll) {
    return kl::LSTM(
        3,
        {.dropout = 0.4,
         .recurrent_dropout = 0.4,
         .seed = 9,
         .unroll = unroll});
  };
  const Layer loop = built(make(false), kInput);
  const Layer steps = with_weights_of(loop, kInput, make(true));
  check_close(
      run_layer(loop, {x}, {.training = true}).outputs[0],
      run_layer(steps, {x}, {.training = true}).outputs[0],
      1e-6);
}

TEST_CASE("recurrent layers refuse what cannot be") {
  CHECK(make_error([] {
          kl::LSTM(0);
        }).find("expected units >= 1, got 0") != std::string::npos);
  CHECK(make_error([] {
          kl::GRU(2, {.dropout = 1.5});
        }).find("expected dropout <= 1, got 1.5") != std::string::npos);
  CHECK(
      make_error([] {
        kl::GRU(2, {.reset_after = false, .use_cudnn = true});
      }).find("expected reset_after=true together with use_cudnn=true") !=
      std::string::npos);
  CHECK(make_error([] {
          kl::RNN(kl::Dense(2));
        }).find("expected a cell, got [dense") != std::string::npos);
  CHECK(
      call_error(kl::LSTM(2, {.name = "l"}), {2, 3}) ==
      "[l: LSTM] expected a sequence of rank 3, [batch, steps, features...], "
      "got [?,3]; add a batch or a feature axis");
  const Layer ready = built(kl::LSTM(2, {.name = "l"}), {2, 3, 4});
  CHECK(
      call_error(ready, {2, 3, 5}) ==
      "[l: LSTM] expected steps of shape (2, 4), for which it was built, got "
      "(2, 5)");
}

TEST_CASE("calls of recurrent layers are checked") {
  const auto error = [](auto call) {
    return message_of<InvalidArgument>(call);
  };
  const kl::Input x({5, 3});
  const kl::Input open({kUnknown, 3});
  const kl::Input state({4});
  CHECK(error([&] {
          kl::LSTM(4, {.name = "l"})(
              x.tensor(), {.initial_state = {state.tensor()}});
        }) == "[l: LSTM] expected an initial_state of 2 tensors, got 1");
  CHECK(
      error([&] {
        kl::GRU(3, {.name = "g"})(
            x.tensor(), {.initial_state = {state.tensor()}});
      }) ==
      "[g: GRU] expected initial_state 0 of shape (None, 3), got (None, 4)");
  CHECK(
      error([&] {
        kl::LSTM(4, {.unroll = true, .name = "l"})(open.tensor(), {});
      }).find("expected a known number of steps for unroll=true") !=
      std::string::npos);
  CHECK(
      error([&] {
        kl::LSTM(4, {.stateful = true, .name = "l"})(x.tensor(), {});
      }).find("expected a known batch size for stateful=true, got None") !=
      std::string::npos);
  CHECK(error([&] {
          kl::LSTM(4, {.return_state = true})(x.tensor(), {});
        }).find("use with_state()") != std::string::npos);
}

TEST_CASE("arguments that Keras 2 wrote are taken from configs") {
  Config config = serialize(kl::LSTM(3).impl());
  config["config"]["time_major"] = false;
  config["config"]["implementation"] = 1;
  const Layer layer = deserialize_layer(config);
  CHECK(layer.get_config().find("implementation") == nullptr);
  config["config"]["time_major"] = true;
  CHECK(message_of<InvalidArgument>([&] {
          deserialize_layer(config);
        }).find("time_major] expected false, got true") != std::string::npos);
}

}  // namespace keratin
