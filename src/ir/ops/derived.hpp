#pragma once

#include <vector>

#include "src/ir/op_info.hpp"

namespace keratin::rules {

/// The gradient rule of an op from an equivalent: `equivalent` are values
/// computed from args.inputs by other nodes, one for each result of the op.
/// Empty for integers and for the second use of a value as an operand (the
/// first takes the gradient of all uses).
std::vector<Value> gradient_through(
    const std::vector<Value>& equivalent, const GradientArgs& args);

/// A GradientRule: differentiates the op's decomposition.
std::vector<Value> gradient_by_decomposition(const GradientArgs& args);

}  // namespace keratin::rules
