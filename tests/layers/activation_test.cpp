#include <algorithm>
#include <map>

#include <keratin/activations.hpp>

#include "tests/layers/layer_support.hpp"

namespace keratin {

using namespace testing;
namespace kl = layers;

TEST_CASE("activations have the values of their formulas") {
  // At -2, -0.4, 0, 0.4 and 3, by Keras's definitions.
  const std::map<std::string, std::vector<double>> known = {
      {"elu", {-0.86466472, -0.32967995, 0, 0.4, 3}},
      {"celu", {-0.86466472, -0.32967995, 0, 0.4, 3}},
      {"exponential", {0.13533528, 0.67032005, 1, 1.4918247, 20.0855369}},
      {"gelu", {-0.04550026, -0.13783133, 0, 0.26216867, 2.9959503}},
      {"hard_shrink", {-2, 0, 0, 0, 3}},
      {"hard_sigmoid", {0.16666667, 0.43333333, 0.5, 0.56666667, 1}},
      {"hard_silu", {-0.33333333, -0.17333333, 0, 0.22666667, 3}},
      {"hard_tanh", {-1, -0.4, 0, 0.4, 1}},
      {"leaky_relu", {-0.4, -0.08, 0, 0.4, 3}},
      {"linear", {-2, -0.4, 0, 0.4, 3}},
      {"log_sigmoid",
       {-2.12692801, -0.91301525, -0.69314718, -0.51301525, -0.04858735}},
      {"mish", {-0.25250148, -0.18891648, 0, 0.28903124, 2.98653500}},
      {"relu", {0, 0, 0, 0.4, 3}},
      {"relu6", {0, 0, 0, 0.4, 3}},
      {"selu", {-1.52016616, -0.5796101, 0, 0.42028039, 3.15210296}},
      {"sigmoid", {0.11920292, 0.40131234, 0.5, 0.59868766, 0.95257413}},
      {"silu", {-0.23840584, -0.16052494, 0, 0.23947506, 2.85772238}},
      {"soft_shrink", {-1.5, 0, 0, 0, 2.5}},
      {"softplus",
       {0.12692801, 0.51301525, 0.69314718, 0.91301525, 3.04858735}},
      {"softsign", {-0.66666667, -0.28571429, 0, 0.28571429, 0.75}},
      {"sparse_plus", {0, 0.09, 0.25, 0.49, 3}},
      {"sparse_sigmoid", {0, 0.3, 0.5, 0.7, 1}},
      {"squareplus", {0.41421356, 0.8198039, 1, 1.2198039, 3.30277564}},
      {"tanh", {-0.96402758, -0.37994896, 0, 0.37994896, 0.99505475}},
      {"tanh_shrink", {-1.03597242, -0.02005104, 0, 0.02005104, 2.00494525}},
  };
  const Tensor x = array({-2, -0.4, 0, 0.4, 3}, {1, 5});
  for (const auto& entry : known) {
    const auto& name = entry.first;
    const auto& values = entry.second;
    CAPTURE(name);
    check_values(apply(kl::Activation(name.c_str()), x), {1, 5}, values);
  }
}

TEST_CASE("softmax and its kin normalise over the last axis") {
  const Tensor x = array({0, 0, 1, 1, 2, 3}, {2, 3});
  const Tensor y = apply(kl::Activation("softmax"), x);
  check_values(
      y,
      {2, 3},
      {0.21194156, 0.21194156, 0.57611688, 0.09003057, 0.24472847, 0.66524096});
  const Tensor logs = apply(kl::Activation("log_softmax"), x);
  CHECK(logs.at(5) == doctest::Approx(-0.40760596));
  // sparsemax of [0, 0.5]: both in the support.
  check_values(
      apply(kl::Activation("sparsemax"), array({0, 2}, {1, 2})),
      {1, 2},
      {0, 1});
  check_values(
      apply(kl::Activation("glu"), array({2, 3, 0, 0}, {1, 4})),
      {1, 2},
      {1, 1.5});
}

TEST_CASE("aliases are written under Keras's own names") {
  CHECK(keratin::Activation("swish").name() == "silu");
  CHECK(
      keratin::Activation("hard_swish").to_config().as_string() == "hard_silu");
}

TEST_CASE("an unknown activation is refused with the nearest name") {
  CHECK(
      make_error([] { keratin::Activation("rellu"); }) ==
      "[activation] no activation is called 'rellu'; did you mean \"relu\"?");
}

TEST_CASE("activations are read from every form that Keras writes") {
  keratin::Activation activation;
  activation.from_config("tanh", "a");
  CHECK(activation.name() == "tanh");
  activation.from_config(nullptr, "a");
  CHECK(activation.is_linear());
  activation.from_config(
      Config::parse(R"({"module": "builtins", "class_name": "function",
                        "config": "relu", "registered_name": "function"})"),
      "a");
  CHECK(activation.name() == "relu");
  CHECK_THROWS_AS(activation.from_config(3, "a"), InvalidArgument);
  CHECK(activation.name() == "relu");
}

