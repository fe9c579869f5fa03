// The cpu backend's kernels against reference's, over shapes that end within,
// at and beyond vectors, tiles, blocks and pieces.

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>

#include <keratin/threads.hpp>

#include "src/core/format.hpp"
#include "src/ir/autodiff.hpp"
#include "src/runtime/program.hpp"
#include "src/runtime/registry.hpp"
#include "tests/backends/cpu_check.hpp"
#include "tests/support/threads.hpp"

using namespace keratin;
using namespace keratin::testing;

namespace {

using Values = std::vector<Value>;
using Ints = ops::Ints;

ValueType f32(Shape shape) {
  return {DType::f32, std::move(shape)};
}

}  // namespace

TEST_CASE("Matrix products agree for every transposition and batch") {
  struct Case {
    Shape a, b;
    bool ta, tb;
  };

  const std::vector<Case> cases = {
      {{1, 1}, {1, 1}, false, false},
      {{3, 5}, {5, 7}, false, false},
      {{5, 3}, {5, 7}, true, false},
      {{3, 5}, {7, 5}, false, true},
      {{5, 3}, {7, 5}, true, true},
      {{128, 784}, {784, 100}, false, false},
      {{128, 784}, {128, 100}, true, false},
      {{128, 10}, {512, 10}, false, true},
      {{1, 300}, {300, 33}, false, false},
      {{257, 1}, {1, 65}, false, false},
      {{4, 6, 5}, {4, 5, 3}, false, false},
      {{4, 5, 6}, {4, 3, 5}, true, true},
      {{2, 1, 6, 5}, {3, 5, 4}, false, false},
      {{6, 5}, {2, 3, 5, 4}, false, false},
      {{2, 3, 16, 8}, {2, 3, 16, 8}, false, true},
  };
  for (const Case& one : cases) {
    CAPTURE(one.a.str());
    CAPTURE(one.b.str());
    CHECK(
        cpu_difference(
            {f32(one.a), f32(one.b)}, [&](const Values& x) -> Values {
              return {ops::matmul(
                  x[0], x[1], {.transpose_a = one.ta, .transpose_b = one.tb})};
            }) == "");
  }
}

TEST_CASE("Products with packed weights follow a variable that changes") {
  const Shape shape{300, 200};
  Variable w(spread(DType::f32, shape, -1, 1, 7), {.name = "w"});
  Graph g;
  const Value x = g.parameter(f32({64, 300}), "x");
  g.set_outputs({ops::matmul(x, g.read(w))});
  Program program(g, find_backend("cpu"));
  Program oracle(g, find_backend("reference"));
  const std::vector<Tensor> inputs = {spread(DType::f32, {64, 300}, -1, 1, 8)};
  for (int step = 0; step < 3; ++step) {
    CAPTURE(step);
    const Tensor got = program.run(inputs)[0];
    const Tensor expected = oracle.run(inputs)[0];
    double most = 0;
    for (std::int64_t i = 0; i < got.size(); ++i) {
      most = std::max(most, std::fabs(got.at(i) - expected.at(i)));
    }
    CHECK(most < 1e-4);
    w.assign(spread(DType::f32, shape, -1, 1, 100 + step));
  }
}

TEST_CASE("Small products by weights that stay follow them, too") {
  struct Case {
    std::int64_t rows, depth, columns;
    bool transposed;
  };

  for (const Case& one :
       {Case{8, 8, 8, false},
        Case{13, 40, 33, true},
        Case{32, 128, 512, false},
        Case{61, 100, 31, true}}) {
    CAPTURE(one.rows);
    const Shape shape = one.transposed ? Shape{one.columns, one.depth}
                                       : Shape{one.depth, one.columns};
    Variable w(spread(DType::f32, shape, -1, 1, 7), {.name = "w"});
    Graph g;
    const Value x = g.parameter(f32({one.rows, one.depth}), "x");
    g.set_outputs({ops::matmul(x, g.read(w), {.transpose_b = one.transposed})});
    Program program(g, find_backend("cpu"));
    Program oracle(g, find_backend("reference"));
    const std::vector<Tensor> inputs = {
        spread(DType::f32, x.shape(), -1, 1, 8)};
    for (int step = 0; step < 2; ++step) {
      const Tensor got = program.run(inputs)[0];
      const Tensor expected = oracle.run(inputs)[0];
      double most = 0;
      for (std::int64_t i = 0; i < got.size(); ++i) {
        most = std::max(most, std::fabs(got.at(i) - expected.at(i)));
      }
      CHECK(most < 1e-4);
      w.assign(spread(DType::f32, shape, -1, 1, 100 + step));
    }
  }
}

