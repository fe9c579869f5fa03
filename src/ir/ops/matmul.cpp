#include <algorithm>
#include <utility>
#include <vector>

#include <keratin/error.hpp>
#include <keratin/ops.hpp>

#include "src/core/format.hpp"
#include "src/ir/ops/families.hpp"
#include "src/ir/ops/rules.hpp"

namespace keratin {

namespace {

/// All dimensions but the last two.
Shape batch_of(const Shape& shape) {
  return Shape(Ints(shape.begin(), shape.end() - 2));
}

Shape matmul_batch(const InferArgs& args) {
  const Shape a = batch_of(args.inputs[0].shape);
  const Shape b = batch_of(args.inputs[1].shape);
  Ints dims(std::max(a.rank(), b.rank()));
  for (std::size_t i = 1; i <= dims.size(); ++i) {  // from the last axis
    const std::int64_t x = i <= a.rank() ? a[a.rank() - i] : 1;
    const std::int64_t y = i <= b.rank() ? b[b.rank() - i] : 1;
    if (x != y && x != 1 && y != 1) {
      rules::fail(
          args,
          format(
              "expected leading dimensions that broadcast, got {} and {}: {} "
              "does not match {}",
              args.inputs[0].str(),
              args.inputs[1].str(),
              x,
              y));
    }
    dims[dims.size() - i] = x == 1 ? y : x;
  }
  return Shape(std::move(dims));
}

std::vector<ValueType> infer_matmul(const InferArgs& args) {
  rules::expect_same_dtype(args);
  rules::expect_numeric(args);
  rules::expect_rank_at_least(args, 0, 2);
  rules::expect_rank_at_least(args, 1, 2);
  const bool ta = args.attrs.flag("transpose_a");
  const bool tb = args.attrs.flag("transpose_b");
  const Shape& a = args.inputs[0].shape;
  const Shape& b = args.inputs[1].shape;
  const std::int64_t m = a[a.rank() - (ta ? 1 : 2)];
  const std::int64_t k = a[a.rank() - (ta ? 2 : 1)];
  const std::int64_t kb = b[b.rank() - (tb ? 1 : 2)];
  const std::int64_t n = b[b.rank() - (tb ? 2 : 1)];
  if (k != kb) {
    rules::fail(
        args,
        format(
            "inner dims differ: lhs {}{} has {}, rhs {}{} has {}",
            args.inputs[0].str(),
            ta ? " transposed" : "",
            k,
            args.inputs[1].str(),
            tb ? " transposed" : "",
            kb));
  }
  Shape result = matmul_batch(args);
  result.push_back(m);
  result.push_back(n);
  return {{args.inputs[0].dtype, std::move(result)}};
}

Value matmul_node(const Value& a, const Value& b, bool ta, bool tb) {
  return rules::emit(
      Op::matmul, {a, b}, {{"transpose_a", ta}, {"transpose_b", tb}});
}

// With y = op(a) . op(b): the gradient of op(a) is dy . op(b)^T, that of op(b)
// is op(a)^T . dy; where an operand is stored transposed, so is its gradient,
// and (p . q)^T = q^T . p^T.
std::vector<Value> gradient_matmul(const GradientArgs& args) {
  const Value& a = args.inputs[0];
  const Value& b = args.inputs[1];
  const Value& dy = args.grads[0];
  const bool ta = args.attrs.flag("transpose_a");
  const bool tb = args.attrs.flag("transpose_b");
  const Value da =
      ta ? matmul_node(b, dy, tb, true) : matmul_node(dy, b, false, !tb);
  const Value db =
      tb ? matmul_node(dy, a, true, ta) : matmul_node(a, dy, !ta, false);
  const Shape& a_shape = a.shape();
  const Shape& b_shape = b.shape();
  return {rules::sum_to_shape(da, a_shape), rules::sum_to_shape(db, b_shape)};
}

std::int64_t product(const Shape& shape, const Ints& axes) {
  Ints dims;
  for (const std::int64_t axis : axes) dims.push_back(shape[axis]);
  return Shape(std::move(dims)).size();
}

/// The axes of a value of rank `rank` that are not in `axes`.
Ints remaining_axes(std::size_t rank, const Ints& axes) {
  Ints result;
  for (std::size_t i = 0; i < rank; ++i) {
    const auto axis = static_cast<std::int64_t>(i);
    if (std::find(axes.begin(), axes.end(), axis) == axes.end()) {
      result.push_back(axis);
    }
  }
  return result;
}

Ints joined(const Ints& a, const Ints& b) {
  Ints result = a;
  result.insert(result.end(), b.begin(), b.end());
  return result;
}

/// The axes counted from the front, in the order given, each once.
Ints contraction_axes(
    const Ints& axes, const Value& x, const std::string& who) {
  Ints result;
  for (const std::int64_t axis : axes) {
    result.push_back(
        static_cast<std::int64_t>(rules::normalize_axis(axis, x.rank(), who)));
  }
  rules::normalize_axes(result, x.rank(), who);  // for its check of duplicates
  return result;
}

}  // namespace

namespace ops {

Value matmul(const Value& a, const Value& b, MatmulOptions options) {
  const std::string who = rules::who(a, "matmul");
  rules::graph_of({a, b}, "matmul");
  const Shape& a_shape = a.shape();
  const Shape& b_shape = b.shape();
  if (a_shape.empty() || b_shape.empty()) {
    rules::fail(
        who,
        format(
            "expected operands of rank >= 1, got {} and {}; use multiply for "
            "scalars",
            a_shape,
            b_shape));
  }
  if ((a_shape.rank() == 1 && options.transpose_a) ||
      (b_shape.rank() == 1 && options.transpose_b)) {
    rules::fail(
        who,
        format(
            "expected rank >= 2 for an operand to transpose, got {} and {}",
            a_shape,
            b_shape));
  }
  if (a_shape.rank() == 1 || b_shape.rank() == 1) {
    // NumPy's rule: a vector is a row on the left, a column on the right, and
    // the axis it gained is removed from the result.
    const Value matrix_a = a_shape.rank() == 1 ? expand_dims(a, 0) : a;
    const Value matrix_b = b_shape.rank() == 1 ? expand_dims(b, 1) : b;
    const Value y = matmul(matrix_a, matrix_b, options);
    Axes gained;
    if (a_shape.rank() == 1) gained.push_back(-2);
    if (b_shape.rank() == 1) gained.push_back(-1);
    return squeeze(y, gained);
  }
  const std::int64_t k = a_shape.back();
  const bool matches = k == b_shape[options.transpose_b ? 1 : 0];
  if (a_shape.rank() > 2 && b_shape.rank() == 2 && !options.transpose_a &&
      matches) {
    // One tall matrix: its gradient by b needs no sum over the batch.
    Ints rows(a_shape.begin(), a_shape.end() - 1);
    const std::int64_t count = Shape(rows).size();
    const Value y =
        matmul_node(reshape(a, Shape{count, k}), b, false, options.transpose_b);
    rows.push_back(b_shape[options.transpose_b ? 0 : 1]);
    return reshape(y, Shape(rows));
  }
  return matmul_node(a, b, options.transpose_a, options.transpose_b);
}

Value tensordot(
    const Value& a, const Value& b, const Axes& axes_a, const Axes& axes_b) {
  const std::string who = rules::who(a, "tensordot");
  rules::graph_of({a, b}, "tensordot");
  if (axes_a.size() != axes_b.size()) {
    rules::fail(
        who,
        format(
            "expected as many axes of the first operand as of the second, got "
            "{} and {}",
            axes_a.size(),
            axes_b.size()));
  }
  const Shape& a_shape = a.shape();
  const Shape& b_shape = b.shape();
  const Ints inner_a = contraction_axes(axes_a, a, who);
  const Ints inner_b = contraction_axes(axes_b, b, who);
  for (std::size_t i = 0; i < inner_a.size(); ++i) {
    const std::int64_t x = a_shape[inner_a[i]];
    const std::int64_t y = b_shape[inner_b[i]];
    if (x == y) continue;
    rules::fail(
        who,
        format(
            "dims to contract differ: axis {} of {} has {}, axis {} of {} has "
            "{}",
            inner_a[i],
            a_shape,
            x,
            inner_b[i],
            b_shape,
            y));
  }
  const Ints outer_a = remaining_axes(a_shape.rank(), inner_a);
  const Ints outer_b = remaining_axes(b_shape.rank(), inner_b);
  const std::int64_t k = product(a_shape, inner_a);
  const Value left = reshape(
      transpose(a, joined(outer_a, inner_a)),
      Shape{product(a_shape, outer_a), k});
  const Value right = reshape(
      transpose(b, joined(inner_b, outer_b)),
      Shape{k, product(b_shape, outer_b)});
  Ints result;
  for (const std::int64_t axis : outer_a) result.push_back(a_shape[axis]);
  for (const std::int64_t axis : outer_b) result.push_back(b_shape[axis]);
  return reshape(matmul(left, right), Shape(std::move(result)));
}

}  // namespace ops

std::vector<OpInfo> families::matmul_ops() {
  return {
      {.op = Op::matmul,
       .name = "matmul",
       .input_count = 2,
       .attrs =
           {{"transpose_a", AttrKind::boolean},
            {"transpose_b", AttrKind::boolean}},
       .infer = infer_matmul,
       .gradient = gradient_matmul},
  };
}

}  // namespace keratin
