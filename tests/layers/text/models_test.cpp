// Layers on strings inside models: the host part before, and after, the graph.

#include "tests/layers/text/text_support.hpp"

namespace keratin {

using namespace testing;
namespace kl = layers;

namespace {

kl::TextVectorization words(std::optional<std::int64_t> length = 3) {
  return kl::TextVectorization(
      {.output_sequence_length = length, .vocabulary = {"good", "bad"}});
}

}  // namespace

TEST_CASE(
    "a Sequential model learns from texts, without being told the input") {
  set_random_seed(1);
  Sequential model(
      {words(),
       kl::Embedding(4, 2),
       kl::GlobalAveragePooling1D(),
       kl::Dense(1, {.activation = "sigmoid"})});
  model.compile(
      {.optimizer = optimizers::Adam({.learning_rate = 0.1}),
       .loss = "binary_crossentropy",
       .metrics = {"accuracy"}});
  std::vector<std::string> x;
  std::vector<float> y;
  for (int i = 0; i < 33; ++i) {  // with a partial last batch
    x.emplace_back(i % 2 == 0 ? "a good film" : "bad bad film");
    y.push_back(i % 2 == 0 ? 1.0F : 0.0F);
  }
  const Tensor targets(y, {33, 1});
  const History history = model.fit(
      Tensor(x),
      targets,
      {.batch_size = 8, .epochs = 6, .verbose = 0, .validation_split = 0.2});
  CHECK(history["loss"].back() < history["loss"].front());
  CHECK(history["val_accuracy"].back() == 1);
  CHECK(model.evaluate(Tensor(x), targets, {.verbose = 0}).at("accuracy") == 1);
  CHECK(model.predict(texts({"good", "bad"})).at(0) > 0.5);
  CHECK(model.inputs()[0].dtype() == DType::string);
  CHECK_NOTHROW(
      model.train_on_batch(texts({"good"}), Tensor(DType::f32, {1, 1})));
  CHECK_NOTHROW(
      model.test_on_batch(texts({"good"}), Tensor(DType::f32, {1, 1})));
}

TEST_CASE("batches of the host part are the batches of the texts") {
  // The batch after the current one is made ahead; nothing is lost or doubled.
  Sequential model({kl::Input({}, {.dtype = DType::string}), words(1)});
  std::vector<std::string> x;
  for (int i = 0; i < 50; ++i) x.emplace_back(i % 3 == 0 ? "good" : "bad");
  const Tensor y = model.predict(Tensor(x), {.batch_size = 7});
  REQUIRE(y.shape() == Shape{50, 1});
  for (int i = 0; i < 50; ++i) CHECK(y.at(i) == (i % 3 == 0 ? 2 : 3));
}

TEST_CASE("a functional model mixes strings, integers and numbers") {
  const kl::Input color({1}, {.dtype = DType::string, .name = "color"});
  const kl::Input size({1}, {.dtype = DType::i64, .name = "size"});
  const kl::Input weight({1}, {.name = "weight"});
  const kl::StringLookup lookup(
      {.vocabulary = {"red", "blue"}, .output_mode = "one_hot"});
  const auto hot = lookup(color);
  const auto crossed =
      kl::HashedCrossing(4, {.output_mode = "one_hot"})({color, size});
  // Discretization is the graph's, but HashedCrossing needs it on the host.
  const auto bin = kl::Discretization({.bin_boundaries = {{1, 2}}})(weight);
  const auto bins =
      kl::HashedCrossing(4, {.output_mode = "one_hot"})({bin, size});
  const auto joined = kl::Concatenate()({hot, crossed, bins, weight});
  Model model({color, size, weight}, {kl::Dense(2)(joined)});
  const std::vector<Tensor> x = {
      texts({"red", "pink"}, {2, 1}),
      ints({3, 4}, {2, 1}),
      Tensor(std::vector<float>{0.5F, 1.5F}, {2, 1})};
  CHECK(model.predict(x).shape() == Shape{2, 2});
  // By name, in any order.
  const Tensor named = model.predict(
      TensorSet({{"weight", x[2]}, {"color", x[0]}, {"size", x[1]}}));
  CHECK(named == model.predict(x));
  model.compile({.optimizer = "sgd", .loss = "mse"});
  CHECK_NOTHROW(model.train_on_batch(x, Tensor(DType::f32, {2, 2})));
  CHECK(error_of([&] {
          model.predict({x[2], x[1], x[2]});
        }).find("expected strings, got f32[2,1]") != std::string::npos);
  CHECK(error_of([&] {
          model.predict({x[0], x[1], x[0]});
        }).find("expected numbers, got strings") != std::string::npos);
  CHECK(
      error_of([&] {
        model.predict({texts({"a", "b", "c", "d"}, {2, 2}), x[1], x[2]});
      }).find("input 'color': expected shape (None, 1), got (2, 2)") !=
      std::string::npos);
  // A last axis of 1 may be missing, as in Keras.
  CHECK(
      model.predict({texts({"red", "pink"}), x[1], x[2]}) == model.predict(x));
}

TEST_CASE("strings move through layers that only move") {
  const kl::Input text({2, 1}, {.dtype = DType::string});
  const auto flat = kl::Reshape({2})(text);
  const kl::StringLookup lookup({.vocabulary = {"a", "b"}});
  Model model(text, lookup(flat));
  check_equal(
      model.predict(texts({"a", "b", "c", "a"}, {2, 2, 1})),
      {2, 2},
      {1, 2, 0, 1});
}

TEST_CASE("a nested model with a host part gives its cut to the outer one") {
  const kl::Input inner_text({}, {.dtype = DType::string});
  const kl::Input inner_number({2});
  const auto counts = kl::TextVectorization(
      {.output_mode = "count", .vocabulary = {"a", "b"}})(inner_text);
  Model inner(
      {inner_text, inner_number},
      {kl::Concatenate()({counts, inner_number})},
      "inner");
  const kl::Input text({}, {.dtype = DType::string});
  const kl::Input number({3});
  // The number comes from the graph, the text from the host.
  const auto dense = kl::Dense(2, {.kernel_initializer = "ones"})(number);
  Model outer(
      {text, number},
      {inner.call(
          SymbolicInputs(std::vector<SymbolicTensor>{text, dense}))[0]});
  const Tensor y = outer.predict(
      {texts({"b a b", "q"}), Tensor::full(DType::f32, {2, 3}, 1)});
  check_equal(y, {2, 5}, {0, 1, 2, 3, 3, 1, 0, 0, 3, 3});
  check_equal(
      inner.predict({texts({"a"}), Tensor::full(DType::f32, {1, 2}, 7)}),
      {1, 5},
      {0, 1, 0, 7, 7});
}

TEST_CASE("a model may end in strings") {
  // Looked up, and back: no graph at all.
  const kl::StringLookup there({.vocabulary = {"a", "b"}});
  const kl::StringLookup back({.vocabulary = {"a", "b"}, .invert = true});
  Sequential round({kl::Input({1}, {.dtype = DType::string}), there, back});
  CHECK(
      round.predict(texts({"b", "x", "a"}, {3, 1}), {.batch_size = 2}) ==
      texts({"b", "[UNK]", "a"}, {3, 1}));
  // What the graph computes, as names of classes.
  const kl::Input x({2});
  const auto rounded =
      kl::Dense(2, {.use_bias = false, .kernel_initializer = "identity"})(x);
  Model named(x, back(rounded));
  CHECK(
      named.predict(Tensor(std::vector<float>{2, 1}, {1, 2})) ==
      texts({"b", "a"}, {1, 2}));
  named.compile({.optimizer = "sgd", .loss = "mse"});
  CHECK(error_of([&] {
          named.train_on_batch(
              Tensor(DType::f32, {1, 2}), Tensor(DType::f32, {1, 2}));
        }).find("the outputs come from the host") != std::string::npos);
}

TEST_CASE("models say where strings cannot go") {
  const kl::Input text({1}, {.dtype = DType::string, .name = "text"});
  const kl::Input number({1});
  const std::string direct =
      error_of([&] { Model(text, kl::Dense(1, {.name = "d"})(text)); });
  CHECK(
      direct ==
      "[d: Dense] expected numbers, got strings; encode them first, e.g. with "
      "TextVectorization or StringLookup");
  // Weights, then the host, then weights again.
  const kl::IntegerLookup lookup({.vocabulary = {1}, .name = "l"});
  const auto dense = kl::Dense(1, {.name = "before"})(number);
  const std::string between = error_of([&] {
    Model(number, kl::Embedding(3, 1, {.name = "after"})(lookup(dense)));
  });
  CHECK(
      between.find(
          "[after: Embedding] takes what [l: IntegerLookup] yields on the "
          "host, after the graph, but has weights itself") !=
      std::string::npos);
  Sequential growing({words({}), kl::Embedding(4, 2)});
  CHECK(
      error_of([&] {
        growing.predict(texts({"good", "good bad"}), {.batch_size = 1});
      }).find("give TextVectorization an output_sequence_length") !=
      std::string::npos);
  CHECK_NOTHROW(growing.predict(texts({"good", "good bad"})));
}

}  // namespace keratin
