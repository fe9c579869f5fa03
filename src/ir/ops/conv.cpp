#include <string>
#include <utility>
#include <vector>

#include <keratin/ops.hpp>

#include "src/core/format.hpp"
#include "src/ir/ops/families.hpp"
#include "src/ir/ops/rules.hpp"
#include "src/ir/ops/window.hpp"

namespace keratin {

namespace {

Ints kernel_of(const Shape& w) {
  return Ints(w.begin(), w.end() - 2);
}

/// The shape of conv(x, w) under the node's attributes:
///
///   x: [n, spatial..., c]   w: [kernel..., c / groups, f]   y: [n, out..., f]
Shape conv_shape(const InferArgs& args, const Shape& x, const Shape& w) {
  if (x.rank() < 3 || x.rank() > 5) {
    rules::fail(
        args,
        format(
            "expected an input [batch, spatial..., channels] with 1 to 3 "
            "spatial axes, got {}",
            x));
  }
  if (w.rank() != x.rank()) {
    rules::fail(
        args,
        format(
            "expected weights [kernel..., channels / groups, filters] of rank "
            "{} for an input {}, got {}",
            x.rank(),
            x,
            w));
  }
  const std::int64_t groups = args.attrs.integer("groups");
  const std::int64_t channels = x.back();
  const std::int64_t filters = w.back();
  if (groups < 1) {
    rules::fail(args, format("expected groups >= 1, got {}", groups));
  }
  if (channels % groups != 0) {
    rules::fail(
        args,
        format(
            "expected groups to divide the {} channels of the input {}, got {}",
            channels,
            x,
            groups));
  }
  if (filters % groups != 0) {
    rules::fail(
        args,
        format(
            "expected groups to divide the {} filters of the weights {}, got "
            "{}",
            filters,
            w,
            groups));
  }
  const std::int64_t depth = w[w.rank() - 2];
  if (depth * groups != channels) {
    rules::fail(
        args,
        format(
            "channels differ: the input {} has {}, the weights {} take {} "
            "({} in each of {} groups)",
            x,
            channels,
            w,
            depth * groups,
            depth,
            groups));
  }
  Shape result = {x[0]};
  for (const std::int64_t dim : rules::window_output(args, x, kernel_of(w))) {
    result.push_back(dim);
  }
  result.push_back(filters);
  return result;
}

void expect_conv_dtypes(const InferArgs& args) {
  rules::expect_same_dtype(args);
  rules::expect_numeric(args);
}

void expect_result(
    const InferArgs& args,
    std::size_t operand,
    const Shape& x,
    const Shape& w,
    const Shape& y) {
  if (args.inputs[operand].shape == y) return;
  rules::fail(
      args,
      format(
          "expected dy of shape {} for an input {} and weights {}, got {}",
          y,
          x,
          w,
          args.inputs[operand].str()));
}

std::vector<ValueType> infer_conv(const InferArgs& args) {
  expect_conv_dtypes(args);
  return {
      {args.inputs[0].dtype,
       conv_shape(args, args.inputs[0].shape, args.inputs[1].shape)}};
}

std::vector<ValueType> infer_backward_data(const InferArgs& args) {
  expect_conv_dtypes(args);
  const Shape x = rules::shape_attr(args);
  const Shape& w = args.inputs[1].shape;
  expect_result(args, 0, x, w, conv_shape(args, x, w));
  return {{args.inputs[0].dtype, x}};
}

std::vector<ValueType> infer_backward_weights(const InferArgs& args) {
  expect_conv_dtypes(args);
  const Shape& x = args.inputs[0].shape;
  const Shape w = rules::shape_attr(args);
  expect_result(args, 1, x, w, conv_shape(args, x, w));
  return {{args.inputs[0].dtype, w}};
}

// The three ops are one form <dy, conv(x, w)>, linear in x, w and dy, each with
// another of the three left out; so are all their gradients.

std::vector<Value> gradient_conv(const GradientArgs& args) {
  const ops::Window window = rules::window_of(args.attrs);
  const std::int64_t groups = args.attrs.integer("groups");
  const Value& x = args.inputs[0];
  const Value& w = args.inputs[1];
  const Value& dy = args.grads[0];
  return {
      ops::conv_backward_data(dy, w, Shape(x.shape()), window, groups),
      ops::conv_backward_weights(x, dy, Shape(w.shape()), window, groups)};
}

std::vector<Value> gradient_backward_data(const GradientArgs& args) {
  const ops::Window window = rules::window_of(args.attrs);
  const std::int64_t groups = args.attrs.integer("groups");
  const Value& dy = args.inputs[0];
  const Value& w = args.inputs[1];
  const Value& gx = args.grads[0];
  return {
      ops::conv(gx, w, window, groups),
      ops::conv_backward_weights(gx, dy, Shape(w.shape()), window, groups)};
}

std::vector<Value> gradient_backward_weights(const GradientArgs& args) {
  const ops::Window window = rules::window_of(args.attrs);
  const std::int64_t groups = args.attrs.integer("groups");
  const Value& x = args.inputs[0];
  const Value& dy = args.inputs[1];
  const Value& gw = args.grads[0];
  return {
      ops::conv_backward_data(dy, gw, Shape(x.shape()), window, groups),
      ops::conv(x, gw, window, groups)};
}

Value conv_node(
    Op op,
    std::string_view name,
    const Value& a,
    const Value& b,
    const ops::Window& window,
    std::int64_t groups,
    const Shape* shape = nullptr) {
  rules::graph_of({a, b}, name);
  const std::string who = rules::who(a, name);
  const std::size_t rank = a.rank();
  if (rank < 3 || rank > 5) {
    rules::fail(
        who,
        format(
            "expected operands [batch, spatial..., channels] with 1 to 3 "
            "spatial axes, got {}",
            a.shape()));
  }
  Attrs attrs = rules::to_attrs(window, rank - 2, who);
  attrs.set("groups", groups);
  if (shape != nullptr) attrs.set("shape", rules::dims(*shape));
  return rules::emit(op, {a, b}, std::move(attrs));
}

}  // namespace

namespace ops {

Value conv(
    const Value& x, const Value& w, const Window& window, std::int64_t groups) {
  return conv_node(Op::conv, "conv", x, w, window, groups);
}

Value conv_backward_data(
    const Value& dy,
    const Value& w,
    const Shape& x_shape,
    const Window& window,
    std::int64_t groups) {
  return conv_node(
      Op::conv_backward_data,
      "conv_backward_data",
      dy,
      w,
      window,
      groups,
      &x_shape);
}

Value conv_backward_weights(
    const Value& x,
    const Value& dy,
    const Shape& w_shape,
    const Window& window,
    std::int64_t groups) {
  return conv_node(
      Op::conv_backward_weights,
      "conv_backward_weights",
      x,
      dy,
      window,
      groups,
      &w_shape);
}

}  // namespace ops

std::vector<OpInfo> families::conv_ops() {
  const std::vector<AttrSpec> attrs =
      rules::window_attrs({{"groups", AttrKind::integer}});
  const std::vector<AttrSpec> attrs_with_shape = rules::window_attrs(
      {{"groups", AttrKind::integer}, {"shape", AttrKind::ints}});
  return {
      {.op = Op::conv,
       .name = "conv",
       .input_count = 2,
       .attrs = attrs,
       .infer = infer_conv,
       .gradient = gradient_conv},
      {.op = Op::conv_backward_data,
       .name = "conv_backward_data",
       .input_count = 2,
       .attrs = attrs_with_shape,
       .infer = infer_backward_data,
       .gradient = gradient_backward_data},
      {.op = Op::conv_backward_weights,
       .name = "conv_backward_weights",
       .input_count = 2,
       .attrs = attrs_with_shape,
       .infer = infer_backward_weights,
       .gradient = gradient_backward_weights},
  };
}

}  // namespace keratin