TEST_CASE("Programs run on when the number of threads changes") {
  const int before = num_threads();
  for (const auto& [compiled, run] :
       {std::pair{1, kTeam}, std::pair{kTeam, 1}}) {
    set_num_threads(compiled);
    Graph g;
    const Value x = g.parameter(f32({8, 14, 14, 16}), "x");
    const Value w = g.parameter(f32({3, 3, 16, 32}), "w");
    const Value y = ops::conv(x, w);
    g.set_outputs({y, gradients(ops::sum(y * y), {w})[0]});
    Program program(g, find_backend("cpu"));
    const std::vector<Tensor> inputs = {
        spread(DType::f32, x.shape(), -1, 1, 1),
        spread(DType::f32, w.shape(), -1, 1, 2)};
    const std::vector<Tensor> first = program.run(inputs);
    set_num_threads(run);
    const std::vector<Tensor> second = program.run(inputs);
    for (std::size_t i = 0; i < first.size(); ++i) {
      double most = 0;
      for (std::int64_t k = 0; k < first[i].size(); ++k) {
        most = std::max(most, std::fabs(first[i].at(k) - second[i].at(k)));
      }
      CHECK(most < 1e-2);  // of sums of thousands
    }
  }
  set_num_threads(before);
}

namespace {

struct ConvCase {
  Shape x, w;
  ops::Window window;
  std::int64_t groups = 1;
};

const std::vector<ConvCase>& conv_cases() {
  static const std::vector<ConvCase> cases = {
      {{2, 9, 3}, {3, 3, 5}, {}},
      {{2, 9, 4}, {3, 4, 5}, {.strides = {2}, .pad_low = {1}, .pad_high = {2}}},
      {{1, 5, 5, 1}, {1, 1, 1, 1}, {}},
      {{2, 8, 9, 3}, {3, 3, 3, 8}, {}},
      {{2, 8, 9, 16}, {3, 3, 16, 32}, {.pad_low = {1, 1}, .pad_high = {1, 1}}},
      {{2, 9, 8, 16},
       {3, 2, 16, 16},
       {.strides = {2, 2}, .pad_low = {0, 0}, .pad_high = {1, 0}}},
      {{1, 11, 11, 8},
       {3, 3, 8, 8},
       {.pad_low = {2, 2}, .pad_high = {2, 2}, .dilation = {2, 2}}},
      {{2, 7, 7, 20}, {1, 1, 20, 24}, {.strides = {2, 2}}},
      {{2, 8, 8, 12}, {3, 3, 1, 12}, {}, 12},  // depthwise
      {{2, 8, 8, 12}, {3, 3, 1, 24}, {}, 12},  // depth multiplier 2
      {{2, 8, 8, 12}, {3, 3, 4, 9}, {}, 3},
      {{2, 5, 6, 7, 3},
       {2, 3, 2, 3, 4},
       {.strides = {1, 2, 1}, .pad_low = {1, 0, 0}, .pad_high = {0, 1, 1}}},
      {{16, 28, 28, 1}, {3, 3, 1, 32}, {}},
  };
  return cases;
}

}  // namespace

