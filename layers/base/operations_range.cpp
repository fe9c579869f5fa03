// Keras's operations that lay points between two ends, and sum between them.

#include <cmath>

#include "layers/base/operation_table.hpp"
#include "layers/support/keras_layer.hpp"
#include "src/core/format.hpp"

namespace keratin {

namespace {

using Results = std::vector<Value>;

struct Line {
  Value points;
  Value step;
};

/// `num` points from a to b along a new axis.
Line line(const OperationCall& call, const Value& a, const Value& b) {
  const std::int64_t num = call.place("num");
  if (num < 1) call.fail(format("num: expected >= 1, got {}", num));
  const bool endpoint = call.flag("endpoint");
  const std::int64_t gaps = endpoint ? num - 1 : num;
  Line out;
  const Value span = b - a;
  out.step = gaps == 0 ? ops::full_like(span, std::nan(""))
                       : span / static_cast<double>(gaps);
  const std::int64_t axis = call.integer("axis");
  const auto rank = static_cast<std::int64_t>(span.rank());
  if (axis < -rank - 1 || axis > rank) {
    call.fail(format("axis: expected one of {}, got {}", rank + 1, axis));
  }
  std::vector<std::int64_t> dims(span.rank() + 1, 1);
  const std::int64_t along = axis < 0 ? axis + rank + 1 : axis;
  dims[static_cast<std::size_t>(along)] = num;
  const Value i = ops::iota(call.graph(), Shape(dims), along, span.dtype());
  const auto spread = [&](const Value& end) {
    return ops::expand_dims(ops::broadcast_to(end, span.shape()), along);
  };
  out.points = spread(a) + spread(out.step) * i;
  if (gaps == 0) out.points = spread(a) + ops::zeros_like(i);
  if (endpoint && num > 1) {  // exactly the end
    const Value last = ops::equal(i, static_cast<double>(num - 1));
    out.points = ops::where(last, spread(b), out.points);
  }
  return out;
}

/// The two ends in the dtype of the result, float32 at least.
std::vector<Value> ends(const OperationCall& call) {
  call.expect_operands(2);
  std::vector<Value> x = call.promoted(0, true);
  if (call.given("dtype") && is_floating(call.dtype())) {
    for (Value& each : x) each = ops::cast(each, call.dtype());
  }
  return x;
}

Value finished(const OperationCall& call, const Value& x) {
  if (!call.given("dtype")) return x;
  const DType dtype = call.dtype();
  return ops::cast(is_floating(dtype) ? x : ops::floor(x), dtype);
}

Results linspace(const OperationCall& call) {
  const std::vector<Value> x = ends(call);
  const Line made = line(call, x[0], x[1]);
  Results out = {finished(call, made.points)};
  if (call.flag("retstep")) out.push_back(made.step);
  return out;
}

Results logspace(const OperationCall& call) {
  const std::vector<Value> x = ends(call);
  const Value power = finished(call, line(call, x[0], x[1]).points);
  return {ops::power(ops::scalar_like(power, call.number("base")), power)};
}

Results geomspace(const OperationCall& call) {
  const std::vector<Value> x = ends(call);
  const double ln10 = std::log(10.0);
  const auto log10 = [&](const Value& end) {
    return ops::log(ops::abs(end)) / ln10;
  };
  const Value power = line(call, log10(x[0]), log10(x[1])).points;
  const Value size = ops::power(ops::scalar_like(power, 10), power);
  return {finished(call, size * ops::sign(x[0]))};
}

/// The area below y by trapezia, over x or equal steps.
Results trapezoid(const OperationCall& call) {
  call.expect_operands(1);
  const Value y = call.floating();
  const std::int64_t axis = call.axis("axis", y);
  const std::int64_t n = y.shape()[static_cast<std::size_t>(axis)];
  if (n == 0) call.fail(format("expected elements, got {}", y.shape()));
  const Value mean =
      (ops::slice_axis(y, axis, 1, n) + ops::slice_axis(y, axis, 0, n - 1)) *
      0.5;
  if (!call.given("x")) {
    return {ops::sum(mean * call.number("dx"), {axis})};
  }
  const Tensor given = layers::tensor_from_config(call.argument("x"), "x");
  if (given.rank() != 1 && given.rank() != y.rank()) {
    call.fail(
        format("x: expected rank 1 or {}, got {}", y.rank(), given.rank()));
  }
  const Value x = ops::constant(call.graph(), given.cast(y.dtype()));
  const auto last = static_cast<std::int64_t>(x.rank()) - 1;
  const std::int64_t along = x.rank() == y.rank() ? axis : last;
  const std::int64_t count = x.shape()[static_cast<std::size_t>(along)];
  if (count != n) {
    call.fail(format("x: expected {} elements, got {}", n, x.shape()));
  }
  Value step =
      ops::slice_axis(x, along, 1, n) - ops::slice_axis(x, along, 0, n - 1);
  if (x.rank() == 1) {
    std::vector<std::int64_t> dims(y.rank(), 1);
    dims[static_cast<std::size_t>(axis)] = n - 1;
    step = ops::reshape(step, Shape(std::move(dims)));
  }
  return {ops::sum(mean * step, {axis})};
}

/// Each operand along an axis of its own; "xy" exchanges the first two.
Results meshgrid(const OperationCall& call) {
  const std::string& indexing = call.text("indexing");
  if (indexing != "xy" && indexing != "ij") {
    call.fail(
        format("indexing: expected \"xy\" or \"ij\", got \"{}\"", indexing));
  }
  std::vector<Value> x;
  while (Value next = call.optional(x.size(), "")) {
    x.push_back(ops::reshape(next, {kUnknown}));
  }
  const std::size_t rank = x.size();
  const auto axis_of = [&](std::size_t i) {
    return indexing == "xy" && rank > 1 && i < 2 ? 1 - i : i;
  };
  std::vector<std::int64_t> whole(rank);
  for (std::size_t i = 0; i < rank; ++i) {
    whole[axis_of(i)] = x[i].shape()[0];
  }
  Results out;
  for (std::size_t i = 0; i < rank; ++i) {
    std::vector<std::int64_t> dims(rank, 1);
    dims[axis_of(i)] = x[i].shape()[0];
    out.push_back(ops::broadcast_to(
        ops::reshape(x[i], Shape(std::move(dims))), Shape(whole)));
  }
  return out;
}

Results full(const OperationCall& call) {
  call.expect_operands(1);
  const DType dtype = call.given("dtype") ? call.dtype() : DType::f32;
  return {
      ops::broadcast_to(ops::cast(call.tensor(), dtype), call.shape("shape"))};
}

constexpr Operation kOperations[] = {
    {"Full", "numpy", R"({"shape": null, "dtype": null})", full},
    {"Geomspace",
     "numpy",
     R"({"num": 50, "endpoint": true, "dtype": null, "axis": 0})",
     geomspace},
    {"Linspace",
     "numpy",
     R"({"num": 50, "endpoint": true, "retstep": false, "dtype": null,
         "axis": 0})",
     linspace},
    {"Logspace",
     "numpy",
     R"({"num": 50, "endpoint": true, "base": 10, "dtype": null, "axis": 0})",
     logspace},
    {"Meshgrid", "numpy", R"({"indexing": "xy"})", meshgrid},
    {"Trapezoid", "numpy", R"({"x": null, "dx": 1.0, "axis": -1})", trapezoid},
};

}  // namespace

std::span<const Operation> range_operations() {
  return kOperations;
}

}  // namespace keratin
