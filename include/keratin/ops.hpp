#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <keratin/export.hpp>
#include <keratin/tensor.hpp>
#include <keratin/value.hpp>

/// Operations on the values of a graph, named as in keras.ops where Keras has
/// them. Each adds one node or a few; nothing is computed yet.
///
/// Binary functions broadcast as NumPy does. The operands of a binary function
/// must have one dtype (InvalidArgument otherwise; use `cast`); a C++ number
/// takes the dtype of the other operand. Axes may be negative. Every function
/// throws InvalidArgument, naming the op and the shapes, when its rule is
/// broken.
namespace keratin::ops {

using Axes = std::vector<std::int64_t>;  // empty: all axes
using Ints = std::vector<std::int64_t>;

// -- constants ---------------------------------------------------------------

KERATIN_API Value constant(Graph& graph, const Tensor& value);
KERATIN_API Value
full(Graph& graph, const Shape& shape, double value, DType dtype);
KERATIN_API Value zeros_like(const Value& x);
KERATIN_API Value ones_like(const Value& x);
KERATIN_API Value full_like(const Value& x, double value);

/// 0, 1, 2, ... along `axis`, constant along the others.
KERATIN_API Value
iota(Graph& graph, const Shape& shape, std::int64_t axis, DType dtype);

// -- element-wise, one operand -----------------------------------------------

KERATIN_API Value negative(const Value& x);
KERATIN_API Value abs(const Value& x);
KERATIN_API Value sign(const Value& x);
KERATIN_API Value exp(const Value& x);
KERATIN_API Value expm1(const Value& x);
KERATIN_API Value log(const Value& x);
KERATIN_API Value log1p(const Value& x);
KERATIN_API Value sqrt(const Value& x);
KERATIN_API Value rsqrt(const Value& x);
KERATIN_API Value reciprocal(const Value& x);
KERATIN_API Value square(const Value& x);
KERATIN_API Value sin(const Value& x);
KERATIN_API Value cos(const Value& x);
KERATIN_API Value tan(const Value& x);
KERATIN_API Value arcsin(const Value& x);
KERATIN_API Value arccos(const Value& x);
KERATIN_API Value arctan(const Value& x);
KERATIN_API Value sinh(const Value& x);
KERATIN_API Value cosh(const Value& x);
KERATIN_API Value tanh(const Value& x);
KERATIN_API Value arcsinh(const Value& x);
KERATIN_API Value arccosh(const Value& x);
KERATIN_API Value arctanh(const Value& x);
KERATIN_API Value erf(const Value& x);
KERATIN_API Value sigmoid(const Value& x);
KERATIN_API Value relu(const Value& x);
KERATIN_API Value softplus(const Value& x);  // log(1 + e^x), no overflow
KERATIN_API Value floor(const Value& x);
KERATIN_API Value ceil(const Value& x);
KERATIN_API Value round(const Value& x);     // halves to even
KERATIN_API Value isnan(const Value& x);     // bool
KERATIN_API Value isfinite(const Value& x);  // bool
KERATIN_API Value logical_not(const Value& x);
KERATIN_API Value bitwise_not(const Value& x);

/// NumPy's astype.
KERATIN_API Value cast(const Value& x, DType dtype);

/// x, through which no gradient flows.
KERATIN_API Value stop_gradient(const Value& x);

// -- element-wise, two operands ----------------------------------------------

KERATIN_API Value add(const Value& a, const Value& b);
KERATIN_API Value subtract(const Value& a, const Value& b);
KERATIN_API Value multiply(const Value& a, const Value& b);
KERATIN_API Value divide(const Value& a, const Value& b);  // integers: f32
KERATIN_API Value power(const Value& a, const Value& b);
KERATIN_API Value maximum(const Value& a, const Value& b);
KERATIN_API Value minimum(const Value& a, const Value& b);
KERATIN_API Value mod(const Value& a, const Value& b);  // sign of b, as NumPy
KERATIN_API Value floor_divide(const Value& a, const Value& b);
KERATIN_API Value arctan2(const Value& a, const Value& b);
KERATIN_API Value logical_and(const Value& a, const Value& b);
KERATIN_API Value logical_or(const Value& a, const Value& b);
KERATIN_API Value logical_xor(const Value& a, const Value& b);
KERATIN_API Value bitwise_and(const Value& a, const Value& b);
KERATIN_API Value bitwise_or(const Value& a, const Value& b);
KERATIN_API Value bitwise_xor(const Value& a, const Value& b);
KERATIN_API Value left_shift(const Value& a, const Value& b);
KERATIN_API Value right_shift(const Value& a, const Value& b);
KERATIN_API Value equal(const Value& a, const Value& b);  // bool, as the next
KERATIN_API Value not_equal(const Value& a, const Value& b);
KERATIN_API Value less(const Value& a, const Value& b);
KERATIN_API Value less_equal(const Value& a, const Value& b);
KERATIN_API Value greater(const Value& a, const Value& b);
KERATIN_API Value greater_equal(const Value& a, const Value& b);

/// condition ? a : b; condition is bool, all three broadcast.
KERATIN_API Value where(const Value& condition, const Value& a, const Value& b);
KERATIN_API Value clip(const Value& x, double low, double high);

// A C++ number beside a Value is a scalar of the Value's dtype.
KERATIN_API Value scalar_like(const Value& x, double value);
KERATIN_API Value add(const Value& a, double b);
KERATIN_API Value subtract(const Value& a, double b);
KERATIN_API Value subtract(double a, const Value& b);
KERATIN_API Value multiply(const Value& a, double b);
KERATIN_API Value divide(const Value& a, double b);
KERATIN_API Value divide(double a, const Value& b);
KERATIN_API Value power(const Value& a, double b);
KERATIN_API Value maximum(const Value& a, double b);
KERATIN_API Value minimum(const Value& a, double b);
KERATIN_API Value equal(const Value& a, double b);
KERATIN_API Value not_equal(const Value& a, double b);
KERATIN_API Value less(const Value& a, double b);
KERATIN_API Value less_equal(const Value& a, double b);
KERATIN_API Value greater(const Value& a, double b);
KERATIN_API Value greater_equal(const Value& a, double b);

// -- reductions --------------------------------------------------------------

KERATIN_API Value
sum(const Value& x, const Axes& axes = {}, bool keepdims = false);
KERATIN_API Value
mean(const Value& x, const Axes& axes = {}, bool keepdims = false);
KERATIN_API Value
max(const Value& x, const Axes& axes = {}, bool keepdims = false);
KERATIN_API Value
min(const Value& x, const Axes& axes = {}, bool keepdims = false);
KERATIN_API Value
prod(const Value& x, const Axes& axes = {}, bool keepdims = false);
KERATIN_API Value
any(const Value& x, const Axes& axes = {}, bool keepdims = false);
KERATIN_API Value
all(const Value& x, const Axes& axes = {}, bool keepdims = false);

/// Population variance.
KERATIN_API Value
var(const Value& x, const Axes& axes = {}, bool keepdims = false);
KERATIN_API Value
logsumexp(const Value& x, const Axes& axes = {}, bool keepdims = false);

/// First index of the largest (smallest) element along `axis`, as i32.
KERATIN_API Value
argmax(const Value& x, std::int64_t axis = -1, bool keepdims = false);
KERATIN_API Value
argmin(const Value& x, std::int64_t axis = -1, bool keepdims = false);

// -- products ----------------------------------------------------------------

struct MatmulOptions {
  bool transpose_a = false;
  bool transpose_b = false;
};

/// a: [..., m, k], b: [..., k, n] -> [..., m, n]. Both of rank >= 2 after
/// NumPy's rule for vectors; leading dimensions broadcast.
KERATIN_API Value
matmul(const Value& a, const Value& b, MatmulOptions options = {});

/// Contraction over pairs of axes, as numpy.tensordot.
KERATIN_API Value tensordot(
    const Value& a, const Value& b, const Axes& axes_a, const Axes& axes_b);

/// Einstein summation of one or two operands, "ab,bc->ac", "...x,xy->...y".
KERATIN_API Value
einsum(const std::string& equation, const std::vector<Value>& operands);

// -- shape -------------------------------------------------------------------

/// One dimension of `shape` may be kUnknown.
KERATIN_API Value reshape(const Value& x, Shape shape);
KERATIN_API Value transpose(const Value& x, Axes permutation = {});
KERATIN_API Value broadcast_to(const Value& x, const Shape& shape);
KERATIN_API Value expand_dims(const Value& x, std::int64_t axis);
KERATIN_API Value squeeze(const Value& x, const Axes& axes = {});
KERATIN_API Value
concatenate(const std::vector<Value>& parts, std::int64_t axis = -1);
KERATIN_API Value stack(const std::vector<Value>& parts, std::int64_t axis = 0);

/// NumPy's basic slicing on every axis: start, stop (exclusive), step >= 1;
/// 0 <= start <= stop <= dim.
KERATIN_API Value
slice(const Value& x, const Ints& start, const Ints& stop, Ints step = {});

/// Elements [begin, end) of one axis; negative indices count from the back.
KERATIN_API Value slice_axis(
    const Value& x, std::int64_t axis, std::int64_t begin, std::int64_t end);

/// `low[i]` elements of `value` before and `high[i]` after axis i; negative
/// amounts crop.
KERATIN_API Value
pad(const Value& x, const Ints& low, const Ints& high, double value = 0);

KERATIN_API Value flip(const Value& x, const Axes& axes);
KERATIN_API Value repeat(const Value& x, std::int64_t count, std::int64_t axis);
KERATIN_API Value tile(const Value& x, const Ints& repeats);

// -- indexing ----------------------------------------------------------------

/// numpy.take: result shape is x.shape with `axis` replaced by indices.shape.
/// Indices are integers; negative ones count from the back. Out of range ones
/// are clamped on no backend: the element is NaN (0 for integers), so that a
/// wrong index shows.
KERATIN_API Value
take(const Value& x, const Value& indices, std::int64_t axis = 0);

/// zeros of `shape`, updates added at rows `indices` of `axis` (the gradient
/// of take). Out of range indices are skipped.
KERATIN_API Value scatter_add(
    const Value& indices,
    const Value& updates,
    const Shape& shape,
    std::int64_t axis = 0);

/// numpy.take_along_axis; x and indices agree on every other axis. Indices as
/// for take.
KERATIN_API Value
take_along_axis(const Value& x, const Value& indices, std::int64_t axis = -1);

/// zeros of `shape`, updates added where take_along_axis would have read.
KERATIN_API Value scatter_along_axis(
    const Value& indices,
    const Value& updates,
    const Shape& shape,
    std::int64_t axis = -1);

/// indices[...] -> [..., depth]; rows of zeros where out of range.
KERATIN_API Value
one_hot(const Value& indices, std::int64_t depth, DType dtype = DType::f32);

struct SortResult {
  Value values;
  Value indices;  // i32
};

/// Ascending and stable along `axis`.
KERATIN_API SortResult sort(const Value& x, std::int64_t axis = -1);

/// The k largest of the last axis, descending; the lower index first on ties.
KERATIN_API SortResult top_k(const Value& x, std::int64_t k);

KERATIN_API Value cumsum(
    const Value& x,
    std::int64_t axis = -1,
    bool exclusive = false,
    bool reverse = false);

// -- neural networks ---------------------------------------------------------

/// Window of a convolution or pooling over the spatial axes of a channels-last
/// tensor [batch, spatial..., channels].
struct Window {
  Ints strides = {};   // empty: all ones
  Ints pad_low = {};   // empty: all zeros
  Ints pad_high = {};  // empty: all zeros
  Ints dilation = {};  // empty: all ones
};

/// Keras's paddings "valid" and "same" (TensorFlow's rule) as a Window.
KERATIN_API Window make_window(
    const std::string& padding,  // "valid", "same" or "causal" (1-D)
    const Ints& spatial,         // input extents
    const Ints& kernel,
    const Ints& strides,
    const Ints& dilation);

/// x: [n, spatial..., c], w: [kernel..., c / groups, f] -> [n, out..., f].
KERATIN_API Value conv(
    const Value& x,
    const Value& w,
    const Window& window = {},
    std::int64_t groups = 1);

/// Gradient of conv by x (also the transposed convolution):
/// dy: [n, out..., f], w as in conv -> x_shape.
KERATIN_API Value conv_backward_data(
    const Value& dy,
    const Value& w,
    const Shape& x_shape,
    const Window& window = {},
    std::int64_t groups = 1);

/// Gradient of conv by w: x, dy as in conv -> w_shape.
KERATIN_API Value conv_backward_weights(
    const Value& x,
    const Value& dy,
    const Shape& w_shape,
    const Window& window = {},
    std::int64_t groups = 1);

/// Padding never wins.
KERATIN_API Value
max_pool(const Value& x, const Ints& size, const Window& window);

/// Mean over the elements inside the tensor: padding does not count.
KERATIN_API Value
average_pool(const Value& x, const Ints& size, const Window& window);

KERATIN_API Value softmax(const Value& x, std::int64_t axis = -1);
KERATIN_API Value log_softmax(const Value& x, std::int64_t axis = -1);

/// -sum(labels * log_softmax(logits)) over the last axis: [..., c] -> [...].
KERATIN_API Value
softmax_cross_entropy(const Value& logits, const Value& labels);

/// As above for class indices [...] (integers). A label out of range gives NaN.
KERATIN_API Value
sparse_softmax_cross_entropy(const Value& logits, const Value& labels);

struct BatchNormResult {
  Value y;         // as x
  Value mean;      // [c]
  Value variance;  // [c], population
};

/// Normalises x over all axes but the last by the batch's own statistics:
/// y = (x - mean) / sqrt(variance + epsilon) * gamma + beta.
KERATIN_API BatchNormResult batch_norm_training(
    const Value& x, const Value& gamma, const Value& beta, double epsilon);

/// The same with given statistics, each of shape [c].
KERATIN_API Value batch_norm_inference(
    const Value& x,
    const Value& gamma,
    const Value& beta,
    const Value& mean,
    const Value& variance,
    double epsilon);

/// Normalises over the last axis; gamma, beta: [c].
KERATIN_API Value layer_norm(
    const Value& x, const Value& gamma, const Value& beta, double epsilon);

/// For each head softmax(query key^T * scale) value, the softmax over the key's
/// steps; backends that can do not write down the scores.
///   query: [batch, t, heads, h]     key: [batch, s, heads, h]
///   value: [batch, s, heads, n]     result: [batch, t, heads, n]
/// mask: bool, broadcasts to [batch, heads, t, s], false where a step is not to
/// be looked at; a row without any true looks at all steps alike, as in Keras.
/// (Vaswani et al. 2017, "Attention is all you need"; Dao et al. 2022,
/// "FlashAttention".)
KERATIN_API Value dot_product_attention(
    const Value& query,
    const Value& key,
    const Value& value,
    double scale,
    const Value& mask = {});

// -- random ------------------------------------------------------------------

/// Uniform bits (u32) of `shape`. `state`: u32[2] = {seed, counter}: Philox
/// 4x32-10 with that key, its counter running over the row-major index.
KERATIN_API Value random_bits(const Value& state, const Shape& shape);

/// [low, high).
KERATIN_API Value random_uniform(
    const Value& state,
    const Shape& shape,
    double low = 0,
    double high = 1,
    DType dtype = DType::f32);
KERATIN_API Value random_normal(
    const Value& state,
    const Shape& shape,
    double mean = 0,
    double stddev = 1,
    DType dtype = DType::f32);

// -- control flow ------------------------------------------------------------

using Body = std::function<std::vector<Value>(const std::vector<Value>&)>;

struct ScanResult {
  std::vector<Value> carry;  // after the last step
  std::vector<Value> ys;     // stacked on a new first axis
};

/// Runs body(carry..., x_slices...) -> (carry..., y...) over the first axis of
/// `xs` (or `length` times when there are none). Values of the outer graph may
/// be used inside the body. With `reverse`, from the last slice to the first;
/// each y has the place of its slice.
KERATIN_API ScanResult scan(
    const std::vector<Value>& init,
    const std::vector<Value>& xs,
    const Body& body,
    std::optional<std::int64_t> length = {},
    bool reverse = false);

/// One branch runs; predicate: bool scalar. Both yield the same types.
KERATIN_API std::vector<Value> cond(
    const Value& predicate,
    const std::function<std::vector<Value>()>& if_true,
    const std::function<std::vector<Value>()>& if_false);

/// Runs body while condition(values)[0], a bool scalar, holds. Has a gradient
/// only with max_iterations, which also bounds the loop.
KERATIN_API std::vector<Value> while_loop(
    const Body& condition,
    const Body& body,
    const std::vector<Value>& init,
    std::optional<std::int64_t> max_iterations = {});

}  // namespace keratin::ops

namespace keratin {

// clang-format off
inline Value operator-(const Value& x) { return ops::negative(x); }
inline Value operator+(const Value& a, const Value& b) { return ops::add(a, b); }
inline Value operator-(const Value& a, const Value& b) { return ops::subtract(a, b); }
inline Value operator*(const Value& a, const Value& b) { return ops::multiply(a, b); }
inline Value operator/(const Value& a, const Value& b) { return ops::divide(a, b); }
inline Value operator+(const Value& a, double b) { return ops::add(a, b); }
inline Value operator-(const Value& a, double b) { return ops::subtract(a, b); }
inline Value operator*(const Value& a, double b) { return ops::multiply(a, b); }
inline Value operator/(const Value& a, double b) { return ops::divide(a, b); }
inline Value operator+(double a, const Value& b) { return ops::add(b, a); }
inline Value operator-(double a, const Value& b) { return ops::subtract(a, b); }
inline Value operator*(double a, const Value& b) { return ops::multiply(b, a); }
inline Value operator/(double a, const Value& b) { return ops::divide(a, b); }

// clang-format on

}  // namespace keratin

#include <keratin/ops_lifted.hpp>  // the same on arrays and symbolic tensors
