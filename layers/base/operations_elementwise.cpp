// Keras's element-wise operations of one operand.

#include <cmath>
#include <limits>
#include <numbers>

#include "layers/base/operation_table.hpp"
#include "layers/base/unary_operation.hpp"
#include "layers/functions/activation_functions.hpp"

namespace keratin {

namespace {

using unary::floating;
using unary::kNone;
using unary::plain;
using unary::Results;
using unary::Unary;

/// The activation function of that name.
template <const char* const& name>
Results activation(const OperationCall& call) {
  call.expect_operands(1);
  return {activation_functions::find(name)->function(call.floating())};
}

Value log2(const Value& x) {
  return ops::log(x) * (1 / std::numbers::ln2);
}

Value log10(const Value& x) {
  return ops::log(x) * (1 / std::numbers::ln10);
}

Value exp2(const Value& x) {
  return ops::exp(x * std::numbers::ln2);
}

Value trunc(const Value& x) {
  if (!is_floating(x.dtype())) return x;
  return ops::where(ops::less(x, 0.0), ops::ceil(x), ops::floor(x));
}

Value isinf(const Value& x) {
  return ops::equal(ops::abs(x), INFINITY);
}

Value square(const Value& x) {
  return ops::square(
      x.dtype() == DType::boolean ? ops::cast(x, DType::i32) : x);
}

Results round(const OperationCall& call) {
  call.expect_operands(1);
  const Value x = call.tensor();
  const std::int64_t decimals = call.integer("decimals");
  if (!is_floating(x.dtype())) return {x};
  if (decimals == 0) return {ops::round(x)};
  const double scale = std::pow(10.0, static_cast<double>(decimals));
  return {ops::round(x * scale) / scale};
}

Results cast(const OperationCall& call) {
  call.expect_operands(1);
  return {ops::cast(call.tensor(), call.dtype())};
}

Results clip(const OperationCall& call) {
  call.expect_operands(1);
  Value x = call.tensor();
  // Bounds may be missing on one side.
  const double low = call.given("x_min") ? call.number("x_min") : -INFINITY;
  const double high = call.given("x_max") ? call.number("x_max") : INFINITY;
  if (x.dtype() == DType::boolean) x = ops::cast(x, DType::i32);
  if (!(low <= high)) call.fail("expected x_min <= x_max");
  if (call.given("x_min")) x = ops::maximum(x, low);
  return {call.given("x_max") ? ops::minimum(x, high) : x};
}

/// zeros_like and the like: with a dtype of their own when given.
template <Unary f>
Results like(const OperationCall& call) {
  call.expect_operands(1);
  const Value x = call.tensor();
  return {f(call.given("dtype") ? ops::cast(x, call.dtype()) : x)};
}

Results full_like(const OperationCall& call) {
  call.expect_operands(2);
  Value x = call.tensor();
  if (call.given("dtype")) x = ops::cast(x, call.dtype());
  const Value fill = ops::cast(call.tensor(1), x.dtype());
  return {ops::broadcast_to(fill, x.shape())};
}

Results nan_to_num(const OperationCall& call) {
  call.expect_operands(1);
  const Value x = call.tensor();
  if (!is_floating(x.dtype())) return {x};
  const auto largest = [&]() -> double {
    switch (x.dtype()) {
      case DType::f16:
        return 65504;
      case DType::bf16:
        return 3.3895313892515355e38;
      case DType::f32:
        return std::numeric_limits<float>::max();
      default:
        return std::numeric_limits<double>::max();
    }
  }();
  const double high = call.given("posinf") ? call.number("posinf") : largest;
  const double low = call.given("neginf") ? call.number("neginf") : -largest;
  const auto fill = [&](double value) { return ops::scalar_like(x, value); };
  Value y = ops::where(ops::isnan(x), fill(call.number("nan")), x);
  y = ops::where(ops::equal(x, INFINITY), fill(high), y);
  return {ops::where(ops::equal(x, -INFINITY), fill(low), y)};
}

// -- activations with arguments
// --------------------------------------------------

Results leaky_relu(const OperationCall& call) {
  call.expect_operands(1);
  return {activation_functions::leaky_relu(
      call.floating(), call.number("negative_slope"))};
}

Results elu(const OperationCall& call) {
  call.expect_operands(1);
  return {activation_functions::elu(call.floating(), call.number("alpha"))};
}

Results celu(const OperationCall& call) {
  call.expect_operands(1);
  const double alpha = call.number("alpha");
  const Value x = call.floating();
  const Value negative = ops::expm1(ops::minimum(x, 0.0) / alpha) * alpha;
  return {ops::relu(x) + negative};
}

Results gelu(const OperationCall& call) {
  call.expect_operands(1);
  const Value x = call.floating();
  if (!call.flag("approximate")) {
    return {activation_functions::find("gelu")->function(x)};
  }
  const double scale = std::sqrt(2 / std::numbers::pi);
  const Value inner = (x + ops::power(x, 3.0) * 0.044715) * scale;
  return {x * 0.5 * (ops::tanh(inner) + 1.0)};
}

Results soft_shrink(const OperationCall& call) {
  call.expect_operands(1);
  const Value x = call.floating();
  const double edge = call.number("threshold");
  const Value zero = ops::zeros_like(x);
  const Value low = ops::where(ops::less(x, -edge), x + edge, zero);
  return {ops::where(ops::greater(x, edge), x - edge, low)};
}

Results hard_shrink(const OperationCall& call) {
  call.expect_operands(1);
  const Value x = call.floating();
  const Value large = ops::greater(ops::abs(x), call.number("threshold"));
  return {ops::where(large, x, ops::zeros_like(x))};
}

Results threshold(const OperationCall& call) {
  call.expect_operands(1);
  const Value x = call.floating();
  return {ops::where(
      ops::greater(x, call.number("threshold")),
      x,
      ops::full_like(x, call.number("default_value")))};
}

Results squareplus(const OperationCall& call) {
  call.expect_operands(1);
  const Value x = call.floating();
  return {(x + ops::sqrt(ops::square(x) + call.number("b"))) * 0.5};
}

// Names as constants: they are template arguments.
constexpr const char* kRelu6 = "relu6";
constexpr const char* kSelu = "selu";
constexpr const char* kSilu = "silu";
constexpr const char* kSoftsign = "softsign";
constexpr const char* kLogSigmoid = "log_sigmoid";
constexpr const char* kHardSigmoid = "hard_sigmoid";
constexpr const char* kHardSilu = "hard_silu";
constexpr const char* kHardTanh = "hard_tanh";
constexpr const char* kTanhShrink = "tanh_shrink";
constexpr const char* kSparsePlus = "sparse_plus";
constexpr const char* kSparseSigmoid = "sparse_sigmoid";

constexpr Operation kOperations[] = {
    {"Absolute", "numpy", kNone, plain<ops::abs>},
    {"Abs", "numpy", kNone, plain<ops::abs>},
    {"Arccos", "numpy", kNone, floating<ops::arccos>},
    {"Arccosh", "numpy", kNone, floating<ops::arccosh>},
    {"Arcsin", "numpy", kNone, floating<ops::arcsin>},
    {"Arcsinh", "numpy", kNone, floating<ops::arcsinh>},
    {"Arctan", "numpy", kNone, floating<ops::arctan>},
    {"Arctanh", "numpy", kNone, floating<ops::arctanh>},
    {"BitwiseInvert", "numpy", kNone, plain<ops::bitwise_not>},
    {"BitwiseNot", "numpy", kNone, plain<ops::bitwise_not>},
    {"Cast", "core", R"({"dtype": null})", cast},
    {"Ceil", "numpy", kNone, floating<ops::ceil>},
    {"Celu", "nn", R"({"alpha": 1.0})", celu},
    {"Clip", "numpy", R"({"x_min": null, "x_max": null})", clip},
    {"Cos", "numpy", kNone, floating<ops::cos>},
    {"Cosh", "numpy", kNone, floating<ops::cosh>},
    {"Elu", "nn", R"({"alpha": 1.0})", elu},
    {"Erf", "math", kNone, floating<ops::erf>},
    {"Exp", "numpy", kNone, floating<ops::exp>},
    {"Exp2", "numpy", kNone, floating<exp2>},
    {"Expm1", "numpy", kNone, floating<ops::expm1>},
    {"Floor", "numpy", kNone, floating<ops::floor>},
    {"FullLike", "numpy", R"({"dtype": null})", full_like},
    {"Gelu", "nn", R"({"approximate": true})", gelu},
    {"HardShrink", "nn", R"({"threshold": 0.5})", hard_shrink},
    {"HardSigmoid", "nn", kNone, activation<kHardSigmoid>},
    {"HardSilu", "nn", kNone, activation<kHardSilu>},
    {"HardTanh", "nn", kNone, activation<kHardTanh>},
    {"Isfinite", "numpy", kNone, plain<ops::isfinite>},
    {"Isinf", "numpy", kNone, floating<isinf>},
    {"Isnan", "numpy", kNone, plain<ops::isnan>},
    {"LeakyRelu", "nn", R"({"negative_slope": 0.2})", leaky_relu},
    {"Log", "numpy", kNone, floating<ops::log>},
    {"Log10", "numpy", kNone, floating<log10>},
    {"Log1p", "numpy", kNone, floating<ops::log1p>},
    {"Log2", "numpy", kNone, floating<log2>},
    {"LogSigmoid", "nn", kNone, activation<kLogSigmoid>},
    {"LogicalNot", "numpy", kNone, plain<ops::logical_not>},
    {"NanToNum",
     "numpy",
     R"({"nan": 0.0, "posinf": null, "neginf": null})",
     nan_to_num},
    {"Negative", "numpy", kNone, plain<ops::negative>},
    {"OnesLike", "numpy", R"({"dtype": null})", like<ops::ones_like>},
    {"Reciprocal", "numpy", kNone, floating<ops::reciprocal>},
    {"Relu", "nn", kNone, plain<ops::relu>},
    {"Relu6", "nn", kNone, activation<kRelu6>},
    {"Round", "numpy", R"({"decimals": 0})", round},
    {"Rsqrt", "math", kNone, floating<ops::rsqrt>},
    {"Selu", "nn", kNone, activation<kSelu>},
    {"Sigmoid", "nn", kNone, floating<ops::sigmoid>},
    {"Sign", "numpy", kNone, plain<ops::sign>},
    {"Silu", "nn", kNone, activation<kSilu>},
    {"Sin", "numpy", kNone, floating<ops::sin>},
    {"Sinh", "numpy", kNone, floating<ops::sinh>},
    {"SoftShrink", "nn", R"({"threshold": 0.5})", soft_shrink},
    {"Softplus", "nn", kNone, floating<ops::softplus>},
    {"Softsign", "nn", kNone, activation<kSoftsign>},
    {"SparsePlus", "nn", kNone, activation<kSparsePlus>},
    {"SparseSigmoid", "nn", kNone, activation<kSparseSigmoid>},
    {"Sqrt", "numpy", kNone, floating<ops::sqrt>},
    {"Square", "numpy", kNone, plain<square>},
    {"Squareplus", "nn", R"({"b": 4})", squareplus},
    {"StopGradient", "core", kNone, plain<ops::stop_gradient>},
    {"Tan", "numpy", kNone, floating<ops::tan>},
    {"Tanh", "numpy", kNone, floating<ops::tanh>},
    {"TanhShrink", "nn", kNone, activation<kTanhShrink>},
    {"Threshold",
     "nn",
     R"({"threshold": null, "default_value": null})",
     threshold},
    {"Trunc", "numpy", kNone, plain<trunc>},
    {"ZerosLike", "numpy", R"({"dtype": null})", like<ops::zeros_like>},
};

}  // namespace

std::span<const Operation> elementwise_operations() {
  return kOperations;
}

}  // namespace keratin
