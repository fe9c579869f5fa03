#include "src/runtime/program.hpp"

#include <doctest/doctest.h>

#include <cmath>
#include <thread>

#include <keratin/error.hpp>
#include <keratin/ops.hpp>

#include "src/core/env.hpp"
#include "src/ir/autodiff.hpp"
#include "src/runtime/registry.hpp"
#include "tests/support/throws.hpp"

using namespace keratin;
using keratin::testing::message_of;

namespace {

Backend& reference_backend() {
  return find_backend("reference");
}

}  // namespace

TEST_CASE("A program computes its outputs from its inputs") {
  Graph g;
  const Value x = g.parameter({DType::f32, {2, 3}}, "x");
  const Value w = g.parameter({DType::f32, {3, 2}}, "w");
  g.set_outputs({ops::relu(ops::matmul(x, w) - 10.0), ops::sum(x)});
  Program program(g, reference_backend());
  const std::vector<Tensor> outputs = program.run(std::vector<Tensor>{
      Tensor(std::vector<float>{1, 2, 3, 4, 5, 6}, {2, 3}),
      Tensor(std::vector<float>{1, 0, 0, 1, 2, 2}, {3, 2})});
  REQUIRE(outputs.size() == 2);
  CHECK(outputs[0] == Tensor(std::vector<float>{0, 0, 6, 7}, {2, 2}));
  CHECK(outputs[1] == Tensor(21.0F));
}

TEST_CASE("A training step of a small network lowers its loss") {
  std::vector<float> w1(4 * 8), w2(8 * 2);
  for (std::size_t i = 0; i < w1.size(); ++i) w1[i] = std::sin(float(i));
  for (std::size_t i = 0; i < w2.size(); ++i) w2[i] = std::cos(float(i));
  const Variable a(Tensor(w1, {4, 8}), {.name = "a"});
  const Variable b(Tensor(w2, {8, 2}), {.name = "b"});
  Graph g;
  const Value x = g.parameter({DType::f32, {5, 4}}, "x");
  const Value y = g.parameter({DType::i32, {5}}, "y");
  const Value ra = g.read(a);
  const Value rb = g.read(b);
  const Value logits = ops::matmul(ops::tanh(ops::matmul(x, ra)), rb);
  const Value loss = ops::mean(ops::sparse_softmax_cross_entropy(logits, y));
  const std::vector<Value> grads = gradients(loss, {ra, rb});
  g.assign(a, ra - grads[0] * 0.1);
  g.assign(b, rb - grads[1] * 0.1);
  g.set_outputs({loss});
  Program program(g, reference_backend());
  std::vector<float> data(20);
  for (std::size_t i = 0; i < data.size(); ++i) data[i] = std::cos(3.0F * i);
  const std::vector<Tensor> inputs = {
      Tensor(data, {5, 4}), Tensor(std::vector<std::int32_t>{0, 1, 0, 1, 1})};
  const double first = program.run(inputs)[0].item<double>();
  double last = first;
  for (int step = 0; step < 200; ++step) {
    last = program.run(inputs)[0].item<double>();
  }
  CHECK(last < 0.7 * first);
  CHECK(a.value() != Tensor(w1, {4, 8}));
}

TEST_CASE("A program names the input whose type is wrong") {
  Graph g;
  const Value x = g.parameter({DType::f32, {2, 3}}, "images");
  g.set_outputs({ops::relu(x)});
  Program program(g, reference_backend(), nullptr, {.name = "predict"});
  const auto run = [&](const std::vector<Tensor>& inputs) {
    return message_of<InvalidArgument>([&] { program.run(inputs); });
  };
  CHECK(
      run({Tensor(DType::f32, {3, 2})}) ==
      "[predict] input \"images\": expected f32[2,3], got f32[3,2]");
  CHECK(
      run({Tensor(DType::f64, {2, 3})}) ==
      "[predict] input \"images\": expected f32[2,3], got f64[2,3]");
  CHECK(run({}) == "[predict] expected 1 inputs, got 0");
}

TEST_CASE("An output tensor that nobody shares is written in place") {
  Graph g;
  const Value x = g.parameter({DType::f32, {4}}, "x");
  g.set_outputs({x + 1});
  Program program(g, reference_backend());
  const std::vector<Tensor> inputs = {Tensor(DType::f32, {4})};
  std::vector<Tensor> outputs;
  program.run(inputs, outputs);
  const void* before = outputs[0].raw();
  program.run(inputs, outputs);
  CHECK(outputs[0].raw() == before);
  const Tensor kept = outputs[0];
  program.run({{Tensor::full(DType::f32, {4}, 5)}}, outputs);
  CHECK(kept == Tensor::full(DType::f32, {4}, 1));
  CHECK(outputs[0] == Tensor::full(DType::f32, {4}, 6));
}

TEST_CASE("Outputs may be parameters, constants, variables and repeated") {
  const Variable v(Tensor(std::vector<float>{1, 2}), {.name = "v"});
  Graph g;
  const Value x = g.parameter({DType::f32, {2}}, "x");
  const Value c = g.constant(Tensor(std::vector<float>{7, 8}));
  const Value old = g.read(v);
  g.assign(v, x * 2);
  const Value y = x + 1;
  g.set_outputs({x, c, old, y, y});
  Program program(g, reference_backend());
  const std::vector<Tensor> outputs =
      program.run(std::vector<Tensor>{Tensor(std::vector<float>{3, 4})});
  CHECK(outputs[0] == Tensor(std::vector<float>{3, 4}));
  CHECK(outputs[1] == Tensor(std::vector<float>{7, 8}));
  CHECK(outputs[2] == Tensor(std::vector<float>{1, 2}));
  CHECK(outputs[3] == Tensor(std::vector<float>{4, 5}));
  CHECK(outputs[4] == Tensor(std::vector<float>{4, 5}));
  CHECK(v.value() == Tensor(std::vector<float>{6, 8}));
}

