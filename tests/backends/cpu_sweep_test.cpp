// Element-wise work: single ops, fused bodies, broadcasting, results that share
// memory with operands.

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <string>
#include <utility>

#include "src/backends/cpu/fused_program.hpp"
#include "src/passes/pass.hpp"
#include "src/runtime/program.hpp"
#include "src/runtime/registry.hpp"
#include "tests/backends/cpu_check.hpp"

using namespace keratin;
using namespace keratin::testing;

namespace {

using Values = std::vector<Value>;

ValueType f32(Shape shape) {
  return {DType::f32, std::move(shape)};
}

using Unary = Value (*)(const Value&);

struct Function {
  const char* name;
  Unary build;
  double low, high;
};

const Function kFunctions[] = {
    {"negative", ops::negative, -10, 10},
    {"abs", ops::abs, -10, 10},
    {"sign", ops::sign, -2, 2},
    {"exp", ops::exp, -87, 88},
    {"expm1", ops::expm1, -20, 20},
    {"log", ops::log, 1e-30, 100},
    {"log1p", ops::log1p, -0.999, 100},
    {"sqrt", ops::sqrt, 0, 100},
    {"rsqrt", ops::rsqrt, 0.01, 100},
    {"reciprocal", ops::reciprocal, 0.01, 100},
    {"square", ops::square, -10, 10},
    {"sin", ops::sin, -1000, 1000},
    {"cos", ops::cos, -1000, 1000},
    {"tan", ops::tan, -1, 1},
    {"arcsin", ops::arcsin, -1, 1},
    {"arccos", ops::arccos, -1, 1},
    {"arctan", ops::arctan, -10, 10},
    {"sinh", ops::sinh, -10, 10},
    {"cosh", ops::cosh, -10, 10},
    {"tanh", ops::tanh, -10, 10},
    {"arcsinh", ops::arcsinh, -10, 10},
    {"arccosh", ops::arccosh, 1, 10},
    {"arctanh", ops::arctanh, -0.99, 0.99},
    {"erf", ops::erf, -5, 5},
    {"sigmoid", ops::sigmoid, -100, 100},
    {"relu", ops::relu, -1, 1},
    {"softplus", ops::softplus, -100, 100},
    {"floor", ops::floor, -10, 10},
    {"ceil", ops::ceil, -10, 10},
    {"round", ops::round, -10, 10},
};

// Numbers that functions get wrong first.
Tensor special_numbers() {
  const float inf = std::numeric_limits<float>::infinity();
  const float nan = std::numeric_limits<float>::quiet_NaN();
  std::vector<float> numbers = {
      0.0F,   -0.0F,   1.0F,    -1.0F, inf,    -inf,  nan,    1e-6F,  -1e-6F,
      1e-20F, -1e-20F, 0.5F,    -0.5F, 2.5F,   -2.5F, 88.0F,  89.0F,  100.0F,
      -87.0F, -89.0F,  -104.0F, 1e10F, -1e10F, 3e38F, -3e38F, 1e-37F, 1e-3F,
      -1e-3F, 9.5F,    -9.5F,   0.93F, -0.93F, 4.0F,  -4.0F,  20.0F,  -20.0F};
  const auto size = static_cast<std::int64_t>(numbers.size());
  return {numbers, {size}};
}

}  // namespace

TEST_CASE("Functions are right within a few units in the last place") {
  for (const Function& function : kFunctions) {
    CAPTURE(std::string(function.name));
    Graph g;
    const std::int64_t n = 4099;
    const Value x = g.parameter(f32({n}), "x");
    g.set_outputs({function.build(x)});
    const std::vector<Tensor> inputs = {
        spread(DType::f32, {n}, function.low, function.high, 3)};
    const Tensor got = Program(g, find_backend("cpu")).run(inputs)[0];

    Graph exact;
    exact.set_outputs(
        {function.build(exact.parameter({DType::f64, {n}}, "x"))});
    const std::vector<Tensor> wide = {inputs[0].cast(DType::f64)};
    const Tensor expected =
        Program(exact, find_backend("reference")).run(wide)[0];
    double worst = 0;
    for (std::int64_t i = 0; i < n; ++i) {
      const double e = expected.at(i);
      // Denormal results are flushed to zero.
      if (std::fabs(e) < 1.2e-38 && std::fabs(got.at(i)) < 1.2e-38) continue;
      const double unit = std::fabs(e) * std::ldexp(1.0, -23);
      worst = std::max(worst, std::fabs(got.at(i) - e) / unit);
    }
    CHECK(worst < 6);
  }
}

