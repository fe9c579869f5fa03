#include <string>
#include <utility>
#include <vector>

#include <keratin/ops.hpp>

#include "src/core/format.hpp"
#include "src/ir/ops/derived.hpp"
#include "src/ir/ops/families.hpp"
#include "src/ir/ops/rules.hpp"

// Batch and layer normalisation. Statistics and parameters have one dtype: that
// of x, or f32 beside an x of 16 bits, in which everything is then computed.

namespace keratin {

namespace {

/// x: [..., c] of a floating dtype, and each operand in [first, last) a vector
/// [c] of the statistics' dtype. Returns the statistics' dtype.
DType expect_parameters(
    const InferArgs& args, std::size_t first, std::size_t last) {
  const ValueType& x = args.inputs[0];
  rules::expect_floating(args);
  rules::expect_rank_at_least(args, 0, 2);
  const DType dtype = args.inputs[first].dtype;
  const bool wide =
      dtype == DType::f32 && size_of(x.dtype) < size_of(DType::f32);
  if (dtype != x.dtype && !wide) {
    rules::fail(
        args,
        format(
            "expected parameters of dtype {} (or float32 beside 16 bits) for "
            "x {}, got {}",
            x.dtype,
            x.str(),
            args.inputs[first].str()));
  }
  for (std::size_t i = first; i < last; ++i) {
    if (args.inputs[i] == ValueType{dtype, {x.shape.back()}}) continue;
    rules::fail(
        args,
        format(
            "expected operand {} of type {} for x {}, got {}",
            i,
            ValueType{dtype, {x.shape.back()}}.str(),
            x.str(),
            args.inputs[i].str()));
  }
  return dtype;
}

void expect_epsilon(const InferArgs& args) {
  const double epsilon = args.attrs.number("epsilon");
  if (epsilon >= 0) return;
  rules::fail(args, format("expected epsilon >= 0, got {}", epsilon));
}

void expect_dy(const InferArgs& args) {
  if (args.inputs.back() == args.inputs[0]) return;
  rules::fail(
      args,
      format(
          "expected dy of x's type {}, got {}",
          args.inputs[0].str(),
          args.inputs.back().str()));
}

/// All axes but the last.
ops::Axes batch_axes(const Value& x) {
  ops::Axes axes;
  for (std::size_t i = 0; i + 1 < x.rank(); ++i) {
    axes.push_back(static_cast<std::int64_t>(i));
  }
  return axes;
}

Value to(const Value& x, DType dtype) {
  return x.dtype() == dtype ? x : ops::cast(x, dtype);
}

// -- batch normalisation -----------------------------------------------------

std::vector<ValueType> infer_batch_norm_training(const InferArgs& args) {
  const DType dtype = expect_parameters(args, 1, 3);
  expect_epsilon(args);
  const ValueType statistic = {dtype, {args.inputs[0].shape.back()}};
  return {args.inputs[0], statistic, statistic};
}

std::vector<ValueType> infer_batch_norm_grad(const InferArgs& args) {
  expect_parameters(args, 1, 4);
  expect_epsilon(args);
  expect_dy(args);
  return {args.inputs[0], args.inputs[1], args.inputs[1]};
}

std::vector<ValueType> infer_batch_norm_inference(const InferArgs& args) {
  expect_parameters(args, 1, 5);
  expect_epsilon(args);
  return {args.inputs[0]};
}

std::vector<Value> decompose_batch_norm_training(const DecomposeArgs& args) {
  const Value& gamma = args.inputs[1];
  const Value& beta = args.inputs[2];
  const DType narrow = args.inputs[0].dtype();
  const Value x = to(args.inputs[0], gamma.dtype());
  const ops::Axes axes = batch_axes(x);
  const Value mean = ops::mean(x, axes);
  const Value centered = x - mean;
  const Value variance = ops::mean(ops::square(centered), axes);
  const Value scale =
      gamma * ops::rsqrt(variance + args.attrs.number("epsilon"));
  return {to(centered * scale + beta, narrow), mean, variance};
}

std::vector<Value> decompose_batch_norm_inference(const DecomposeArgs& args) {
  const Value& gamma = args.inputs[1];
  const Value& beta = args.inputs[2];
  const Value& mean = args.inputs[3];
  const Value& variance = args.inputs[4];
  const DType narrow = args.inputs[0].dtype();
  const Value x = to(args.inputs[0], gamma.dtype());
  const Value scale =
      gamma * ops::rsqrt(variance + args.attrs.number("epsilon"));
  return {to((x - mean) * scale + beta, narrow)};
}

// With r = 1 / sqrt(variance + epsilon), h = (x - mean) * r and m rows:
//   dbeta = sum(dy)   dgamma = sum(dy * h)
//   dx = gamma * r * (dy - dbeta / m - h * dgamma / m)
std::vector<Value> decompose_batch_norm_grad(const DecomposeArgs& args) {
  const Value& gamma = args.inputs[1];
  const Value& mean = args.inputs[2];
  const Value& variance = args.inputs[3];
  const DType narrow = args.inputs[0].dtype();
  const Value x = to(args.inputs[0], gamma.dtype());
  const Value dy = to(args.inputs[4], gamma.dtype());
  const ops::Axes axes = batch_axes(x);
  const Value r = ops::rsqrt(variance + args.attrs.number("epsilon"));
  const Value h = (x - mean) * r;
  const Value dbeta = ops::sum(dy, axes);
  const Value dgamma = ops::sum(dy * h, axes);
  const auto rows = static_cast<double>(x.shape().size()) /
                    static_cast<double>(x.shape().back());
  const Value dx = gamma * r * (dy - dbeta / rows - h * (dgamma / rows));
  return {to(dx, narrow), dgamma, dbeta};
}

std::vector<Value> gradient_batch_norm_training(const GradientArgs& args) {
  if (!args.grads[0] || args.grads[1] || args.grads[2]) {
    return rules::gradient_by_decomposition(args);
  }
  return rules::emit_all(
      Op::batch_norm_grad,
      {args.inputs[0],
       args.inputs[1],
       args.outputs[1],
       args.outputs[2],
       args.grads[0]},
      args.attrs);
}

// -- layer normalisation -----------------------------------------------------

/// The statistics: one for each row of x.
ValueType row_type(const InferArgs& args, DType dtype) {
  const Shape& x = args.inputs[0].shape;
  return {dtype, Shape(Ints(x.begin(), x.end() - 1))};
}

std::vector<ValueType> infer_layer_norm(const InferArgs& args) {
  const DType dtype = expect_parameters(args, 1, 3);
  expect_epsilon(args);
  const ValueType statistic = row_type(args, dtype);
  return {args.inputs[0], statistic, statistic};
}

std::vector<ValueType> infer_layer_norm_grad(const InferArgs& args) {
  const DType dtype = expect_parameters(args, 1, 2);
  expect_dy(args);
  for (const std::size_t i : {2, 3}) {
    if (args.inputs[i] == row_type(args, dtype)) continue;
    rules::fail(
        args,
        format(
            "expected operand {} of type {} for x {}, got {}",
            i,
            row_type(args, dtype).str(),
            args.inputs[0].str(),
            args.inputs[i].str()));
  }
  return {args.inputs[0], args.inputs[1], args.inputs[1]};
}

std::vector<Value> decompose_layer_norm(const DecomposeArgs& args) {
  const Value& gamma = args.inputs[1];
  const Value& beta = args.inputs[2];
  const DType narrow = args.inputs[0].dtype();
  const Value x = to(args.inputs[0], gamma.dtype());
  const Value mean = ops::mean(x, {-1}, true);
  const Value centered = x - mean;
  const Value variance = ops::mean(ops::square(centered), {-1}, true);
  const Value rstd = ops::rsqrt(variance + args.attrs.number("epsilon"));
  return {
      to(centered * rstd * gamma + beta, narrow),
      ops::squeeze(mean, {-1}),
      ops::squeeze(rstd, {-1})};
}

// With h = (x - mean) * rstd and g = dy * gamma, over the last axis:
//   dx = rstd * (g - mean(g) - h * mean(g * h))
// and dbeta = sum(dy), dgamma = sum(dy * h) over the others.
std::vector<Value> decompose_layer_norm_grad(const DecomposeArgs& args) {
  const Value& gamma = args.inputs[1];
  const DType narrow = args.inputs[0].dtype();
  const Value x = to(args.inputs[0], gamma.dtype());
  const Value mean = ops::expand_dims(args.inputs[2], -1);
  const Value rstd = ops::expand_dims(args.inputs[3], -1);
  const Value dy = to(args.inputs[4], gamma.dtype());
  const ops::Axes axes = batch_axes(x);
  const Value h = (x - mean) * rstd;
  const Value g = dy * gamma;
  const Value dx =
      rstd * (g - ops::mean(g, {-1}, true) - h * ops::mean(g * h, {-1}, true));
  return {to(dx, narrow), ops::sum(dy * h, axes), ops::sum(dy, axes)};
}

std::vector<Value> gradient_layer_norm(const GradientArgs& args) {
  if (!args.grads[0] || args.grads[1] || args.grads[2]) {
    return rules::gradient_by_decomposition(args);
  }
  return rules::emit_all(
      Op::layer_norm_grad,
      {args.inputs[0],
       args.inputs[1],
       args.outputs[1],
       args.outputs[2],
       args.grads[0]});
}

}  // namespace

namespace ops {

BatchNormResult batch_norm_training(
    const Value& x, const Value& gamma, const Value& beta, double epsilon) {
  const std::vector<Value> results = rules::emit_all(
      Op::batch_norm_training, {x, gamma, beta}, {{"epsilon", epsilon}});
  return {results[0], results[1], results[2]};
}

Value batch_norm_inference(
    const Value& x,
    const Value& gamma,
    const Value& beta,
    const Value& mean,
    const Value& variance,
    double epsilon) {
  return rules::emit(
      Op::batch_norm_inference,
      {x, gamma, beta, mean, variance},
      {{"epsilon", epsilon}});
}

Value layer_norm(
    const Value& x, const Value& gamma, const Value& beta, double epsilon) {
  return rules::emit_all(
      Op::layer_norm, {x, gamma, beta}, {{"epsilon", epsilon}})[0];
}

}  // namespace ops

// The *_grad ops are differentiated through their decompositions; so are the
// others where a gradient flows into their statistics.
std::vector<OpInfo> families::norm_ops() {
  const std::vector<AttrSpec> epsilon = {{"epsilon", AttrKind::number}};
  return {
      {.op = Op::batch_norm_training,
       .name = "batch_norm_training",
       .input_count = 3,
       .attrs = epsilon,
       .infer = infer_batch_norm_training,
       .gradient = gradient_batch_norm_training,
       .decompose = decompose_batch_norm_training},
      {.op = Op::batch_norm_grad,
       .name = "batch_norm_grad",
       .input_count = 5,
       .attrs = epsilon,
       .infer = infer_batch_norm_grad,
       .gradient = rules::gradient_by_decomposition,
       .decompose = decompose_batch_norm_grad},
      {.op = Op::batch_norm_inference,
       .name = "batch_norm_inference",
       .input_count = 5,
       .attrs = epsilon,
       .infer = infer_batch_norm_inference,
       .gradient = rules::gradient_by_decomposition,
       .decompose = decompose_batch_norm_inference},
      {.op = Op::layer_norm,
       .name = "layer_norm",
       .input_count = 3,
       .attrs = epsilon,
       .infer = infer_layer_norm,
       .gradient = gradient_layer_norm,
       .decompose = decompose_layer_norm},
      {.op = Op::layer_norm_grad,
       .name = "layer_norm_grad",
       .input_count = 5,
       .infer = infer_layer_norm_grad,
       .gradient = rules::gradient_by_decomposition,
       .decompose = decompose_layer_norm_grad},
  };
}

}  // namespace keratin
