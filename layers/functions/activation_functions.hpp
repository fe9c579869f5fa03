#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <keratin/activation_functions.hpp>
#include <keratin/activations.hpp>
#include <keratin/value.hpp>

/// Keras's activation functions by name.
namespace keratin::activation_functions {

using activations::elu;
using activations::leaky_relu;
using activations::relu;

/// An entry of the table of names.
struct Named {
  const char* name;
  Value (*function)(const Value& x);  // null: only with arguments
  const char* arguments = "{}";       // with their defaults, as JSON
};

/// The whole table, without aliases.
std::span<const Named> table();

/// Null when there is none. Knows the aliases "swish" and "hard_swish".
const Named* find(std::string_view name);

/// Every name, aliases included.
std::vector<std::string> names();

}  // namespace keratin::activation_functions
