#include <cmath>

#include <keratin/function.hpp>
#include <keratin/layers/attention.hpp>

#include "tests/layers/layer_support.hpp"

namespace keratin {

using namespace testing;
namespace kl = layers;

namespace {

/// Calls a layer with a list's tensors as positional arguments and with
/// constants, so that check_layer can call it.
class CallOf final : public LayerImpl {
 public:
  CallOf() = default;

  CallOf(const Layer& inner, Config flags)
      : config_(serialize(inner.impl())), flags_(std::move(flags)) {
    take(inner);
  }

  std::string class_name() const override { return "CallOf"; }

  void fields(FieldVisitor& visit) override {
    LayerImpl::fields(visit);
    visit("inner", config_);
    visit("flags", flags_);
  }

  void from_config(const Config& config, const std::string& where) override {
    LayerImpl::from_config(config, where);
    take(deserialize_layer(config_, where));
  }

  void build(const std::vector<Shape>& inputs) override {
    inner_.impl().ensure_built(inputs);
  }

  std::vector<Value> call_many(
      CallContext& ctx, const CallInputs& inputs) override {
    CallInputs spread;
    for (const Value& x : inputs.tensors()) spread.items.push_back({"", {x}});
    for (const auto& [name, value] : flags_.as_object()) {
      spread.items.push_back({name, {}, false, value});
    }
    return {inner_.call(ctx, spread)[0]};
  }

 private:
  void take(const Layer& inner) {
    inner_ = inner;
    clear_sublayers();
    add_sublayer("inner", inner_);
  }

