// Keras's reductions and scans along axes.

#include <cmath>

#include "layers/base/operation_table.hpp"

namespace keratin {

namespace {

using Results = std::vector<Value>;
using Reduce = Value (*)(const Value& x, const ops::Axes& axes, bool keepdims);
using ArgReduce = Value (*)(const Value& x, std::int64_t axis, bool keepdims);

constexpr const char* kReduction = R"({"axis": null, "keepdims": false})";

template <Reduce f>
Results reduce(const OperationCall& call) {
  call.expect_operands(1);
  return {f(call.tensor(), call.ints("axis"), call.flag("keepdims"))};
}

template <Reduce f, Value (*join)(const Value&, double)>
Results extreme(const OperationCall& call) {
  const Value y = reduce<f>(call)[0];
  return {call.given("initial") ? join(y, call.number("initial")) : y};
}

Results prod(const OperationCall& call) {
  call.expect_operands(1);
  Value x = call.tensor();
  if (call.given("dtype")) x = ops::cast(x, call.dtype());
  return {ops::prod(x, call.ints("axis"), call.flag("keepdims"))};
}

/// From the least to the largest.
// NOLINTNEXTLINE(performance-unnecessary-value-param): as the table has it
Value spread(const Value& x, const ops::Axes& axes, bool keepdims) {
  return ops::max(x, axes, keepdims) - ops::min(x, axes, keepdims);
}

Value deviation(const Value& x, const ops::Axes& axes, bool keepdims) {
  return ops::sqrt(ops::var(x, axes, keepdims));
}

/// Without an axis, the index into the flattened tensor.
template <ArgReduce f>
Results arg_reduce(const OperationCall& call) {
  call.expect_operands(1);
  const Value x = call.tensor();
  if (call.given("axis")) {
    return {f(x, call.integer("axis"), call.flag("keepdims"))};
  }
  const Value index = f(ops::reshape(x, {kUnknown}), 0, false);
  if (!call.flag("keepdims")) return {index};
  return {ops::reshape(index, Shape(std::vector<std::int64_t>(x.rank(), 1)))};
}

Results count_nonzero(const OperationCall& call) {
  call.expect_operands(1);
  const Value x = call.tensor();
  const Value counts = x.dtype() == DType::boolean ? x : ops::not_equal(x, 0.0);
  return {ops::sum(ops::cast(counts, DType::i32), call.ints("axis"))};
}

/// The Euclidean norm, and those of vectors of order 1, 2 and infinity.
Results norm(const OperationCall& call) {
  call.expect_operands(1);
  const Value x = call.floating();
  const ops::Axes axes = call.ints("axis");
  const bool keepdims = call.flag("keepdims");
  const Config& order = call.argument("ord");
  const bool vectors = axes.size() == 1 || (axes.empty() && x.rank() == 1);
  if (order.is_null() || (order.is_string() && order.as_string() == "fro") ||
      (vectors && order.is_number() && order.as_number() == 2)) {
    return {ops::sqrt(ops::sum(ops::square(x), axes, keepdims))};
  }
  if (vectors && order.is_number()) {
    const double p = order.as_number();
    if (p == 1) return {ops::sum(ops::abs(x), axes, keepdims)};
    if (std::isinf(p) && p > 0) return {ops::max(ops::abs(x), axes, keepdims)};
  }
  call.fail(
      "ord: expected null, \"fro\", or 1, 2 or infinity of vectors, got " +
      order.dump());
}

Results average(const OperationCall& call) {
  call.expect_operands(1);
  if (call.keyword("weights") != nullptr) {
    call.fail("weights: expected none");
  }
  return {ops::mean(call.tensor(), call.ints("axis"))};
}

Results moments(const OperationCall& call) {
  call.expect_operands(1);
  const Value x = call.floating();
  const ops::Axes axes = call.ints("axes");
  const bool keepdims = call.flag("keepdims");
  return {ops::mean(x, axes, keepdims), ops::var(x, axes, keepdims)};
}

Results cumsum(const OperationCall& call) {
  call.expect_operands(1);
  Value x = call.tensor();
  if (call.given("dtype")) x = ops::cast(x, call.dtype());
  if (x.dtype() == DType::boolean) x = ops::cast(x, DType::i32);
  if (call.given("axis")) return {ops::cumsum(x, call.integer("axis"))};
  return {ops::cumsum(ops::reshape(x, {kUnknown}), 0)};
}

constexpr Operation kOperations[] = {
    {"All", "numpy", kReduction, reduce<ops::all>},
    {"Amax", "numpy", kReduction, reduce<ops::max>},
    {"Amin", "numpy", kReduction, reduce<ops::min>},
    {"Any", "numpy", kReduction, reduce<ops::any>},
    {"Argmax", "numpy", kReduction, arg_reduce<ops::argmax>},
    {"Argmin", "numpy", kReduction, arg_reduce<ops::argmin>},
    {"Average", "numpy", R"({"axis": null})", average},
    {"CountNonzero", "numpy", R"({"axis": null})", count_nonzero},
    {"Cumsum", "numpy", R"({"axis": null, "dtype": null})", cumsum},
    {"Logsumexp", "math", kReduction, reduce<ops::logsumexp>},
    {"Max",
     "numpy",
     R"({"axis": null, "keepdims": false, "initial": null})",
     extreme<ops::max, ops::maximum>},
    {"Mean", "numpy", kReduction, reduce<ops::mean>},
    {"Min",
     "numpy",
     R"({"axis": null, "keepdims": false, "initial": null})",
     extreme<ops::min, ops::minimum>},
    {"Moments",
     "nn",
     R"({"axes": null, "keepdims": false, "synchronized": false})",
     moments},
    {"Norm",
     "linalg",
     R"({"ord": null, "axis": null, "keepdims": false})",
     norm},
    {"Prod",
     "numpy",
     R"({"axis": null, "keepdims": false, "dtype": null})",
     prod},
    {"Ptp", "numpy", kReduction, reduce<spread>},
    {"Std", "numpy", kReduction, reduce<deviation>},
    {"Sum", "numpy", kReduction, reduce<ops::sum>},
    {"Var", "numpy", kReduction, reduce<ops::var>},
};

}  // namespace

std::span<const Operation> reduction_operations() {
  return kOperations;
}

}  // namespace keratin
