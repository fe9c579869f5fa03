// Keras's reductions and scans that leave NaN out, and products along axes.

#include <cmath>
#include <limits>

#include "layers/base/operation_table.hpp"

namespace keratin {

namespace {

using Results = std::vector<Value>;
using Reduce = Value (*)(const Value& x, const ops::Axes& axes, bool keepdims);
using ArgReduce = Value (*)(const Value& x, std::int64_t axis, bool keepdims);

constexpr const char* kReduction = R"({"axis": null, "keepdims": false})";
constexpr const char* kScan = R"({"axis": null, "dtype": null})";
constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();

/// x with `value` for NaN; only floating-point tensors have any.
Value without_nan(const Value& x, double value) {
  if (!is_floating(x.dtype())) return x;
  return ops::where(ops::isnan(x), ops::scalar_like(x, value), x);
}

/// f of what NaN is replaced in by its neutral element.
template <Reduce f>
Results ignoring(const OperationCall& call, double neutral) {
  call.expect_operands(1);
  return {
      f(without_nan(call.tensor(), neutral),
        call.ints("axis"),
        call.flag("keepdims"))};
}

Results nansum(const OperationCall& call) {
  return ignoring<ops::sum>(call, 0);
}

Results nanprod(const OperationCall& call) {
  return ignoring<ops::prod>(call, 1);
}

/// NaN where there is nothing else.
template <Reduce f, int sign>
Results extreme(const OperationCall& call) {
  const Value y = ignoring<f>(call, sign * HUGE_VAL)[0];
  const Value x = call.tensor();
  if (!is_floating(x.dtype())) return {y};
  const Value none =
      ops::all(ops::isnan(x), call.ints("axis"), call.flag("keepdims"));
  return {ops::where(none, ops::scalar_like(y, kNaN), y)};
}

/// How many elements are numbers, in the dtype of x.
Value count(const Value& x, const ops::Axes& axes, bool keepdims) {
  return ops::sum(
      ops::cast(ops::logical_not(ops::isnan(x)), x.dtype()), axes, keepdims);
}

// NOLINTNEXTLINE(performance-unnecessary-value-param): as the table has it
Value mean(const Value& x, const ops::Axes& axes, bool keepdims) {
  return ops::sum(without_nan(x, 0), axes, keepdims) / count(x, axes, keepdims);
}

// NOLINTNEXTLINE(performance-unnecessary-value-param): as the table has it
Value variance(const Value& x, const ops::Axes& axes, bool keepdims) {
  const Value centered = x - mean(x, axes, true);
  return ops::sum(ops::square(without_nan(centered, 0)), axes, keepdims) /
         count(x, axes, keepdims);
}

Value deviation(const Value& x, const ops::Axes& axes, bool keepdims) {
  return ops::sqrt(variance(x, axes, keepdims));
}

template <Reduce f>
Results statistic(const OperationCall& call) {
  call.expect_operands(1);
  return {f(call.floating(), call.ints("axis"), call.flag("keepdims"))};
}

/// Without an axis, the index into the flattened tensor; -1 where all is NaN.
template <ArgReduce f, int sign>
Results arg_extreme(const OperationCall& call) {
  call.expect_operands(1);
  Value x = call.tensor();
  const bool keepdims = call.flag("keepdims");
  const std::size_t rank = x.rank();
  if (!call.given("axis")) x = ops::reshape(x, {kUnknown});
  const std::int64_t axis = call.given("axis") ? call.axis("axis", x) : 0;
  Value index = f(without_nan(x, sign * HUGE_VAL), axis, keepdims);
  if (is_floating(x.dtype())) {
    const Value none = ops::all(ops::isnan(x), {axis}, keepdims);
    index = ops::where(none, ops::scalar_like(index, -1), index);
  }
  if (call.given("axis") || !keepdims) return {index};
  return {ops::reshape(index, Shape(std::vector<std::int64_t>(rank, 1)))};
}

// -- along an axis
// ----------------------------------------------------------------

/// The operand in the dtype that is given; bools as integers; without an axis
/// flattened.
struct Scanned {
  Value x;
  std::int64_t axis = 0;
};

Scanned scanned(const OperationCall& call) {
  call.expect_operands(1);
  Value x = call.tensor();
  if (call.given("dtype")) x = ops::cast(x, call.dtype());
  if (x.dtype() == DType::boolean) x = ops::cast(x, DType::i32);
  if (!call.given("axis")) return {ops::reshape(x, {kUnknown}), 0};
  return {x, call.axis("axis", x)};
}

Value cumulative_product(const Scanned& over) {
  ops::Axes order = {over.axis};
  for (std::size_t i = 0; i < over.x.rank(); ++i) {
    const auto axis = static_cast<std::int64_t>(i);
    if (axis != over.axis) order.push_back(axis);
  }
  ops::Axes back(order.size());
  for (std::size_t i = 0; i < order.size(); ++i) {
    back[static_cast<std::size_t>(order[i])] = static_cast<std::int64_t>(i);
  }
  const Value rows = ops::transpose(over.x, order);
  const auto& dims = rows.shape().dims();
  const Value one = ops::full(
      rows.graph(), Shape({dims.begin() + 1, dims.end()}), 1, rows.dtype());
  const ops::ScanResult result =
      ops::scan({one}, {rows}, [](const std::vector<Value>& step) {
        const Value product = step[0] * step[1];
        return std::vector<Value>{product, product};
      });
  return ops::transpose(result.ys[0], back);
}

Results cumprod(const OperationCall& call) {
  return {cumulative_product(scanned(call))};
}

Results nancumprod(const OperationCall& call) {
  Scanned over = scanned(call);
  over.x = without_nan(over.x, 1);
  return {cumulative_product(over)};
}

Results nancumsum(const OperationCall& call) {
  const Scanned over = scanned(call);
  return {ops::cumsum(without_nan(over.x, 0), over.axis)};
}

constexpr Operation kOperations[] = {
    {"Cumprod", "numpy", kScan, cumprod},
    {"Nanargmax", "numpy", kReduction, arg_extreme<ops::argmax, -1>},
    {"Nanargmin", "numpy", kReduction, arg_extreme<ops::argmin, 1>},
    {"Nancumprod", "numpy", kScan, nancumprod},
    {"Nancumsum", "numpy", kScan, nancumsum},
    {"Nanmax", "numpy", kReduction, extreme<ops::max, -1>},
    {"Nanmean", "numpy", kReduction, statistic<mean>},
    {"Nanmin", "numpy", kReduction, extreme<ops::min, 1>},
    {"Nanprod", "numpy", kReduction, nanprod},
    {"Nanstd", "numpy", kReduction, statistic<deviation>},
    {"Nansum", "numpy", kReduction, nansum},
    {"Nanvar", "numpy", kReduction, statistic<variance>},
};

}  // namespace

std::span<const Operation> nan_operations() {
  return kOperations;
}

}  // namespace keratin
