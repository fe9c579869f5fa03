#include <limits>

#include <keratin/ops.hpp>

#include "src/core/format.hpp"
#include "src/ir/ops/families.hpp"
#include "src/ir/ops/rules.hpp"

namespace keratin {

namespace {

// -- shape rules -------------------------------------------------------------

std::vector<ValueType> infer_take(const InferArgs& args) {
  rules::expect_not_string(args);
  rules::expect_integer(args, 1);
  const std::size_t axis = rules::axis_attr(args);
  const Shape& shape = args.inputs[0].shape;
  const Shape& indices = args.inputs[1].shape;
  Ints dims(shape.begin(), shape.begin() + static_cast<std::ptrdiff_t>(axis));
  dims.insert(dims.end(), indices.begin(), indices.end());
  dims.insert(
      dims.end(),
      shape.begin() + static_cast<std::ptrdiff_t>(axis) + 1,
      shape.end());
  return {{args.inputs[0].dtype, Shape(std::move(dims))}};
}

/// The axis of the attribute `shape`, which the result will have.
std::size_t result_axis(const InferArgs& args, const Shape& shape) {
  const std::int64_t axis = args.attrs.integer("axis");
  if (axis < 0 || axis >= static_cast<std::int64_t>(shape.rank())) {
    rules::fail(args, format("expected an axis of {}, got {}", shape, axis));
  }
  return static_cast<std::size_t>(axis);
}

std::vector<ValueType> infer_scatter_add(const InferArgs& args) {
  rules::expect_integer(args, 0);
  rules::expect_numeric(args, 1);
  const Shape shape = rules::shape_attr(args);
  const std::size_t axis = result_axis(args, shape);
  // Updates look like what take() would have read.
  const Shape& indices = args.inputs[0].shape;
  Ints dims(shape.begin(), shape.begin() + static_cast<std::ptrdiff_t>(axis));
  dims.insert(dims.end(), indices.begin(), indices.end());
  dims.insert(
      dims.end(),
      shape.begin() + static_cast<std::ptrdiff_t>(axis) + 1,
      shape.end());
  const Shape expected(std::move(dims));
  if (args.inputs[1].shape != expected) {
    rules::fail(
        args,
        format(
            "expected updates of shape {} for indices {} on axis {} of {}, got "
            "{}",
            expected,
            args.inputs[0].str(),
            axis,
            shape,
            args.inputs[1].str()));
  }
  return {{args.inputs[1].dtype, shape}};
}

/// `a` and `b` are alike but for `axis`.
void expect_alike(
    const InferArgs& args, const Shape& a, const Shape& b, std::size_t axis) {
  bool alike = a.rank() == b.rank();
  for (std::size_t i = 0; alike && i < a.rank(); ++i) {
    alike = i == axis || a[i] == b[i];
  }
  if (alike) return;
  rules::fail(
      args,
      format(
          "expected shapes that differ along axis {} only, got {} and indices "
          "{}",
          axis,
          a,
          b));
}

std::vector<ValueType> infer_take_along_axis(const InferArgs& args) {
  rules::expect_not_string(args);
  rules::expect_integer(args, 1);
  const std::size_t axis = rules::axis_attr(args);
  expect_alike(args, args.inputs[0].shape, args.inputs[1].shape, axis);
  return {{args.inputs[0].dtype, args.inputs[1].shape}};
}

std::vector<ValueType> infer_scatter_along_axis(const InferArgs& args) {
  rules::expect_integer(args, 0);
  rules::expect_numeric(args, 1);
  const Shape shape = rules::shape_attr(args);
  expect_alike(args, shape, args.inputs[0].shape, result_axis(args, shape));
  if (args.inputs[0].shape != args.inputs[1].shape) {
    rules::fail(
        args,
        format(
            "expected updates and indices of one shape, got {} and {}",
            args.inputs[1].str(),
            args.inputs[0].str()));
  }
  return {{args.inputs[1].dtype, shape}};
}

std::vector<ValueType> infer_one_hot(const InferArgs& args) {
  rules::expect_integer(args);
  const std::int64_t depth = args.attrs.integer("depth");
  if (depth < 0) {
    rules::fail(args, format("expected a depth >= 0, got {}", depth));
  }
  if (args.attrs.dtype() == DType::string) {
    rules::fail(args, "expected a dtype of numbers, got string");
  }
  Shape shape = args.inputs[0].shape;
  shape.push_back(depth);
  return {{args.attrs.dtype(), shape}};
}

std::vector<ValueType> infer_sort(const InferArgs& args) {
  rules::expect_numeric(args);
  rules::axis_attr(args);
  return {args.inputs[0], {DType::i32, args.inputs[0].shape}};
}

std::vector<ValueType> infer_top_k(const InferArgs& args) {
  rules::expect_numeric(args);
  rules::expect_rank_at_least(args, 0, 1);
  Shape shape = args.inputs[0].shape;
  const std::int64_t k = args.attrs.integer("k");
  if (k < 0 || k > shape.back()) {
    rules::fail(
        args,
        format(
            "expected k from 0 to {} for {}, got {}",
            shape.back(),
            args.inputs[0].str(),
            k));
  }
  shape[shape.rank() - 1] = k;
  return {{args.inputs[0].dtype, shape}, {DType::i32, shape}};
}

std::vector<ValueType> infer_cumsum(const InferArgs& args) {
  rules::expect_numeric(args);
  rules::axis_attr(args);
  return {args.inputs[0]};
}

// -- gradients ---------------------------------------------------------------

using Grads = std::vector<Value>;

/// Which indices are in [0, size), and the indices with 0 for the others.
struct Checked {
  Value valid;
  Value indices;
};

Checked check_indices(const Value& indices, std::int64_t size) {
  const Value wide = ops::cast(indices, DType::i64);
  const Value valid = ops::logical_and(
      ops::greater_equal(wide, 0.0),
      ops::less(wide, static_cast<double>(size)));
  return {valid, ops::where(valid, wide, ops::scalar_like(wide, 0))};
}

Grads take_gradient(const GradientArgs& args) {
  const Shape shape = args.inputs[0].shape();
  return {
      ops::scatter_add(
          args.inputs[1], args.grads[0], shape, args.attrs.integer("axis")),
      Value()};
}

/// take(), but 0 where the index is out of range: such an update was skipped.
Grads scatter_add_gradient(const GradientArgs& args) {
  const std::int64_t axis = args.attrs.integer("axis");
  const Shape shape = args.attrs.shape();
  // Nothing to read from; every update was skipped.
  if (shape[axis] == 0) return {Value(), ops::zeros_like(args.inputs[1])};
  const Checked checked = check_indices(args.inputs[0], shape[axis]);
  const Value rows = ops::take(args.grads[0], checked.indices, axis);
  Ints mask(axis, 1);
  for (const std::int64_t dim : args.inputs[0].shape()) mask.push_back(dim);
  mask.resize(rows.rank(), 1);
  return {
      Value(),
      ops::where(
          ops::reshape(checked.valid, Shape(std::move(mask))),
          rows,
          ops::scalar_like(rows, 0))};
}

Grads take_along_axis_gradient(const GradientArgs& args) {
  const Shape shape = args.inputs[0].shape();
  return {
      ops::scatter_along_axis(
          args.inputs[1], args.grads[0], shape, args.attrs.integer("axis")),
      Value()};
}

Grads scatter_along_axis_gradient(const GradientArgs& args) {
  const std::int64_t axis = args.attrs.integer("axis");
  const Shape shape = args.attrs.shape();
  if (shape[axis] == 0) return {Value(), ops::zeros_like(args.inputs[1])};
  const Checked checked = check_indices(args.inputs[0], shape[axis]);
  const Value rows = ops::take_along_axis(args.grads[0], checked.indices, axis);
  return {Value(), ops::where(checked.valid, rows, ops::scalar_like(rows, 0))};
}

/// Back to where the values came from; `axis` is the last one of top_k.
Grads sort_gradient(const GradientArgs& args) {
  if (!args.grads[0]) return {Value()};
  const Shape shape = args.inputs[0].shape();
  const std::int64_t axis = args.op == Op::sort
                                ? args.attrs.integer("axis")
                                : static_cast<std::int64_t>(shape.rank()) - 1;
  return {ops::scatter_along_axis(args.outputs[1], args.grads[0], shape, axis)};
}

Grads cumsum_gradient(const GradientArgs& args) {
  return {ops::cumsum(
      args.grads[0],
      args.attrs.integer("axis"),
      args.attrs.flag("exclusive"),
      !args.attrs.flag("reverse"))};
}

}  // namespace

// -- table -------------------------------------------------------------------

std::vector<OpInfo> families::index_ops() {
  const std::vector<AttrSpec> scatter = {
      {"shape", AttrKind::ints}, {"axis", AttrKind::integer}};
  return {
      {.op = Op::take,
       .name = "take",
       .input_count = 2,
       .attrs = {{"axis", AttrKind::integer}},
       .infer = infer_take,
       .gradient = take_gradient},
      {.op = Op::scatter_add,
       .name = "scatter_add",
       .input_count = 2,
       .attrs = scatter,
       .infer = infer_scatter_add,
       .gradient = scatter_add_gradient},
      {.op = Op::take_along_axis,
       .name = "take_along_axis",
       .input_count = 2,
       .attrs = {{"axis", AttrKind::integer}},
       .infer = infer_take_along_axis,
       .gradient = take_along_axis_gradient},
      {.op = Op::scatter_along_axis,
       .name = "scatter_along_axis",
       .input_count = 2,
       .attrs = scatter,
       .infer = infer_scatter_along_axis,
       .gradient = scatter_along_axis_gradient},
      {.op = Op::one_hot,
       .name = "one_hot",
       .attrs = {{"depth", AttrKind::integer}, {"dtype", AttrKind::dtype}},
       .infer = infer_one_hot},
      {.op = Op::sort,
       .name = "sort",
       .attrs = {{"axis", AttrKind::integer}},
       .infer = infer_sort,
       .gradient = sort_gradient},
      {.op = Op::top_k,
       .name = "top_k",
       .attrs = {{"k", AttrKind::integer}},
       .infer = infer_top_k,
       .gradient = sort_gradient},
      {.op = Op::cumsum,
       .name = "cumsum",
       .attrs =
           {{"axis", AttrKind::integer},
            {"exclusive", AttrKind::boolean},
            {"reverse", AttrKind::boolean}},
       .infer = infer_cumsum,
       .gradient = cumsum_gradient},
  };
}

namespace ops {

namespace {

std::int64_t axis_of(
    const Value& x,
    std::size_t rank,
    std::int64_t axis,
    std::string_view function) {
  return static_cast<std::int64_t>(
      rules::normalize_axis(axis, rank, rules::who(x, function)));
}

/// Indices below zero count from the back of `size` elements, as in Keras. What
/// is no signed integer is left to the op's rule.
Value from_front(const Value& indices, std::int64_t size) {
  if (!is_integer(indices.dtype()) || !is_signed(indices.dtype())) {
    return indices;
  }
  // Of a type that can count to `size`.
  Value index = indices;
  if (size > std::numeric_limits<std::int32_t>::max()) {
    index = cast(index, DType::i64);
  } else if (size_of(index.dtype()) < 4) {
    index = cast(index, DType::i32);
  }
  return where(less(index, 0.0), index + static_cast<double>(size), index);
}

}  // namespace

Value take(const Value& x, const Value& indices, std::int64_t axis) {
  rules::graph_of({x, indices}, "take");
  const std::int64_t at = axis_of(x, x.rank(), axis, "take");
  return rules::emit(
      Op::take, {x, from_front(indices, x.shape()[at])}, {{"axis", at}});
}

Value scatter_add(
    const Value& indices,
    const Value& updates,
    const Shape& shape,
    std::int64_t axis) {
  rules::graph_of({indices, updates}, "scatter_add");
  return rules::emit(
      Op::scatter_add,
      {indices, updates},
      {{"shape", rules::dims(shape)},
       {"axis", axis_of(updates, shape.rank(), axis, "scatter_add")}});
}

Value take_along_axis(const Value& x, const Value& indices, std::int64_t axis) {
  rules::graph_of({x, indices}, "take_along_axis");
  const std::int64_t at = axis_of(x, x.rank(), axis, "take_along_axis");
  return rules::emit(
      Op::take_along_axis,
      {x, from_front(indices, x.shape()[at])},
      {{"axis", at}});
}

Value scatter_along_axis(
    const Value& indices,
    const Value& updates,
    const Shape& shape,
    std::int64_t axis) {
  rules::graph_of({indices, updates}, "scatter_along_axis");
  return rules::emit(
      Op::scatter_along_axis,
      {indices, updates},
      {{"shape", rules::dims(shape)},
       {"axis", axis_of(updates, shape.rank(), axis, "scatter_along_axis")}});
}

Value one_hot(const Value& indices, std::int64_t depth, DType dtype) {
  return rules::emit(
      Op::one_hot, {indices}, {{"depth", depth}, {"dtype", dtype}});
}

SortResult sort(const Value& x, std::int64_t axis) {
  rules::graph_of({x}, "sort");
  const std::vector<Value> results = rules::emit_all(
      Op::sort, {x}, {{"axis", axis_of(x, x.rank(), axis, "sort")}});
  return {results[0], results[1]};
}

SortResult top_k(const Value& x, std::int64_t k) {
  const std::vector<Value> results =
      rules::emit_all(Op::top_k, {x}, {{"k", k}});
  return {results[0], results[1]};
}

Value cumsum(const Value& x, std::int64_t axis, bool exclusive, bool reverse) {
  rules::graph_of({x}, "cumsum");
  // As Keras, counts bools.
  const Value values = x.dtype() == DType::boolean ? cast(x, DType::i32) : x;
  return rules::emit(
      Op::cumsum,
      {values},
      {{"axis", axis_of(x, x.rank(), axis, "cumsum")},
       {"exclusive", exclusive},
       {"reverse", reverse}});
}

}  // namespace ops

}  // namespace keratin
