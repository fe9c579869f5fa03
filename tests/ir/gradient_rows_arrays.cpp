#include <utility>

#include "tests/ir/gradient_check.hpp"

namespace keratin::testing {

namespace {

using Values = std::vector<Value>;
using ops::Axes;

using Reduction = Value (*)(const Value&, const Axes&, bool);

/// Over every kind of choice of axes.
void add_reduction(
    std::vector<GradientRow>& rows,
    Op op,
    Reduction function,
    double low = -2,
    double high = 2) {
  const std::pair<Axes, bool> choices[] = {
      {{}, false}, {{}, true}, {{1}, false}, {{0, -1}, true}, {{2, 0}, false}};
  for (const auto& [axes, keepdims] : choices) {
    std::string what = keepdims ? "keepdims, axes" : "axes";
    for (const std::int64_t axis : axes) what += " " + std::to_string(axis);
    rows.push_back(
        {op,
         what,
         {spread({2, 3, 2}, low, high)},
         [=, axes = axes, keepdims = keepdims](const Values& x) -> Values {
           return {function(x[0], axes, keepdims)};
         }});
  }
  rows.push_back(
      {op,
       "a scalar",
       {spread({}, low, high)},
       [function](const Values& x) -> Values {
         return {function(x[0], {}, false)};
       }});
}

GradientRow array(
    Op op,
    std::string what,
    const Shape& shape,
    const std::function<Value(const Value&)>& function) {
  return {op, std::move(what), {spread(shape)}, [function](const Values& x) {
            // Squared, so that second derivatives are not zero.
            return Values{function(x[0] * x[0])};
          }};
}

}  // namespace

std::vector<GradientRow> reduce_rows() {
  std::vector<GradientRow> rows;
  add_reduction(rows, Op::reduce_sum, ops::sum);
  add_reduction(rows, Op::reduce_mean, ops::mean);
  add_reduction(rows, Op::reduce_max, ops::max);
  add_reduction(rows, Op::reduce_min, ops::min);
  add_reduction(rows, Op::reduce_prod, ops::prod, 0.5, 1.5);
  add_reduction(rows, Op::reduce_mean, ops::var);
  add_reduction(rows, Op::reduce_max, ops::logsumexp);
  rows.push_back(
      {Op::reduce_prod,
       "no, one, two and three zeros",
       {Tensor(
           std::vector<double>{2, 3, -1, .5, 1.5, 2,  //
                               2, 0, -1, .5, 1.5, 2,  //
                               0, 3, -1, 0,  1.5, 2,  //
                               0, 3, 0,  .5, 1.5, 0},
           {4, 6})},
       [](const Values& x) -> Values { return {ops::prod(x[0], {1})}; }});
  rows.push_back(
      {Op::reduce_prod,
       "one, two, and seven factors",
       {spread({1, 2, 7}, 0.5, 1.5)},
       [](const Values& x) -> Values {
         return {
             ops::prod(x[0], {0}), ops::prod(x[0], {1}), ops::prod(x[0], {2})};
       }});
  return rows;
}

std::vector<GradientRow> shape_rows() {
  return {
      array(
          Op::reshape,
          "unknown dimension",
          {2, 6},
          [](const Value& x) {
            return ops::reshape(x, {3, kUnknown, 2});
          }),
      array(
          Op::transpose,
          "a cycle of three axes",
          {2, 3, 4},
          [](const Value& x) {
            return ops::transpose(x, {2, 0, 1});
          }),
      array(
          Op::transpose,
          "reversed",
          {2, 3},
          [](const Value& x) { return ops::transpose(x); }),
      array(
          Op::broadcast_to,
          "new axes and stretched ones",
          {3, 1},
          [](const Value& x) {
            return ops::broadcast_to(x, {2, 3, 4});
          }),
      {Op::concatenate,
       "middle axis, one value twice",
       {spread({2, 1, 2}), spread({2, 3, 2})},
       [](const Values& x) -> Values {
         const Value square = x[0] * x[0];
         return {ops::concatenate({square, x[1] * x[1], square}, 1)};
       }},
      {Op::concatenate,
       "stack",
       {spread({2}), spread({2})},
       [](const Values& x) -> Values {
         return {ops::stack({x[0] * x[1], x[1]}, -1)};
       }},
      array(
          Op::slice,
          "steps of one",
          {4, 5},
          [](const Value& x) {
            return ops::slice(x, {1, 0}, {3, 4});
          }),
      array(
          Op::slice,
          "steps that end before, at and beyond the end",
          {7, 6, 5},
          [](const Value& x) {
            return ops::slice(x, {1, 0, 2}, {6, 6, 5}, {2, 3, 4});
          }),
      array(
          Op::slice,
          "nothing",
          {3},
          [](const Value& x) { return ops::slice(x, {2}, {2}, {2}); }),
      array(
          Op::slice,
          "negative indices of one axis",
          {3, 4},
          [](const Value& x) { return ops::slice_axis(x, -1, -3, -1); }),
      array(
          Op::pad,
          "before and after",
          {2, 3},
          [](const Value& x) {
            return ops::pad(x, {1, 0}, {2, 1}, 0.5);
          }),
      array(
          Op::pad,
          "cropping one side, padding the other",
          {4, 5},
          [](const Value& x) {
            return ops::pad(x, {-1, 2}, {2, -3});
          }),
      array(
          Op::reverse,
          "two of three axes",
          {2, 3, 2},
          [](const Value& x) {
            return ops::flip(x, {0, -1});
          }),
      array(
          Op::broadcast_to,
          "repeat",
          {2, 3},
          [](const Value& x) { return ops::repeat(x, 3, 0); }),
      array(
          Op::broadcast_to,
          "tile with more axes",
          {2, 3},
          [](const Value& x) {
            return ops::tile(x, {2, 1, 3});
          }),
  };
}

std::vector<GradientRow> index_rows() {
  const Tensor twice = integers({2, 0, 2, 1}, {2, 2});
  const Tensor beyond = integers({1, 7, 0, -5}, {4});
  const Tensor along = integers({1, 1, 0, 2, 0, 2}, {2, 3});
  std::vector<GradientRow> rows = {
      {Op::take,
       "a row twice",
       {spread({3, 2}), twice},
       [](const Values& x) -> Values {
         return {ops::take(x[0] * x[0], x[1])};
       }},
      {Op::take,
       "middle axis",
       {spread({2, 3, 2}), twice},
       [](const Values& x) -> Values {
         return {ops::take(x[0] * x[0], x[1], 1)};
       }},
      {Op::scatter_add,
       "onto a row twice",
       {twice, spread({2, 2, 2})},
       [](const Values& x) -> Values {
         return {ops::square(ops::scatter_add(x[0], x[1] * x[1], {3, 2}))};
       }},
      {Op::scatter_add,
       "middle axis, indices out of range",
       {beyond, spread({2, 4, 2})},
       [](const Values& x) -> Values {
         return {ops::square(ops::scatter_add(x[0], x[1], {2, 3, 2}, 1))};
       }},
      {Op::take_along_axis,
       "last axis",
       {spread({2, 3}), along},
       [](const Values& x) -> Values {
         return {ops::take_along_axis(x[0] * x[0], x[1])};
       }},
      {Op::take_along_axis,
       "first axis",
       {spread({3, 3}), along},
       [](const Values& x) -> Values {
         return {ops::take_along_axis(x[0] * x[0], x[1], 0)};
       }},
      {Op::scatter_along_axis,
       "last axis",
       {along, spread({2, 3})},
       [](const Values& x) -> Values {
         return {ops::square(ops::scatter_along_axis(x[0], x[1], {2, 4}, -1))};
       }},
      {Op::scatter_along_axis,
       "first axis, indices out of range",
       {integers({0, 3, -4, 1}, {2, 2}), spread({2, 2})},
       [](const Values& x) -> Values {
         return {ops::square(ops::scatter_along_axis(x[0], x[1], {3, 2}, 0))};
       }},
      {Op::sort,
       "first axis",
       {spread({4, 3})},
       [](const Values& x) -> Values {
         return {ops::sort(x[0], 0).values * ops::sort(x[0]).values};
       }},
      {Op::top_k,
       "two of five",
       {spread({3, 5})},
       [](const Values& x) -> Values {
         return {ops::square(ops::top_k(x[0], 2).values)};
       }},
  };
  for (const bool exclusive : {false, true}) {
    for (const bool reverse : {false, true}) {
      rows.push_back(
          {Op::cumsum,
           std::string(exclusive ? "exclusive" : "inclusive") +
               (reverse ? ", reverse" : ""),
           {spread({2, 3, 2})},
           [=](const Values& x) -> Values {
             return {ops::square(ops::cumsum(x[0], 1, exclusive, reverse))};
           }});
    }
  }
  return rows;
}

}  // namespace keratin::testing
