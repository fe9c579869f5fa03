#pragma once

#include <cstdint>
#include <string_view>

#include "src/core/plugin_export.hpp"

namespace keratin {

/// Every operation of the IR. What each one means (operands, attributes, shape
/// rule, gradient, decomposition) is declared once, in src/ir/ops/.
enum class Op : std::uint16_t {
  // structure
  parameter,  // () {name, dtype, shape}         an input of the graph
  constant,   // () {value: Tensor}
  read,       // () {variable}                   the value before the step
  assign,     // (x) {variable} -> ()            the value after the step
  // element-wise, one operand
  negative,
  abs,
  sign,
  exp,
  expm1,
  log,
  log1p,
  sqrt,
  rsqrt,
  reciprocal,
  square,
  sin,
  cos,
  tan,
  arcsin,
  arccos,
  arctan,
  sinh,
  cosh,
  tanh,
  arcsinh,
  arccosh,
  arctanh,
  erf,
  sigmoid,
  relu,
  softplus,
  floor,
  ceil,
  round,
  isnan,
  isfinite,
  logical_not,
  bitwise_not,
  cast,  // {dtype}
  stop_gradient,
  // element-wise, two operands (NumPy broadcasting, one dtype)
  add,
  subtract,
  multiply,
  divide,
  power,
  maximum,
  minimum,
  mod,
  floor_divide,
  arctan2,
  logical_and,
  logical_or,
  logical_xor,
  bitwise_and,
  bitwise_or,
  bitwise_xor,
  left_shift,
  right_shift,
  equal,
  not_equal,
  less,
  less_equal,
  greater,
  greater_equal,
  // element-wise, three operands
  select,  // (condition, a, b)
  // reductions {axes: ints, ascending and non-negative; keepdims: bool}
  reduce_sum,
  reduce_mean,
  reduce_max,
  reduce_min,
  reduce_prod,
  reduce_any,
  reduce_all,
  argmax,  // {axis, keepdims} -> i32
  argmin,
  // products
  matmul,  // (a, b) {transpose_a, transpose_b}
  // shape
  reshape,       // {shape}
  transpose,     // {permutation}
  broadcast_to,  // {shape}
  concatenate,   // (x...) {axis}
  slice,         // {start, stop, step}
  pad,           // {low, high, value: double}; negative amounts crop
  reverse,       // {axes}
  iota,          // () {shape, axis, dtype}
  // indexing
  take,                // (x, indices) {axis}
  scatter_add,         // (indices, updates) {shape, axis}
  take_along_axis,     // (x, indices) {axis}
  scatter_along_axis,  // (indices, updates) {shape, axis}
  one_hot,             // (indices) {depth, dtype}
  sort,                // (x) {axis} -> (values, indices: i32)
  top_k,               // (x) {k} -> (values, indices: i32)
  cumsum,              // {axis, exclusive, reverse}
  // neural networks; windows as {strides, pad_low, pad_high, dilation}
  conv,                   // (x, w) {window..., groups}
  conv_backward_data,     // (dy, w) {window..., groups, shape}
  conv_backward_weights,  // (x, dy) {window..., groups, shape}
  max_pool,               // (x) {window..., size}
  max_pool_grad,          // (x, dy) {window..., size}; first maximum wins
  average_pool,           // (x) {window..., size}
  average_pool_grad,      // (dy) {window..., size, shape}
  softmax,                // {axis}
  log_softmax,            // {axis}
  softmax_cross_entropy,  // (logits, labels) -> [...]
  sparse_softmax_cross_entropy,  // (logits, labels) -> [...]
  batch_norm_training,   // (x, gamma, beta) {epsilon} -> (y, mean, variance)
  batch_norm_grad,       // (x, gamma, mean, variance, dy) {epsilon}
                         //   -> (dx, dgamma, dbeta)
  batch_norm_inference,  // (x, gamma, beta, mean, variance) {epsilon}
  layer_norm,            // (x, gamma, beta) {epsilon} -> (y, mean, rstd)
  layer_norm_grad,       // (x, gamma, mean, rstd, dy) -> (dx, dgamma, dbeta)
  attention,             // (query, key, value[, mask]) {scale}
                         //   -> (y, largest, total); of each row's scores
  attention_grad,        // (query, key, value, y, largest, total, dy[, mask])
                         //   {scale} -> (dquery, dkey, dvalue)
  // random: state is u32[2] = {seed, counter}
  random_bits,     // (state) {shape} -> u32
  random_uniform,  // (state) {shape, low, high, dtype}
  random_normal,   // (state) {shape, mean, stddev, dtype}
  // control flow, with sub-graphs that take what they capture as parameters
  scan,  // (init..., xs..., captured...) {body, carries, xs, length,
         //   reverse} -> (carry..., ys...)
         //   body: (carry..., x slices..., captured...) -> (carry..., y...)
  cond,  // (predicate, captured...) {if_true, if_false}
         //   branches: (captured...) -> (results...)
  while_loop,  // (init..., captured...) {condition, body, carries,
               //   max_iterations: -1 for none}
               //   condition: (carry..., captured...) -> (bool)
               //   body: (carry..., captured...) -> (carry...)
  // made by passes
  fused,  // (x...) {body}: an element-wise sub-graph, run as one sweep
};

inline constexpr int kOpCount = static_cast<int>(Op::fused) + 1;

/// The name in printed graphs: the enumerator's.
KERATIN_PLUGIN_EXPORT std::string_view op_name(Op op);

}  // namespace keratin
