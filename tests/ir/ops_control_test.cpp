#include <doctest/doctest.h>

#include <algorithm>
#include <cstdint>
#include <vector>

#include <keratin/error.hpp>
#include <keratin/ops.hpp>

#include "src/ir/autodiff.hpp"
#include "src/ir/op_info.hpp"
#include "src/ir/subgraph.hpp"
#include "tests/ir/op_testing.hpp"

namespace keratin::testing {

namespace {

using Step = std::function<Values(const Values&)>;

/// What scan means, written out in the outer graph: carries, then ys.
Values unrolled(
    Values carry, const Value& xs, const Step& step, bool reverse = false) {
  const std::int64_t steps = xs.shape()[0];
  const std::size_t carries = carry.size();
  std::vector<Values> ys(static_cast<std::size_t>(steps));
  for (std::int64_t i = 0; i < steps; ++i) {
    const std::int64_t t = reverse ? steps - 1 - i : i;
    Values arguments = carry;
    arguments.push_back(ops::squeeze(ops::slice_axis(xs, 0, t, t + 1), {0}));
    const Values results = step(arguments);
    carry.assign(results.begin(), results.begin() + carries);
    ys[t].assign(results.begin() + carries, results.end());
  }
  for (std::size_t j = 0; j < ys[0].size(); ++j) {
    Values column;
    for (const Values& y : ys) column.push_back(y[j]);
    carry.push_back(ops::stack(column));
  }
  return carry;
}

Values scanned(
    const Values& carry,
    const Value& xs,
    const Step& step,
    bool reverse = false) {
  const ops::ScanResult r = ops::scan(carry, {xs}, step, {}, reverse);
  Values results = r.carry;
  results.insert(results.end(), r.ys.begin(), r.ys.end());
  return results;
}

/// The results, first and second derivatives by all inputs.
Values with_derivatives(const Values& results, const Values& xs) {
  Values all = results;
  const auto loss = [](const Values& values) {
    Value total;
    for (const Value& value : values) {
      const Value weights =
          ops::constant(value.graph(), pattern(value.shape(), 9));
      const Value part = ops::sum(value * weights);
      total = total ? total + part : part;
    }
    return total;
  };
  const Values first = gradients(loss(results), xs);
  const Values second = gradients(loss(first), xs);
  all.insert(all.end(), first.begin(), first.end());
  all.insert(all.end(), second.begin(), second.end());
  return all;
}

/// CHECKs that both builders agree, with their first and second derivatives.
void check_same(
    const Builder& a, const Builder& b, const std::vector<Tensor>& inputs) {
  const auto derived = [](const Builder& build) {
    return [&build](const Values& v) { return with_derivatives(build(v), v); };
  };
  const std::vector<Tensor> got = run(derived(a), inputs);
  const std::vector<Tensor> expected = run(derived(b), inputs);
  REQUIRE(got.size() == expected.size());
  for (std::size_t i = 0; i < got.size(); ++i) {
    check_close(got[i], expected[i], "result " + std::to_string(i));
  }
}

Tensor small(const Shape& shape, int seed) {
  Tensor result = pattern(shape, seed);
  for (double& value : result.mutable_data<double>()) value /= 4;
  return result;
}

std::vector<const Node*> nodes_of(const Graph& graph, Op op) {
  std::vector<const Node*> found;
  for (const Node& node : graph.nodes()) {
    if (node.op == op) found.push_back(&node);
  }
  return found;
}

}  // namespace

TEST_CASE("scan carries on and stacks, forward and in reverse") {
  const Tensor x(std::vector<double>{1, 2, 3}, Shape{3});
  const auto sums = [](bool reverse) {
    return [reverse](const Values& v) -> Values {
      const Value zero = ops::scalar_like(v[0], 0);
      const Step step = [](const Values& s) -> Values {
        const Value sum = s[0] + s[1];
        return {sum, sum};
      };
      return scanned({zero}, v[0], step, reverse);
    };
  };
  const std::vector<Tensor> forward = run(sums(false), {x});
  CHECK(forward[0].item<double>() == 6);
  CHECK(forward[1].to_vector<double>() == std::vector<double>{1, 3, 6});
  const std::vector<Tensor> backward = run(sums(true), {x});
  CHECK(backward[0].item<double>() == 6);
  CHECK(backward[1].to_vector<double>() == std::vector<double>{6, 5, 3});
}

TEST_CASE("scan runs a given number of steps, none of them too") {
  const auto doubled = [](std::int64_t steps) {
    const Builder build = [steps](const Values& v) -> Values {
      const Step step = [](const Values& s) -> Values {
        return {s[0] + s[0], s[0]};
      };
      const ops::ScanResult r = ops::scan({v[0]}, {}, step, steps);
      return {r.carry[0], r.ys[0]};
    };
    return run(build, {Tensor(1.0)});
  };
  CHECK(doubled(5)[0].item<double>() == 32);
  CHECK(doubled(5)[1].shape() == Shape{5});
  CHECK(doubled(0)[0].item<double>() == 1);
  CHECK(doubled(0)[1].shape() == Shape{0});
}

TEST_CASE("scan differentiates as its steps written out") {
  const auto recurrent = [](const auto& loop, bool reverse) {
    return [&loop, reverse](const Values& v) -> Values {
      const Step cell = [&](const Values& s) -> Values {
        const Value h = ops::tanh(ops::matmul(s[0], v[2]) + s[2] + v[3]);
        const Value c = s[1] * ops::sigmoid(h) + h;
        return {h, c, h * c};
      };
      return loop({v[0], v[0] * 2}, v[1], cell, reverse);
    };
  };
  for (const bool reverse : {false, true}) {
    check_same(
        recurrent(scanned, reverse),
        recurrent(unrolled, reverse),
        {small({2, 3}, 1),
         small({4, 2, 3}, 2),
         small({3, 3}, 3),
         small({3}, 4)});
  }
}

TEST_CASE("scans nest, and captures reach through both") {
  const auto nested = [](const auto& outer, const auto& inner) {
    return [&](const Values& v) -> Values {
      const Step row = [&](const Values& s) -> Values {
        const Step element = [&](const Values& t) -> Values {
          const Value h = ops::sin(t[0] * v[2] + t[1] * s[0]);
          return {h, h * t[1]};
        };
        const Values r = inner({s[0]}, s[1], element, false);
        return {r[0], r[1]};
      };
      return outer({v[0]}, v[1], row, false);
    };
  };
  const std::vector<Tensor> inputs = {
      small({}, 1), small({3, 2}, 2), small({}, 3)};
  check_same(nested(scanned, scanned), nested(unrolled, unrolled), inputs);
}

TEST_CASE("the gradient of a scan multiplies weights once, outside") {
  Graph g;
  const Value x = parameter(g, {5, 2, 3});
  const Value h = parameter(g, {2, 3});
  const Value w = parameter(g, {3, 3});
  const Step cell = [&](const Values& s) -> Values {
    return {ops::tanh(ops::matmul(s[0], w) + s[1])};
  };
  const Value y = ops::scan({h}, {x}, cell).carry[0];
  gradients(ops::sum(y), {w});
  const std::vector<const Node*> scans = nodes_of(g, Op::scan);
  REQUIRE(scans.size() == 3);
  // The second has the first's nodes and results, and more results.
  const Graph& first = scans[0]->attrs.graph("body");
  const Graph& second = scans[1]->attrs.graph("body");
  CHECK(first.nodes().size() == second.nodes().size());
  CHECK(second.outputs().size() > first.outputs().size());
  CHECK(std::equal(
      first.outputs().begin(),
      first.outputs().end(),
      second.outputs().begin()));
  CHECK(scans[1]->inputs == scans[0]->inputs);
  // Backward: only h is carried, and tanh's product is not computed again.
  CHECK(scans[2]->attrs.integer("carries") == 1);
  CHECK(scans[2]->attrs.flag("reverse"));
  const Graph& body = scans[2]->attrs.graph("body");
  CHECK(nodes_of(body, Op::matmul).size() == 1);
  const std::vector<const Node*> products = nodes_of(g, Op::matmul);
  REQUIRE(products.size() == 1);
  CHECK(g.type(products[0]->inputs[0]).shape == Shape{10, 3});
}

TEST_CASE("scan says which rule its operands break") {
  Graph g;
  const Value h = parameter(g, {2});
  const Value x = parameter(g, {3, 2});
  const Step keep = [](const Values& s) -> Values { return {s[0]}; };
  CHECK_THROWS_WITH_AS(
      ops::scan({h}, {}, keep),
      doctest::Contains("[scan] expected a length"),
      InvalidArgument);
  CHECK_THROWS_WITH_AS(
      ops::scan({h}, {x, parameter(g, {4})}, keep),
      doctest::Contains("a first axis of 3 steps to scan over, got [4]"),
      InvalidArgument);
  CHECK_THROWS_WITH_AS(
      ops::scan({h}, {x}, keep, 7),
      doctest::Contains("a first axis of 7 steps to scan over, got [3,2]"),
      InvalidArgument);
  CHECK_THROWS_AS(ops::scan({h}, {parameter(g, {})}, keep), InvalidArgument);
  CHECK_THROWS_WITH_AS(
      ops::scan(
          {h}, {x}, [](const Values& s) -> Values { return {ops::sum(s[0])}; }),
      doctest::Contains("keep carried value 0 of type f32[2], got f32[]"),
      InvalidArgument);
  CHECK_THROWS_WITH_AS(
      ops::scan({h}, {x}, [](const Values&) -> Values { return {}; }),
      doctest::Contains("return the 1 carried values first, got 0 values"),
      InvalidArgument);
  CHECK_THROWS_AS(ops::scan({h}, {}, keep, -1), InvalidArgument);
}

TEST_CASE("cond runs one branch and differentiates it") {
  for (const bool flag : {true, false}) {
    const Builder build = [flag](const Values& v) -> Values {
      const Value predicate = ops::constant(v[0].graph(), Tensor(flag));
      return ops::cond(
          predicate,
          [&]() -> Values { return {ops::sin(v[0]) * v[1]}; },
          [&]() -> Values { return {v[1] * v[1] * v[1]}; });
    };
    const Builder chosen = [flag](const Values& v) -> Values {
      if (flag) return {ops::sin(v[0]) * v[1]};
      return {v[1] * v[1] * v[1]};
    };
    check_same(build, chosen, {small({3}, 1), small({3}, 2)});
  }
}

TEST_CASE("the nodes of a branch are in the branch") {
  Graph g;
  const Value x = parameter(g, {2});
  const Value flag = g.parameter({DType::boolean, {}}, "flag");
  ops::cond(
      flag,
      [&]() -> Values { return {ops::exp(x)}; },
      [&]() -> Values { return {x}; });
  CHECK(nodes_of(g, Op::exp).empty());
  CHECK(
      nodes_of(nodes_of(g, Op::cond)[0]->attrs.graph("if_true"), Op::exp)
          .size() == 1);
}

TEST_CASE("cond in a scan may use the carry under an outer predicate") {
  const auto loop = [](bool flag) {
    return [flag](const Values& v) -> Values {
      const Value predicate = ops::constant(v[0].graph(), Tensor(flag));
      const Step step = [&](const Values& s) -> Values {
        return ops::cond(
            predicate,
            [&]() -> Values { return {s[0] * s[1]}; },
            [&]() -> Values { return {s[0] + v[1]}; });
      };
      return scanned({v[0]}, v[1], step);
    };
  };
  const auto plain = [](bool flag) {
    return [flag](const Values& v) -> Values {
      const Step step = [&](const Values& s) -> Values {
        if (flag) return {s[0] * s[1]};
        return {s[0] + v[1]};
      };
      return unrolled({v[0]}, v[1], step);
    };
  };
  const std::vector<Tensor> inputs = {small({3}, 1), small({3}, 2)};
  check_same(loop(true), plain(true), inputs);
  check_same(loop(false), plain(false), inputs);
}

TEST_CASE("cond rejects other predicates and branches that differ") {
  Graph g;
  const Value x = parameter(g, {2});
  const Value flag = g.parameter({DType::boolean, {}}, "flag");
  const auto same = [&]() -> Values { return {x}; };
  CHECK_THROWS_WITH_AS(
      ops::cond(x, same, same),
      doctest::Contains("[cond] expected a bool scalar as predicate, got "
                        "f32[2]"),
      InvalidArgument);
  CHECK_THROWS_WITH_AS(
      ops::cond(flag, same, [&]() -> Values { return {ops::sum(x)}; }),
      doctest::Contains("the same types, got f32[2] and f32[] for result 0"),
      InvalidArgument);
  CHECK_THROWS_WITH_AS(
      ops::cond(
          flag,
          same,
          [&]() -> Values {
            return {x, x};
          }),
      doctest::Contains("as many values, got 1 and 2"),
      InvalidArgument);
}

TEST_CASE("while_loop stops at its condition or at the bound") {
  const auto powers = [](double limit, std::optional<std::int64_t> bound) {
    const Builder build = [=](const Values& v) -> Values {
      return ops::while_loop(
          [limit](const Values& s) -> Values {
            return {ops::less(s[0], limit)};
          },
          [&](const Values& s) -> Values { return {s[0] * v[1]}; },
          {v[0]},
          bound);
    };
    return run(build, {Tensor(1.0), Tensor(2.0)})[0].item<double>();
  };
  CHECK(powers(100, {}) == 128);
  CHECK(powers(100, 3) == 8);
  CHECK(powers(100, 50) == 128);
  CHECK(powers(100, 0) == 1);
  CHECK(powers(0, {}) == 1);
}

TEST_CASE("a bounded while_loop differentiates as its steps written out") {
  const Builder loop = [](const Values& v) -> Values {
    return ops::while_loop(
        [](const Values& s) -> Values { return {ops::less(s[0], 20.0)}; },
        [&](const Values& s) -> Values { return {s[0] * s[0] * v[1]}; },
        {v[0]},
        6);
  };
  // 2 -> 6 -> 54: the condition fails after two of the six steps.
  const Builder plain = [](const Values& v) -> Values {
    const Value once = v[0] * v[0] * v[1];
    return {once * once * v[1]};
  };
  check_same(loop, plain, {Tensor(2.0), Tensor(1.5)});
}

TEST_CASE("while_loop has no gradient without a bound") {
  Graph g;
  const Value x = parameter(g, {});
  const Step below = [](const Values& s) -> Values {
    return {ops::less(s[0], 3.0)};
  };
  const Step twice = [](const Values& s) -> Values { return {s[0] + s[0]}; };
  const Value y = ops::while_loop(below, twice, {x})[0];
  CHECK_THROWS_WITH_AS(
      gradients(y, {x}),
      "[while_loop] has no gradient without max_iterations; give the bound",
      InvalidArgument);
  CHECK_THROWS_AS(ops::while_loop(below, twice, {x}, -1), InvalidArgument);
  CHECK_THROWS_WITH_AS(
      ops::while_loop(twice, twice, {x}),
      doctest::Contains("the condition to return one bool scalar, got f32[]"),
      InvalidArgument);
  CHECK_THROWS_WITH_AS(
      ops::while_loop(
          below,
          [](const Values& s) -> Values {
            return {s[0], s[0]};
          },
          {x}),
      doctest::Contains("return the 1 carried values, got 2 values"),
      InvalidArgument);
}

TEST_CASE("fused checks its operands against its body's parameters") {
  Graph g;
  const Value x = parameter(g, {2});
  SubgraphBuilder body(g);
  const Value p = body.parameter({DType::f32, {2}}, "x");
  body.set_outputs({ops::exp(p), p * p});
  const Attrs attrs = {{"body", body.finish()}};
  CHECK(g.add(Op::fused, {x}, attrs).size() == 2);
  CHECK_THROWS_WITH_AS(
      g.add(Op::fused, {parameter(g, {3})}, attrs),
      doctest::Contains("parameter 0 of the sub-graph to be f32[3], got "
                        "f32[2]"),
      InvalidArgument);
  CHECK_THROWS_WITH_AS(
      g.add(Op::fused, {x, x}, attrs),
      doctest::Contains("a sub-graph of 2 parameters, got one of 1"),
      InvalidArgument);
}

}  // namespace keratin::testing
