#include <algorithm>

#include <keratin/ops.hpp>

#include "src/core/format.hpp"
#include "src/ir/ops/families.hpp"
#include "src/ir/ops/rules.hpp"

namespace keratin {

namespace {

// -- shape rules -------------------------------------------------------------

/// One entry of the attribute per axis of the operand.
const Ints& per_axis_attr(const InferArgs& args, std::string_view name) {
  const Ints& values = args.attrs.ints(name);
  if (values.size() != args.inputs[0].shape.rank()) {
    rules::fail(
        args,
        format(
            "expected one entry of {} per axis of {}, got {}",
            name,
            args.inputs[0].str(),
            values.size()));
  }
  return values;
}

std::vector<ValueType> infer_reshape(const InferArgs& args) {
  rules::expect_not_string(args);
  const Shape shape = rules::shape_attr(args);
  if (shape.size() != args.inputs[0].shape.size()) {
    rules::fail(
        args,
        format(
            "expected a shape of {} elements for {}, got {} with {}",
            args.inputs[0].shape.size(),
            args.inputs[0].str(),
            shape,
            shape.size()));
  }
  return {{args.inputs[0].dtype, shape}};
}

std::vector<ValueType> infer_transpose(const InferArgs& args) {
  rules::expect_not_string(args);
  const Ints& permutation = per_axis_attr(args, "permutation");
  const Shape& shape = args.inputs[0].shape;
  std::vector<bool> seen(shape.rank(), false);
  Ints dims;
  for (const std::int64_t axis : permutation) {
    if (axis < 0 || axis >= static_cast<std::int64_t>(shape.rank()) ||
        seen[axis]) {
      rules::fail(
          args,
          format(
              "expected each axis of {} once in the permutation, got axis {} "
              "{}",
              args.inputs[0].str(),
              axis,
              axis >= 0 && axis < static_cast<std::int64_t>(shape.rank())
                  ? "twice"
                  : "which it has not"));
    }
    seen[axis] = true;
    dims.push_back(shape[axis]);
  }
  return {{args.inputs[0].dtype, Shape(std::move(dims))}};
}

std::vector<ValueType> infer_broadcast_to(const InferArgs& args) {
  rules::expect_not_string(args);
  const Shape shape = rules::shape_attr(args);
  const Shape& from = args.inputs[0].shape;
  bool fits = from.rank() <= shape.rank();
  for (std::size_t i = 1; fits && i <= from.rank(); ++i) {
    const std::int64_t dim = from[from.rank() - i];
    fits = dim == 1 || dim == shape[shape.rank() - i];
  }
  if (!fits) {
    rules::fail(
        args,
        format(
            "expected an operand that broadcasts to {}, got {}; sizes counted "
            "from the last axis must be equal or 1",
            shape,
            args.inputs[0].str()));
  }
  return {{args.inputs[0].dtype, shape}};
}

std::vector<ValueType> infer_concatenate(const InferArgs& args) {
  rules::expect_operands(args);
  rules::expect_not_string(args);
  rules::expect_same_dtype(args);
  const std::size_t axis = rules::axis_attr(args);
  Shape shape = args.inputs[0].shape;
  for (std::size_t i = 1; i < args.inputs.size(); ++i) {
    const Shape& part = args.inputs[i].shape;
    bool same = part.rank() == shape.rank();
    for (std::size_t j = 0; same && j < shape.rank(); ++j) {
      same = j == axis || part[j] == shape[j];
    }
    if (!same) {
      rules::fail(
          args,
          format(
              "expected operands that differ along axis {} only, got {} and {} "
              "(operand {})",
              axis,
              args.inputs[0].str(),
              args.inputs[i].str(),
              i));
    }
    shape[axis] += part[axis];
  }
  return {{args.inputs[0].dtype, shape}};
}

std::vector<ValueType> infer_slice(const InferArgs& args) {
  rules::expect_not_string(args);
  const Ints& start = per_axis_attr(args, "start");
  const Ints& stop = per_axis_attr(args, "stop");
  const Ints& step = per_axis_attr(args, "step");
  const Shape& shape = args.inputs[0].shape;
  Ints dims;
  for (std::size_t i = 0; i < shape.rank(); ++i) {
    if (start[i] < 0 || stop[i] < start[i] || stop[i] > shape[i] ||
        step[i] < 1) {
      rules::fail(
          args,
          format(
              "expected 0 <= start <= stop <= {} and step >= 1 for axis {} of "
              "{}, got {}:{}:{}",
              shape[i],
              i,
              args.inputs[0].str(),
              start[i],
              stop[i],
              step[i]));
    }
    dims.push_back((stop[i] - start[i] + step[i] - 1) / step[i]);
  }
  return {{args.inputs[0].dtype, Shape(std::move(dims))}};
}

std::vector<ValueType> infer_pad(const InferArgs& args) {
  rules::expect_not_string(args);
  const Ints& low = per_axis_attr(args, "low");
  const Ints& high = per_axis_attr(args, "high");
  const Shape& shape = args.inputs[0].shape;
  Ints dims;
  for (std::size_t i = 0; i < shape.rank(); ++i) {
    const std::int64_t dim = shape[i] + low[i] + high[i];
    if (dim < 0 || shape[i] + low[i] < 0 || shape[i] + high[i] < 0) {
      rules::fail(
          args,
          format(
              "expected to crop at most {} elements from axis {} of {}, got "
              "low {} and high {}",
              shape[i],
              i,
              args.inputs[0].str(),
              low[i],
              high[i]));
    }
    dims.push_back(dim);
  }
  return {{args.inputs[0].dtype, Shape(std::move(dims))}};
}

std::vector<ValueType> infer_reverse(const InferArgs& args) {
  rules::expect_not_string(args);
  const Ints& axes = args.attrs.ints("axes");
  if (axes.empty()) return {args.inputs[0]};
  const Ints sorted =
      rules::normalize_axes(axes, args.inputs[0].shape.rank(), args.who);
  if (sorted != axes) {
    rules::fail(args, "expected ascending, non-negative axes");
  }
  return {args.inputs[0]};
}

std::vector<ValueType> infer_iota(const InferArgs& args) {
  const Shape shape = rules::shape_attr(args);
  const std::int64_t axis = args.attrs.integer("axis");
  const DType dtype = args.attrs.dtype();
  if (axis < 0 || axis >= static_cast<std::int64_t>(shape.rank())) {
    rules::fail(args, format("expected an axis of {}, got {}", shape, axis));
  }
  if (!is_integer(dtype) && !is_floating(dtype)) {
    rules::fail(args, format("expected a dtype of numbers, got {}", dtype));
  }
  return {{dtype, shape}};
}

// -- gradients ---------------------------------------------------------------

using Grads = std::vector<Value>;

Grads reshape_gradient(const GradientArgs& args) {
  const Shape shape = args.inputs[0].shape();
  return {ops::reshape(args.grads[0], shape)};
}

Grads transpose_gradient(const GradientArgs& args) {
  const Ints& permutation = args.attrs.ints("permutation");
  Ints inverse(permutation.size());
  for (std::size_t i = 0; i < permutation.size(); ++i) {
    inverse[permutation[i]] = static_cast<std::int64_t>(i);
  }
  return {ops::transpose(args.grads[0], inverse)};
}

Grads broadcast_to_gradient(const GradientArgs& args) {
  const Shape shape = args.inputs[0].shape();
  return {rules::sum_to_shape(args.grads[0], shape)};
}

Grads concatenate_gradient(const GradientArgs& args) {
  const std::int64_t axis = args.attrs.integer("axis");
  std::int64_t begin = 0;
  Grads grads;
  for (const Value& input : args.inputs) {
    const std::int64_t end = begin + input.shape()[axis];
    grads.push_back(ops::slice_axis(args.grads[0], axis, begin, end));
    begin = end;
  }
  return grads;
}

/// Puts step - 1 zeros after each element: [n] -> [n, 1] -> [n, step] ->
/// [n * step], on all axes at once.
Value dilate(const Value& x, const Ints& step) {
  const Shape& shape = x.shape();
  Ints split;
  Ints zeros(2 * shape.rank(), 0);
  Ints joined;
  for (std::size_t i = 0; i < shape.rank(); ++i) {
    split.push_back(shape[i]);
    split.push_back(1);
    zeros[2 * i + 1] = step[i] - 1;
    joined.push_back(shape[i] * step[i]);
  }
  const Ints none(zeros.size(), 0);
  return ops::reshape(
      ops::pad(ops::reshape(x, Shape(std::move(split))), none, zeros),
      Shape(std::move(joined)));
}

Grads slice_gradient(const GradientArgs& args) {
  const Shape shape = args.inputs[0].shape();
  const Ints& start = args.attrs.ints("start");
  const Ints& step = args.attrs.ints("step");
  Value g = args.grads[0];
  const bool strided = std::any_of(
      step.begin(), step.end(), [](std::int64_t s) { return s > 1; });
  if (strided) g = dilate(g, step);
  // The zeros after the last element may reach beyond the end: cropped.
  Ints high;
  for (std::size_t i = 0; i < shape.rank(); ++i) {
    high.push_back(shape[i] - start[i] - g.shape()[i]);
  }
  return {ops::pad(g, start, high)};
}

Grads pad_gradient(const GradientArgs& args) {
  Ints low = args.attrs.ints("low");
  Ints high = args.attrs.ints("high");
  for (std::int64_t& amount : low) amount = -amount;
  for (std::int64_t& amount : high) amount = -amount;
  return {ops::pad(args.grads[0], low, high)};
}

Grads reverse_gradient(const GradientArgs& args) {
  return {rules::emit(Op::reverse, {args.grads[0]}, args.attrs)};
}

}  // namespace

// -- table -------------------------------------------------------------------

std::vector<OpInfo> families::shape_ops() {
  return {
      {.op = Op::reshape,
       .name = "reshape",
       .attrs = {{"shape", AttrKind::ints}},
       .infer = infer_reshape,
       .gradient = reshape_gradient},
      {.op = Op::transpose,
       .name = "transpose",
       .attrs = {{"permutation", AttrKind::ints}},
       .infer = infer_transpose,
       .gradient = transpose_gradient},
      {.op = Op::broadcast_to,
       .name = "broadcast_to",
       .attrs = {{"shape", AttrKind::ints}},
       .infer = infer_broadcast_to,
       .gradient = broadcast_to_gradient},
      {.op = Op::concatenate,
       .name = "concatenate",
       .input_count = kVariadic,
       .attrs = {{"axis", AttrKind::integer}},
       .infer = infer_concatenate,
       .gradient = concatenate_gradient},
      {.op = Op::slice,
       .name = "slice",
       .attrs =
           {{"start", AttrKind::ints},
            {"stop", AttrKind::ints},
            {"step", AttrKind::ints}},
       .infer = infer_slice,
       .gradient = slice_gradient},
      {.op = Op::pad,
       .name = "pad",
       .attrs =
           {{"low", AttrKind::ints},
            {"high", AttrKind::ints},
            {"value", AttrKind::number}},
       .infer = infer_pad,
       .gradient = pad_gradient},
      {.op = Op::reverse,
       .name = "reverse",
       .attrs = {{"axes", AttrKind::ints}},
       .infer = infer_reverse,
       .gradient = reverse_gradient},
      {.op = Op::iota,
       .name = "iota",
       .input_count = 0,
       .attrs =
           {{"shape", AttrKind::ints},
            {"axis", AttrKind::integer},
            {"dtype", AttrKind::dtype}},
       .infer = infer_iota},
  };
}

}  // namespace keratin
