#include <doctest/doctest.h>

#include <keratin/ops.hpp>

#include "src/ir/autodiff.hpp"
#include "src/runtime/program.hpp"
#include "src/runtime/registry.hpp"

using namespace keratin;
using Values = std::vector<Value>;

namespace {

std::vector<Tensor> run(
    const Graph& g, const std::vector<Tensor>& inputs = {}) {
  Program program(g, find_backend("reference"));
  program.run(inputs);  // what a step leaves behind must not show in the next
  return program.run(inputs);
}

Tensor numbers(const std::vector<float>& values) {
  return Tensor(values);
}

}  // namespace

TEST_CASE("scan carries values and stacks results") {
  Graph g;
  const Value xs = g.parameter({DType::f32, {4, 2}}, "xs");
  const Value scale = g.parameter({DType::f32, {}}, "scale");
  const Value init = g.constant(numbers({0, 0}));
  bool reverse = false;
  SUBCASE("forwards") {
    reverse = false;
  }
  SUBCASE("backwards") {
    reverse = true;
  }
  const ops::ScanResult result = ops::scan(
      {init},
      {xs},
      [&](const Values& v) -> Values {
        const Value sum = v[0] + v[1] * scale;
        return {sum, sum * 10};
      },
      {},
      reverse);
  g.set_outputs({result.carry[0], result.ys[0]});
  const std::vector<Tensor> outputs =
      run(g,
          {Tensor(std::vector<float>{1, 2, 3, 4, 5, 6, 7, 8}, {4, 2}),
           Tensor(2.0F)});
  CHECK(outputs[0] == numbers({32, 40}));
  const std::vector<float> forwards = {20, 40, 80, 120, 180, 240, 320, 400};
  const std::vector<float> backwards = {320, 400, 300, 360, 240, 280, 140, 160};
  CHECK(outputs[1] == Tensor(reverse ? backwards : forwards, {4, 2}));
}

TEST_CASE("scan of no steps returns what it was given") {
  Graph g;
  const Value xs = g.parameter({DType::f32, {0, 2}}, "xs");
  const ops::ScanResult result = ops::scan(
      {g.constant(numbers({7}))}, {xs}, [](const Values& v) -> Values {
        return {v[0] + ops::sum(v[1]), v[1]};
      });
  g.set_outputs({result.carry[0], result.ys[0]});
  const std::vector<Tensor> outputs = run(g, {Tensor(DType::f32, {0, 2})});
  CHECK(outputs[0] == numbers({7}));
  CHECK(outputs[1] == Tensor(DType::f32, {0, 2}));
}

TEST_CASE(
    "scan hands on slices, other names of results, and one result twice") {
  Graph g;
  const Value xs = g.parameter({DType::f32, {3, 2}}, "xs");
  const ops::ScanResult result = ops::scan(
      {g.constant(numbers({7, 8}))}, {xs}, [](const Values& v) -> Values {
        const Value sum = v[0] + v[1];
        // The slice is carried; of the results the third has another shape.
        return {v[1], v[1], sum, ops::reshape(v[0] * 2, {2, 1}), sum, v[0]};
      });
  Values outputs = {result.carry[0]};
  outputs.insert(outputs.end(), result.ys.begin(), result.ys.end());
  g.set_outputs(outputs);
  const Tensor x(std::vector<float>{1, 2, 3, 4, 5, 6}, {3, 2});
  const Tensor sums(std::vector<float>{8, 10, 4, 6, 8, 10}, {3, 2});
  for (const char* backend : {"reference", "cpu"}) {
    Program program(g, find_backend(backend));
    program.run(std::vector<Tensor>{sums});
    const std::vector<Tensor> got = program.run(std::vector<Tensor>{x});
    CHECK(got[0] == numbers({5, 6}));
    CHECK(got[1] == x);
    CHECK(got[2] == sums);
    CHECK(got[3] == Tensor(std::vector<float>{14, 16, 2, 4, 6, 8}, {3, 2, 1}));
    CHECK(got[4] == sums);
    CHECK(got[5] == Tensor(std::vector<float>{7, 8, 1, 2, 3, 4}, {3, 2}));
  }
}

