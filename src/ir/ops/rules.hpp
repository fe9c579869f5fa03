#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <keratin/ops.hpp>

#include "src/ir/op_info.hpp"

/// What the declarations of ops share: messages, checks of operands, shape
/// rules, pieces of gradients, and how builder functions add nodes.
namespace keratin::rules {

// -- messages ----------------------------------------------------------------

/// Throws InvalidArgument "[add @dense_1] <message>".
[[noreturn]] void fail(const InferArgs& args, std::string_view message);

/// "[sum @dense_1]": who complains when a builder function finds the mistake
/// before there is a node.
std::string who(const Value& x, std::string_view function);

/// Throws InvalidArgument "<who> <message>".
[[noreturn]] void fail(const std::string& who, std::string_view message);

// -- checks of operands ------------------------------------------------------

/// All operands have one dtype.
void expect_same_dtype(const InferArgs& args);

/// All operands from `first` on have one dtype.
void expect_same_dtype(const InferArgs& args, std::size_t first);

void expect_floating(const InferArgs& args, std::size_t operand = 0);
void expect_integer(const InferArgs& args, std::size_t operand = 0);
void expect_boolean(const InferArgs& args, std::size_t operand = 0);

/// Anything but bool and string.
void expect_numeric(const InferArgs& args, std::size_t operand = 0);

/// Anything but string.
void expect_not_string(const InferArgs& args, std::size_t operand = 0);

void expect_rank(const InferArgs& args, std::size_t operand, std::size_t rank);
void expect_rank_at_least(
    const InferArgs& args, std::size_t operand, std::size_t rank);

/// At least one operand (of a variadic op).
void expect_operands(const InferArgs& args);

// -- axes --------------------------------------------------------------------

/// The axis counted from the front. `who` is bracketed: "[sum @dense_1]".
std::size_t normalize_axis(
    std::int64_t axis, std::size_t rank, const std::string& who);

/// Ascending, non-negative, all of them when `axes` is empty. Throws when one
/// is out of range or named twice.
Ints normalize_axes(const Ints& axes, std::size_t rank, const std::string& who);

/// The attribute `name`, checked to be a valid non-negative axis of the
/// operand.
std::size_t axis_attr(
    const InferArgs& args,
    std::size_t operand = 0,
    std::string_view name = "axis");

/// `shape` without `axes` (ascending), or with ones there.
Shape reduced_shape(const Shape& shape, const Ints& axes, bool keepdims);

/// The attribute as a Shape. Throws when a dimension is negative.
Shape shape_attr(const InferArgs& args, std::string_view name = "shape");

// -- shape rules -------------------------------------------------------------

/// NumPy's broadcasting of all operands from `first` on.
Shape broadcast_operands(const InferArgs& args, std::size_t first = 0);

// -- gradients ---------------------------------------------------------------

/// Whether a gradient can flow to the value; a rule leaves the others empty.
bool is_differentiable(const Value& x);

/// Undoes broadcasting: sums `grad` over the axes along which a value of
/// `shape` was repeated, and gives it that shape. (By value: a shape of the
/// graph moves when nodes are added.)
Value sum_to_shape(const Value& grad, Shape shape);

/// `reduced` (the result of a reduction of `shape` over `axes`, ascending)
/// with ones for the reduced axes, so that it broadcasts against `shape`.
Value restore_axes(const Value& reduced, const Shape& shape, const Ints& axes);

/// The number when x is a constant of one element, whatever its shape.
std::optional<double> constant_number(const Value& x);

// -- builder functions -------------------------------------------------------

/// The innermost of the graphs the values belong to: where a node over them
/// goes. Throws InvalidArgument when a value is empty or there are none.
Graph& graph_of(const std::vector<Value>& values, std::string_view function);

/// Adds the node to graph_of(inputs).
Value emit(Op op, const std::vector<Value>& inputs, Attrs attrs = {});
std::vector<Value> emit_all(
    Op op, const std::vector<Value>& inputs, Attrs attrs = {});

/// Keras's promotion of a whole number for functions that need a fraction:
/// integers and bool become f32, floats stay.
Value to_floating(const Value& x, std::string_view function);

/// x != 0 for anything that is not bool yet.
Value to_boolean(const Value& x, std::string_view function);

/// Shape as an attribute.
Ints dims(const Shape& shape);

}  // namespace keratin::rules
