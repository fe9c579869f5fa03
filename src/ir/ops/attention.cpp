#include <string>
#include <utility>
#include <vector>

#include <keratin/ops.hpp>

#include "src/core/format.hpp"
#include "src/ir/ops/derived.hpp"
#include "src/ir/ops/families.hpp"
#include "src/ir/ops/rules.hpp"

// Attention by scaled products, as one op: a backend that has it need not write
// down a score for each pair of steps.

namespace keratin {

namespace {

// What is masked gets this score, as in Keras: rows that are masked altogether
// then weigh all alike. A number of float32, so that it is one score in all
// dtypes of statistics.
constexpr double kMasked = static_cast<float>(-0.7 * 3.38953e38);

constexpr std::size_t kOperands = 3;      // query, key, value
constexpr std::size_t kGradOperands = 7;  // and y, largest, total, dy

DType wide(DType dtype) {
  return dtype == DType::f64 ? DType::f64 : DType::f32;
}

Value to(const Value& x, DType dtype) {
  return x.dtype() == dtype ? x : ops::cast(x, dtype);
}

/// Checks query, key, value, and the mask behind the first `count` operands.
/// Returns the type of the statistics, [batch, heads, t].
ValueType expect_heads(const InferArgs& args, std::size_t count) {
  if (args.inputs.size() != count && args.inputs.size() != count + 1) {
    rules::fail(
        args,
        format(
            "expected {} operands and a mask or none, got {}",
            count,
            args.inputs.size()));
  }
  rules::expect_floating(args);
  for (std::size_t i = 0; i < kOperands; ++i) rules::expect_rank(args, i, 4);
  const Shape& q = args.inputs[0].shape;
  const Shape& k = args.inputs[1].shape;
  const Shape& v = args.inputs[2].shape;
  const bool fit = k[0] == q[0] && k[2] == q[2] && k[3] == q[3] &&
                   v[0] == q[0] && v[1] == k[1] && v[2] == q[2];
  const DType dtype = args.inputs[0].dtype;
  if (!fit || args.inputs[1].dtype != dtype || args.inputs[2].dtype != dtype) {
    rules::fail(
        args,
        format(
            "expected a query [batch, t, heads, h], a key [batch, s, heads, h] "
            "and a value [batch, s, heads, n] of one dtype, got {}, {} and {}",
            args.inputs[0].str(),
            args.inputs[1].str(),
            args.inputs[2].str()));
  }
  if (k[1] == 0) rules::fail(args, "expected at least one step of the key");
  if (args.inputs.size() > count) {
    rules::expect_boolean(args, count);
    const Shape scores = {q[0], q[2], q[1], k[1]};
    const Shape& mask = args.inputs[count].shape;
    bool spreads = mask.rank() == scores.rank();
    for (std::size_t i = 0; spreads && i < scores.rank(); ++i) {
      spreads = mask[i] == 1 || mask[i] == scores[i];
    }
    if (!spreads) {
      rules::fail(
          args,
          format(
              "expected a mask of rank 4 that broadcasts to the scores {}, got "
              "{}",
              scores,
              mask));
    }
  }
  return {wide(dtype), {q[0], q[2], q[1]}};
}

std::vector<ValueType> infer_attention(const InferArgs& args) {
  const ValueType statistic = expect_heads(args, kOperands);
  const Shape& q = args.inputs[0].shape;
  return {
      {args.inputs[0].dtype, {q[0], q[1], q[2], args.inputs[2].shape[3]}},
      statistic,
      statistic};
}

std::vector<ValueType> infer_attention_grad(const InferArgs& args) {
  const ValueType statistic = expect_heads(args, kGradOperands);
  const Shape& q = args.inputs[0].shape;
  const ValueType y = {
      args.inputs[0].dtype, {q[0], q[1], q[2], args.inputs[2].shape[3]}};
  const ValueType wanted[] = {y, statistic, statistic, y};
  for (std::size_t i = 0; i < 4; ++i) {
    if (args.inputs[kOperands + i] == wanted[i]) continue;
    rules::fail(
        args,
        format(
            "expected operand {} of type {}, got {}",
            kOperands + i,
            wanted[i].str(),
            args.inputs[kOperands + i].str()));
  }
  return {args.inputs[0], args.inputs[1], args.inputs[2]};
}

/// [batch, heads, t, s]
Value scores_of(
    const std::vector<Value>& inputs, const Attrs& attrs, const Value& mask) {
  Value scores = ops::einsum("bsnh,btnh->bnts", {inputs[1], inputs[0]});
  scores = to(scores, wide(scores.dtype())) * attrs.number("scale");
  if (!mask) return scores;
  return ops::where(mask, scores, ops::full_like(scores, kMasked));
}

std::vector<Value> decompose_attention(const DecomposeArgs& args) {
  const Value mask =
      args.inputs.size() > kOperands ? args.inputs[kOperands] : Value();
  const Value& value = args.inputs[2];
  const Value scores = scores_of(args.inputs, args.attrs, mask);
  const Value largest = ops::max(scores, {3}, true);
  const Value e = ops::exp(scores - largest);
  const Value total = ops::sum(e, {3}, true);
  const Value weights = to(e / total, value.dtype());
  return {
      ops::einsum("bnts,bsnh->btnh", {weights, value}),
      ops::squeeze(largest, {3}),
      ops::squeeze(total, {3})};
}

// With p = exp(scores - largest) / total:
//   dvalue = p^T dy, dp = dy value^T
//   dscores = p * (dp - sum(dy * y)), 0 where masked
//   dquery = dscores key * scale, dkey = dscores^T query * scale
std::vector<Value> decompose_attention_grad(const DecomposeArgs& args) {
  const Value mask =
      args.inputs.size() > kGradOperands ? args.inputs[kGradOperands] : Value();
  const Value& query = args.inputs[0];
  const Value& key = args.inputs[1];
  const Value& value = args.inputs[2];
  const Value& y = args.inputs[3];
  const Value largest = ops::expand_dims(args.inputs[4], -1);
  const Value total = ops::expand_dims(args.inputs[5], -1);
  const Value& dy = args.inputs[6];
  const Value scores = scores_of(args.inputs, args.attrs, mask);
  const Value p = ops::exp(scores - largest) / total;
  const DType narrow = value.dtype();
  const Value dvalue = ops::einsum("bnts,btnh->bsnh", {to(p, narrow), dy});
  const Value dp =
      to(ops::einsum("btnh,bsnh->bnts", {dy, value}), scores.dtype());
  // [batch, t, heads] -> [batch, heads, t, 1]
  const Value own = ops::expand_dims(
      ops::transpose(
          ops::sum(to(dy, scores.dtype()) * to(y, scores.dtype()), {3}),
          {0, 2, 1}),
      -1);
  Value dscores = p * (dp - own) * args.attrs.number("scale");
  if (mask) dscores = ops::where(mask, dscores, ops::zeros_like(dscores));
  dscores = to(dscores, narrow);
  return {
      ops::einsum("bnts,bsnh->btnh", {dscores, key}),
      ops::einsum("bnts,btnh->bsnh", {dscores, query}),
      dvalue};
}

std::vector<Value> gradient_attention(const GradientArgs& args) {
  if (!args.grads[0] || args.grads[1] || args.grads[2]) {
    return rules::gradient_by_decomposition(args);
  }
  std::vector<Value> operands(
      args.inputs.begin(), args.inputs.begin() + kOperands);
  operands.insert(operands.end(), args.outputs.begin(), args.outputs.end());
  operands.push_back(args.grads[0]);
  const bool masked = args.inputs.size() > kOperands;
  if (masked) operands.push_back(args.inputs[kOperands]);
  std::vector<Value> grads =
      rules::emit_all(Op::attention_grad, operands, args.attrs);
  if (masked) grads.emplace_back();
  return grads;
}

}  // namespace

namespace ops {

Value dot_product_attention(
    const Value& query,
    const Value& key,
    const Value& value,
    double scale,
    const Value& mask) {
  std::vector<Value> operands = {query, key, value};
  if (mask) operands.push_back(mask);
  return rules::emit_all(Op::attention, operands, {{"scale", scale}})[0];
}

}  // namespace ops

// The gradient is differentiated through its decomposition; so is the op where
// a gradient flows into its statistics.
std::vector<OpInfo> families::attention_ops() {
  const std::vector<AttrSpec> scale = {{"scale", AttrKind::number}};
  return {
      {.op = Op::attention,
       .name = "attention",
       .input_count = kVariadic,
       .attrs = scale,
       .infer = infer_attention,
       .gradient = gradient_attention,
       .decompose = decompose_attention},
      {.op = Op::attention_grad,
       .name = "attention_grad",
       .input_count = kVariadic,
       .attrs = scale,
       .infer = infer_attention_grad,
       .gradient = rules::gradient_by_decomposition,
       .decompose = decompose_attention_grad},
  };
}

}  // namespace keratin
