#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <keratin/activations.hpp>
#include <keratin/value.hpp>

/// Keras's activation functions, those with arguments under their names.
namespace keratin::activation_functions {

/// Keras's relu with all arguments:
///   x > threshold: min(x, max_value); else: negative_slope * (x - threshold).
Value relu(
    const Value& x,
    double negative_slope,
    std::optional<double> max_value,
    double threshold);
Value leaky_relu(const Value& x, double negative_slope);
Value elu(const Value& x, double alpha);

/// An entry of the table of names.
struct Named {
  const char* name;
  Value (*function)(const Value& x);
};

/// Null when there is none. Knows the aliases "swish" and "hard_swish".
const Named* find(std::string_view name);

/// Every name, aliases included.
std::vector<std::string> names();

}  // namespace keratin::activation_functions