TEST_CASE("a function of one's own is saved under the name it has") {
  register_activation("cube", [](const Value& x) { return x * x * x; });
  const keratin::Activation cube("cube");
  CHECK(cube.to_config().as_string() == "cube");
  check_values(apply(kl::Activation(cube), array({2}, {1, 1})), {1, 1}, {8});
  const std::vector<std::string> names = activation_names();
  CHECK(std::count(names.begin(), names.end(), "cube") == 1);
  const keratin::Activation nameless([](const Value& x) { return x; });
  CHECK(message_of<InvalidArgument>([&] {
          nameless.to_config();
        }).find("register it with register_activation") != std::string::npos);
}

TEST_CASE("ReLU has a slope, a threshold and a largest value") {
  const Tensor x = array({-1, 0.1, 0.5, 9}, {1, 4});
  check_values(
      apply(
          kl::ReLU({.max_value = 6, .negative_slope = 0.5, .threshold = 0.25}),
          x),
      {1, 4},
      {-0.625, -0.075, 0.5, 6});
  CHECK(make_error([] {
          kl::ReLU({.max_value = -1, .name = "r"});
        }) == "[r: ReLU] expected max_value >= 0, got -1");
}

TEST_CASE("PReLU learns a slope per feature, shared along axes") {
  kl::PReLU layer({.shared_axes = {1}});
  layer.impl().ensure_built({{1, 2, 2}});
  CHECK(layer.weights()[0].shape() == Shape{1, 2});
  layer.set_weights({array({0.5, 2}, {1, 2})});
  check_values(
      apply(layer, array({-1, -1, 1, -3}, {1, 2, 2})),
      {1, 2, 2},
      {-0.5, -2, 1, -6});
  CHECK(
      call_error(kl::PReLU({.shared_axes = {0}, .name = "p"}), {1, 2}) ==
      "[p: PReLU] expected shared_axes without the batch axis, 0");
}

TEST_CASE("LeakyReLU and ELU bend below zero") {
  const Tensor x = array({-1, 1}, {1, 2});
  check_values(
      apply(kl::LeakyReLU({.negative_slope = 0.25}), x), {1, 2}, {-0.25, 1});
  check_values(
      apply(kl::ELU({.alpha = 2}), x), {1, 2}, {2 * std::expm1(-1.0), 1});
  CHECK(make_error([] {
          kl::LeakyReLU({.negative_slope = -1, .name = "l"});
        }) == "[l: LeakyReLU] expected negative_slope >= 0, got -1");
}

TEST_CASE("ELU's gradient stays finite for large inputs") {
  const LayerRun run = run_layer(kl::ELU(), {array({200}, {1, 1})});
  CHECK(std::isfinite(run.gradients[0].at(0)));
}

TEST_CASE("Softmax refuses axes that are not there") {
  CHECK(
      call_error(kl::Softmax({.axis = 3, .name = "s"}), {1, 2}) ==
      "[s: Softmax] expected axes of [?,2], got 3");
}

}  // namespace keratin
