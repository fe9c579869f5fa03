#include <utility>

#include "tests/layers/layer_support.hpp"

// Cells of one's own, stacked cells, ConvLSTM, Bidirectional, TimeDistributed.

namespace keratin {

using namespace testing;
namespace kl = layers;

namespace {

Layer built(Layer layer, const Shape& input) {
  layer.impl().ensure_built({input});
  return layer;
}

/// As the documentation of CellImpl shows it; its output is twice its state.
class MinimalCell final : public kl::CellImpl {
 public:
  MinimalCell() = default;

  explicit MinimalCell(std::int64_t units) : units_(units) {}

  std::string class_name() const override { return "MinimalCell"; }

  void fields(FieldVisitor& visit) override {
    LayerImpl::fields(visit);
    visit("units", units_, {.required = true});
  }

  void build(const std::vector<Shape>& inputs) override {
    kernel_ = add_weight("kernel", {inputs[0].back(), units_});
    recurrent_ = add_weight("recurrent_kernel", {units_, units_});
  }

  std::vector<Shape> state_shapes() const override { return {{units_}}; }

  std::vector<Value> step(
      CallContext& ctx,
      const Value& x,
      const std::vector<Value>& states) override {
    const Value h = ops::tanh(
        ops::matmul(x, ctx.read(kernel_)) +
        ops::matmul(states[0], ctx.read(recurrent_)));
    return {h * 2.0, h};
  }

  std::vector<Value> step_with(
      CallContext& ctx,
      const Value& x,
      const std::vector<Value>& states,
      const std::vector<Value>& constants) override {
    return step(ctx, constants.empty() ? x : x + constants[0], states);
  }

 private:
  std::int64_t units_ = 0;
  Variable kernel_;
  Variable recurrent_;
};

/// Counts its steps in a variable of its own.
class CountingCell final : public kl::CellImpl {
 public:
  std::string class_name() const override { return "CountingCell"; }

  void build(const std::vector<Shape>&) override {
    count_ =
        add_weight("count", {}, {.initializer = "zeros", .trainable = false});
  }

  std::vector<Shape> state_shapes() const override { return {{3}}; }

  std::vector<Value> step(
      CallContext& ctx,
      const Value& x,
      const std::vector<Value>& states) override {
    ctx.assign(count_, ctx.read(count_) + ops::mean(x) * 0.0 + 1.0);
    return {x + states[0], x + states[0]};
  }

