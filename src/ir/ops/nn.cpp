#include <string>
#include <utility>
#include <vector>

#include <keratin/ops.hpp>

#include "src/core/format.hpp"
#include "src/ir/ops/families.hpp"
#include "src/ir/ops/rules.hpp"

// Softmax and the cross-entropies. The normalisations are in norm.cpp.

namespace keratin {

namespace {

std::vector<ValueType> infer_softmax(const InferArgs& args) {
  rules::expect_floating(args);
  rules::axis_attr(args);
  return {args.inputs[0]};
}

std::vector<Value> decompose_softmax(const DecomposeArgs& args) {
  const Value& x = args.inputs[0];
  const ops::Axes axis = {args.attrs.integer("axis")};
  // A shift changes nothing but the largest exponent, hence no gradient either.
  const Value shift = ops::stop_gradient(ops::max(x, axis, true));
  const Value e = ops::exp(x - shift);
  return {e / ops::sum(e, axis, true)};
}

std::vector<Value> decompose_log_softmax(const DecomposeArgs& args) {
  const Value& x = args.inputs[0];
  const ops::Axes axis = {args.attrs.integer("axis")};
  const Value shift = ops::stop_gradient(ops::max(x, axis, true));
  const Value centered = x - shift;
  return {centered - ops::log(ops::sum(ops::exp(centered), axis, true))};
}

// dx = y * (dy - sum(dy * y))
std::vector<Value> gradient_softmax(const GradientArgs& args) {
  const Value& y = args.outputs[0];
  const Value& dy = args.grads[0];
  const ops::Axes axis = {args.attrs.integer("axis")};
  return {y * (dy - ops::sum(dy * y, axis, true))};
}

// dx = dy - e^y * sum(dy)
std::vector<Value> gradient_log_softmax(const GradientArgs& args) {
  const Value& y = args.outputs[0];
  const Value& dy = args.grads[0];
  const ops::Axes axis = {args.attrs.integer("axis")};
  return {dy - ops::exp(y) * ops::sum(dy, axis, true)};
}

Shape without_last(const Shape& shape) {
  return Shape(Ints(shape.begin(), shape.end() - 1));
}

void expect_logits(const InferArgs& args) {
  rules::expect_floating(args);
  rules::expect_rank_at_least(args, 0, 1);
}

std::vector<ValueType> infer_softmax_cross_entropy(const InferArgs& args) {
  expect_logits(args);
  rules::expect_same_dtype(args);
  if (args.inputs[0].shape != args.inputs[1].shape) {
    rules::fail(
        args,
        format(
            "expected labels of the logits' shape, got logits {} and labels "
            "{}; class indices go to sparse_softmax_cross_entropy",
            args.inputs[0].str(),
            args.inputs[1].str()));
  }
  return {{args.inputs[0].dtype, without_last(args.inputs[0].shape)}};
}

std::vector<ValueType> infer_sparse_softmax_cross_entropy(
    const InferArgs& args) {
  expect_logits(args);
  rules::expect_integer(args, 1);
  const Shape result = without_last(args.inputs[0].shape);
  if (args.inputs[1].shape != result) {
    rules::fail(
        args,
        format(
            "expected a class index for each row of the logits {}, so labels "
            "of shape {}, got {}",
            args.inputs[0].str(),
            result,
            args.inputs[1].str()));
  }
  return {{args.inputs[0].dtype, result}};
}

std::vector<Value> decompose_softmax_cross_entropy(const DecomposeArgs& args) {
  const Value& logits = args.inputs[0];
  const Value& labels = args.inputs[1];
  return {-ops::sum(labels * ops::log_softmax(logits), {-1})};
}

std::vector<Value> decompose_sparse_softmax_cross_entropy(
    const DecomposeArgs& args) {
  const Value& logits = args.inputs[0];
  const Value& labels = args.inputs[1];
  // The op itself, not the function: a label out of range takes NaN, one below
  // zero included.
  const auto axis = static_cast<std::int64_t>(logits.rank()) - 1;
  const Value picked = ops::squeeze(
      rules::emit(
          Op::take_along_axis,
          {ops::log_softmax(logits), ops::expand_dims(labels, -1)},
          {{"axis", axis}}),
      {-1});
  return {-picked};
}

// With labels that need not sum to one:
//   dlogits = dy * (softmax * sum(labels) - labels)
//   dlabels = -dy * log_softmax
std::vector<Value> gradient_softmax_cross_entropy(const GradientArgs& args) {
  const Value& logits = args.inputs[0];
  const Value& labels = args.inputs[1];
  const Value dy = ops::expand_dims(args.grads[0], -1);
  const Value total = ops::sum(labels, {-1}, true);
  return {
      dy * (ops::softmax(logits) * total - labels),
      -(dy * ops::log_softmax(logits))};
}

// dlogits = dy * (softmax - one_hot(labels))
std::vector<Value> gradient_sparse_softmax_cross_entropy(
    const GradientArgs& args) {
  const Value& logits = args.inputs[0];
  const Value& labels = args.inputs[1];
  const Value dy = ops::expand_dims(args.grads[0], -1);
  const Value target =
      ops::one_hot(labels, logits.shape().back(), logits.dtype());
  return {dy * (ops::softmax(logits) - target), Value()};
}

Value softmax_node(
    Op op, std::string_view name, const Value& x, std::int64_t axis) {
  rules::graph_of({x}, name);
  const std::size_t from_front =
      rules::normalize_axis(axis, x.rank(), rules::who(x, name));
  return rules::emit(
      op, {x}, {{"axis", static_cast<std::int64_t>(from_front)}});
}

}  // namespace

namespace ops {

Value softmax(const Value& x, std::int64_t axis) {
  return softmax_node(Op::softmax, "softmax", x, axis);
}

Value log_softmax(const Value& x, std::int64_t axis) {
  return softmax_node(Op::log_softmax, "log_softmax", x, axis);
}

Value softmax_cross_entropy(const Value& logits, const Value& labels) {
  return rules::emit(Op::softmax_cross_entropy, {logits, labels});
}

Value sparse_softmax_cross_entropy(const Value& logits, const Value& labels) {
  return rules::emit(Op::sparse_softmax_cross_entropy, {logits, labels});
}

}  // namespace ops

std::vector<OpInfo> families::nn_ops() {
  const std::vector<AttrSpec> axis = {{"axis", AttrKind::integer}};
  return {
      {.op = Op::softmax,
       .name = "softmax",
       .attrs = axis,
       .infer = infer_softmax,
       .gradient = gradient_softmax,
       .decompose = decompose_softmax},
      {.op = Op::log_softmax,
       .name = "log_softmax",
       .attrs = axis,
       .infer = infer_softmax,
       .gradient = gradient_log_softmax,
       .decompose = decompose_log_softmax},
      {.op = Op::softmax_cross_entropy,
       .name = "softmax_cross_entropy",
       .input_count = 2,
       .infer = infer_softmax_cross_entropy,
       .gradient = gradient_softmax_cross_entropy,
       .decompose = decompose_softmax_cross_entropy},
      {.op = Op::sparse_softmax_cross_entropy,
       .name = "sparse_softmax_cross_entropy",
       .input_count = 2,
       .infer = infer_sparse_softmax_cross_entropy,
       .gradient = gradient_sparse_softmax_cross_entropy,
       .decompose = decompose_sparse_softmax_cross_entropy},
  };
}

}  // namespace keratin
