#include <algorithm>

#include <keratin/ops.hpp>

#include "src/core/format.hpp"
#include "src/ir/ops/families.hpp"
#include "src/ir/ops/rules.hpp"

namespace keratin {

namespace {

// -- shape rules -------------------------------------------------------------

/// The attribute `axes`, checked: ascending, in range.
const Ints& axes_attr(const InferArgs& args) {
  const Ints& axes = args.attrs.ints("axes");
  const auto rank = static_cast<std::int64_t>(args.inputs[0].shape.rank());
  for (std::size_t i = 0; i < axes.size(); ++i) {
    if (axes[i] >= 0 && axes[i] < rank && (i == 0 || axes[i - 1] < axes[i])) {
      continue;
    }
    rules::fail(
        args,
        format(
            "expected ascending axes in [0, {}) for {}, got {} at place {}",
            rank,
            args.inputs[0].str(),
            axes[i],
            i));
  }
  return axes;
}

Shape infer_shape(const InferArgs& args) {
  return rules::reduced_shape(
      args.inputs[0].shape, axes_attr(args), args.attrs.flag("keepdims"));
}

std::vector<ValueType> infer_numeric(const InferArgs& args) {
  rules::expect_numeric(args);
  return {{args.inputs[0].dtype, infer_shape(args)}};
}

std::vector<ValueType> infer_floating(const InferArgs& args) {
  rules::expect_floating(args);
  return {{args.inputs[0].dtype, infer_shape(args)}};
}

/// Maximum and minimum of nothing do not exist.
void expect_elements(const InferArgs& args, const Ints& axes) {
  for (const std::int64_t axis : axes) {
    if (args.inputs[0].shape[axis] > 0) continue;
    rules::fail(
        args,
        format(
            "expected at least one element to reduce, got {} over axis {}",
            args.inputs[0].str(),
            axis));
  }
}

std::vector<ValueType> infer_extremum(const InferArgs& args) {
  rules::expect_numeric(args);
  const Shape shape = infer_shape(args);
  expect_elements(args, args.attrs.ints("axes"));
  return {{args.inputs[0].dtype, shape}};
}

std::vector<ValueType> infer_boolean(const InferArgs& args) {
  rules::expect_boolean(args);
  return {{DType::boolean, infer_shape(args)}};
}

std::vector<ValueType> infer_arg(const InferArgs& args) {
  rules::expect_numeric(args);
  const Ints axes = {static_cast<std::int64_t>(rules::axis_attr(args))};
  expect_elements(args, axes);
  return {
      {DType::i32,
       rules::reduced_shape(
           args.inputs[0].shape, axes, args.attrs.flag("keepdims"))}};
}

// -- gradients ---------------------------------------------------------------

/// How many elements make one of the result.
double reduced_count(const Shape& shape, const Ints& axes) {
  double count = 1;
  for (const std::int64_t axis : axes) {
    count *= static_cast<double>(shape[axis]);
  }
  return count;
}

std::vector<Value> sum_gradient(const GradientArgs& args) {
  const Shape shape = args.inputs[0].shape();
  const Ints& axes = args.attrs.ints("axes");
  return {ops::broadcast_to(
      rules::restore_axes(args.grads[0], shape, axes), shape)};
}

std::vector<Value> mean_gradient(const GradientArgs& args) {
  const Shape shape = args.inputs[0].shape();
  const Ints& axes = args.attrs.ints("axes");
  const Value g = args.grads[0] * (1.0 / reduced_count(shape, axes));
  return {ops::broadcast_to(rules::restore_axes(g, shape, axes), shape)};
}

/// Equal shares to all that tie, as TensorFlow.
std::vector<Value> extremum_gradient(const GradientArgs& args) {
  const Value& x = args.inputs[0];
  const Shape shape = x.shape();
  const Ints& axes = args.attrs.ints("axes");
  if (axes.empty()) return {args.grads[0]};
  const Value y = rules::restore_axes(args.outputs[0], shape, axes);
  const Value g = rules::restore_axes(args.grads[0], shape, axes);
  const Value winners = ops::cast(ops::equal(x, y), x.dtype());
  return {g / ops::sum(winners, axes, true) * winners};
}

/// Products of all elements before (after, if reverse) each along `axis`, by
/// doubling: after step k every element holds the product of 2^k neighbours.
Value exclusive_products(
    const Value& x, std::size_t axis, std::int64_t size, bool reverse) {
  const auto shift = [&](const Value& v, std::int64_t by) {
    Ints low(x.rank(), 0);
    Ints high(x.rank(), 0);
    low[axis] = reverse ? -by : by;
    high[axis] = -low[axis];
    return ops::pad(v, low, high, 1);
  };
  Value products = shift(x, 1);
  for (std::int64_t by = 1; by < size; by *= 2) {
    products = products * shift(products, by);
  }
  return products;
}

/// The product of all the others, which division by x does not give where x
/// is 0.
std::vector<Value> prod_gradient(const GradientArgs& args) {
  const Value& x = args.inputs[0];
  const Shape shape = x.shape();
  const Ints& axes = args.attrs.ints("axes");
  if (axes.empty()) return {args.grads[0]};
  if (shape.size() == 0) return {ops::zeros_like(x)};
  // The reduced axes go last and become one.
  Ints permutation;
  for (std::int64_t i = 0; i < static_cast<std::int64_t>(shape.rank()); ++i) {
    if (!std::binary_search(axes.begin(), axes.end(), i)) {
      permutation.push_back(i);
    }
  }
  permutation.insert(permutation.end(), axes.begin(), axes.end());
  Ints inverse(permutation.size());
  Ints moved;
  std::int64_t count = 1;
  for (std::size_t i = 0; i < permutation.size(); ++i) {
    inverse[permutation[i]] = static_cast<std::int64_t>(i);
    moved.push_back(shape[permutation[i]]);
  }
  for (const std::int64_t axis : axes) count *= shape[axis];
  const Value rows = ops::reshape(
      ops::transpose(x, permutation), {shape.size() / count, count});
  const Value others = exclusive_products(rows, 1, count, false) *
                       exclusive_products(rows, 1, count, true);
  const Value g = ops::reshape(args.grads[0], {shape.size() / count, 1});
  return {ops::transpose(
      ops::reshape(g * others, Shape(std::move(moved))), inverse)};
}

// -- decompositions ----------------------------------------------------------

std::vector<Value> decompose_mean(const DecomposeArgs& args) {
  const Value& x = args.inputs[0];
  const Ints& axes = args.attrs.ints("axes");
  const double count = reduced_count(x.shape(), axes);
  const Value total = rules::emit(Op::reduce_sum, {x}, args.attrs);
  return {total * (1.0 / count)};
}

// -- table -------------------------------------------------------------------

OpInfo reduction(
    Op op,
    std::string_view name,
    InferRule infer,
    GradientRule gradient = nullptr) {
  return {
      .op = op,
      .name = name,
      .attrs = {{"axes", AttrKind::ints}, {"keepdims", AttrKind::boolean}},
      .infer = infer,
      .gradient = gradient};
}

OpInfo arg_reduction(Op op, std::string_view name) {
  return {
      .op = op,
      .name = name,
      .attrs = {{"axis", AttrKind::integer}, {"keepdims", AttrKind::boolean}},
      .infer = infer_arg};
}

}  // namespace

std::vector<OpInfo> families::reduce_ops() {
  OpInfo mean =
      reduction(Op::reduce_mean, "reduce_mean", infer_floating, mean_gradient);
  mean.decompose = decompose_mean;
  return {
      reduction(Op::reduce_sum, "reduce_sum", infer_numeric, sum_gradient),
      mean,
      reduction(
          Op::reduce_max, "reduce_max", infer_extremum, extremum_gradient),
      reduction(
          Op::reduce_min, "reduce_min", infer_extremum, extremum_gradient),
      reduction(Op::reduce_prod, "reduce_prod", infer_numeric, prod_gradient),
      reduction(Op::reduce_any, "reduce_any", infer_boolean),
      reduction(Op::reduce_all, "reduce_all", infer_boolean),
      arg_reduction(Op::argmax, "argmax"),
      arg_reduction(Op::argmin, "argmin"),
  };
}

namespace ops {

namespace {

Value reduce(
    Op op,
    std::string_view function,
    const Value& x,
    const Axes& axes,
    bool keepdims) {
  rules::graph_of({x}, function);
  return rules::emit(
      op,
      {x},
      {{"axes", rules::normalize_axes(axes, x.rank(), rules::who(x, function))},
       {"keepdims", keepdims}});
}

bool is_boolean(const Value& x, std::string_view function) {
  rules::graph_of({x}, function);
  return x.dtype() == DType::boolean;
}

/// Keras adds and multiplies narrow integers and bool in 32 bits.
Value widen(const Value& x, std::string_view function) {
  rules::graph_of({x}, function);
  switch (x.dtype()) {
    case DType::boolean:
    case DType::i8:
    case DType::i16:
      return cast(x, DType::i32);
    case DType::u8:
    case DType::u16:
      return cast(x, DType::u32);
    default:
      return x;
  }
}

Value arg_reduce(
    Op op,
    std::string_view function,
    const Value& x,
    std::int64_t axis,
    bool keepdims) {
  const Value values = is_boolean(x, function) ? cast(x, DType::u8) : x;
  const std::size_t index =
      rules::normalize_axis(axis, x.rank(), rules::who(x, function));
  return rules::emit(
      op,
      {values},
      {{"axis", static_cast<std::int64_t>(index)}, {"keepdims", keepdims}});
}

}  // namespace

Value sum(const Value& x, const Axes& axes, bool keepdims) {
  return reduce(Op::reduce_sum, "sum", widen(x, "sum"), axes, keepdims);
}

Value mean(const Value& x, const Axes& axes, bool keepdims) {
  return reduce(
      Op::reduce_mean, "mean", rules::to_floating(x, "mean"), axes, keepdims);
}

// The largest of bools is whether any is true, the smallest whether all are.

Value max(const Value& x, const Axes& axes, bool keepdims) {
  if (is_boolean(x, "max")) return any(x, axes, keepdims);
  return reduce(Op::reduce_max, "max", x, axes, keepdims);
}

Value min(const Value& x, const Axes& axes, bool keepdims) {
  if (is_boolean(x, "min")) return all(x, axes, keepdims);
  return reduce(Op::reduce_min, "min", x, axes, keepdims);
}

Value prod(const Value& x, const Axes& axes, bool keepdims) {
  return reduce(Op::reduce_prod, "prod", widen(x, "prod"), axes, keepdims);
}

Value any(const Value& x, const Axes& axes, bool keepdims) {
  return reduce(
      Op::reduce_any, "any", rules::to_boolean(x, "any"), axes, keepdims);
}

Value all(const Value& x, const Axes& axes, bool keepdims) {
  return reduce(
      Op::reduce_all, "all", rules::to_boolean(x, "all"), axes, keepdims);
}

Value var(const Value& x, const Axes& axes, bool keepdims) {
  const Value values = rules::to_floating(x, "var");
  const Value centered = values - mean(values, axes, true);
  return mean(square(centered), axes, keepdims);
}

Value logsumexp(const Value& x, const Axes& axes, bool keepdims) {
  const Value values = rules::to_floating(x, "logsumexp");
  // The largest element leaves the exponentials; an infinite one stays, since
  // inf - inf is NaN. Its own gradient cancels.
  const Value largest = stop_gradient(max(values, axes, true));
  const Value shift =
      where(isfinite(largest), largest, scalar_like(largest, 0));
  const Value total = log(sum(exp(values - shift), axes, true)) + shift;
  if (keepdims) return total;
  const Ints all_axes = rules::normalize_axes(
      axes, values.rank(), rules::who(values, "logsumexp"));
  const Shape shape = rules::reduced_shape(values.shape(), all_axes, false);
  return reshape(total, shape);
}

Value argmax(const Value& x, std::int64_t axis, bool keepdims) {
  return arg_reduce(Op::argmax, "argmax", x, axis, keepdims);
}

Value argmin(const Value& x, std::int64_t axis, bool keepdims) {
  return arg_reduce(Op::argmin, "argmin", x, axis, keepdims);
}

}  // namespace ops

}  // namespace keratin