 private:
  Variable count_;
};

const Shape kInput = {2, 4, 3};
const Tensor kMask(
    std::vector<bool>{true, true, false, true, true, true, false, false},
    {2, 4});

}  // namespace

TEST_CASE("a cell of the user's own keeps the layer contract inside RNN") {
  register_layer<MinimalCell>("MinimalCell");
  for (const bool unroll : {false, true}) {
    check_layer(
        {.layer =
             [unroll] {
               return kl::RNN(make_layer<MinimalCell>(4), {.unroll = unroll});
             },
         .inputs = {kInput},
         .output = {2, 4},
         .weights = 2});
  }
  clear_session();
  const Layer layer = built(kl::RNN(make_layer<MinimalCell>(4)), kInput);
  CHECK(layer.weights()[0].path() == "rnn/minimal_cell/kernel");
  CHECK(
      layer.get_config().at("cell").at("registered_name").as_string() ==
      "Custom>MinimalCell");
}

TEST_CASE("a masked step repeats the output of a cell, which is no state") {
  for (const bool unroll : {false, true}) {
    const Layer layer = built(
        kl::RNN(
            make_layer<MinimalCell>(1),
            {.return_sequences = true, .return_state = true, .unroll = unroll}),
        kInput);
    const LayerRun run =
        run_masked(layer, {noise(kInput, 1, DType::f32)}, {kMask});
    const Tensor& y = run.outputs[0];
    CHECK(y.at(2) == y.at(1));
    CHECK(y.at(7) == y.at(5));
    CHECK(y.at(3) == doctest::Approx(2 * run.outputs[1].at(0)));
    CHECK(y.at(7) == doctest::Approx(2 * run.outputs[1].at(1)));
  }
}

TEST_CASE("a cell that assigns variables must be unrolled") {
  const Layer loop = kl::RNN(make_layer<CountingCell>());
  CHECK(
      call_error(loop, kInput).find("pass unroll = true for such a cell") !=
      std::string::npos);
  const Layer steps =
      built(kl::RNN(make_layer<CountingCell>(), {.unroll = true}), kInput);
  const LayerRun run = run_layer(steps, {noise(kInput, 1, DType::f32)});
  REQUIRE(run.assigned.size() == 1);
  CHECK(run.assigned[0].at(0) == 4);
}

TEST_CASE("a cell is a layer of x and its states") {
  const kl::Input x({3});
  const kl::Input h({2});
  const kl::Input c({2});
  const auto results = kl::LSTMCell(2).call([&] {
    SymbolicInputs inputs(x.tensor());
    inputs.items.push_back({"states", {h.tensor(), c.tensor()}, true});
    return inputs;
  }());
  REQUIRE(results.size() == 3);
  CHECK(results[0].shape().keras_str() == "(None, 2)");
}

TEST_CASE("stacked cells compute what stacked layers compute") {
  clear_session();
  const Layer cells = built(
      kl::RNN(
          {kl::LSTMCell(3), kl::GRUCell(2)},
          {.return_sequences = true, .return_state = true, .name = "r"}),
      kInput);
  CHECK(cells.weights()[3].path() == "r/stacked_rnn_cells/gru_cell/kernel");
  const std::vector<Tensor> weights = cells.get_weights();
  Layer first = built(kl::LSTM(3, {.return_sequences = true}), kInput);
  first.set_weights({weights.begin(), weights.begin() + 3});
  Layer second = built(kl::GRU(2, {.return_sequences = true}), {2, 4, 3});
  second.set_weights({weights.begin() + 3, weights.end()});
  const Tensor x = noise(kInput, 3, DType::f32);
  const LayerRun run = run_layer(cells, {x});
  REQUIRE(run.outputs.size() == 4);
  check_close(run.outputs[0], apply(second, apply(first, x)), 1e-6);
  CHECK(run.outputs[1].shape() == Shape{2, 3});
  CHECK(run.outputs[3].shape() == Shape{2, 2});
}

TEST_CASE("ConvLSTM keeps the layer contract") {
  check_layer(
      {.layer =
           [] {
             return kl::ConvLSTM1D(2, 3, {.strides = 2, .padding = "same"});
           },
       .inputs = {{2, 2, 5, 3}},
       .output = {2, 3, 2},
       .weights = 3});
  check_layer(
      {.layer =
           [] {
             return kl::ConvLSTM2D(
                 2,
                 {2, 3},
                 {.data_format = "channels_first",
                  .use_bias = false,
                  .return_sequences = true});
           },
       .inputs = {{2, 2, 3, 4, 5}},
       .output = {2, 2, 2, 3, 3},
       .weights = 2});
  check_layer(
      {.layer = [] { return kl::ConvLSTM3D(1, 2, {.dilation_rate = 2}); },
       .inputs = {{1, 2, 3, 4, 3, 2}},
       .output = {1, 1, 2, 1, 1},
       .weights = 3});
}

TEST_CASE("a ConvLSTM whose kernel has one point is an LSTM at every point") {
  Layer conv = built(kl::ConvLSTM1D(2, 1), {2, 3, 4, 3});
  const Layer lstm = built(kl::LSTM(2), {2, 3, 3});
  const std::vector<Tensor> weights = lstm.get_weights();
  conv.set_weights(
      {weights[0].reshape({1, 3, 8}),
       weights[1].reshape({1, 2, 8}),
       weights[2]});
  // One sequence of four points is four sequences.
  const Tensor x = noise({1, 3, 4, 3}, 4, DType::f32);
  Tensor points(DType::f32, {4, 3, 3});
  auto values = points.mutable_data<float>();
  for (std::int64_t t = 0; t < 3; ++t) {
    for (std::int64_t p = 0; p < 4; ++p) {
      for (std::int64_t f = 0; f < 3; ++f) {
        values[static_cast<std::size_t>((p * 3 + t) * 3 + f)] =
            static_cast<float>(x.at((t * 4 + p) * 3 + f));
      }
    }
  }
  check_close(apply(conv, x).reshape({4, 2}), apply(lstm, points), 1e-6);
}

TEST_CASE(
    "ConvLSTM drops channels of x and of the state, one seed one result") {
  const auto make = [](const char* format) {
    return kl::ConvLSTM2D(
        2,
        2,
        {.data_format = format,
         .dropout = 0.4,
         .recurrent_dropout = 0.4,
         .seed = 5});
  };
  for (const char* format : {"channels_last", "channels_first"}) {
    const Layer layer = built(make(format), {2, 3, 4, 4, 4});
    const Tensor x = noise({2, 3, 4, 4, 4}, 5, DType::f32);
    const Tensor a = run_layer(layer, {x}, {.training = true}).outputs[0];
    const Tensor b = run_layer(layer, {x}, {.training = true}).outputs[0];
    check_close(a, b, 0);
    CHECK(a.at(0) != apply(layer, x).at(0));
  }
  CHECK(
      make_error([] {
        kl::ConvLSTM1D(2, 3, {.strides = 2, .dilation_rate = 2});
      }).find("expected strides of 1 together with a dilation_rate above 1") !=
      std::string::npos);
}

TEST_CASE("Bidirectional keeps the layer contract") {
  check_layer(
      {.layer = [] { return kl::Bidirectional(kl::LSTM(2)); },
       .inputs = {kInput},
       .output = {2, 4},
       .weights = 6});
  for (const char* mode : {"sum", "mul", "ave"}) {
    check_layer(
        {.layer =
             [mode] {
               return kl::Bidirectional(
                   kl::SimpleRNN(2, {.return_sequences = true}),
                   {.merge_mode = mode});
             },
         .inputs = {kInput},
         .output = {2, 4, 2},
         .weights = 6});
  }
}

TEST_CASE("Bidirectional reads the sequence from both ends") {
  const Layer both = built(
      kl::Bidirectional(
          kl::GRU(
              2,
              {.return_sequences = true, .return_state = true, .name = "gru"}),
          {.merge_mode = std::nullopt, .name = "b"}),
      kInput);
  CHECK(both.weights()[0].path() == "b/forward_gru/gru_cell/kernel");
  CHECK(both.weights()[3].path() == "b/backward_gru/gru_cell/kernel");
  const std::vector<Tensor> weights = both.get_weights();
  Layer forward = built(kl::GRU(2, {.return_sequences = true}), kInput);
  forward.set_weights({weights.begin(), weights.begin() + 3});
  Layer backward = built(
      kl::GRU(2, {.return_sequences = true, .go_backwards = true}), kInput);
  backward.set_weights({weights.begin() + 3, weights.end()});
  const Tensor x = noise(kInput, 6, DType::f32);
  const LayerRun run = run_layer(both, {x});
  REQUIRE(run.outputs.size() == 4);
  check_close(run.outputs[0], apply(forward, x), 1e-6);
  const Tensor z = apply(backward, x);
  for (std::int64_t t = 0; t < 4; ++t) {
    CHECK(run.outputs[1].at(t * 2) == doctest::Approx(z.at((3 - t) * 2)));
  }
  CHECK(run.outputs[3].at(0) == doctest::Approx(run.outputs[1].at(0)));
  // Masked steps are zeros where sequences are returned.
  const LayerRun masked = run_masked(both, {x}, {kMask});
  CHECK(masked.outputs[0].at(4) == 0);
  CHECK(masked.outputs[1].at(4) == 0);
  check_close(masked.mask, kMask, 0);
}

TEST_CASE("Bidirectional takes a backward layer, states and weights") {
  const kl::Bidirectional layer(
      kl::LSTM(2, {.name = "a"}),
      {.backward_layer =
           kl::LSTM(3, {.activation = "relu", .go_backwards = true})});
  CHECK(apply(layer, noise(kInput, 1, DType::f32)).shape() == Shape{2, 5});
  const kl::Input x({4, 3});
  std::vector<SymbolicTensor> states;
  for (const std::int64_t units : {2, 2, 3, 3}) {
    states.push_back(kl::Input({units}).tensor());
  }
  CHECK(
      layer(x.tensor(), {.initial_state = states}).shape().keras_str() ==
      "(None, 5)");
  const Layer donor = built(kl::Bidirectional(kl::GRU(2)), kInput);
  const Layer taker = built(
      kl::Bidirectional(kl::GRU(2), {.weights = donor.get_weights()}), kInput);
  check_close(taker.get_weights()[4], donor.get_weights()[4], 0);
}

TEST_CASE("Bidirectional refuses layers that do not fit together") {
  CHECK(
      make_error([] {
        kl::Bidirectional(kl::Dense(2));
      }).find("expected a recurrent layer (RNN, LSTM, GRU, ...), got [dense") !=
      std::string::npos);
  CHECK(make_error([] {
          kl::Bidirectional(kl::GRU(2), {.merge_mode = "max"});
        }).find("or none, got \"max\"") != std::string::npos);
  CHECK(
      make_error([] {
        kl::Bidirectional(kl::GRU(2), {.backward_layer = kl::GRU(2)});
      }).find("to differ in go_backwards, got false for both") !=
      std::string::npos);
  CHECK(
      make_error([] {
        kl::Bidirectional(
            kl::GRU(2),
            {.backward_layer =
                 kl::GRU(2, {.return_sequences = true, .go_backwards = true})});
      }).find("expected the same return_sequences for both layers") !=
      std::string::npos);
}

TEST_CASE("TimeDistributed keeps the layer contract") {
  check_layer(
      {.layer =
           [] {
             return kl::TimeDistributed(kl::Dense(2, {.activation = "relu"}));
           },
       .inputs = {kInput},
       .output = {2, 4, 2},
       .weights = 2});
  check_layer(
      {.layer = [] { return kl::TimeDistributed(kl::LSTM(2)); },
       .inputs = {{2, 3, 4, 2}},
       .output = {2, 3, 2},
       .weights = 3});
  check_layer(
      {.layer = [] { return kl::TimeDistributed(kl::BatchNormalization()); },
       .inputs = {kInput},
       .output = kInput,
       .weights = 4,
       .gradient_tolerance = 1e-5});
}

TEST_CASE("a layer with state sees the steps of TimeDistributed in turn") {
  const Layer layer = built(
      kl::TimeDistributed(kl::BatchNormalization({.momentum = 0.5})),
      {2, 2, 1});
  const LayerRun run =
      run_layer(layer, {array({1, 5, 3, 7}, {2, 2, 1})}, {.training = true});
  check_close(run.outputs[0].reshape({4}), array({-1, -1, 1, 1}, {4}), 1e-3);
  // Means 2 and 6: 0 -> 1 -> 3.5.
  CHECK(run.assigned[0].at(0) == doctest::Approx(3.5));
}

TEST_CASE("TimeDistributed passes masks on and checks its input") {
  const LayerRun run = run_masked(
      kl::TimeDistributed(kl::Dense(2)),
      {noise(kInput, 1, DType::f32)},
      {kMask});
  check_close(run.mask, kMask, 0);
  CHECK(
      call_error(kl::TimeDistributed(kl::Dense(2), {.name = "t"}), {2, 3}) ==
      "[t: TimeDistributed] expected an input of rank >= 3, [batch, steps, "
      "...], got [?,3]");
  const kl::Input open({kUnknown, 3});
  CHECK(
      kl::TimeDistributed(kl::Dense(2))(open.tensor()).shape().keras_str() ==
      "(None, None, 2)");
}

TEST_CASE("Wrapper calls the layer inside") {
  check_layer(
      {.layer = [] { return kl::Wrapper(kl::Dense(2)); },
       .inputs = {{2, 3}},
       .output = {2, 2},
       .weights = 2});
}

}  // namespace keratin