TEST_CASE("scan keeps what was carried into each round") {
  for (const bool reverse : {false, true}) {
    for (const std::int64_t length : {0, 1, 4, 5}) {
      Graph g;
      const Value xs = g.parameter({DType::f32, {length, 2}}, "xs");
      const Value zero = g.constant(numbers({0, 0}));
      const ops::ScanResult result = ops::scan(
          {zero, zero, zero},
          {xs},
          [](const Values& v) -> Values {
            // The first has its history twice, the second none; the third
            // takes over the first.
            return {v[0] + v[3], v[1] + v[0], v[0], v[0], v[0], v[2]};
          },
          {},
          reverse);
      Values outputs = result.carry;
      outputs.insert(outputs.end(), result.ys.begin(), result.ys.end());
      g.set_outputs(outputs);
      std::vector<float> x;
      for (std::int64_t i = 0; i < 2 * length; ++i) {
        x.push_back(static_cast<float>(i + 1));
      }
      std::vector<float> a(2), b(2), c(2);
      std::vector<float> history(x.size()), late(x.size());
      for (std::int64_t step = 0; step < length; ++step) {
        const std::int64_t t = reverse ? length - 1 - step : step;
        for (std::size_t k = 0; k < 2; ++k) {
          const std::size_t at = 2 * static_cast<std::size_t>(t) + k;
          history[at] = a[k];
          late[at] = c[k];
          c[k] = a[k];
          b[k] += a[k];
          a[k] += x[at];
        }
      }
      for (const char* backend : {"reference", "cpu"}) {
        Program program(g, find_backend(backend));
        const std::vector<Tensor> inputs = {Tensor(x, {length, 2})};
        program.run(inputs);
        const std::vector<Tensor> got = program.run(inputs);
        CHECK(got[0] == numbers(a));
        CHECK(got[1] == numbers(b));
        CHECK(got[2] == numbers(c));
        CHECK(got[3] == Tensor(history, {length, 2}));
        CHECK(got[4] == Tensor(history, {length, 2}));
        CHECK(got[5] == Tensor(late, {length, 2}));
      }
    }
  }
}

TEST_CASE("a loop's weights may change between two runs") {
  Graph g;
  const Value w = g.parameter({DType::f32, {16, 16}}, "w");
  const Value init = g.parameter({DType::f32, {8, 16}}, "h");
  const ops::ScanResult result = ops::scan(
      {init},
      {},
      [&](const Values& v) -> Values { return {ops::matmul(v[0], w)}; },
      3);
  g.set_outputs({result.carry[0]});
  const Tensor ones(std::vector<float>(128, 1), {8, 16});
  std::vector<float> identity(256, 0);
  for (std::size_t i = 0; i < 16; ++i) identity[i * 17] = 1;
  std::vector<float> twice = identity;
  for (float& element : twice) element *= 2;
  for (const char* backend : {"reference", "cpu"}) {
    Program program(g, find_backend(backend));
    const auto run_with = [&](const std::vector<float>& weights) {
      const std::vector<Tensor> inputs = {Tensor(weights, {16, 16}), ones};
      return program.run(inputs)[0];
    };
    CHECK(run_with(identity) == ones);
    CHECK(run_with(twice) == Tensor(std::vector<float>(128, 8), {8, 16}));
    CHECK(run_with(identity) == ones);
  }
}

TEST_CASE("Loops may swap what they carry") {
  Graph g;
  const Value a = g.constant(numbers({1, 2}));
  const Value b = g.constant(numbers({3, 4}));
  const auto swap = [](const Values& v) -> Values { return {v[1], v[0]}; };
  const ops::ScanResult odd = ops::scan({a, b}, {}, swap, 3);
  const ops::ScanResult even = ops::scan({a, b}, {}, swap, 4);
  g.set_outputs({odd.carry[0], odd.carry[1], even.carry[0], even.carry[1]});
  const std::vector<Tensor> outputs = run(g);
  CHECK(outputs[0] == numbers({3, 4}));
  CHECK(outputs[1] == numbers({1, 2}));
  CHECK(outputs[2] == numbers({1, 2}));
  CHECK(outputs[3] == numbers({3, 4}));
}

TEST_CASE("cond runs the branch that is chosen") {
  Graph g;
  const Value which = g.parameter({DType::boolean, {}}, "which");
  const Value x = g.parameter({DType::f32, {2}}, "x");
  const Values results = ops::cond(
      which,
      [&]() -> Values {
        return {x * 2, ops::sum(x)};
      },
      [&]() -> Values {
        return {x, ops::max(x)};
      });
  g.set_outputs(results);
  std::vector<Tensor> outputs = run(g, {Tensor(true), numbers({3, 5})});
  CHECK(outputs[0] == numbers({6, 10}));
  CHECK(outputs[1] == Tensor(8.0F));
  outputs = run(g, {Tensor(false), numbers({3, 5})});
  CHECK(outputs[0] == numbers({3, 5}));
  CHECK(outputs[1] == Tensor(5.0F));
}

