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
/// takes the dtype of the tensor beside it, but a fraction beside integers gives
/// float32; integers divided give float32; `floor_divide` stays integral.
namespace keratin::ops {

template <class T>
concept Liftable =
    std::same_as<T, Tensor> || std::same_as<T, SymbolicTensor>;

namespace detail {

template <class T>
concept Number = std::is_arithmetic_v<T> && !std::same_as<T, bool>;

/// What operands of types A and B give; void when they do not go together. An
/// array beside a symbolic tensor is a constant of the model.
template <class A, class B>
struct Lifted {
  using Type = void;
};

// clang-format off
template <Liftable T> struct Lifted<T, T> { using Type = T; };
template <Liftable T, Number N> struct Lifted<T, N> { using Type = T; };
template <Number N, Liftable T> struct Lifted<N, T> { using Type = T; };
template <> struct Lifted<SymbolicTensor, Tensor> { using Type = SymbolicTensor; };
template <> struct Lifted<Tensor, SymbolicTensor> { using Type = SymbolicTensor; };
// clang-format on

KERATIN_API std::vector<Tensor> apply(
    const char* operation, const Arguments<Tensor>& arguments, Config config);
KERATIN_API std::vector<SymbolicTensor> apply(
    const char* operation,
    const Arguments<SymbolicTensor>& arguments,
    Config config);

/// An array as a constant of a model: Keras's {"class_name": "__numpy__"}.
KERATIN_API Config array_constant(const Tensor& value);

template <Liftable T, class X>
Argument<T> operand(const X& x, std::string name = {}) {
  Argument<T> argument;
  argument.name = std::move(name);
  if constexpr (std::same_as<X, T>) {
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

template <Liftable T>
Argument<T> list(const std::vector<T>& parts) {
  return {{}, parts, true, {}};
}

template <Liftable T>
std::vector<T> lift_all(
    const char* operation,
    std::vector<Argument<T>> items,
    Config config = Config::object()) {
  Arguments<T> arguments;
  arguments.items = std::move(items);
  return apply(operation, arguments, std::move(config));
}

template <Liftable T>
T lift(
    const char* operation,
    std::vector<Argument<T>> items,
    Config config = Config::object()) {
  return lift_all<T>(operation, std::move(items), std::move(config))[0];
}

template <Liftable T>
T unary(const char* operation, const T& x, Config config = Config::object()) {
  return lift<T>(operation, {operand<T>(x)}, std::move(config));
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
  return lift<T>(
      operation, {operand<T>(a), operand<T>(b)}, std::move(config));
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

template <Liftable T> T zeros_like(const T& x) { return detail::unary("ZerosLike", x); }
template <Liftable T> T ones_like(const T& x) { return detail::unary("OnesLike", x); }
template <Liftable T> T full_like(const T& x, double value) { return detail::binary("FullLike", x, value); }

// -- element-wise, one operand -----------------------------------------------

template <Liftable T> T negative(const T& x) { return detail::unary("Negative", x); }
template <Liftable T> T abs(const T& x) { return detail::unary("Absolute", x); }
template <Liftable T> T sign(const T& x) { return detail::unary("Sign", x); }
template <Liftable T> T exp(const T& x) { return detail::unary("Exp", x); }
template <Liftable T> T expm1(const T& x) { return detail::unary("Expm1", x); }
template <Liftable T> T log(const T& x) { return detail::unary("Log", x); }
template <Liftable T> T log1p(const T& x) { return detail::unary("Log1p", x); }
template <Liftable T> T sqrt(const T& x) { return detail::unary("Sqrt", x); }
template <Liftable T> T rsqrt(const T& x) { return detail::unary("Rsqrt", x); }
template <Liftable T> T reciprocal(const T& x) { return detail::unary("Reciprocal", x); }
template <Liftable T> T square(const T& x) { return detail::unary("Square", x); }
template <Liftable T> T sin(const T& x) { return detail::unary("Sin", x); }
template <Liftable T> T cos(const T& x) { return detail::unary("Cos", x); }
template <Liftable T> T tan(const T& x) { return detail::unary("Tan", x); }
template <Liftable T> T arcsin(const T& x) { return detail::unary("Arcsin", x); }
template <Liftable T> T arccos(const T& x) { return detail::unary("Arccos", x); }
template <Liftable T> T arctan(const T& x) { return detail::unary("Arctan", x); }
template <Liftable T> T sinh(const T& x) { return detail::unary("Sinh", x); }
template <Liftable T> T cosh(const T& x) { return detail::unary("Cosh", x); }
template <Liftable T> T tanh(const T& x) { return detail::unary("Tanh", x); }
template <Liftable T> T arcsinh(const T& x) { return detail::unary("Arcsinh", x); }
template <Liftable T> T arccosh(const T& x) { return detail::unary("Arccosh", x); }
template <Liftable T> T arctanh(const T& x) { return detail::unary("Arctanh", x); }
template <Liftable T> T erf(const T& x) { return detail::unary("Erf", x); }
template <Liftable T> T sigmoid(const T& x) { return detail::unary("Sigmoid", x); }
template <Liftable T> T relu(const T& x) { return detail::unary("Relu", x); }
template <Liftable T> T softplus(const T& x) { return detail::unary("Softplus", x); }
template <Liftable T> T floor(const T& x) { return detail::unary("Floor", x); }
template <Liftable T> T ceil(const T& x) { return detail::unary("Ceil", x); }
template <Liftable T> T round(const T& x) { return detail::unary("Round", x); }
template <Liftable T> T isnan(const T& x) { return detail::unary("Isnan", x); }
template <Liftable T> T isfinite(const T& x) { return detail::unary("Isfinite", x); }
template <Liftable T> T logical_not(const T& x) { return detail::unary("LogicalNot", x); }
template <Liftable T> T bitwise_not(const T& x) { return detail::unary("BitwiseNot", x); }
template <Liftable T> T stop_gradient(const T& x) { return detail::unary("StopGradient", x); }
template <Liftable T> T cast(const T& x, DType dtype) { return detail::unary("Cast", x, Config::object({{"dtype", name_of(dtype)}})); }
template <Liftable T> T clip(const T& x, double low, double high) { return detail::unary("Clip", x, Config::object({{"x_min", low}, {"x_max", high}})); }

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
T where(const T& condition, const A& a, const B& b) {
  return detail::lift<T>("Where", {detail::operand<T>(condition), detail::operand<T>(a), detail::operand<T>(b)});
}

// -- reductions --------------------------------------------------------------

template <Liftable T> T sum(const T& x, Axes axes = {}, bool keepdims = false) { return detail::unary("Sum", x, detail::reduction(axes, keepdims)); }
template <Liftable T> T mean(const T& x, Axes axes = {}, bool keepdims = false) { return detail::unary("Mean", x, detail::reduction(axes, keepdims)); }
template <Liftable T> T max(const T& x, Axes axes = {}, bool keepdims = false) { return detail::unary("Max", x, detail::reduction(axes, keepdims)); }
template <Liftable T> T min(const T& x, Axes axes = {}, bool keepdims = false) { return detail::unary("Min", x, detail::reduction(axes, keepdims)); }
template <Liftable T> T prod(const T& x, Axes axes = {}, bool keepdims = false) { return detail::unary("Prod", x, detail::reduction(axes, keepdims)); }
template <Liftable T> T any(const T& x, Axes axes = {}, bool keepdims = false) { return detail::unary("Any", x, detail::reduction(axes, keepdims)); }
template <Liftable T> T all(const T& x, Axes axes = {}, bool keepdims = false) { return detail::unary("All", x, detail::reduction(axes, keepdims)); }
template <Liftable T> T var(const T& x, Axes axes = {}, bool keepdims = false) { return detail::unary("Var", x, detail::reduction(axes, keepdims)); }
template <Liftable T> T logsumexp(const T& x, Axes axes = {}, bool keepdims = false) { return detail::unary("Logsumexp", x, detail::reduction(axes, keepdims)); }
template <Liftable T> T argmax(const T& x, std::int64_t axis = -1, bool keepdims = false) { return detail::unary("Argmax", x, detail::reduction({axis}, keepdims)); }
template <Liftable T> T argmin(const T& x, std::int64_t axis = -1, bool keepdims = false) { return detail::unary("Argmin", x, detail::reduction({axis}, keepdims)); }

// -- products ----------------------------------------------------------------

template <class A, class B> requires LiftedOperands<A, B> auto matmul(const A& a, const B& b) { return detail::binary("Matmul", a, b); }
template <class A, class B> requires LiftedOperands<A, B> auto tensordot(const A& a, const B& b, const Axes& axes_a, const Axes& axes_b) {
  return detail::binary("Tensordot", a, b, Config::object({{"axes", Config::array({Config::ints(axes_a), Config::ints(axes_b)})}}));
}
template <Liftable T> T einsum(const std::string& equation, const std::vector<T>& operands) {
  std::vector<Argument<T>> items;
  for (const T& x : operands) items.push_back(detail::operand<T>(x));
  return detail::lift<T>("Einsum", std::move(items), Config::object({{"subscripts", equation}}));
}
template <Liftable T> T einsum(const std::string& equation, std::initializer_list<T> operands) { return einsum(equation, std::vector<T>(operands)); }

// -- shape -------------------------------------------------------------------

template <Liftable T> T reshape(const T& x, const Shape& shape) { return detail::unary("Reshape", x, Config::object({{"newshape", Config::ints(shape.dims())}})); }
template <Liftable T> T transpose(const T& x, const Axes& permutation = {}) { return detail::unary("Transpose", x, Config::object({{"axes", permutation.empty() ? Config() : Config::ints(permutation)}})); }
template <Liftable T> T broadcast_to(const T& x, const Shape& shape) { return detail::unary("BroadcastTo", x, Config::object({{"shape", Config::ints(shape.dims())}})); }
template <Liftable T> T expand_dims(const T& x, std::int64_t axis) { return detail::unary("ExpandDims", x, Config::object({{"axis", axis}})); }
template <Liftable T> T squeeze(const T& x, const Axes& axes = {}) { return detail::unary("Squeeze", x, Config::object({{"axis", detail::axes_config(axes)}})); }
template <Liftable T> T concatenate(const std::vector<T>& parts, std::int64_t axis = -1) { return detail::lift<T>("Concatenate", {detail::list(parts)}, Config::object({{"axis", axis}})); }
template <Liftable T> T concatenate(std::initializer_list<T> parts, std::int64_t axis = -1) { return concatenate(std::vector<T>(parts), axis); }
template <Liftable T> T stack(const std::vector<T>& parts, std::int64_t axis = 0) { return detail::lift<T>("Stack", {detail::list(parts)}, Config::object({{"axis", axis}})); }
template <Liftable T> T stack(std::initializer_list<T> parts, std::int64_t axis = 0) { return stack(std::vector<T>(parts), axis); }
template <Liftable T> T flip(const T& x, const Axes& axes) { return detail::unary("Flip", x, Config::object({{"axis", detail::axes_config(axes)}})); }
template <Liftable T> T repeat(const T& x, std::int64_t count, std::int64_t axis) { return detail::unary("Repeat", x, Config::object({{"repeats", count}, {"axis", axis}})); }
template <Liftable T> T tile(const T& x, const Ints& repeats) { return detail::unary("Tile", x, Config::object({{"repeats", Config::ints(repeats)}})); }

/// NumPy's basic slicing of the first start.size() axes; negative indices count
/// from the back.
template <Liftable T> T slice(const T& x, const Ints& start, const Ints& stop, const Ints& step = {}) {
  return detail::lift<T>("GetItem", {detail::operand<T>(x), {{}, {}, false, detail::slices_config(start, stop, step)}});
}
template <Liftable T> T slice_axis(const T& x, std::int64_t axis, std::int64_t begin, std::int64_t end) {
  return detail::lift<T>("GetItem", {detail::operand<T>(x), {{}, {}, false, detail::slice_axis_config(x.rank(), axis, begin, end)}});
}

/// `low[i]` elements of `value` before and `high[i]` after axis i, none of them
/// negative.
template <Liftable T> T pad(const T& x, const Ints& low, const Ints& high, double value = 0) {
  return detail::lift<T>("Pad", {detail::operand<T>(x), detail::operand<T>(value, "constant_values")}, detail::pad_config(low, high));
}

// -- indexing ----------------------------------------------------------------

template <class A, class B> requires LiftedOperands<A, B> auto take(const A& x, const B& indices, std::int64_t axis = 0) { return detail::binary("Take", x, indices, Config::object({{"axis", axis}})); }
template <class A, class B> requires LiftedOperands<A, B> auto take_along_axis(const A& x, const B& indices, std::int64_t axis = -1) { return detail::binary("TakeAlongAxis", x, indices, Config::object({{"axis", axis}})); }
template <Liftable T> T one_hot(const T& indices, std::int64_t depth, DType dtype = DType::f32) { return detail::unary("OneHot", indices, Config::object({{"num_classes", depth}, {"dtype", name_of(dtype)}})); }
template <Liftable T> T cumsum(const T& x, std::int64_t axis = -1) { return detail::unary("Cumsum", x, Config::object({{"axis", axis}})); }

template <Liftable T>
struct LiftedSort {
  T values;
  T indices;  // i32
};

template <Liftable T> LiftedSort<T> sort(const T& x, std::int64_t axis = -1) {
  const Config config = Config::object({{"axis", axis}});
  return {detail::unary("Sort", x, config), detail::unary("Argsort", x, config)};
}
template <Liftable T> LiftedSort<T> top_k(const T& x, std::int64_t k) {
  std::vector<T> results = detail::lift_all<T>("TopK", {detail::operand<T>(x)}, Config::object({{"k", k}}));
  return {results[0], results[1]};
}

// -- neural networks ---------------------------------------------------------

template <Liftable T> T softmax(const T& x, std::int64_t axis = -1) { return detail::unary("Softmax", x, Config::object({{"axis", axis}})); }
template <Liftable T> T log_softmax(const T& x, std::int64_t axis = -1) { return detail::unary("LogSoftmax", x, Config::object({{"axis", axis}})); }

}  // namespace keratin::ops

namespace keratin {

template <ops::Liftable T> T operator-(const T& x) { return ops::negative(x); }
template <class A, class B> requires ops::LiftedOperands<A, B> auto operator+(const A& a, const B& b) { return ops::add(a, b); }
template <class A, class B> requires ops::LiftedOperands<A, B> auto operator-(const A& a, const B& b) { return ops::subtract(a, b); }
template <class A, class B> requires ops::LiftedOperands<A, B> auto operator*(const A& a, const B& b) { return ops::multiply(a, b); }
template <class A, class B> requires ops::LiftedOperands<A, B> auto operator/(const A& a, const B& b) { return ops::detail::binary("TrueDivide", a, b); }

// clang-format on

}  // namespace keratin