TEST_CASE("Functions treat infinities, NaN and the ends of their range as C") {
  const Tensor numbers = special_numbers();
  for (const Function& function : kFunctions) {
    CAPTURE(std::string(function.name));
    Graph g;
    g.set_outputs({function.build(g.parameter(f32(numbers.shape()), "x"))});
    const std::vector<Tensor> inputs = {numbers};
    const Tensor got = Program(g, find_backend("cpu")).run(inputs)[0];
    const Tensor expected =
        Program(g, find_backend("reference")).run(inputs)[0];
    for (std::int64_t i = 0; i < numbers.size(); ++i) {
      CAPTURE(numbers.at(i));
      const double e = expected.at(i);
      if (std::isnan(e)) {
        CHECK(std::isnan(got.at(i)));
      } else if (std::isinf(e)) {
        CHECK(got.at(i) == e);
      } else {
        CHECK(got.at(i) == doctest::Approx(e).epsilon(2e-6));
      }
    }
  }
}

TEST_CASE("Operations of two operands agree however they are broadcast") {
  const std::vector<std::pair<Shape, Shape>> cases = {
      {{1}, {1}},
      {{5}, {5}},
      {{1000}, {1}},
      {{}, {33}},
      {{300, 10}, {10}},
      {{300, 10}, {300, 1}},
      {{7, 2000}, {2000}},
      {{2000, 7}, {2000, 1}},
      {{64, 1}, {1, 65}},
      {{6, 1, 5}, {4, 1}},
      {{4, 3, 5, 7}, {3, 1, 7}},
      {{2, 5000}, {2, 1}},
      {{3, 4097}, {3, 4097}},
      {{100, 1000}, {1000}},
  };
  for (const auto& entry : cases) {
    const auto& a = entry.first;
    const auto& b = entry.second;
    CAPTURE(a.str());
    CAPTURE(b.str());
    for (const bool optimized : {false, true}) {
      CHECK(
          cpu_difference(
              {f32(a), f32(b)},
              [](const Values& v) -> Values {
                const Value p = ops::abs(v[0]) + 0.5;
                return {
                    v[0] + v[1],
                    v[1] - v[0],
                    v[0] * v[1],
                    v[1] / p,
                    ops::power(p, v[1]),
                    ops::maximum(v[0], v[1]),
                    ops::minimum(v[1], v[0]),
                    ops::arctan2(v[0], v[1]),
                    ops::mod(v[0], v[1]),
                    ops::equal(v[0], v[1]),
                    ops::not_equal(v[0], v[1]),
                    ops::less(v[0], v[1]),
                    ops::less_equal(v[1], v[0]),
                    ops::greater(v[0], v[1]),
                    ops::greater_equal(v[1], v[0]),
                    ops::where(ops::less(v[0], v[1]), v[0], v[1]),
                    ops::where(ops::less(v[0], 0.0), v[1], v[0] * 2.0)};
              },
              {.low = -3, .high = 3, .optimized = optimized}) == "");
    }
  }
}

TEST_CASE("Other dtypes agree, too, alone and in a chain") {
  for (const DType dtype :
       {DType::f64,
        DType::i8,
        DType::u8,
        DType::i32,
        DType::i64,
        DType::u32,
        DType::u64,
        DType::f16,
        DType::bf16}) {
    CAPTURE(std::string(short_name(dtype)));
    CHECK(
        cpu_difference(
            {{dtype, {40, 30}}, {dtype, {30}}, {DType::boolean, {40, 30}}},
            [&](const Values& v) -> Values {
              const Value sum = v[0] + v[1];
              const Value mask = ops::logical_and(
                  ops::greater(sum, v[1]), ops::logical_not(v[2]));
              return {
                  sum * v[0] - v[1],
                  ops::maximum(sum, v[0]),
                  ops::where(mask, sum, v[0]),
                  ops::cast(mask, DType::f32),
                  ops::cast(sum, DType::f32) * 0.5,
                  ops::cast(sum, DType::boolean),
                  ops::logical_xor(mask, v[2])};
            },
            {.absolute = 1e-12, .low = 0, .high = 5}) == "");
  }
}