TEST_CASE("Convolutions agree for every window, stride, dilation and group") {
  for (const ConvCase& one : conv_cases()) {
    CAPTURE(one.x.str());
    CAPTURE(one.w.str());
    CHECK(
        cpu_difference(
            {f32(one.x), f32(one.w)}, [&](const Values& v) -> Values {
              return {ops::conv(v[0], v[1], one.window, one.groups)};
            }) == "");
  }
}

TEST_CASE("Gradients of convolutions agree by data and by weights") {
  for (const ConvCase& one : conv_cases()) {
    CAPTURE(one.x.str());
    CAPTURE(one.w.str());
    Graph probe;
    const Shape y = ops::conv(
                        probe.parameter(f32(one.x), "x"),
                        probe.parameter(f32(one.w), "w"),
                        one.window,
                        one.groups)
                        .shape();
    CHECK(cpu_difference({f32(y), f32(one.w)}, [&](const Values& v) -> Values {
            return {ops::conv_backward_data(
                v[0], v[1], one.x, one.window, one.groups)};
          }) == "");
    CHECK(cpu_difference({f32(one.x), f32(y)}, [&](const Values& v) -> Values {
            return {ops::conv_backward_weights(
                v[0], v[1], one.w, one.window, one.groups)};
          }) == "");
  }
}

TEST_CASE("Pooling and its gradients agree, ties and borders included") {
  struct Case {
    Shape x;
    Ints size;
    ops::Window window;
  };

  const std::vector<Case> cases = {
      {{2, 7, 5}, {2}, {.strides = {2}}},
      {{2, 8, 8, 32}, {2, 2}, {.strides = {2, 2}}},
      {{2, 11, 11, 20}, {2, 2}, {.strides = {2, 2}}},
      {{3, 7, 9, 1}, {3, 3}, {.strides = {1, 1}}},
      {{2, 9, 7, 17},
       {3, 3},
       {.strides = {2, 2}, .pad_low = {1, 1}, .pad_high = {1, 1}}},
      {{2, 9, 9, 3}, {2, 3}, {.strides = {3, 4}, .pad_low = {0, 1}}},
      {{1, 9, 9, 8}, {2, 2}, {.strides = {1, 1}, .dilation = {3, 2}}},
      {{2, 4, 6, 5, 6}, {2, 2, 2}, {.strides = {2, 2, 2}}},
      {{2, 4, 6, 5, 6},
       {2, 3, 2},
       {.strides = {1, 2, 2}, .pad_low = {1, 1, 0}, .pad_high = {0, 1, 1}}},
  };
  for (const Case& one : cases) {
    CAPTURE(one.x.str());
    const auto check = [&](bool largest) {
      // Few different values: windows have several maxima.
      const CheckOptions options = {.low = -2, .high = 2};
      const auto rounded = [](const Value& x) { return ops::round(x); };
      const auto pool = [&](const Value& x) {
        return largest ? ops::max_pool(rounded(x), one.size, one.window)
                       : ops::average_pool(x, one.size, one.window);
      };
      Graph probe;
      const Shape y = pool(probe.parameter(f32(one.x), "x")).shape();
      CHECK(
          cpu_difference(
              {f32(one.x), f32(y)},
              [&](const Values& v) -> Values {
                const Value result = pool(v[0]);
                const Value dx =
                    largest
                        ? result.graph().add1(
                              Op::max_pool_grad,
                              {rounded(v[0]), v[1]},
                              result.graph()
                                  .node(result.graph().producer(result.id()))
                                  .attrs)
                        : gradients(ops::sum(result * v[1]), {v[0]})[0];
                return {result, dx};
              },
              options) == "");
    };
    check(true);
    check(false);
  }
}

