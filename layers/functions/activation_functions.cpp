#include "layers/functions/activation_functions.hpp"

#include <cmath>
#include <numbers>
#include <string_view>

#include <keratin/error.hpp>
#include <keratin/ops.hpp>

#include "layers/functions/rounding.hpp"
#include "src/core/format.hpp"

namespace keratin {

using layers::float_rounded;
using ops::where;

namespace activations {

Value relu(
    const Value& x,
    double negative_slope,
    std::optional<double> max_value,
    double threshold) {
  const bool plain = !max_value && threshold == 0;
  if (negative_slope != 0 && plain) return leaky_relu(x, negative_slope);
  Value y = ops::relu(x);
  if (threshold != 0) {
    y = where(ops::greater(x, float_rounded(threshold)), x, ops::zeros_like(x));
  }
  // y is no less than 0 already, but for a threshold below.
  if (max_value) {
    const double limit = float_rounded(*max_value);
    y = threshold < 0 ? ops::clip(y, 0, limit) : ops::minimum(y, limit);
  }
  if (negative_slope == 0) return y;
  return y - negative_slope * ops::relu(ops::subtract(threshold, x));
}

Value leaky_relu(const Value& x, double negative_slope) {
  return where(ops::greater(x, 0.0), x, x * float_rounded(negative_slope));
}

Value elu(const Value& x, double alpha) {
  // The unused branch must stay finite: its gradient is multiplied by zero.
  const Value positive = ops::greater(x, 0.0);
  const Value negative = ops::expm1(where(positive, ops::zeros_like(x), x));
  return where(positive, x, alpha == 1 ? negative : negative * alpha);
}

Value celu(const Value& x, double alpha) {
  if (alpha == 1) return elu(x, 1);
  const Value positive = ops::greater(x, 0.0);
  const Value negative =
      ops::expm1(where(positive, ops::zeros_like(x), x) / alpha) * alpha;
  return where(positive, x, negative);
}

Value gelu(const Value& x, bool approximate) {
  if (approximate) {
    const Value inner = (x + x * x * x * 0.044715) *
                        float_rounded(std::sqrt(2 / std::numbers::pi));
    return x * 0.5 * (ops::tanh(inner) + 1.0);
  }
  return x * 0.5 * (ops::erf(x * float_rounded(1 / std::numbers::sqrt2)) + 1.0);
}

Value glu(const Value& x, std::int64_t axis) {
  const std::int64_t width =
      x.rank() == 0 ? 1 : x.shape()[x.shape().axis(axis, "glu")];
  if (width % 2 != 0) {
    throw InvalidArgument(format(
        "[glu] expected an even axis, got {} of {}{}",
        width,
        x.dtype(),
        x.shape()));
  }
  return ops::slice_axis(x, axis, 0, width / 2) *
         ops::sigmoid(ops::slice_axis(x, axis, width / 2, width));
}

Value hard_shrink(const Value& x, double threshold) {
  return where(ops::greater(ops::abs(x), threshold), x, ops::zeros_like(x));
}

Value log_softmax(const Value& x, std::int64_t axis) {
  return ops::log_softmax(x, axis);
}

Value soft_shrink(const Value& x, double threshold) {
  const Value low =
      where(ops::less(x, -threshold), x + threshold, ops::zeros_like(x));
  return where(ops::greater(x, threshold), x - threshold, low);
}

Value softmax(const Value& x, std::int64_t axis) {
  return ops::softmax(x, axis);
}

Value sparsemax(const Value& x, std::int64_t along) {
  // Martins and Astudillo, "From softmax to sparsemax", 2016, algorithm 1, as
  // Keras computes it: the threshold adds up the running sums of the support,
  // where the paper takes the last of them.
  Graph& graph = x.graph();
  const auto axis =
      static_cast<std::int64_t>(x.shape().axis(along, "sparsemax"));
  const Value sorted = -ops::sort(-x, axis).values;
  const Value sums = ops::cumsum(sorted, axis);
  const Value ranks = ops::iota(graph, x.shape(), axis, x.dtype()) + 1.0;
  const Value support = ops::greater(sorted - (sums - 1.0) / ranks, 0.0);
  const Value kept = where(support, sums, ops::zeros_like(sums));
  const Value count = ops::sum(ops::cast(support, x.dtype()), {axis}, true);
  const Value threshold = (ops::sum(kept, {axis}, true) - 1.0) / count;
  return ops::relu(x - threshold);
}

Value squareplus(const Value& x, double b) {
  return (x + ops::sqrt(ops::square(x) + b)) * 0.5;
}

Value threshold(const Value& x, double threshold, double default_value) {
  return where(ops::greater(x, threshold), x, ops::full_like(x, default_value));
}

}  // namespace activations

namespace activation_functions {

namespace {

Value linear(const Value& x) {
  return x;
}

Value plain_relu(const Value& x) {
  return ops::relu(x);
}

Value relu6(const Value& x) {
  return ops::minimum(ops::relu(x), 6.0);
}

Value selu(const Value& x) {
  constexpr double kAlpha = 1.6732632423543772848170429916717;
  constexpr double kScale = 1.0507009873554804934193349852946;
  return activations::elu(x, kAlpha) * kScale;
}

Value sigmoid(const Value& x) {
  return ops::sigmoid(x);
}

Value tanh(const Value& x) {
  return ops::tanh(x);
}

Value softplus(const Value& x) {
  return ops::softplus(x);
}

Value softsign(const Value& x) {
  return x / (ops::abs(x) + 1.0);
}

Value exponential(const Value& x) {
  return ops::exp(x);
}

Value silu(const Value& x) {
  return x * ops::sigmoid(x);
}

Value mish(const Value& x) {
  return x * ops::tanh(ops::softplus(x));
}

Value log_sigmoid(const Value& x) {
  return -ops::softplus(-x);
}

Value hard_sigmoid(const Value& x) {
  return relu6(x + 3.0) / 6.0;
}

/// What Keras called hard_sigmoid up to version 2.
Value hard_sigmoid_keras2(const Value& x) {
  return ops::clip(x * float_rounded(0.2) + 0.5, 0.0, 1.0);
}

Value hard_silu(const Value& x) {
  return x * hard_sigmoid(x);
}

Value hard_tanh(const Value& x) {
  return ops::clip(x, -1, 1);
}

Value tanh_shrink(const Value& x) {
  return x - ops::tanh(x);
}

Value sparse_plus(const Value& x) {
  const Value middle = where(ops::less(x, 1.0), ops::square(x + 1.0) * 0.25, x);
  return where(ops::less_equal(x, -1.0), ops::zeros_like(x), middle);
}

Value sparse_sigmoid(const Value& x) {
  const Value middle =
      where(ops::greater_equal(x, 1.0), ops::ones_like(x), (x + 1.0) * 0.5);
  return where(ops::less_equal(x, -1.0), ops::zeros_like(x), middle);
}

Value plain_celu(const Value& x) {
  return activations::celu(x);
}

Value plain_elu(const Value& x) {
  return activations::elu(x);
}

Value plain_gelu(const Value& x) {
  return activations::gelu(x);
}

Value plain_glu(const Value& x) {
  return activations::glu(x);
}

Value plain_hard_shrink(const Value& x) {
  return activations::hard_shrink(x);
}

Value plain_leaky_relu(const Value& x) {
  return activations::leaky_relu(x);
}

Value plain_log_softmax(const Value& x) {
  return activations::log_softmax(x);
}

Value plain_soft_shrink(const Value& x) {
  return activations::soft_shrink(x);
}

Value plain_softmax(const Value& x) {
  return activations::softmax(x);
}

Value plain_sparsemax(const Value& x) {
  return activations::sparsemax(x);
}

Value plain_squareplus(const Value& x) {
  return activations::squareplus(x);
}

constexpr Named kNamed[] = {
    {"celu", plain_celu, R"({"alpha": 1.0})"},
    {"elu", plain_elu, R"({"alpha": 1.0})"},
    {"exponential", exponential},
    {"gelu", plain_gelu, R"({"approximate": false})"},
    {"glu", plain_glu, R"({"axis": -1})"},
    {"hard_shrink", plain_hard_shrink, R"({"threshold": 0.5})"},
    {"hard_sigmoid", hard_sigmoid},
    {"hard_sigmoid_keras2", hard_sigmoid_keras2},
    {"hard_silu", hard_silu},
    {"hard_tanh", hard_tanh},
    {"leaky_relu", plain_leaky_relu, R"({"negative_slope": 0.2})"},
    {"linear", linear},
    {"log_sigmoid", log_sigmoid},
    {"log_softmax", plain_log_softmax, R"({"axis": -1})"},
    {"mish", mish},
    {"relu",
     plain_relu,
     R"({"negative_slope": 0.0, "max_value": null, "threshold": 0.0})"},
    {"relu6", relu6},
    {"selu", selu},
    {"sigmoid", sigmoid},
    {"silu", silu},
    {"soft_shrink", plain_soft_shrink, R"({"threshold": 0.5})"},
    {"softmax", plain_softmax, R"({"axis": -1})"},
    {"softplus", softplus},
    {"softsign", softsign},
    {"sparse_plus", sparse_plus},
    {"sparse_sigmoid", sparse_sigmoid},
    {"sparsemax", plain_sparsemax, R"({"axis": -1})"},
    {"squareplus", plain_squareplus, R"({"b": 4.0})"},
    {"tanh", tanh},
    {"tanh_shrink", tanh_shrink},
    {"threshold",
     nullptr,
     R"({"threshold": "required", "default_value": "required"})"},
};

struct Alias {
  std::string_view alias;
  std::string_view name;
};

constexpr Alias kAliases[] = {{"hard_swish", "hard_silu"}, {"swish", "silu"}};

}  // namespace

const Named* find(std::string_view name) {
  for (const Alias& alias : kAliases) {
    if (alias.alias == name) name = alias.name;
  }
  for (const Named& named : kNamed) {
    if (named.name == name && named.function != nullptr) return &named;
  }
  return nullptr;
}

std::span<const Named> table() {
  return kNamed;
}

std::vector<std::string> names() {
  std::vector<std::string> all;
  for (const Named& named : kNamed) {
    if (named.function != nullptr) all.emplace_back(named.name);
  }
  for (const Alias& alias : kAliases) all.emplace_back(alias.alias);
  return all;
}

}  // namespace activation_functions

}  // namespace keratin