TEST_CASE("Empty tensors and scalars go through a program") {
  Graph g;
  const Value x = g.parameter({DType::f32, {0, 3}}, "x");
  const Value s = g.parameter({DType::f32, {}}, "s");
  g.set_outputs({x * s, ops::sum(x, {0}), s + 1});
  Program program(g, reference_backend());
  const std::vector<Tensor> outputs = program.run(
      std::vector<Tensor>{Tensor(DType::f32, {0, 3}), Tensor(2.0F)});
  CHECK(outputs[0].shape() == Shape{0, 3});
  CHECK(outputs[1] == Tensor(DType::f32, {3}));
  CHECK(outputs[2] == Tensor(3.0F));
}

TEST_CASE("Two programs share variables and a workspace") {
  const Variable w(Tensor(std::vector<float>{1, 2, 3}), {.name = "w"});
  const auto group = std::make_shared<ProgramGroup>();
  Graph update;
  {
    const Value old = update.read(w);
    const Value x = update.parameter({DType::f32, {3}}, "x");
    update.assign(w, old + x);
  }
  Graph use;
  {
    // Large, so that the shared workspace grows under the other program.
    const Value x = use.parameter({DType::f32, {64, 3}}, "x");
    use.set_outputs({ops::exp(ops::sin(x * use.read(w))) + 0.0});
  }
  Program train(update, reference_backend(), group, {.name = "train"});
  const Tensor one = Tensor::full(DType::f32, {3}, 1);
  train.run(std::vector<Tensor>{one});
  Program test(use, reference_backend(), group, {.name = "test"});
  for (int step = 0; step < 3; ++step) {
    const Tensor before = w.value();
    const Tensor y =
        test.run(std::vector<Tensor>{Tensor::full(DType::f32, {64, 3}, 1)})[0];
    for (std::int64_t i = 0; i < y.size(); ++i) {
      CHECK(
          y.at(i) ==
          doctest::Approx(std::exp(std::sin(before.at(i % 3)))).epsilon(1e-6));
    }
    train.run(std::vector<Tensor>{one});
  }
  CHECK(w.value() == Tensor(std::vector<float>{5, 6, 7}));
}

TEST_CASE("Threads that run one program take turns") {
  const Variable count(Tensor(0.0), {.name = "count"});
  Graph g;
  const Value x = g.parameter({DType::f32, {32}}, "x");
  g.assign(count, g.read(count) + 1);
  g.set_outputs({ops::square(x) + ops::sqrt(x)});
  Program program(g, reference_backend());
  std::vector<std::thread> threads;
  std::vector<int> wrong(4, 0);
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&, t] {
      const Tensor in = Tensor::full(DType::f32, {32}, t * t);
      for (int i = 0; i < 50; ++i) {
        const Tensor out = program.run(std::vector<Tensor>{in})[0];
        if (out != Tensor::full(DType::f32, {32}, t * t * t * t + t))
          ++wrong[t];
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  CHECK(wrong == std::vector<int>(4, 0));
  CHECK(count.value().item<double>() == 200);
}

TEST_CASE("check_nan names the first bad node and its layer") {
  const Variable w(Tensor(2.0F), {.name = "w"});
  Graph g;
  const Value x = g.parameter({DType::f32, {3}}, "x");
  Value y;
  {
    const LayerScope scope(g, "dense_1");
    y = ops::log(x);
  }
  {
    const LayerScope scope(g, "dense_2");
    y = ops::matmul(ops::reshape(y, {1, 3}), ops::reshape(y, {3, 1}));
  }
  g.assign(w, g.read(w) * 3);
  g.set_outputs({y});
  const Tensor good(std::vector<float>{1, 2, 3});
  const Tensor bad(std::vector<float>{1, -2, 3});

  SUBCASE("asked for by the options") {
    Program program(
        g, reference_backend(), nullptr, {.name = "train", .check_nan = true});
    program.run(std::vector<Tensor>{good});
    CHECK(w.value() == Tensor(6.0F));
    const std::string message =
        message_of<Error>([&] { program.run(std::vector<Tensor>{bad}); });
    CHECK(message.find("[train] [") == 0);
    CHECK(message.find("@dense_1]") != std::string::npos);
    CHECK(message.find("first NaN or infinity") != std::string::npos);
    // The step did not happen.
    CHECK(w.value() == Tensor(6.0F));
    program.run(std::vector<Tensor>{good});
    CHECK(w.value() == Tensor(18.0F));
  }
  SUBCASE("asked for by the setting") {
    const env::ScopedSetting setting("KERATIN_CHECK_NAN", "1");
    Program program(g, reference_backend());
    CHECK_THROWS_AS(program.run(std::vector<Tensor>{bad}), Error);
  }
  SUBCASE("not asked for") {
    Program program(g, reference_backend());
    CHECK(std::isnan(program.run(std::vector<Tensor>{bad})[0].at(0)));
  }
}

TEST_CASE("Statistics count kernels, arena and constants") {
  Graph g;
  const Value x = g.parameter({DType::f32, {100}}, "x");
  g.set_outputs({ops::sum(
      ops::sort(x).values *
      g.constant(Tensor(std::vector<float>(100, 0.5F))))});
  const Program program(g, reference_backend());
  CHECK(program.stats().kernels >= 2);
  CHECK(program.stats().arena_bytes >= 400);
  CHECK(program.stats().constant_bytes == 400);
}