TEST_CASE("while_loop ends by its condition or its limit") {
  const auto collatz = [](std::optional<std::int64_t> limit) {
    Graph g;
    const Value n = g.parameter({DType::i32, {}}, "n");
    const Value zero = g.constant(Tensor(std::int32_t{0}));
    const Value one = g.constant(Tensor(std::int32_t{1}));
    const Value two = g.constant(Tensor(std::int32_t{2}));
    const Values results = ops::while_loop(
        [&](const Values& v) -> Values { return {ops::greater(v[0], one)}; },
        [&](const Values& v) -> Values {
          const Value odd = ops::equal(ops::mod(v[0], two), one);
          return {
              ops::where(odd, v[0] * 3 + one, ops::floor_divide(v[0], two)),
              v[1] + one};
        },
        {n, zero},
        limit);
    g.set_outputs(results);
    return run(g, {Tensor(std::int32_t{27})});
  };
  CHECK(collatz({})[1] == Tensor(std::int32_t{111}));
  CHECK(collatz({})[0] == Tensor(std::int32_t{1}));
  CHECK(collatz(10)[1] == Tensor(std::int32_t{10}));
  CHECK(collatz(0)[0] == Tensor(std::int32_t{27}));
}

TEST_CASE("Control flow nests and captures from every level") {
  Graph g;
  const Value x = g.parameter({DType::f32, {3}}, "x");
  const Value y = x + 1;
  const ops::ScanResult outer = ops::scan(
      {g.constant(Tensor(0.0F))}, {x}, [&](const Values& v) -> Values {
        const Values inner = ops::while_loop(
            [&](const Values& w) -> Values { return {ops::less(w[0], v[1])}; },
            [&](const Values& w) -> Values {
              return ops::cond(
                  ops::greater(w[0], 1.0),
                  [&]() -> Values { return {w[0] + ops::sum(y)}; },
                  [&]() -> Values { return {w[0] + 1}; });
            },
            {v[0]});
        return {inner[0], inner[0] * 2};
      });
  g.set_outputs({outer.carry[0], outer.ys[0]});
  const std::vector<Tensor> outputs = run(g, {numbers({1, 3, 20})});
  // y sums to 27: 0 -> 1, then 1 -> 2 -> 29, then 29 stays.
  CHECK(outputs[0] == Tensor(29.0F));
  CHECK(outputs[1] == numbers({2, 58, 58}));
}

TEST_CASE("Gradients flow through loops and branches") {
  Graph g;
  const Value x = g.parameter({DType::f64, {}}, "x");
  const Values powers = ops::while_loop(
      [](const Values& v) -> Values { return {ops::less(v[0], 50.0)}; },
      [&](const Values& v) -> Values { return {v[0] * x}; },
      {x},
      10);
  const Values chosen = ops::cond(
      ops::greater(x, 0.0),
      [&]() -> Values { return {ops::square(x)}; },
      [&]() -> Values { return {x}; });
  const Value loss = powers[0] + chosen[0];
  g.set_outputs({loss, gradients(loss, {x})[0]});
  const std::vector<Tensor> outputs = run(g, {Tensor(3.0)});
  CHECK(outputs[0].item<double>() == 81 + 9);  // x^4 + x^2
  CHECK(outputs[1].item<double>() == 4 * 27 + 6);
}

TEST_CASE("Random numbers in a loop follow the state it carries") {
  Graph g;
  const Value state = g.constant(Tensor(std::vector<std::uint32_t>{5, 0}));
  const Value step = g.constant(Tensor(std::vector<std::uint32_t>{0, 1}));
  const ops::ScanResult result = ops::scan(
      {state},
      {},
      [&](const Values& v) -> Values {
        return {v[0] + step, ops::random_uniform(v[0], {2})};
      },
      2);
  const Value second = ops::random_uniform(state + step, {2});
  g.set_outputs({result.ys[0], second});
  const std::vector<Tensor> outputs = run(g);
  CHECK(outputs[0][1] == outputs[1]);
  CHECK(outputs[0][0] != outputs[0][1]);
}
