#include "tests/layers/text/text_support.hpp"

namespace keratin {

using namespace testing;
namespace kl = layers;

namespace {

/// On the host and in a graph: both ways must agree.
Tensor both(const Layer& layer, const Tensor& x) {
  const Tensor graph = layer(x);
  const Tensor host =
      dynamic_cast<HostLayer&>(layer.impl()).call_host(HostInputs(x)).at(0);
  CHECK(host == graph);
  return graph;
}

}  // namespace

TEST_CASE("CategoryEncoding encodes every rank as Keras does") {
  const Tensor x = ints({0, 1, 1, 3, 9, -1}, {2, 3});
  const auto made = [](const char* mode) {
    return kl::CategoryEncoding(4, {.output_mode = mode});
  };
  check_equal(both(made("multi_hot"), x), {2, 4}, {1, 1, 0, 0, 0, 0, 0, 1});
  check_equal(both(made("count"), x), {2, 4}, {1, 2, 0, 0, 0, 0, 0, 1});
  CHECK(both(made("one_hot"), x).shape() == Shape{2, 3, 4});
  check_equal(
      both(made("one_hot"), ints({2, 0}, {2, 1})),
      {2, 4},
      {0, 0, 1, 0, 1, 0, 0, 0});
  check_equal(both(made("count"), ints({2, 2}, {2})), {4}, {0, 0, 2, 0});
  check_equal(both(made("one_hot"), ints({2}, {1})), {1, 4}, {0, 0, 1, 0});
  // Of three axes, the second is counted over.
  check_equal(
      both(made("count"), ints({0, 1, 0, 2}, {1, 2, 2})),
      {1, 2, 4},
      {2, 0, 0, 0, 0, 1, 1, 0});
}

TEST_CASE("CategoryEncoding weighs counts") {
  const kl::CategoryEncoding layer(4, {.output_mode = "count", .name = "c"});
  HostInputs inputs(ints({0, 1, 0, 0}, {2, 2}));
  inputs.items.push_back(
      {"count_weights",
       {Tensor(std::vector<float>{.1F, .2F, .1F, .1F}, {2, 2})}});
  auto& host = dynamic_cast<HostLayer&>(layer.impl());
  check_equal(host.call_host(inputs)[0], {2, 4}, {.1, .2, 0, 0, .2, 0, 0, 0});
  inputs.items[1].tensors[0] = Tensor(DType::f32, {2, 3});
  CHECK(
      error_of([&] { host.call_host(inputs); }) ==
      "[c: CategoryEncoding] expected count_weights of the inputs' shape "
      "[2,2], got [2,3]");
  const kl::CategoryEncoding hot(4, {.name = "c"});
  CHECK(
      error_of(
          [&] { dynamic_cast<HostLayer&>(hot.impl()).call_host(inputs); }) ==
      "[c: CategoryEncoding] expected count_weights only with output_mode "
      "\"count\", got \"multi_hot\"");
}

TEST_CASE("CategoryEncoding trains what follows it") {
  const kl::CategoryEncoding layer(3);
  CHECK(reread(layer).get_config() == layer.get_config());
  CHECK_FALSE(layer.get_config().contains("sparse"));
  Sequential model(
      {kl::Input({2}, {.dtype = DType::i32}), layer, kl::Dense(1)});
  model.compile({.optimizer = "sgd", .loss = "mse"});
  const Tensor x(std::vector<std::int32_t>{0, 1, 2, 2}, {2, 2});
  CHECK_NOTHROW(model.train_on_batch(x, Tensor(DType::f32, {2, 1})));
  CHECK(error_of([] {
          kl::CategoryEncoding(0, {.name = "c"});
        }) == "[c: CategoryEncoding] expected num_tokens >= 1, got 0");
}

TEST_CASE("Discretization puts boundaries into the bin above") {
  const kl::Discretization layer({.bin_boundaries = {{0, 1, 2}}});
  const Tensor x =
      Tensor(std::vector<float>{-1.5F, 1, 3.4F, .5F, 0, 3, 1.3F, NAN}, {2, 4});
  const Tensor y = both(layer, x);
  CHECK(y.dtype() == DType::i32);
  check_equal(y, {2, 4}, {0, 2, 3, 1, 1, 3, 2, 3});
  check_equal(both(layer, ints({-1, 1, 7}, {3})), {3}, {0, 2, 3});
  const kl::Discretization hot(
      {.bin_boundaries = {{0, 1}}, .output_mode = "one_hot"});
  check_equal(
      both(hot, Tensor(std::vector<float>{0, 5}, {2, 1})),
      {2, 3},
      {0, 1, 0, 0, 0, 1});
  const kl::Discretization none({.bin_boundaries = std::vector<double>{}});
  check_equal(both(none, Tensor(std::vector<float>{4})), {1}, {0});
}

TEST_CASE("Discretization adapts again, in a model as well") {
  kl::Discretization layer({.num_bins = 2});
  Sequential model({kl::Input({1}), layer});
  layer.adapt(Tensor(std::vector<float>{0, 1, 2, 3}));
  const Tensor x(std::vector<float>{2.5F}, {1, 1});
  CHECK(layer(x).at(0) == 1);
  CHECK(model.predict(x).at(0) == 1);
  layer.adapt(Tensor(std::vector<float>{10, 11, 12, 13}));
  CHECK(layer(x).at(0) == 0);
  CHECK(model.predict(x).at(0) == 0);
}

TEST_CASE("Discretization writes what Keras reads") {
  kl::Discretization layer({.num_bins = 3});
  layer.adapt(Tensor(std::vector<float>{0, 1, 2, 3, 4, 5}));
  const Config config = layer.get_config();
  CHECK_FALSE(config.contains("trainable"));
  CHECK(config.at("dtype").as_string() == "float32");
  CHECK(config.at("num_bins").as_int() == 3);
  CHECK(config.at("bin_boundaries").size() == 2);
  const Layer again = reread(layer);
  CHECK(again.get_config() == config);
  const Tensor x(std::vector<float>{0.5F, 2.5F, 9});
  CHECK(again(x) == layer(x));
}

TEST_CASE("Discretization says what is wrong") {
  CHECK(
      error_of([] { kl::Discretization({.name = "d"}); }) ==
      "[d: Discretization] expected bin_boundaries or num_bins, got neither");
  CHECK(
      error_of([] {
        kl::Discretization(
            {.bin_boundaries = {{1}}, .num_bins = 2, .name = "d"});
      }) ==
      "[d: Discretization] expected bin_boundaries or num_bins, got both");
  CHECK(
      error_of([] {
        kl::Discretization({.bin_boundaries = {{1, 0}}, .name = "d"});
      }) ==
      "[d: Discretization] expected bin_boundaries in ascending order, got "
      "[1.0, 0.0]");
  kl::Discretization layer({.num_bins = 2, .name = "d"});
  CHECK(
      error_of([&] { layer(Tensor(std::vector<float>{1})); }) ==
      "[d: Discretization] has no bin boundaries yet; call adapt on data, or "
      "give bin_boundaries as an argument");
  CHECK(error_of([&] {
          layer.adapt(texts({"a"}));
        }) == "[d: Discretization] expected numbers to adapt to, got str[1]");
  kl::Discretization given({.bin_boundaries = {{1}}, .name = "d"});
  CHECK(
      error_of([&] { given.adapt(Tensor(std::vector<float>{1})); }) ==
      "[d: Discretization] cannot adapt to data: its bin_boundaries were given "
      "as an argument; give num_bins instead");
  CHECK(error_of([] {
          adapt(kl::Dense(1, {.name = "x"}), Tensor(1.0F));
        }) == "[x: Dense] has nothing to adapt to data");
}

}  // namespace keratin
