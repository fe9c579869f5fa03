#include <algorithm>
#include <numeric>

#include <keratin/ops.hpp>

#include "src/core/format.hpp"
#include "src/ir/ops/rules.hpp"

// The builder functions of shape.cpp's ops, and those made of several of them.
namespace keratin::ops {

namespace {

/// `shape` with its unknown dimension, if any, taken from the element count.
Shape resolve(const Value& x, const Shape& shape) {
  Ints dims = shape.dims();
  const auto unknown = std::find(dims.begin(), dims.end(), kUnknown);
  if (unknown == dims.end()) return shape;
  const std::string name = rules::who(x, "reshape");
  if (std::find(unknown + 1, dims.end(), kUnknown) != dims.end()) {
    rules::fail(
        name, format("expected one unknown dimension at most, got {}", shape));
  }
  *unknown = 1;
  const std::int64_t known = Shape(dims).size();
  const std::int64_t size = x.shape().size();
  if (known == 0 || size % known != 0) {
    rules::fail(
        name,
        format(
            "expected a shape for {} elements, got {}: the others multiply "
            "to {}",
            size,
            shape,
            known));
  }
  *unknown = size / known;
  return Shape(std::move(dims));
}

}  // namespace

Value iota(Graph& graph, const Shape& shape, std::int64_t axis, DType dtype) {
  const std::size_t index = rules::normalize_axis(axis, shape.rank(), "[iota]");
  return graph.add1(
      Op::iota,
      {},
      {{"shape", rules::dims(shape)},
       {"axis", static_cast<std::int64_t>(index)},
       {"dtype", dtype}});
}

Value reshape(const Value& x, Shape shape) {
  rules::graph_of({x}, "reshape");
  shape = resolve(x, shape);
  if (shape == x.shape()) return x;
  return rules::emit(Op::reshape, {x}, {{"shape", rules::dims(shape)}});
}

Value transpose(const Value& x, Axes permutation) {
  rules::graph_of({x}, "transpose");
  const std::size_t rank = x.rank();
  if (permutation.empty()) {
    permutation.resize(rank);
    std::iota(permutation.rbegin(), permutation.rend(), 0);
  }
  const std::string name = rules::who(x, "transpose");
  for (std::int64_t& axis : permutation) {
    axis = static_cast<std::int64_t>(rules::normalize_axis(axis, rank, name));
  }
  const bool identity =
      permutation.size() == rank &&
      std::is_sorted(permutation.begin(), permutation.end()) &&
      std::adjacent_find(permutation.begin(), permutation.end()) ==
          permutation.end();
  if (identity) return x;
  return rules::emit(
      Op::transpose, {x}, {{"permutation", std::move(permutation)}});
}

Value broadcast_to(const Value& x, const Shape& shape) {
  rules::graph_of({x}, "broadcast_to");
  if (shape == x.shape()) return x;
  return rules::emit(Op::broadcast_to, {x}, {{"shape", rules::dims(shape)}});
}

Value expand_dims(const Value& x, std::int64_t axis) {
  rules::graph_of({x}, "expand_dims");
  Ints dims = x.shape().dims();
  const std::size_t index = rules::normalize_axis(
      axis, dims.size() + 1, rules::who(x, "expand_dims"));
  dims.insert(dims.begin() + static_cast<std::ptrdiff_t>(index), 1);
  return reshape(x, Shape(std::move(dims)));
}

Value squeeze(const Value& x, const Axes& axes) {
  rules::graph_of({x}, "squeeze");
  const Shape& shape = x.shape();
  const std::string name = rules::who(x, "squeeze");
  Ints gone;
  if (axes.empty()) {
    for (std::size_t i = 0; i < shape.rank(); ++i) {
      if (shape[i] == 1) gone.push_back(static_cast<std::int64_t>(i));
    }
  } else {
    gone = rules::normalize_axes(axes, shape.rank(), name);
  }
  for (const std::int64_t axis : gone) {
    if (shape[axis] == 1) continue;
    rules::fail(
        name,
        format(
            "expected axes of size 1, got axis {} of {} with {}",
            axis,
            shape,
            shape[axis]));
  }
  return reshape(x, rules::reduced_shape(shape, gone, false));
}

Value concatenate(const std::vector<Value>& parts, std::int64_t axis) {
  rules::graph_of(parts, "concatenate");
  if (parts[0].rank() == 0) {
    rules::fail(
        rules::who(parts[0], "concatenate"),
        "expected operands of rank >= 1, got a scalar; use ops::stack");
  }
  const std::size_t index = rules::normalize_axis(
      axis, parts[0].rank(), rules::who(parts[0], "concatenate"));
  return rules::emit(
      Op::concatenate, parts, {{"axis", static_cast<std::int64_t>(index)}});
}

Value stack(const std::vector<Value>& parts, std::int64_t axis) {
  rules::graph_of(parts, "stack");
  const std::string name = rules::who(parts[0], "stack");
  const std::size_t index =
      rules::normalize_axis(axis, parts[0].rank() + 1, name);
  std::vector<Value> rows;
  for (const Value& part : parts) {
    if (part.shape() != parts[0].shape()) {
      rules::fail(
          name,
          format(
              "expected operands of one shape, got {} and {}",
              parts[0].shape(),
              part.shape()));
    }
    rows.push_back(expand_dims(part, static_cast<std::int64_t>(index)));
  }
  return concatenate(rows, static_cast<std::int64_t>(index));
}

Value slice(const Value& x, const Ints& start, const Ints& stop, Ints step) {
  rules::graph_of({x}, "slice");
  if (step.empty()) step.assign(x.rank(), 1);
  return rules::emit(
      Op::slice,
      {x},
      {{"start", start}, {"stop", stop}, {"step", std::move(step)}});
}

Value slice_axis(
    const Value& x, std::int64_t axis, std::int64_t begin, std::int64_t end) {
  rules::graph_of({x}, "slice_axis");
  const std::size_t index =
      rules::normalize_axis(axis, x.rank(), rules::who(x, "slice_axis"));
  Ints start(x.rank(), 0);
  Ints stop = x.shape().dims();
  const std::int64_t size = stop[index];
  start[index] = begin < 0 ? begin + size : begin;
  stop[index] = end < 0 ? end + size : end;
  if (start[index] == 0 && stop[index] == size) return x;
  return slice(x, start, stop);
}

Value pad(const Value& x, const Ints& low, const Ints& high, double value) {
  rules::graph_of({x}, "pad");
  const auto zero = [](std::int64_t amount) { return amount == 0; };
  if (low.size() == x.rank() && high.size() == x.rank() &&
      std::all_of(low.begin(), low.end(), zero) &&
      std::all_of(high.begin(), high.end(), zero)) {
    return x;
  }
  return rules::emit(
      Op::pad, {x}, {{"low", low}, {"high", high}, {"value", value}});
}

Value flip(const Value& x, const Axes& axes) {
  rules::graph_of({x}, "flip");
  return rules::emit(
      Op::reverse,
      {x},
      {{"axes", rules::normalize_axes(axes, x.rank(), rules::who(x, "flip"))}});
}

Value repeat(const Value& x, std::int64_t count, std::int64_t axis) {
  rules::graph_of({x}, "repeat");
  const std::string name = rules::who(x, "repeat");
  const std::size_t index = rules::normalize_axis(axis, x.rank(), name);
  if (count < 0) {
    rules::fail(name, format("expected a count >= 0, got {}", count));
  }
  Ints wide = x.shape().dims();
  Ints joined = wide;
  joined[index] *= count;
  wide.insert(wide.begin() + static_cast<std::ptrdiff_t>(index) + 1, count);
  const Value column = expand_dims(x, static_cast<std::int64_t>(index) + 1);
  return reshape(
      broadcast_to(column, Shape(std::move(wide))), Shape(std::move(joined)));
}

Value tile(const Value& x, const Ints& repeats) {
  rules::graph_of({x}, "tile");
  // NumPy's rule: the shorter of shape and repeats gets ones in front.
  Ints dims = x.shape().dims();
  Ints counts = repeats;
  const std::size_t rank = std::max(dims.size(), counts.size());
  dims.insert(dims.begin(), rank - dims.size(), 1);
  counts.insert(counts.begin(), rank - counts.size(), 1);
  Ints split;
  Ints wide;
  Ints joined;
  for (std::size_t i = 0; i < rank; ++i) {
    if (counts[i] < 0) {
      rules::fail(
          rules::who(x, "tile"),
          format("expected repeats >= 0, got {}", counts[i]));
    }
    if (counts[i] != 1) {
      split.push_back(1);
      wide.push_back(counts[i]);
    }
    split.push_back(dims[i]);
    wide.push_back(dims[i]);
    joined.push_back(dims[i] * counts[i]);
  }
  const Value rows = reshape(x, Shape(std::move(split)));
  return reshape(
      broadcast_to(rows, Shape(std::move(wide))), Shape(std::move(joined)));
}

}  // namespace keratin::ops
