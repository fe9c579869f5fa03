#pragma once

#include <cstdint>
#include <optional>

#include <keratin/export.hpp>
#include <keratin/value.hpp>

/// Keras's activation functions that have arguments, with Keras's defaults. By
/// name ("celu") they have these defaults; with others they go in as functions:
///
///   Dense(8, {.activation = [](const kt::Value& x) {
///     return kt::activations::leaky_relu(x, 0.1);
///   }})
namespace keratin::activations {

/// x > 0: x; else alpha * (exp(x / alpha) - 1).
KERATIN_API Value celu(const Value& x, double alpha = 1);

/// x > 0: x; else alpha * (exp(x) - 1).
KERATIN_API Value elu(const Value& x, double alpha = 1);

/// x times the normal distribution's probability below x, or nearly so.
KERATIN_API Value gelu(const Value& x, bool approximate = false);

/// The first half of the axis times the sigmoid of the second.
KERATIN_API Value glu(const Value& x, std::int64_t axis = -1);

/// |x| > threshold: x; else 0.
KERATIN_API Value hard_shrink(const Value& x, double threshold = 0.5);

KERATIN_API Value leaky_relu(const Value& x, double negative_slope = 0.2);
KERATIN_API Value log_softmax(const Value& x, std::int64_t axis = -1);

/// x > threshold: min(x, max_value); else negative_slope * (x - threshold).
KERATIN_API Value relu(
    const Value& x,
    double negative_slope = 0,
    std::optional<double> max_value = {},
    double threshold = 0);

/// Moved towards 0 by threshold.
KERATIN_API Value soft_shrink(const Value& x, double threshold = 0.5);
KERATIN_API Value softmax(const Value& x, std::int64_t axis = -1);
KERATIN_API Value sparsemax(const Value& x, std::int64_t axis = -1);

/// (x + sqrt(x^2 + b)) / 2.
KERATIN_API Value squareplus(const Value& x, double b = 4);

/// x > threshold: x; else default_value.
KERATIN_API Value
threshold(const Value& x, double threshold, double default_value);

}  // namespace keratin::activations