TEST_CASE("A chain becomes one sweep with few registers") {
  Graph g;
  Value h = g.parameter(f32({1000, 64}), "x");
  const Value x = h;
  const Value bias = g.parameter(f32({64}), "bias");
  for (int i = 0; i < 10; ++i) h = ops::tanh((h + bias) * x);
  g.set_outputs({h, ops::greater(x, h)});
  const Graph fused = fuse_elementwise(g);
  const Node& node = fused.nodes().back();
  REQUIRE(node.op == Op::fused);
  cpu::SweepProgram program;
  std::string why_not;
  REQUIRE(cpu::compile_sweep(fused, node, program, why_not));
  CHECK(program.instructions.size() == 31);
  // The bias, what an instruction makes and what it takes: not one per value.
  CHECK(program.register_bytes <= 4 * program.block * 4);
  CHECK(program.block % 64 == 0);
}

TEST_CASE("Results may take the place of operands that are still read") {
  // r0 = a + b may be put where a is, which r1 = a - b still needs.
  CHECK(cpu_difference({f32({3, 700})}, [](const Values& v) -> Values {
          const Value a = ops::softmax(v[0]);
          const Value b = ops::softmax(ops::negative(v[0]));
          const Value sum = a + b;
          const Value difference = a - b;
          const Value product = sum * difference + a;
          return {
              ops::sum(sum, {1}),
              ops::sum(difference, {1}),
              ops::sum(product, {0})};
        }) == "");
}

TEST_CASE("Variables updated in place by one sweep are updated alike") {
  // Adam's update of all slots: reads and writes the same memory.
  std::vector<Tensor> results[2];
  const std::string backends[] = {"cpu", "reference"};
  for (int k = 0; k < 2; ++k) {
    const Shape shape{37, 29};
    const Variable w(spread(DType::f32, shape, -1, 1, 1), {.name = "w"});
    const Variable m(spread(DType::f32, shape, -1, 1, 2), {.name = "m"});
    const Variable v(spread(DType::f32, shape, 0, 1, 3), {.name = "v"});
    Graph g;
    const Value grad = g.parameter(f32(shape), "grad");
    const Value new_m = g.read(m) + (grad - g.read(m)) * 0.1;
    const Value new_v = g.read(v) + (ops::square(grad) - g.read(v)) * 0.001;
    g.assign(m, new_m);
    g.assign(v, new_v);
    g.assign(w, g.read(w) - new_m * 0.01 / (ops::sqrt(new_v) + 1e-7));
    g.set_outputs({ops::sum(new_m)});
    Program program(g, find_backend(backends[k]));
    const std::vector<Tensor> inputs = {spread(DType::f32, shape, -1, 1, 4)};
    for (int step = 0; step < 3; ++step) program.run(inputs);
    results[k] = {w.value(), m.value(), v.value()};
  }
  for (int i = 0; i < 3; ++i) {
    CAPTURE(i);
    for (std::int64_t at = 0; at < results[0][i].size(); ++at) {
      CHECK(
          results[0][i].at(at) ==
          doctest::Approx(results[1][i].at(at)).epsilon(1e-5));
    }
  }
}

TEST_CASE("An op without a row is declined with a reason") {
  Graph g;
  const Value x = g.parameter({DType::i32, {4}}, "x");
  const Value y = ops::left_shift(x, x);
  cpu::SweepProgram program;
  std::string why_not;
  CHECK_FALSE(
      cpu::compile_sweep(g, g.node(g.producer(y.id())), program, why_not));
  CHECK(why_not == "left_shift of i32");
}
