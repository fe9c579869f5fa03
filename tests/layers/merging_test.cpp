#include "tests/layers/layer_support.hpp"

namespace keratin {

using namespace testing;
namespace kl = layers;

namespace {

Tensor merge(const Layer& layer, const std::vector<Tensor>& inputs) {
  return run_layer(layer, inputs).outputs[0];
}

std::string merge_error(const Layer& layer, const std::vector<Shape>& shapes) {
  std::vector<Tensor> inputs;
  for (const Shape& shape : shapes) inputs.emplace_back(DType::f32, shape);
  return message_of<InvalidArgument>([&] { merge(layer, inputs); });
}

}  // namespace

TEST_CASE("merging layers combine element by element") {
  const Tensor a = array({1, 5}, {1, 2});
  const Tensor b = array({4, 2}, {1, 2});
  check_values(merge(kl::Add(), {a, b}), {1, 2}, {5, 7});
  check_values(merge(kl::Subtract(), {a, b}), {1, 2}, {-3, 3});
  check_values(merge(kl::Multiply(), {a, b}), {1, 2}, {4, 10});
  check_values(merge(kl::Average(), {a, b}), {1, 2}, {2.5, 3.5});
  check_values(merge(kl::Maximum(), {a, b}), {1, 2}, {4, 5});
  check_values(merge(kl::Minimum(), {a, b}), {1, 2}, {1, 2});
}

TEST_CASE("inputs of lower rank broadcast after the batch axis") {
  const Tensor steps = array({1, 2, 3, 4}, {1, 2, 2});
  const Tensor features = array({10, 20}, {1, 2});
  check_values(
      merge(kl::Add(), {steps, features}), {1, 2, 2}, {11, 22, 13, 24});
}

TEST_CASE("inputs of several dtypes meet in the compute dtype") {
  const Tensor a(std::vector<std::int32_t>{1}, {1, 1});
  const Tensor y = merge(kl::Add(), {a, array({0.5}, {1, 1})});
  CHECK(y.dtype() == DType::f32);
  check_values(y, {1, 1}, {1.5});
}

TEST_CASE("merging layers say what does not fit") {
  CHECK(
      merge_error(kl::Add({.name = "a"}), {{2, 3}, {2, 4}}) ==
      "[a: Add] expected shapes that broadcast to each other, got [?,3], "
      "[?,4]");
  // Weights are made for any batch size; the sizes meet in the graph.
  CHECK(
      merge_error(kl::Add({.name = "a"}), {{2, 3}, {3, 3}})
          .find("[add @a] expected shapes that broadcast") == 0);
  CHECK(make_error([] {
          const kl::Input two({3}, {.batch_size = 2});
          const kl::Input three({3}, {.batch_size = 3});
          kl::Add({.name = "a"})({two.tensor(), three.tensor()});
        }) == "[a: Add] expected one batch size, got [2,3], [3,3]");
  CHECK(
      merge_error(kl::Subtract({.name = "s"}), {{2, 3}, {2, 3}, {2, 3}}) ==
      "[s: Subtract] expected two input tensors, got 3");
  CHECK(
      merge_error(kl::Concatenate({.name = "c"}), {{2, 3}, {2, 3, 1}}) ==
      "[c: Concatenate] expected shapes that differ on axis -1 only, got "
      "[?,3], [?,3,1]");
  CHECK(
      merge_error(kl::Dot(1, {.name = "d"}), {{2, 3}, {2, 4}}) ==
      "[d: Dot] expected equal extents of axis 1 of [?,3] and axis 1 of "
      "[?,4]");
  CHECK(
      merge_error(kl::Dot(0, {.name = "d"}), {{2, 3}, {2, 3}}) ==
      "[d: Dot] expected axes other than the batch axis, 0");
  CHECK(make_error([] {
          kl::Dot({1, 2, 3}, {.name = "d"});
        }) == "[d: Dot] expected axes of one or two numbers, got [1, 2, 3]");
}

TEST_CASE("Concatenate joins along its axis") {
  const Tensor a = array({1, 2}, {1, 2});
  const Tensor b = array({3}, {1, 1});
  check_values(merge(kl::Concatenate(), {a, b}), {1, 3}, {1, 2, 3});
}

TEST_CASE("Dot multiplies and sums, of unit vectors on demand") {
  const Tensor a = array({3, 4}, {1, 2});
  const Tensor b = array({1, 1}, {1, 2});
  check_values(merge(kl::Dot(1), {a, b}), {1, 1}, {7});
  check_values(merge(kl::Dot(1, {.normalize = true}), {a, a}), {1, 1}, {1});
  // [1, 2, 2] . [1, 2, 1]: rows of the first by columns of the second.
  check_values(
      merge(
          kl::Dot({2, 1}),
          {array({1, 2, 3, 4}, {1, 2, 2}), array({1, 10}, {1, 2, 1})}),
      {1, 2, 1},
      {21, 43});
}

TEST_CASE("the functional forms merge symbolic tensors") {
  const kl::Input a({3});
  const kl::Input b({3});
  CHECK(kl::add({a, b}).shape().str() == "[?,3]");
  CHECK(kl::concatenate({a, b}).shape().str() == "[?,6]");
  CHECK(kl::dot({a, b}, 1).shape().str() == "[?,1]");
}

}  // namespace keratin
