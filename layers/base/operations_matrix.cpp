// Keras's operations on matrices: triangles, diagonals, turns, products.

#include <algorithm>

#include "layers/base/operation_table.hpp"
#include "src/core/format.hpp"

namespace keratin {

namespace {

using Results = std::vector<Value>;

constexpr const char* kNone = "{}";
constexpr const char* kOffset = R"({"k": 0})";
constexpr const char* kDiagonal = R"({"offset": 0, "axis1": 0, "axis2": 1})";

Value matrices(const OperationCall& call, std::size_t count = 1) {
  call.expect_operands(count);
  const Value x = call.tensor();
  if (x.rank() < 2) {
    call.fail(format("expected rank >= 2, got {}", x.shape()));
  }
  return x;
}

/// Column less row of each element of the last two axes.
Value distance(const Value& x) {
  const std::size_t rank = x.rank();
  const Shape shape{x.shape()[rank - 2], x.shape()[rank - 1]};
  Graph& graph = x.graph();
  return ops::iota(graph, shape, 1, DType::i32) -
         ops::iota(graph, shape, 0, DType::i32);
}

Results tril(const OperationCall& call) {
  const Value x = matrices(call);
  const auto k = static_cast<double>(call.place("k"));
  return {ops::where(ops::less_equal(distance(x), k), x, ops::zeros_like(x))};
}

Results triu(const OperationCall& call) {
  const Value x = matrices(call);
  const auto k = static_cast<double>(call.place("k"));
  return {
      ops::where(ops::greater_equal(distance(x), k), x, ops::zeros_like(x))};
}

/// The two axes moved to the end.
Value moved_to_end(const Value& x, std::int64_t axis1, std::int64_t axis2) {
  ops::Axes order;
  for (std::size_t i = 0; i < x.rank(); ++i) {
    const auto axis = static_cast<std::int64_t>(i);
    if (axis != axis1 && axis != axis2) order.push_back(axis);
  }
  order.push_back(axis1);
  order.push_back(axis2);
  return ops::transpose(x, order);
}

/// [..., rows, columns] -> [..., length].
Value diagonal_of(const Value& x, std::int64_t offset) {
  auto dims = x.shape().dims();
  const std::int64_t columns = dims.back();
  dims.pop_back();
  const std::int64_t rows = dims.back();
  dims.pop_back();
  const std::int64_t row = std::max<std::int64_t>(-offset, 0);
  const std::int64_t column = std::max<std::int64_t>(offset, 0);
  const std::int64_t length =
      std::max<std::int64_t>(std::min(rows - row, columns - column), 0);
  dims.push_back(rows * columns);
  const Value flat = ops::reshape(x, Shape(dims));
  const Value step = ops::iota(x.graph(), {length}, 0, DType::i32);
  const auto first = static_cast<double>(row * columns + column);
  const auto stride = static_cast<double>(columns + 1);
  return ops::take(
      flat, step * stride + first, static_cast<std::int64_t>(x.rank()) - 2);
}

Value diagonal_between_axes(const OperationCall& call) {
  const Value x = matrices(call);
  const std::int64_t axis1 = call.axis("axis1", x);
  const std::int64_t axis2 = call.axis("axis2", x);
  if (axis1 == axis2) call.fail("axis1, axis2: expected different axes");
  return diagonal_of(moved_to_end(x, axis1, axis2), call.place("offset"));
}

Results diagonal(const OperationCall& call) {
  return {diagonal_between_axes(call)};
}

Results trace(const OperationCall& call) {
  return {ops::sum(diagonal_between_axes(call), {-1})};
}

/// A matrix with the vector x on its diagonal.
Value diagonal_matrix(const Value& x, std::int64_t k) {
  const std::int64_t n = x.shape()[0];
  // Rows one longer than the matrix's, so that each starts one further on.
  const Value spread = ops::pad(ops::reshape(x, {n, 1}), {0, 0}, {0, n});
  const Value flat =
      ops::slice_axis(ops::reshape(spread, {n * (n + 1)}), 0, 0, n * n);
  const std::int64_t above = std::max<std::int64_t>(k, 0);
  const std::int64_t below = std::max<std::int64_t>(-k, 0);
  return ops::pad(ops::reshape(flat, {n, n}), {below, above}, {above, below});
}

Results diag(const OperationCall& call) {
  call.expect_operands(1);
  const Value x = call.tensor();
  if (x.rank() == 1) return {diagonal_matrix(x, call.place("k"))};
  if (x.rank() == 2) return {diagonal_of(x, call.place("k"))};
  call.fail(format("expected rank 1 or 2, got {}", x.shape()));
}

Results diagflat(const OperationCall& call) {
  call.expect_operands(1);
  const Value x = ops::reshape(call.tensor(), {kUnknown});
  return {diagonal_matrix(x, call.place("k"))};
}

// -- turns
// ------------------------------------------------------------------------

Results fliplr(const OperationCall& call) {
  return {ops::flip(matrices(call), {1})};
}

Results flipud(const OperationCall& call) {
  call.expect_operands(1);
  return {ops::flip(call.tensor(), {0})};
}

/// By quarter turns from the first of the axes towards the second.
Results rot90(const OperationCall& call) {
  Value x = matrices(call);
  const auto rank = static_cast<std::int64_t>(x.rank());
  ops::Axes axes = call.ints("axes");
  for (std::int64_t& axis : axes) axis += axis < 0 ? rank : 0;
  const auto is_axis = [&](std::int64_t axis) {
    return axis >= 0 && axis < rank;
  };
  if (axes.size() != 2 || axes[0] == axes[1] || !is_axis(axes[0]) ||
      !is_axis(axes[1])) {
    call.fail(format("axes: expected two axes of {}", x.shape()));
  }
  ops::Axes swapped;
  for (std::int64_t i = 0; i < rank; ++i) {
    swapped.push_back(i == axes[0] ? axes[1] : i == axes[1] ? axes[0] : i);
  }
  const std::int64_t turns = (call.integer("k") % 4 + 4) % 4;
  for (std::int64_t i = 0; i < turns; ++i) {
    x = ops::transpose(ops::flip(x, {axes[1]}), swapped);
  }
  return {x};
}

// -- products
// ---------------------------------------------------------------------

/// a * b, every element of a times all of b.
Results kron(const OperationCall& call) {
  call.expect_operands(2);
  const std::vector<Value> x = call.promoted();
  const std::size_t rank = std::max(x[0].rank(), x[1].rank());
  std::vector<std::int64_t> of_a;
  std::vector<std::int64_t> of_b;
  std::vector<std::int64_t> whole;
  const auto dim = [&](const Value& value, std::size_t i) {
    const std::size_t missing = rank - value.rank();
    return i < missing ? 1 : value.shape()[i - missing];
  };
  for (std::size_t i = 0; i < rank; ++i) {
    const std::int64_t a = dim(x[0], i);
    const std::int64_t b = dim(x[1], i);
    of_a.insert(of_a.end(), {a, 1});
    of_b.insert(of_b.end(), {1, b});
    whole.push_back(a * b);
  }
  return {ops::reshape(
      ops::reshape(x[0], Shape(of_a)) * ops::reshape(x[1], Shape(of_b)),
      Shape(whole))};
}

/// Of vectors of 2 or 3 numbers.
Results cross(const OperationCall& call) {
  call.expect_operands(2);
  std::vector<Value> x = call.promoted();
  const auto axis = [&](const char* name, const Value& value) {
    return call.axis(call.given("axis") ? "axis" : name, value);
  };
  const auto to_end = [&](const Value& value, std::int64_t at) {
    ops::Axes order;
    for (std::size_t i = 0; i < value.rank(); ++i) {
      const auto each = static_cast<std::int64_t>(i);
      if (each != at) order.push_back(each);
    }
    order.push_back(at);
    return ops::transpose(value, order);
  };
  x[0] = to_end(x[0], axis("axisa", x[0]));
  x[1] = to_end(x[1], axis("axisb", x[1]));
  const auto parts = [&](const Value& value) {
    const std::int64_t size = value.shape().back();
    if (size != 2 && size != 3) {
      call.fail(format("expected vectors of 2 or 3, got {}", value.shape()));
    }
    Results out;
    for (std::int64_t i = 0; i < size; ++i) {
      out.push_back(ops::squeeze(ops::slice_axis(value, -1, i, i + 1), {-1}));
    }
    if (size == 2) out.push_back(ops::zeros_like(out[0]));
    return out;
  };
  const Results a = parts(x[0]);
  const Results b = parts(x[1]);
  const Value z = a[0] * b[1] - a[1] * b[0];
  if (x[0].shape().back() == 2 && x[1].shape().back() == 2) return {z};
  const Value y =
      ops::stack({a[1] * b[2] - a[2] * b[1], a[2] * b[0] - a[0] * b[2], z}, -1);
  const std::int64_t to = axis("axisc", y);
  ops::Axes order;
  const auto last = static_cast<std::int64_t>(y.rank()) - 1;
  for (std::int64_t i = 0; i < last; ++i) order.push_back(i);
  order.insert(order.begin() + to, last);
  return {ops::transpose(y, order)};
}

/// Powers of a vector's elements as columns.
Results vander(const OperationCall& call) {
  call.expect_operands(1);
  const Value x = call.tensor();
  if (x.rank() != 1) call.fail(format("expected rank 1, got {}", x.shape()));
  const std::int64_t n = call.given("N") ? call.integer("N") : x.shape()[0];
  Value power = ops::iota(x.graph(), {n}, 0, DType::f32);
  if (!call.flag("increasing")) power = static_cast<double>(n - 1) - power;
  const DType dtype = promote({x.dtype(), DType::f32});
  const Value base = ops::expand_dims(ops::cast(x, dtype), -1);
  return {ops::cast(ops::power(base, ops::cast(power, dtype)), x.dtype())};
}

/// Distances between the rows of two matrices.
Results cdist(const OperationCall& call) {
  call.expect_operands(2);
  const std::vector<Value> x = call.promoted(0, true);
  for (const Value& each : x) {
    if (each.rank() < 2) {
      call.fail(format("expected rank >= 2, got {}", each.shape()));
    }
  }
  const Value apart = ops::expand_dims(x[0], -2) - ops::expand_dims(x[1], -3);
  return {ops::sqrt(ops::sum(ops::square(apart), {-1}))};
}

constexpr Operation kOperations[] = {
    {"CDist", "math", kNone, cdist},
    {"Cross",
     "numpy",
     R"({"axisa": -1, "axisb": -1, "axisc": -1, "axis": null})",
     cross},
    {"Diag", "numpy", kOffset, diag},
    {"Diagflat", "numpy", kOffset, diagflat},
    {"Diagonal", "numpy", kDiagonal, diagonal},
    {"Fliplr", "numpy", kNone, fliplr},
    {"Flipud", "numpy", kNone, flipud},
    {"Kron", "numpy", kNone, kron},
    {"Rot90", "numpy", R"({"k": 1, "axes": [0, 1]})", rot90},
    {"Trace", "numpy", kDiagonal, trace},
    {"Tril", "numpy", kOffset, tril},
    {"Triu", "numpy", kOffset, triu},
    {"Vander", "numpy", R"({"N": null, "increasing": false})", vander},
};

}  // namespace

std::span<const Operation> matrix_operations() {
  return kOperations;
}

}  // namespace keratin
