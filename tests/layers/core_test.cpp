#include "tests/layers/layer_support.hpp"

namespace keratin {

using namespace testing;
namespace kl = layers;

TEST_CASE("Dense multiplies by its kernel and adds its bias") {
  kl::Dense dense(2, {.activation = "relu"});
  dense.impl().ensure_built({{1, 3}});
  dense.set_weights({array({1, 2, 3, 4, 5, 6}, {3, 2}), array({1, -100}, {2})});
  check_values(
      apply(dense, array({1, 1, 2}, {1, 3})), {1, 2}, {1 + 1 + 3 + 10, 0});
}

TEST_CASE("Dense names its weights kernel and bias under its own name") {
  kl::Dense dense(2, {.name = "top"});
  dense.impl().ensure_built({{kUnknown, 3}});
  CHECK(dense.weights()[0].path() == "top/kernel");
  CHECK(dense.weights()[1].path() == "top/bias");
  CHECK(dense.count_params() == 8);
}

TEST_CASE("Dense says what is wrong with an input") {
  const kl::Dense dense(2, {.name = "d"});
  CHECK(
      call_error(dense, {8}) ==
      "[d: Dense] expected input rank >= 2, got [?]; add a batch axis");
  apply(dense, Tensor(DType::f32, {1, 3}));
  CHECK(
      call_error(dense, {1, 4}) ==
      "[d: Dense] expected extent 3 of axis -1, for which it was built, got "
      "f32[1,4] with 4");
}

TEST_CASE("Dense wants at least one unit") {
  CHECK(make_error([] {
          kl::Dense(0, {.name = "d"});
        }) == "[d: Dense] expected units >= 1, got 0");
}

TEST_CASE("Dense cannot be built before its input's last axis is known") {
  const kl::Dense dense(2, {.name = "d"});
  CHECK(
      make_error([&] {
        dense.impl().ensure_built({{2, kUnknown}});
      }) ==
      "[d: Dense] expected a known extent of axis -1, got [2,?]; give it in "
      "Input");
}

TEST_CASE("Dense computes in the dtype of its policy") {
  const kl::Dense dense(2, {.dtype = "mixed_bfloat16"});
  const Tensor y = apply(dense, Tensor(DType::f32, {1, 3}));
  CHECK(y.dtype() == DType::bf16);
  CHECK(dense.weights()[0].dtype() == DType::f32);
}

TEST_CASE("Embedding looks rows up and starts from given weights") {
  const Tensor table = array({0, 1, 10, 11, 20, 21}, {3, 2});
  const kl::Embedding embedding(3, 2, {.weights = table});
  const Tensor x(std::vector<std::int32_t>{2, 0}, {1, 2});
  check_values(apply(embedding, x), {1, 2, 2}, {20, 21, 0, 1});
}

TEST_CASE("Embedding shows an index out of range as NaN") {
  const kl::Embedding embedding(3, 1);
  const Tensor y =
      apply(embedding, Tensor(std::vector<std::int32_t>{3}, {1, 1}));
  CHECK(std::isnan(y.at(0)));
}

TEST_CASE("Embedding refuses weights of another shape") {
  const kl::Embedding embedding(
      3, 2, {.weights = Tensor(DType::f32, {2, 2}), .name = "e"});
  CHECK(message_of<InvalidArgument>([&] {
          apply(embedding, Tensor(DType::i32, {1, 1}));
        }) == "[e: Embedding] expected weights of shape [3,2], got [2,2]");
}

TEST_CASE("Activation applies a function by name or of the user's own") {
  const Tensor x = array({-1, 2}, {1, 2});
  check_values(apply(kl::Activation("relu"), x), {1, 2}, {0, 2});
  const kl::Activation own([](const Value& v) { return v * 3.0; });
  check_values(apply(own, x), {1, 2}, {-3, 6});
}

TEST_CASE("Masking zeroes steps whose features all have the value") {
  const Tensor x = array({7, 7, 7, 1, 2, 3}, {1, 3, 2});
  const LayerRun run = run_layer(kl::Masking({.mask_value = 7}), {x});
  check_values(run.outputs[0], {1, 3, 2}, {0, 0, 7, 1, 2, 3});
  check_values(run.mask, {1, 3}, {0, 1, 1});
  CHECK(
      call_error(kl::Masking({.name = "m"}), {3}) ==
      "[m: Masking] expected input rank >= 2, got [?]; add a batch axis");
}

TEST_CASE("Function runs a function of values and is found again by name") {
  const kl::Function sum("sum of both", [](const std::vector<Value>& xs) {
    return xs[0] + xs[1];
  });
  const Layer again = deserialize_layer(serialize(sum.impl()));
  const Tensor x = array({1, 2}, {1, 2});
  check_values(run_layer(again, {x, x}).outputs[0], {1, 2}, {2, 4});
}

TEST_CASE("Function names the nearest when a file's function is unknown") {
  kl::register_function("square it", [](const Value& x) { return x * x; });
  CHECK(
      make_error([] { kl::Function("squareit"); }) ==
      "[Function] no function is registered as 'squareit'; did you mean "
      "\"square it\"?; call register_function first");
}

TEST_CASE("Function of one tensor refuses two") {
  const kl::Function half("half", [](const Value& x) { return x * 0.5; });
  const Tensor x = array({1}, {1, 1});
  CHECK(message_of<InvalidArgument>([&] {
          run_layer(half, {x, x});
        }) == "[Function] 'half' takes one tensor, got 2");
}

TEST_CASE("einsum layers and adapted weights keep the layer contract") {
  check_layer(
      {.layer =
           [] {
             return kl::EinsumDense(
                 "abc,cde->abde", {kUnknown, 2, 3}, {.bias_axes = "de"});
           },
       .inputs = {{2, 3, 4}},
       .output = {2, 3, 2, 3},
       .weights = 2});
  check_layer(
      {.layer =
           [] {
             return kl::EinsumDense(
                 "...x,xy->...y",
                 3,
                 {.activation = "tanh", .bias_axes = "y", .lora_rank = 2});
           },
       .inputs = {{2, 3, 2, 4}},
       .output = {2, 3, 2, 3},
       .weights = 4});
  check_layer(
      {.layer =
           [] {
             return kl::EinsumDense("ab...,bc->ac...", 5, {.bias_axes = "c"});
           },
       .inputs = {{2, 3, 2}},
       .output = {2, 5, 2},
       .weights = 2});
  check_layer(
      {.layer =
           [] { return kl::Dense(3, {.lora_rank = 1, .lora_alpha = 4.0}); },
       .inputs = {{2, 4}},
       .output = {2, 3},
       .weights = 4});
  check_layer(
      {.layer = [] { return kl::Conv2D(3, 2, {.lora_rank = 2}); },
       .inputs = {{2, 3, 3, 2}},
       .output = {2, 2, 2, 3},
       .weights = 4});
}

TEST_CASE("an adapted kernel is the kernel and the product, by hand") {
  kl::Dense layer(1, {.use_bias = false, .lora_rank = 1, .lora_alpha = 2.0});
  const Tensor x = array({1, 10}, {1, 2});
  apply(layer, x);
  layer.set_weights(
      {array({1, 2}, {2, 1}), array({3, 4}, {2, 1}), array({5}, {1, 1})});
  // Kernel [1 + 2 * 15, 2 + 2 * 20]; only the matrices are trained.
  check_values(apply(layer, x), {1, 1}, {31 + 420});
  CHECK(layer.trainable_weights().size() == 2);
  CHECK(layer.non_trainable_weights().size() == 1);
  CHECK(
      make_error([] {
        kl::Dense(
            1, {.kernel_constraint = "non_neg", .lora_rank = 1, .name = "d"});
      }) ==
      "[d: Dense] expected no constraint on a weight with lora_rank; leave one "
      "of them out");
}

TEST_CASE("einsum layers say what is wrong") {
  CHECK(
      make_error([] { kl::EinsumDense("ab,bc", 3, {.name = "e"}); }) ==
      "[e: EinsumDense] expected an equation like \"ab,bc->ac\", "
      "\"...x,xy->...y\" or \"ab...,bc->ac...\", got \"ab,bc\"");
  CHECK(
      make_error([] {
        kl::EinsumDense("ab,bc->ac", 3, {.bias_axes = "b", .name = "e"});
      }) ==
      "[e: EinsumDense] expected bias_axes of letters of the output \"ac\", "
      "got \"b\"");
  CHECK(
      call_error(kl::EinsumDense("ab,bc->ac", 3, {.name = "e"}), {2, 3, 4}) ==
      "[e: EinsumDense] expected an input of rank 2, as \"ab,bc->ac\" says, "
      "got [?,3,4]");
}

TEST_CASE("a reversible embedding goes back by its own table") {
  const SymbolicTensor in = kl::Input({2}, {.dtype = DType::i32});
  kl::ReversibleEmbedding tied(3, 2, {.logit_soft_cap = 5.0});
  const SymbolicTensor rows = tied(in);
  CHECK(rows.shape() == Shape{kUnknown, 2, 2});
  CHECK(tied.reverse(rows).shape() == Shape{kUnknown, 2, 3});
  CHECK(tied.weights().size() == 1);
  kl::ReversibleEmbedding own(3, 2, {.tie_weights = false});
  own(in);
  CHECK(own.weights().size() == 2);
}

TEST_CASE("a layer stands in for an activation") {
  const Layer dense = deserialize_layer(Config::parse(
      R"({"class_name": "Activation", "config": {"name": "a", "activation":
          {"class_name": "LeakyReLU", "config": {"name": "l",
           "negative_slope": 0.25}}}})"));
  check_values(apply(dense, array({-4, 2}, {1, 2})), {1, 2}, {-1, 2});
  CHECK(
      dense.get_config().at("activation").at("class_name").as_string() ==
      "LeakyReLU");
  const Layer weighted = deserialize_layer(Config::parse(
      R"({"class_name": "Activation", "config": {"name": "a", "activation":
          {"class_name": "PReLU", "config": {"name": "p"}}}})"));
  CHECK(
      call_error(weighted, {1, 2}) ==
      "[p: PReLU] has weights and cannot be an activation; put it behind the "
      "layer");
}

}  // namespace keratin
