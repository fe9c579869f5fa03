#pragma once

#include <concepts>
#include <cstdint>
#include <initializer_list>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include <keratin/arguments.hpp>
#include <keratin/config.hpp>
#include <keratin/export.hpp>
#include <keratin/ops.hpp>
#include <keratin/symbolic.hpp>
#include <keratin/tensor.hpp>

/// The functions of <keratin/ops.hpp> on arrays and on symbolic tensors.
/// Included by it.
///
///   Tensor y = ops::exp(x) * 2 + ops::mean(x, {1}, true);   // runs at once
///   SymbolicTensor h = ops::relu(a) * 2.0 + b / 3.0;        // layers
///
/// On a Tensor a function runs a small program on the default backend;
/// programs are kept for the next call on the same types, the least recently
/// used going first. Safe from several threads.
///
/// On a SymbolicTensor a function makes a layer that models save as Keras does
/// (class "Add" of keras.src.ops.numpy, ...). Dimensions may be unknown.
///
/// Dtypes are those of keras.ops: operands of different dtypes meet in the
/// smallest that holds both, integers with floats in the float; a C++ number
/// takes the dtype of the tensor beside it, but a fraction beside integers
/// gives float32; integers divided give float32; `floor_divide` stays integral.
namespace keratin::ops {

/// A Tensor, a SymbolicTensor, or what is one: layers::Input.
template <class T>
concept Liftable =
    std::same_as<T, Tensor> || std::convertible_to<const T&, SymbolicTensor>;

namespace detail {

template <class T>
concept Number = std::is_arithmetic_v<T> && !std::same_as<T, bool>;

template <Liftable X>
using To = std::conditional_t<std::same_as<X, Tensor>, Tensor, SymbolicTensor>;

/// What operands of types A and B give; void when they do not go together. An
/// array beside a symbolic tensor is a constant of the model.
template <class A, class B>
struct Lifted {
  using Type = void;
};

// clang-format off
template <Liftable A, Number N> struct Lifted<A, N> { using Type = To<A>; };
template <Number N, Liftable B> struct Lifted<N, B> { using Type = To<B>; };
template <Liftable A, Liftable B> struct Lifted<A, B> {
  using Type = std::conditional_t<std::same_as<To<A>, To<B>>, To<A>, SymbolicTensor>;
};

// clang-format on

KERATIN_API std::vector<Tensor> apply(
    const char* operation,
    const Arguments<Tensor>& arguments,
    const Config& config);
KERATIN_API std::vector<SymbolicTensor> apply(
    const char* operation,
    const Arguments<SymbolicTensor>& arguments,
    const Config& config);

/// An array as a constant of a model: Keras's {"class_name": "__numpy__"}.
KERATIN_API Config array_constant(const Tensor& value);

template <class T, class X>
Argument<T> operand(const X& x, const std::string& name = {}) {
  Argument<T> argument;
  argument.name = name;
  if constexpr (std::convertible_to<const X&, T>) {
    argument.tensors.push_back(x);
  } else if constexpr (std::same_as<X, Tensor>) {
    argument.constant = array_constant(x);
  } else if constexpr (std::is_integral_v<X>) {
    argument.constant = Config(static_cast<std::int64_t>(x));
  } else {
    argument.constant = Config(static_cast<double>(x));
  }
  return argument;
}

template <Liftable X>
Argument<To<X>> list(const std::vector<X>& parts) {
  return {{}, {parts.begin(), parts.end()}, true, {}};
}

template <Liftable X>
std::size_t rank_of(const X& x) {
  const To<X>& tensor = x;
  return tensor.rank();
}

template <class T>
std::vector<T> lift_all(
    const char* operation,
    std::vector<Argument<T>> items,
    const Config& config = Config::object()) {
  Arguments<T> arguments;
  arguments.items = std::move(items);
  return apply(operation, arguments, config);
}

template <class T>
T lift(
    const char* operation,
    std::vector<Argument<T>> items,
    const Config& config = Config::object()) {
  return lift_all<T>(operation, std::move(items), config)[0];
}

template <Liftable X>
To<X> unary(
    const char* operation,
    const X& x,
    const Config& config = Config::object()) {
  return lift<To<X>>(operation, {operand<To<X>>(x)}, config);
}

template <class A, class B>
using LiftedType = typename Lifted<A, B>::Type;

template <class A, class B>
LiftedType<A, B> binary(
    const char* operation,
    const A& a,
    const B& b,
    Config config = Config::object()) {
  using T = LiftedType<A, B>;
  return lift<T>(operation, {operand<T>(a), operand<T>(b)}, std::move(config));
}

/// No axes are Keras's None; one is a number.
KERATIN_API Config axes_config(const Axes& axes);

inline Config reduction(const Axes& axes, bool keepdims) {
  return Config::object({{"axis", axes_config(axes)}, {"keepdims", keepdims}});
}

/// x[start:stop:step] as arguments of Keras's GetItem.
KERATIN_API Config
slices_config(const Ints& start, const Ints& stop, const Ints& step);
KERATIN_API Config slice_axis_config(
    std::size_t rank, std::int64_t axis, std::int64_t begin, std::int64_t end);
KERATIN_API Config pad_config(const Ints& low, const Ints& high);

}  // namespace detail

/// A tensor (Tensor or SymbolicTensor) with a tensor or a C++ number, in either
/// order.
template <class A, class B>
concept LiftedOperands = !std::is_void_v<detail::LiftedType<A, B>>;

// clang-format off

// -- constants ---------------------------------------------------------------

template <Liftable T> detail::To<T> zeros_like(const T& x) { return detail::unary("ZerosLike", x); }
template <Liftable T> detail::To<T> ones_like(const T& x) { return detail::unary("OnesLike", x); }
template <Liftable T> detail::To<T> full_like(const T& x, double value) { return detail::binary("FullLike", x, value); }

// -- element-wise, one operand -----------------------------------------------

template <Liftable T> detail::To<T> negative(const T& x) { return detail::unary("Negative", x); }
template <Liftable T> detail::To<T> abs(const T& x) { return detail::unary("Absolute", x); }
template <Liftable T> detail::To<T> sign(const T& x) { return detail::unary("Sign", x); }
template <Liftable T> detail::To<T> exp(const T& x) { return detail::unary("Exp", x); }
template <Liftable T> detail::To<T> expm1(const T& x) { return detail::unary("Expm1", x); }
template <Liftable T> detail::To<T> log(const T& x) { return detail::unary("Log", x); }
template <Liftable T> detail::To<T> log1p(const T& x) { return detail::unary("Log1p", x); }
template <Liftable T> detail::To<T> sqrt(const T& x) { return detail::unary("Sqrt", x); }
template <Liftable T> detail::To<T> rsqrt(const T& x) { return detail::unary("Rsqrt", x); }
template <Liftable T> detail::To<T> reciprocal(const T& x) { return detail::unary("Reciprocal", x); }
template <Liftable T> detail::To<T> square(const T& x) { return detail::unary("Square", x); }
template <Liftable T> detail::To<T> sin(const T& x) { return detail::unary("Sin", x); }
template <Liftable T> detail::To<T> cos(const T& x) { return detail::unary("Cos", x); }
template <Liftable T> detail::To<T> tan(const T& x) { return detail::unary("Tan", x); }
template <Liftable T> detail::To<T> arcsin(const T& x) { return detail::unary("Arcsin", x); }
template <Liftable T> detail::To<T> arccos(const T& x) { return detail::unary("Arccos", x); }
template <Liftable T> detail::To<T> arctan(const T& x) { return detail::unary("Arctan", x); }
template <Liftable T> detail::To<T> sinh(const T& x) { return detail::unary("Sinh", x); }
template <Liftable T> detail::To<T> cosh(const T& x) { return detail::unary("Cosh", x); }
template <Liftable T> detail::To<T> tanh(const T& x) { return detail::unary("Tanh", x); }
template <Liftable T> detail::To<T> arcsinh(const T& x) { return detail::unary("Arcsinh", x); }
template <Liftable T> detail::To<T> arccosh(const T& x) { return detail::unary("Arccosh", x); }
template <Liftable T> detail::To<T> arctanh(const T& x) { return detail::unary("Arctanh", x); }
template <Liftable T> detail::To<T> erf(const T& x) { return detail::unary("Erf", x); }
template <Liftable T> detail::To<T> sigmoid(const T& x) { return detail::unary("Sigmoid", x); }
template <Liftable T> detail::To<T> relu(const T& x) { return detail::unary("Relu", x); }
template <Liftable T> detail::To<T> softplus(const T& x) { return detail::unary("Softplus", x); }
template <Liftable T> detail::To<T> floor(const T& x) { return detail::unary("Floor", x); }
template <Liftable T> detail::To<T> ceil(const T& x) { return detail::unary("Ceil", x); }
template <Liftable T> detail::To<T> round(const T& x) { return detail::unary("Round", x); }
template <Liftable T> detail::To<T> isnan(const T& x) { return detail::unary("Isnan", x); }
template <Liftable T> detail::To<T> isfinite(const T& x) { return detail::unary("Isfinite", x); }
template <Liftable T> detail::To<T> logical_not(const T& x) { return detail::unary("LogicalNot", x); }
template <Liftable T> detail::To<T> bitwise_not(const T& x) { return detail::unary("BitwiseNot", x); }
template <Liftable T> detail::To<T> stop_gradient(const T& x) { return detail::unary("StopGradient", x); }
template <Liftable T> detail::To<T> cast(const T& x, DType dtype) { return detail::unary("Cast", x, Config::object({{"dtype", name_of(dtype)}})); }
template <Liftable T> detail::To<T> clip(const T& x, double low, double high) { return detail::unary("Clip", x, Config::object({{"x_min", low}, {"x_max", high}})); }

// -- element-wise, two operands ----------------------------------------------

template <class A, class B> requires LiftedOperands<A, B> auto add(const A& a, const B& b) { return detail::binary("Add", a, b); }
template <class A, class B> requires LiftedOperands<A, B> auto subtract(const A& a, const B& b) { return detail::binary("Subtract", a, b); }
template <class A, class B> requires LiftedOperands<A, B> auto multiply(const A& a, const B& b) { return detail::binary("Multiply", a, b); }
template <class A, class B> requires LiftedOperands<A, B> auto divide(const A& a, const B& b) { return detail::binary("Divide", a, b); }
template <class A, class B> requires LiftedOperands<A, B> auto power(const A& a, const B& b) { return detail::binary("Power", a, b); }
template <class A, class B> requires LiftedOperands<A, B> auto maximum(const A& a, const B& b) { return detail::binary("Maximum", a, b); }
template <class A, class B> requires LiftedOperands<A, B> auto minimum(const A& a, const B& b) { return detail::binary("Minimum", a, b); }
template <class A, class B> requires LiftedOperands<A, B> auto mod(const A& a, const B& b) { return detail::binary("Mod", a, b); }
template <class A, class B> requires LiftedOperands<A, B> auto floor_divide(const A& a, const B& b) { return detail::binary("FloorDivide", a, b); }
template <class A, class B> requires LiftedOperands<A, B> auto arctan2(const A& a, const B& b) { return detail::binary("Arctan2", a, b); }
template <class A, class B> requires LiftedOperands<A, B> auto logical_and(const A& a, const B& b) { return detail::binary("LogicalAnd", a, b); }
template <class A, class B> requires LiftedOperands<A, B> auto logical_or(const A& a, const B& b) { return detail::binary("LogicalOr", a, b); }
template <class A, class B> requires LiftedOperands<A, B> auto logical_xor(const A& a, const B& b) { return detail::binary("LogicalXor", a, b); }
template <class A, class B> requires LiftedOperands<A, B> auto bitwise_and(const A& a, const B& b) { return detail::binary("BitwiseAnd", a, b); }
template <class A, class B> requires LiftedOperands<A, B> auto bitwise_or(const A& a, const B& b) { return detail::binary("BitwiseOr", a, b); }
template <class A, class B> requires LiftedOperands<A, B> auto bitwise_xor(const A& a, const B& b) { return detail::binary("BitwiseXor", a, b); }
template <class A, class B> requires LiftedOperands<A, B> auto left_shift(const A& a, const B& b) { return detail::binary("LeftShift", a, b); }
template <class A, class B> requires LiftedOperands<A, B> auto right_shift(const A& a, const B& b) { return detail::binary("RightShift", a, b); }
template <class A, class B> requires LiftedOperands<A, B> auto equal(const A& a, const B& b) { return detail::binary("Equal", a, b); }
template <class A, class B> requires LiftedOperands<A, B> auto not_equal(const A& a, const B& b) { return detail::binary("NotEqual", a, b); }
template <class A, class B> requires LiftedOperands<A, B> auto less(const A& a, const B& b) { return detail::binary("Less", a, b); }
template <class A, class B> requires LiftedOperands<A, B> auto less_equal(const A& a, const B& b) { return detail::binary("LessEqual", a, b); }
template <class A, class B> requires LiftedOperands<A, B> auto greater(const A& a, const B& b) { return detail::binary("Greater", a, b); }
template <class A, class B> requires LiftedOperands<A, B> auto greater_equal(const A& a, const B& b) { return detail::binary("GreaterEqual", a, b); }

/// condition ? a : b, all three broadcast; a and b may be C++ numbers.
template <Liftable T, class A, class B>
  requires (LiftedOperands<T, A> && LiftedOperands<T, B>)
detail::To<T> where(const T& condition, const A& a, const B& b) {
  return detail::lift<detail::To<T>>("Where", {detail::operand<detail::To<T>>(condition), detail::operand<detail::To<T>>(a), detail::operand<detail::To<T>>(b)});
}

// -- reductions --------------------------------------------------------------

template <Liftable T> detail::To<T> sum(const T& x, const Axes& axes = {}, bool keepdims = false) { return detail::unary("Sum", x, detail::reduction(axes, keepdims)); }
template <Liftable T> detail::To<T> mean(const T& x, const Axes& axes = {}, bool keepdims = false) { return detail::unary("Mean", x, detail::reduction(axes, keepdims)); }
template <Liftable T> detail::To<T> max(const T& x, const Axes& axes = {}, bool keepdims = false) { return detail::unary("Max", x, detail::reduction(axes, keepdims)); }
template <Liftable T> detail::To<T> min(const T& x, const Axes& axes = {}, bool keepdims = false) { return detail::unary("Min", x, detail::reduction(axes, keepdims)); }
template <Liftable T> detail::To<T> prod(const T& x, const Axes& axes = {}, bool keepdims = false) { return detail::unary("Prod", x, detail::reduction(axes, keepdims)); }
template <Liftable T> detail::To<T> any(const T& x, const Axes& axes = {}, bool keepdims = false) { return detail::unary("Any", x, detail::reduction(axes, keepdims)); }
template <Liftable T> detail::To<T> all(const T& x, const Axes& axes = {}, bool keepdims = false) { return detail::unary("All", x, detail::reduction(axes, keepdims)); }
template <Liftable T> detail::To<T> var(const T& x, const Axes& axes = {}, bool keepdims = false) { return detail::unary("Var", x, detail::reduction(axes, keepdims)); }
template <Liftable T> detail::To<T> logsumexp(const T& x, const Axes& axes = {}, bool keepdims = false) { return detail::unary("Logsumexp", x, detail::reduction(axes, keepdims)); }
template <Liftable T> detail::To<T> argmax(const T& x, std::int64_t axis = -1, bool keepdims = false) { return detail::unary("Argmax", x, detail::reduction({axis}, keepdims)); }
template <Liftable T> detail::To<T> argmin(const T& x, std::int64_t axis = -1, bool keepdims = false) { return detail::unary("Argmin", x, detail::reduction({axis}, keepdims)); }

// -- products ----------------------------------------------------------------

template <class A, class B> requires LiftedOperands<A, B> auto matmul(const A& a, const B& b) { return detail::binary("Matmul", a, b); }
template <class A, class B> requires LiftedOperands<A, B> auto tensordot(const A& a, const B& b, const Axes& axes_a, const Axes& axes_b) {
  return detail::binary("Tensordot", a, b, Config::object({{"axes", Config::array({Config::ints(axes_a), Config::ints(axes_b)})}}));
}
template <Liftable T> detail::To<T> einsum(const std::string& equation, const std::vector<T>& operands) {
  std::vector<Argument<detail::To<T>>> items;
  for (const T& x : operands) items.push_back(detail::operand<detail::To<T>>(x));
  return detail::lift<detail::To<T>>("Einsum", std::move(items), Config::object({{"subscripts", equation}}));
}
template <Liftable T> detail::To<T> einsum(const std::string& equation, std::initializer_list<T> operands) { return einsum(equation, std::vector<T>(operands)); }

// -- shape -------------------------------------------------------------------

template <Liftable T> detail::To<T> reshape(const T& x, const Shape& shape) { return detail::unary("Reshape", x, Config::object({{"newshape", Config::ints(shape.dims())}})); }
template <Liftable T> detail::To<T> transpose(const T& x, const Axes& permutation = {}) { return detail::unary("Transpose", x, Config::object({{"axes", permutation.empty() ? Config() : Config::ints(permutation)}})); }
template <Liftable T> detail::To<T> broadcast_to(const T& x, const Shape& shape) { return detail::unary("BroadcastTo", x, Config::object({{"shape", Config::ints(shape.dims())}})); }
template <Liftable T> detail::To<T> expand_dims(const T& x, std::int64_t axis) { return detail::unary("ExpandDims", x, Config::object({{"axis", axis}})); }
template <Liftable T> detail::To<T> squeeze(const T& x, const Axes& axes = {}) { return detail::unary("Squeeze", x, Config::object({{"axis", detail::axes_config(axes)}})); }
template <Liftable T> detail::To<T> concatenate(const std::vector<T>& parts, std::int64_t axis = -1) { return detail::lift<detail::To<T>>("Concatenate", {detail::list(parts)}, Config::object({{"axis", axis}})); }
template <Liftable T> detail::To<T> concatenate(std::initializer_list<T> parts, std::int64_t axis = -1) { return concatenate(std::vector<T>(parts), axis); }
template <Liftable T> detail::To<T> stack(const std::vector<T>& parts, std::int64_t axis = 0) { return detail::lift<detail::To<T>>("Stack", {detail::list(parts)}, Config::object({{"axis", axis}})); }
template <Liftable T> detail::To<T> stack(std::initializer_list<T> parts, std::int64_t axis = 0) { return stack(std::vector<T>(parts), axis); }
template <Liftable T> detail::To<T> flip(const T& x, const Axes& axes) { return detail::unary("Flip", x, Config::object({{"axis", detail::axes_config(axes)}})); }
template <Liftable T> detail::To<T> repeat(const T& x, std::int64_t count, std::int64_t axis) { return detail::unary("Repeat", x, Config::object({{"repeats", count}, {"axis", axis}})); }
template <Liftable T> detail::To<T> tile(const T& x, const Ints& repeats) { return detail::unary("Tile", x, Config::object({{"repeats", Config::ints(repeats)}})); }

/// NumPy's basic slicing of the first start.size() axes; negative indices count
/// from the back.
template <Liftable T> detail::To<T> slice(const T& x, const Ints& start, const Ints& stop, const Ints& step = {}) {
  return detail::lift<detail::To<T>>("GetItem", {detail::operand<detail::To<T>>(x), {{}, {}, false, detail::slices_config(start, stop, step)}});
}
template <Liftable T> detail::To<T> slice_axis(const T& x, std::int64_t axis, std::int64_t begin, std::int64_t end) {
  return detail::lift<detail::To<T>>("GetItem", {detail::operand<detail::To<T>>(x), {{}, {}, false, detail::slice_axis_config(detail::rank_of(x), axis, begin, end)}});
}

/// `low[i]` elements of `value` before and `high[i]` after axis i, none of them
/// negative.
template <Liftable T> detail::To<T> pad(const T& x, const Ints& low, const Ints& high, double value = 0) {
  return detail::lift<detail::To<T>>("Pad", {detail::operand<detail::To<T>>(x), detail::operand<detail::To<T>>(value, "constant_values")}, detail::pad_config(low, high));
}

// -- indexing ----------------------------------------------------------------

template <class A, class B> requires LiftedOperands<A, B> auto take(const A& x, const B& indices, std::int64_t axis = 0) { return detail::binary("Take", x, indices, Config::object({{"axis", axis}})); }
template <class A, class B> requires LiftedOperands<A, B> auto take_along_axis(const A& x, const B& indices, std::int64_t axis = -1) { return detail::binary("TakeAlongAxis", x, indices, Config::object({{"axis", axis}})); }
template <Liftable T> detail::To<T> one_hot(const T& indices, std::int64_t depth, DType dtype = DType::f32) { return detail::unary("OneHot", indices, Config::object({{"num_classes", depth}, {"dtype", name_of(dtype)}})); }
template <Liftable T> detail::To<T> cumsum(const T& x, std::int64_t axis = -1) { return detail::unary("Cumsum", x, Config::object({{"axis", axis}})); }

template <class T>
struct LiftedSort {
  T values;
  T indices;  // i32
};

template <Liftable T> LiftedSort<detail::To<T>> sort(const T& x, std::int64_t axis = -1) {
  const Config config = Config::object({{"axis", axis}});
  return {detail::unary("Sort", x, config), detail::unary("Argsort", x, config)};
}
template <Liftable T> LiftedSort<detail::To<T>> top_k(const T& x, std::int64_t k) {
  auto results = detail::lift_all<detail::To<T>>("TopK", {detail::operand<detail::To<T>>(x)}, Config::object({{"k", k}}));
  return {results[0], results[1]};
}

// -- neural networks ---------------------------------------------------------

template <Liftable T> detail::To<T> softmax(const T& x, std::int64_t axis = -1) { return detail::unary("Softmax", x, Config::object({{"axis", axis}})); }
template <Liftable T> detail::To<T> log_softmax(const T& x, std::int64_t axis = -1) { return detail::unary("LogSoftmax", x, Config::object({{"axis", axis}})); }

}  // namespace keratin::ops

namespace keratin {

template <ops::Liftable T> auto operator-(const T& x) { return ops::negative(x); }
template <class A, class B> requires ops::LiftedOperands<A, B> auto operator+(const A& a, const B& b) { return ops::add(a, b); }
template <class A, class B> requires ops::LiftedOperands<A, B> auto operator-(const A& a, const B& b) { return ops::subtract(a, b); }
template <class A, class B> requires ops::LiftedOperands<A, B> auto operator*(const A& a, const B& b) { return ops::multiply(a, b); }
template <class A, class B> requires ops::LiftedOperands<A, B> auto operator/(const A& a, const B& b) { return ops::detail::binary("TrueDivide", a, b); }

// clang-format on

}  // namespace keratin
