#include <algorithm>
#include <utility>

#include "src/ir/op_info.hpp"
#include "src/passes/simplify_rules.hpp"

namespace keratin::simplifying {
namespace {

bool all_are(const Ints& values, std::int64_t what) {
  return std::all_of(values.begin(), values.end(), [&](std::int64_t value) {
    return value == what;
  });
}

/// Whether x is `source` with ones put before its shape.
bool adds_leading_ones(const Value& x, const Value& source) {
  const Shape& shape = x.shape();
  const Shape& inner = source.shape();
  if (shape.rank() < inner.rank()) return false;
  const auto split = shape.end() - static_cast<std::ptrdiff_t>(inner.rank());
  return std::all_of(shape.begin(), split, [](auto d) { return d == 1; }) &&
         std::equal(split, shape.end(), inner.begin());
}

/// What stands behind x when only broadcasting made x of it, else no value.
Value behind_broadcast(const Value& x) {
  if (const Value y = operand_of(x, Op::broadcast_to)) return y;
  const Value y = operand_of(x, Op::reshape);
  return y && adds_leading_ones(x, y) ? y : Value();
}

Shape broadcast_all(const std::vector<Value>& values) {
  Shape shape;
  for (const Value& value : values) {
    shape = broadcast_shapes(shape, value.shape());
  }
  return shape;
}

// -- broadcasting around element-wise ops ------------------------------------

//     y
//     |
//  broadcast_to  x        y   x
//        \      /    =>    \ /
//          add             add       where the shape stays the same
std::optional<Value> drop_broadcast(const Candidate& c) {
  const Shape shape = broadcast_all(c.inputs);
  for (std::size_t i = 0; i < c.inputs.size(); ++i) {
    const Value source = behind_broadcast(c.inputs[i]);
    if (!source) continue;
    std::vector<Value> inputs = c.inputs;
    inputs[i] = source;
    if (broadcast_all(inputs) != shape) continue;
    return emit(c.to, c.op, inputs, c.attrs);
  }
  return {};
}

//     x                  x
//     |                  |
//  broadcast_to   =>    exp            and so with more operands, if all that
//     |                  |             is broadcast makes a smaller shape
//    exp            broadcast_to
std::optional<Value> broadcast_later(const Candidate& c) {
  std::vector<Value> inputs = c.inputs;
  for (Value& input : inputs) {
    if (const Value source = operand_of(input, Op::broadcast_to)) {
      input = source;
    }
  }
  if (inputs == c.inputs) return {};
  const Shape shape = broadcast_all(c.inputs);
  if (broadcast_all(inputs).size() >= shape.size()) return {};
  return broadcast(emit(c.to, c.op, inputs, c.attrs), shape);
}

// -- other shapes of the same elements ---------------------------------------

//   reshape
//      |
//   reshape   =>   reshape
std::optional<Value> simplify_reshape(const Candidate& c) {
  const Value& x = c.inputs[0];
  const Shape shape = c.attrs.shape();
  if (x.shape() == shape) return x;
  if (const Value y = operand_of(x, Op::reshape)) return reshaped(y, shape);
  return {};
}

/// Whether a permutation leaves the order of the axes longer than one alone.
bool moves_only_ones(const Shape& shape, const Ints& permutation) {
  std::int64_t last = -1;
  for (const std::int64_t axis : permutation) {
    if (shape[axis] == 1) continue;
    if (axis < last) return false;
    last = axis;
  }
  return true;
}

//   transpose(p)
//       |
//   transpose(q)   =>   transpose(p[q])
//
// One that moves nothing but axes of extent one is a reshape.
std::optional<Value> simplify_transpose(const Candidate& c) {
  const Value& x = c.inputs[0];
  Ints permutation = c.attrs.ints("permutation");
  if (const Value y = operand_of(x, Op::transpose)) {
    const Ints& inner = producer(x).attrs.ints("permutation");
    for (std::int64_t& axis : permutation) axis = inner[axis];
    return emit(
        c.to, Op::transpose, {y}, {{"permutation", std::move(permutation)}});
  }
  if (!moves_only_ones(x.shape(), permutation)) return {};
  Ints dims;
  for (const std::int64_t axis : permutation) dims.push_back(x.shape()[axis]);
  return reshaped(x, Shape(std::move(dims)));
}

//   broadcast_to
//       |
//   broadcast_to   =>   broadcast_to      and, where it repeats nothing,
//                                         reshape
std::optional<Value> simplify_broadcast(const Candidate& c) {
  const Value& x = c.inputs[0];
  const Shape shape = c.attrs.shape();
  if (x.shape() == shape) return x;
  if (const Value y = behind_broadcast(x)) return broadcast(y, shape);
  if (x.shape().size() == shape.size() && shape.size() > 0) {
    return reshaped(x, shape);
  }
  return {};
}

// slice(everything) => x
std::optional<Value> simplify_slice(const Candidate& c) {
  const Value& x = c.inputs[0];
  const bool everything = all_are(c.attrs.ints("start"), 0) &&
                          all_are(c.attrs.ints("step"), 1) &&
                          c.attrs.ints("stop") == x.shape().dims();
  if (everything) return x;
  return {};
}

// pad(by nothing) => x
std::optional<Value> simplify_pad(const Candidate& c) {
  const bool nothing =
      all_are(c.attrs.ints("low"), 0) && all_are(c.attrs.ints("high"), 0);
  if (nothing) return c.inputs[0];
  return {};
}

// concatenate(x) => x; operands with nothing in them go.
std::optional<Value> simplify_concatenate(const Candidate& c) {
  const auto axis = static_cast<std::size_t>(c.attrs.integer("axis"));
  std::vector<Value> parts;
  for (const Value& part : c.inputs) {
    if (part.shape()[axis] > 0) parts.push_back(part);
  }
  if (parts.empty()) parts.push_back(c.inputs[0]);
  if (parts.size() == 1) return parts[0];
  if (parts.size() == c.inputs.size()) return {};
  return c.to.add1(Op::concatenate, parts, c.attrs);
}

// reverse(axes of extent one) => x
std::optional<Value> simplify_reverse(const Candidate& c) {
  const Shape& shape = c.inputs[0].shape();
  for (const std::int64_t axis : c.attrs.ints("axes")) {
    if (shape[axis] != 1) return {};
  }
  return c.inputs[0];
}

//   reduce_sum(axes of extent one)   =>   reshape
std::optional<Value> simplify_reduction(const Candidate& c) {
  const Value& x = c.inputs[0];
  const Ints& axes = c.attrs.ints("axes");
  Ints dims;
  for (std::size_t i = 0; i < x.rank(); ++i) {
    const bool reduced = std::binary_search(
        axes.begin(), axes.end(), static_cast<std::int64_t>(i));
    if (reduced && x.shape()[i] != 1) return {};
    if (!reduced || c.attrs.flag("keepdims")) dims.push_back(x.shape()[i]);
  }
  return reshaped(x, Shape(std::move(dims)));
}

/// The value the other way round, its last two axes swapped, where that moves
/// whole rows of what it is a transpose of, or nothing at all; else no value.
Value other_way_round(const Value& value) {
  const Value x = operand_of(value, Op::transpose);
  if (!x || x.rank() < 2) return {};
  Ints permutation = producer(value).attrs.ints("permutation");
  const std::size_t rows = x.rank() - 2;
  if (permutation[rows] != static_cast<std::int64_t>(x.rank()) - 1) return {};
  std::swap(permutation[rows], permutation[rows + 1]);
  if (std::is_sorted(permutation.begin(), permutation.end())) return x;
  return emit(
      value.graph(),
      Op::transpose,
      {x},
      {{"permutation", std::move(permutation)}});
}

//   a
//   |
//   transpose   b        a   b
//         \    /    =>    \ /
//         matmul         matmul(transpose_a)
//
// Where the transpose moves other axes, too, a transpose of whole rows stays.
std::optional<Value> simplify_matmul(const Candidate& c) {
  constexpr const char* kFlags[] = {"transpose_a", "transpose_b"};
  for (std::size_t i = 0; i < 2; ++i) {
    const Value source = other_way_round(c.inputs[i]);
    if (!source) continue;
    std::vector<Value> inputs = c.inputs;
    inputs[i] = source;
    Attrs attrs = c.attrs;
    attrs.set(kFlags[i], !attrs.flag(kFlags[i]));
    return emit(c.to, Op::matmul, inputs, std::move(attrs));
  }
  return {};
}

}  // namespace

std::optional<Value> simplify_broadcasting(const Candidate& c) {
  if (auto result = broadcast_later(c)) return result;
  if (c.inputs.size() > 1) return drop_broadcast(c);
  return {};
}

std::optional<Value> simplify_shape(const Candidate& c) {
  switch (c.op) {
    case Op::reshape:
      return simplify_reshape(c);
    case Op::transpose:
      return simplify_transpose(c);
    case Op::broadcast_to:
      return simplify_broadcast(c);
    case Op::slice:
      return simplify_slice(c);
    case Op::pad:
      return simplify_pad(c);
    case Op::concatenate:
      return simplify_concatenate(c);
    case Op::reverse:
      return simplify_reverse(c);
    case Op::matmul:
      return simplify_matmul(c);
    case Op::reduce_sum:
    case Op::reduce_mean:
    case Op::reduce_max:
    case Op::reduce_min:
    case Op::reduce_prod:
    case Op::reduce_any:
    case Op::reduce_all:
      return simplify_reduction(c);
    default:
      return {};
  }
}

}  // namespace keratin::simplifying