TEST_CASE("Reductions agree over leading, trailing, inner and all axes") {
  const std::vector<std::pair<Shape, ops::Axes>> cases = {
      {{1}, {0}},
      {{7}, {0}},
      {{100000}, {0}},
      {{3, 5}, {0}},
      {{3, 5}, {1}},
      {{3, 5}, {}},
      {{1000, 1}, {0}},
      {{1000, 10}, {0}},
      {{999, 9}, {0}},
      {{5000, 32}, {0}},
      {{5000, 20}, {0}},
      {{300, 130}, {0}},
      {{17, 1000}, {0}},
      {{17, 1000}, {1}},
      {{2000, 3}, {1}},
      {{6, 50, 7}, {1}},
      {{6, 50, 300}, {1}},
      {{6, 5, 7}, {0, 1}},
      {{6, 5, 7}, {1, 2}},
      {{6, 5, 7}, {0, 2}},  // reference's
      {{4, 9, 9, 24}, {0, 1, 2}},
      {{4, 9, 9, 24}, {1, 2}},
  };
  for (const auto& entry : cases) {
    const auto& shape = entry.first;
    const auto& axes = entry.second;
    CAPTURE(shape.str());
    CHECK(cpu_difference({f32(shape)}, [&](const Values& x) -> Values {
            return {
                ops::sum(x[0], axes),
                ops::mean(x[0], axes, true),
                ops::max(x[0], axes),
                ops::min(x[0], axes)};
          }) == "");
  }
}

TEST_CASE("A long sum of like numbers keeps float's precision") {
  const std::int64_t n = 1 << 22;
  Graph g;
  const Value x = g.parameter(f32({n}), "x");
  const Value columns = ops::reshape(x, {n / 8, 8});
  g.set_outputs({ops::sum(x), ops::sum(columns, {0})});
  Program program(g, find_backend("cpu"));
  const std::vector<Tensor> inputs = {Tensor::full(DType::f32, {n}, 0.1)};
  const std::vector<Tensor> got = program.run(inputs);
  const double expected = static_cast<double>(0.1F) * n;
  CHECK(got[0].at(0) == doctest::Approx(expected).epsilon(5e-7));
  CHECK(got[1].at(3) == doctest::Approx(expected / 8).epsilon(5e-7));
}

TEST_CASE("Softmax, its logarithm and the cross-entropies agree") {
  for (const Shape& shape :
       {Shape{1, 1},
        Shape{3, 2},
        Shape{128, 10},
        Shape{5, 16},
        Shape{7, 17},
        Shape{2, 3, 100},
        Shape{4, 3000}}) {
    CAPTURE(shape.str());
    Shape rows(std::vector<std::int64_t>(shape.begin(), shape.end() - 1));
    CHECK(
        cpu_difference(
            {f32(shape), f32(shape), {DType::i32, rows}},
            [&](const Values& x) -> Values {
              const Value logits = x[0] * 30.0;
              const Value classes = ops::maximum(
                  x[2], ops::scalar_like(x[2], -1));  // some out of range
              return {
                  ops::softmax(logits),
                  ops::log_softmax(logits),
                  ops::softmax_cross_entropy(logits, ops::abs(x[1])),
                  ops::sparse_softmax_cross_entropy(logits, classes)};
            },
            {.low = -2, .high = 2}) == "");
  }
  CHECK(cpu_difference({f32({4, 5, 6})}, [](const Values& x) -> Values {
          return {ops::softmax(x[0], 1)};
        }) == "");
}