  Config config_;
  Config flags_ = Config::object();
  Layer inner_;
};

Layer call_of(const Layer& inner, Config flags = Config::object()) {
  register_layer<CallOf>("CallOf");
  return make_layer<CallOf>(inner, std::move(flags));
}

/// One head of one feature that changes nothing: scores are x_i * x_j.
template <class L>
void make_plain(L layer, std::size_t weights) {
  std::vector<Tensor> values;
  for (const Variable& weight : layer.weights()) {
    values.push_back(Tensor::full(
        DType::f32, weight.shape(), weight.name() == "kernel" ? 1 : 0));
  }
  CHECK(values.size() == weights);
  layer.set_weights(values);
}

// x_0 = 0 attends evenly; x_1 with scores 0 and ln 3, so by 1/4 and 3/4.
const double kX = std::sqrt(std::log(3.0));

Tensor plain_input() {
  return array({0, kX}, {1, 2, 1});
}

}  // namespace

TEST_CASE("attention layers keep the layer contract") {
  const std::vector<Shape> pair = {{2, 3, 4}, {2, 5, 4}};
  check_layer(
      {.layer =
           [] {
             return kl::Attention({.use_scale = true, .score_mode = "concat"});
           },
       .inputs = pair,
       .output = {2, 3, 4},
       .weights = 2});
  check_layer(
      {.layer = [] { return kl::Attention(); },
       .inputs = {{2, 3, 4}, {2, 5, 2}, {2, 5, 4}},
       .output = {2, 3, 2}});
  check_layer(
      {.layer = [] { return kl::AdditiveAttention({.dropout = 0.25}); },
       .inputs = pair,
       .output = {2, 3, 4},
       .weights = 1});
  check_layer(
      {.layer =
           [] {
             return call_of(
                 kl::MultiHeadAttention(
                     2, 3, {.value_dim = 2, .output_shape = 5}),
                 Config::object({{"use_causal_mask", true}}));
           },
       .inputs = pair,
       .output = {2, 3, 5},
       .weights = 8});
  check_layer(
      {.layer =
           [] {
             return call_of(kl::MultiHeadAttention(
                 2,
                 2,
                 {.dropout = 0.5,
                  .use_bias = false,
                  .attention_axes = {1, 2},
                  .use_gate = true}));
           },
       .inputs = {{1, 2, 2, 3}, {1, 2, 3, 3}},
       .output = {1, 2, 2, 3},
       .weights = 5});
  check_layer(
      {.layer =
           [] {
             return call_of(
                 kl::GroupQueryAttention(
                     2, 4, 2, {.sliding_window = 2, .use_gate = true}),
                 Config::object({{"return_attention_scores", true}}));
           },
       .inputs = pair,
       .output = {2, 3, 4},
       .weights = 10});
}

TEST_CASE("attention is the softmax of the products, by hand") {
  const LayerRun run =
      run_layer(kl::Attention(), {plain_input(), plain_input()});
  check_close(run.outputs[0], array({kX / 2, 0.75 * kX}, {1, 2, 1}), 1e-6);
  // sum(tanh(query + key)) of two features that are the same.
  const Tensor both = array({0, 0, kX, kX}, {1, 2, 2});
  const LayerRun added =
      run_layer(kl::AdditiveAttention({.use_scale = false}), {both, both});
  const double near = std::exp(2 * std::tanh(kX));
  const double far = std::exp(2 * std::tanh(2 * kX));
  const double first = kX * near / (1 + near);
  const double second = kX * far / (near + far);
  check_close(
      added.outputs[0], array({first, first, second, second}, {1, 2, 2}), 1e-6);
}

TEST_CASE("scores are returned on demand") {
  const SymbolicTensor in = kl::Input({2, 1});
  const kl::MultiHeadAttention plain(1, 1);
  const auto [y, scores] = plain.with_scores(in, in);
  CHECK(y.shape() == Shape{kUnknown, 2, 1});
  CHECK(scores.shape() == Shape{kUnknown, 1, 2, 2});
  make_plain(plain, 8);
  CHECK(plain.weights()[0].path().ends_with("/query/kernel"));
}

TEST_CASE("a causal mask hides later steps, a window those far away") {
  const SymbolicTensor in = kl::Input({2, 1});
  kl::MultiHeadAttention plain(1, 1);
  plain(in, in);
  make_plain(plain, 8);
  const std::vector<Tensor> twice = {plain_input(), plain_input()};
  const auto flags = [](const char* name) {
    return Config::object({{name, true}});
  };
  check_close(
      run_layer(call_of(plain), twice).outputs[0],
      array({kX / 2, 0.75 * kX}, {1, 2, 1}),
      1e-6);
  check_close(
      run_layer(call_of(plain, flags("use_causal_mask")), twice).outputs[0],
      array({0, 0.75 * kX}, {1, 2, 1}),
      1e-6);
  kl::MultiHeadAttention near(1, 1, {.sliding_window = 1});
  near(in, in);
  make_plain(near, 8);
  check_close(
      run_layer(call_of(near), twice).outputs[0],
      array({0, kX}, {1, 2, 1}),
      1e-6);
}

TEST_CASE("masks that travel with query and value count") {
  const Tensor second = Tensor(std::vector<bool>{false, true}, {1, 2});
  const kl::Attention dot;
  // Only the second value is seen, and the first query is zeroed.
  const LayerRun run =
      run_masked(dot, {plain_input(), plain_input()}, {second, second});
  check_close(run.outputs[0], array({0, kX}, {1, 2, 1}), 1e-6);
  CHECK(run.mask.rank() == 2);
}

TEST_CASE("activity is regularized where Keras regularizes it") {
  // The sums of what Keras has as the layers' losses: of the projections, and
  // for GroupQueryAttention of the result, too.
  const auto penalty = [](Layer layer) {
    layer = deserialize_layer(serialize(layer.impl()), "copy");
    const Tensor x(
        std::vector<float>{
            -0.4F,
            -0.3F,
            -0.2F,
            -0.1F,
            0,
            0.1F,
            0.2F,
            0.3F,
            0.4F,
            0.5F,
            0.6F,
            0.7F},
        Shape{2, 3, 2});
    const auto losses = function([&](CallContext& ctx, const Value& value) {
      CallInputs inputs;
      inputs.items.push_back({"", {value}});
      inputs.items.push_back({"", {value}});
      layer.call(ctx, inputs);
      Value total = ctx.losses().at(0);
      for (std::size_t i = 1; i < ctx.losses().size(); ++i) {
        total = total + ctx.losses()[i];
      }
      return total;
    });
    return losses(x).at(0);
  };
  const Initializer half = initializers::Constant(0.5);
  const Regularizer l2 = regularizers::L2(0.1);
  CHECK(
      penalty(kl::MultiHeadAttention(
          1, 2, {.kernel_initializer = half, .activity_regularizer = l2})) ==
      doctest::Approx(0.3231911).epsilon(1e-6));
  CHECK(
      penalty(kl::GroupQueryAttention(
          2, 2, 1, {.kernel_initializer = half, .activity_regularizer = l2})) ==
      doctest::Approx(0.9155293).epsilon(1e-6));
}

TEST_CASE("attention layers say what is wrong") {
  CHECK(make_error([] {
          kl::MultiHeadAttention(0, 2, {.name = "m"});
        }) == "[m: MultiHeadAttention] expected num_heads >= 1, got 0");
  CHECK(
      make_error([] { kl::GroupQueryAttention(2, 3, 2, {.name = "g"}); }) ==
      "[g: GroupQueryAttention] expected num_key_value_heads that divide the 3 "
      "num_query_heads, got 2");
  CHECK(
      make_error([] {
        kl::MultiHeadAttention(
            1, 2, {.dropout = 0.5, .flash_attention = true, .name = "m"});
      }) ==
      "[m: MultiHeadAttention] expected dropout=0 together with "
      "flash_attention, got 0.5");
  const SymbolicTensor in = kl::Input({2, 3});
  CHECK(
      message_of<InvalidArgument>([&] {
        kl::Attention layer({.name = "a"});
        static_cast<const Layer&>(layer)(in);
      }) ==
      "[a: Attention] expected a list of query and value, or of query, value "
      "and key, got 1");
  CHECK(message_of<InvalidArgument>([&] {
          SymbolicInputs inputs(in);
          inputs.items.push_back({"", {in}});
          inputs.items.push_back({"causal", {}, false, Config(true)});
          kl::MultiHeadAttention(1, 2, {.name = "m"}).call(inputs);
        }) == "[m: MultiHeadAttention] takes no argument 'causal'");
}

}  // namespace keratin
