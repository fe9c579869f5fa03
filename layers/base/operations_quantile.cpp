// Keras's operations that go by the order of elements: quantiles and bins.

#include <algorithm>
#include <cmath>
#include <limits>
#include <string>

#include "layers/base/operation_table.hpp"
#include "layers/support/keras_layer.hpp"
#include "src/core/format.hpp"

namespace keratin {

namespace {

using Results = std::vector<Value>;

constexpr const char* kReduction = R"({"axis": null, "keepdims": false})";
constexpr const char* kQuantile =
    R"({"axis": null, "method": "linear", "keepdims": false})";

/// The rows over which quantiles are taken, in order: NaN last.
struct Rows {
  Value sorted;  // [others..., n]
  Value count;   // [others...], float64: how many are numbers
  Value broken;  // [others...], bool: holds a NaN
  Shape shape;   // of one quantile

  /// The element whose number is in `index`, float64 and below n.
  Value at(const Value& index) const {
    const Value place = ops::expand_dims(ops::cast(index, DType::i32), -1);
    return ops::squeeze(ops::take_along_axis(sorted, place, -1), {-1});
  }
};

Rows rows_of(const OperationCall& call, const Value& x) {
  const auto rank = static_cast<std::int64_t>(x.rank());
  std::vector<bool> reduced(x.rank(), !call.given("axis"));
  for (const std::int64_t axis : call.ints("axis")) {
    if (axis < -rank || axis >= rank) {
      call.fail(format("axis: expected axes of {}, got {}", x.shape(), axis));
    }
    reduced[static_cast<std::size_t>(axis < 0 ? axis + rank : axis)] = true;
  }
  ops::Axes order;
  std::vector<std::int64_t> dims;
  std::vector<std::int64_t> result;
  for (std::size_t i = 0; i < x.rank(); ++i) {
    if (!reduced[i]) {
      order.push_back(static_cast<std::int64_t>(i));
      dims.push_back(x.shape()[i]);
      result.push_back(x.shape()[i]);
    } else if (call.flag("keepdims")) {
      result.push_back(1);
    }
  }
  std::int64_t n = 1;
  for (std::size_t i = 0; i < x.rank(); ++i) {
    if (!reduced[i]) continue;
    order.push_back(static_cast<std::int64_t>(i));
    n *= x.shape()[i];
  }
  if (n == 0) call.fail(format("expected elements, got {}", x.shape()));
  dims.push_back(n);
  const Value y = ops::reshape(ops::transpose(x, order), Shape(dims));
  const Value is_nan = ops::isnan(y);
  const Value last = ops::full_like(y, HUGE_VAL);
  Rows rows;
  rows.sorted = ops::sort(ops::where(is_nan, last, y), -1).values;
  rows.count = ops::sum(ops::cast(ops::logical_not(is_nan), DType::f64), {-1});
  rows.broken = ops::any(is_nan, {-1});
  rows.shape = Shape(std::move(result));
  return rows;
}

Value quantile_of(
    const OperationCall& call,
    const Rows& rows,
    double q,
    const std::string& method) {
  const Value end = rows.count - 1.0;
  const Value exact = end * q;
  const Value zero = ops::zeros_like(exact);
  const auto bounded = [&](const Value& index) {
    return ops::maximum(ops::minimum(index, end), zero);
  };
  if (method == "lower") return rows.at(bounded(ops::floor(exact)));
  if (method == "higher") return rows.at(bounded(ops::ceil(exact)));
  if (method == "nearest") return rows.at(bounded(ops::round(exact)));
  if (method == "midpoint") {
    const Value low = rows.at(bounded(ops::floor(exact)));
    return (low + rows.at(bounded(ops::ceil(exact)))) * 0.5;
  }
  if (method != "linear") {
    call.fail(format(
        "method: expected \"linear\", \"lower\", \"higher\", \"midpoint\" or "
        "\"nearest\", got \"{}\"",
        method));
  }
  // Keras starts from the larger of the two, for its gradient.
  const Value low = ops::maximum(bounded(ops::ceil(exact)) - 1.0, zero);
  const Value high = bounded(low + 1.0);
  const Value share = ops::cast(high - exact, rows.sorted.dtype());
  return rows.at(high) * (1.0 - share) + rows.at(low) * share;
}

/// The quantiles `q`, [...] of them before the axes of the result.
Value quantiles(
    const OperationCall& call,
    const Tensor& q,
    const std::string& method,
    bool skips_nan) {
  const Value x = call.floating();
  const Rows rows = rows_of(call, x);
  const Value none = skips_nan ? ops::equal(rows.count, 0.0) : rows.broken;
  const Value nan =
      ops::scalar_like(x, std::numeric_limits<double>::quiet_NaN());
  std::vector<Value> found;
  for (std::int64_t i = 0; i < q.size(); ++i) {
    const Value y = quantile_of(call, rows, q.at(i), method);
    found.push_back(ops::reshape(ops::where(none, nan, y), rows.shape));
  }
  if (q.rank() == 0) return found[0];
  Shape shape = q.shape();
  for (const std::int64_t dim : rows.shape.dims()) shape.push_back(dim);
  return ops::reshape(ops::stack(found, 0), shape);
}

/// The second operand, a constant in float32 as Keras has it.
Tensor constant_q(const OperationCall& call, double unit) {
  call.expect_operands(2);
  const Config* given = call.constant(1);
  if (given == nullptr) call.fail("q: expected a constant");
  const Tensor q = layers::tensor_from_config(*given, "q");
  std::vector<double> values;
  for (std::int64_t i = 0; i < q.size(); ++i) {
    values.push_back(static_cast<float>(q.at(i)) / static_cast<float>(unit));
  }
  return Tensor(values, q.shape());
}

template <int unit, bool skips_nan>
Results by_method(const OperationCall& call) {
  return {
      quantiles(call, constant_q(call, unit), call.text("method"), skips_nan)};
}

/// Whatever its method: Keras leaves it out.
Results quantile(const OperationCall& call) {
  return {quantiles(call, constant_q(call, 1), "linear", false)};
}

template <bool skips_nan>
Results median(const OperationCall& call) {
  call.expect_operands(1);
  return {quantiles(call, Tensor(0.5), "linear", skips_nan)};
}

// -- bins
// -------------------------------------------------------------------------

/// For each of `values`, how many of the ascending `edges` lie before it.
Value bin_of(const Value& values, const Value& edges, bool right) {
  const Value each = ops::expand_dims(values, -1);
  const Value before =
      right ? ops::less_equal(edges, each) : ops::less(edges, each);
  return ops::sum(ops::cast(before, DType::i32), {-1});
}

Results digitize(const OperationCall& call) {
  call.expect_operands(2);
  const std::vector<Value> x = call.promoted(0, true);
  return {bin_of(x[0], x[1], true)};
}

Results search_sorted(const OperationCall& call) {
  call.expect_operands(2);
  const std::vector<Value> x = call.promoted();
  if (x[0].rank() != 1) {
    call.fail(format("expected a sorted sequence [n], got {}", x[0].shape()));
  }
  return {bin_of(x[1], x[0], call.text("side") == "right")};
}

constexpr Operation kOperations[] = {
    {"Digitize", "numpy", "{}", digitize},
    {"Median", "numpy", kReduction, median<false>},
    {"Nanmedian", "numpy", kReduction, median<true>},
    {"Nanpercentile", "numpy", kQuantile, by_method<100, true>},
    {"Nanquantile", "numpy", kQuantile, by_method<1, true>},
    {"Percentile", "numpy", kQuantile, by_method<100, false>},
    {"Quantile", "numpy", kQuantile, quantile},
    {"SearchSorted", "numpy", R"({"side": "left"})", search_sorted},
};

}  // namespace

std::span<const Operation> quantile_operations() {
  return kOperations;
}

}  // namespace keratin