TEST_CASE("Batch and layer normalisation and their gradients agree") {
  for (const Shape& shape :
       {Shape{1, 3},
        Shape{5, 1},
        Shape{33, 17},
        Shape{4, 8, 8, 32},
        Shape{2, 5, 5, 20},
        Shape{700, 300},
        Shape{40, 5, 64}}) {
    CAPTURE(shape.str());
    const Shape c{shape.back()};
    const std::vector<ValueType> types = {
        f32(shape), f32(c), f32(c), f32(shape)};
    CHECK(
        cpu_difference(
            types,
            [&](const Values& v) -> Values {
              // Far from zero, where naive sums of squares lose everything.
              const Value x = v[0] + 20.0;
              const auto norm = ops::batch_norm_training(x, v[1], v[2], 1e-3);
              const auto grads =
                  gradients(ops::sum(norm.y * v[3]), {x, v[1], v[2]});
              const Value inferred = ops::batch_norm_inference(
                  x, v[1], v[2], norm.mean, norm.variance, 1e-3);
              return {
                  norm.y,
                  norm.mean,
                  norm.variance,
                  inferred,
                  grads[0],
                  grads[1],
                  grads[2]};
            },
            {.absolute = 5e-5}) == "");
    CHECK(
        cpu_difference(
            types,
            [&](const Values& v) -> Values {
              const Value x = v[0] + 20.0;
              const Value y = ops::layer_norm(x, v[1], v[2], 1e-3);
              const auto grads = gradients(ops::sum(y * v[3]), {x, v[1], v[2]});
              return {y, grads[0], grads[1], grads[2]};
            },
            {.absolute = 5e-5}) == "");
  }
}

TEST_CASE("Moves of elements agree for every dtype") {
  for (const DType dtype :
       {DType::f32, DType::f64, DType::i8, DType::i16, DType::i64}) {
    CAPTURE(std::string(short_name(dtype)));
    const std::vector<ValueType> types = {
        {dtype, {4, 70, 50}}, {dtype, {4, 1, 50}}, {dtype, {2, 3, 4, 5}}};
    CHECK(
        cpu_difference(
            types,
            [](const Values& x) -> Values {
              return {
                  ops::transpose(x[0], {0, 2, 1}),
                  ops::transpose(x[0], {2, 1, 0}),
                  ops::transpose(x[0], {1, 0, 2}),
                  ops::transpose(x[2], {3, 1, 0, 2}),
                  ops::broadcast_to(x[1], {4, 70, 50}),
                  ops::broadcast_to(x[1], {2, 4, 3, 50}),
                  ops::slice(x[0], {1, 0, 3}, {4, 69, 50}, {1, 2, 5}),
                  ops::flip(x[0], {0, 2}),
                  ops::concatenate({x[0], x[1], x[0]}, 1),
                  ops::concatenate({x[2], x[2]}, 3),
                  ops::pad(x[2], {0, 1, 0, 2}, {1, 0, 0, 3}, 7),
                  ops::pad(x[2], {-1, 1, 0, -2}, {0, -1, 2, 3}, -3)};
            },
            {.low = -100, .high = 100}) == "");
  }
}

TEST_CASE("Rows taken by number and their gradient agree") {
  const std::vector<ValueType> types = {
      f32({11, 40}), {DType::i64, {5, 30}}, f32({5, 30, 40})};
  CHECK(
      cpu_difference(
          types,
          [](const Values& x) -> Values {
            return {
                ops::take(x[0], x[1], 0),
                ops::scatter_add(x[1], x[2], {11, 40}, 0)};
          },
          {.low = -2, .high = 13}) == "");
}

TEST_CASE("Fast kernels take the work of a network's training") {
  const auto chosen = kernels_chosen(
      {f32({8, 12, 12, 3}),
       f32({3, 3, 3, 16}),
       f32({16}),
       f32({400, 10}),
       {DType::i32, {8}}},
      [](const Values& v) -> Values {
        Value h = ops::relu(ops::conv(v[0], v[1]) + v[2]);
        h = ops::max_pool(h, {2, 2}, {.strides = {2, 2}});
        const Value logits = ops::matmul(ops::reshape(h, {8, 400}), v[3]);
        const Value loss =
            ops::mean(ops::sparse_softmax_cross_entropy(logits, v[4]));
        return gradients(loss, {v[1], v[2], v[3]});
      });
  CHECK(chosen.size() > 10);
  for (const std::string& line : chosen) {
    CAPTURE(line);
    const bool plain = line.rfind("reference.", 0) == 0;
    const bool allowed = line.rfind("reference.alias", 0) == 0 ||
                         line.rfind("reference.one_hot", 0) == 0;
    CHECK((!plain || allowed));
  }
}
