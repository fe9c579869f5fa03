#include "src/ir/graph.hpp"
#include "src/ir/subgraph.hpp"
#include "tests/ir/gradient_check.hpp"

namespace keratin::testing {

namespace {

using Values = std::vector<Value>;

/// A recurrent cell with a captured weight: h' = tanh(h * w + x), y = h'^2.
Values recur(const Values& v, bool reverse) {
  const Value& w = v[2];
  const ops::ScanResult r = ops::scan(
      {v[0]},
      {v[1]},
      [&](const Values& s) -> Values {
        const Value h = ops::tanh(ops::matmul(s[0], w) + s[1]);
        return {h, h * h};
      },
      {},
      reverse);
  return {r.carry[0], r.ys[0]};
}

/// body: (x, y) -> (exp(x) * y, exp(x) + y), as one node.
Values fused(const Values& v) {
  Graph& graph = v[0].graph();
  SubgraphBuilder body(graph);
  const Value x = body.parameter({DType::f64, v[0].shape()}, "x");
  const Value y = body.parameter({DType::f64, v[1].shape()}, "y");
  const Value e = ops::exp(x);
  body.set_outputs({e * y, e + y});
  return graph.add(Op::fused, v, {{"body", body.finish()}});
}

}  // namespace

std::vector<GradientRow> control_rows() {
  return {
      {Op::scan,
       "forward in time, with a captured weight",
       {spread({2, 2}), spread({3, 2, 2}), spread({2, 2})},
       [](const Values& v) { return recur(v, false); }},
      {Op::scan,
       "backward in time",
       {spread({1, 2}), spread({3, 1, 2}), spread({2, 2})},
       [](const Values& v) { return recur(v, true); }},
      {Op::scan,
       "a number of steps and nothing to scan over",
       {spread({3}), spread({3})},
       [](const Values& v) -> Values {
         const Value& rate = v[1];
         const auto r = ops::scan(
             {v[0]},
             {},
             [&](const Values& s) -> Values { return {s[0] * ops::sin(rate)}; },
             4);
         return {r.carry[0]};
       }},
      {Op::cond,
       "the first branch, capturing another value than the second",
       {spread({2}), spread({2}), Tensor(true)},
       [](const Values& v) -> Values {
         return ops::cond(
             v[2],
             [&]() -> Values { return {ops::sin(v[0]) * v[0]}; },
             [&]() -> Values { return {v[0] * v[1]}; });
       }},
      {Op::cond,
       "the second branch",
       {spread({2}), spread({2}), Tensor(false)},
       [](const Values& v) -> Values {
         return ops::cond(
             v[2],
             [&]() -> Values { return {ops::sin(v[0]) * v[0]}; },
             [&]() -> Values { return {v[0] * v[0] * v[1]}; });
       }},
      {Op::while_loop,
       "fewer turns than max_iterations",
       {spread({2}, 0.5, 1), spread({2}, 0.5, 1)},
       [](const Values& v) -> Values {
         const Value start = ops::constant(v[0].graph(), Tensor(0));
         const Values r = ops::while_loop(
             [](const Values& s) -> Values { return {ops::less(s[0], 3.0)}; },
             [&](const Values& s) -> Values {
               return {s[0] + 1, s[1] * ops::sin(s[1]) + v[1]};
             },
             {start, v[0]},
             5);
         return {r[1]};
       }},
      {Op::fused, "two results", {spread({2, 3}), spread({3})}, fused},
  };
}

}  // namespace keratin::testing
