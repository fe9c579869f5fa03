#pragma once

#include <vector>

#include <keratin/export.hpp>
#include <keratin/value.hpp>

namespace keratin {

/// Adds to the graph of `y` the nodes that compute the derivative of the scalar
/// `y` (or of sum(y * dy)) by each of `xs`, and returns them; each has the type
/// of its x, zeros where y does not depend on it. Reverse mode; may be applied
/// to its own results. Values named in `xs` count as independent.
///
/// Throws InvalidArgument when the path from an x to y goes through an op that
/// has no gradient where one is needed (a while loop without max_iterations).
KERATIN_API std::vector<Value> gradients(
    const Value& y, const std::vector<Value>& xs, const Value& dy = {});

}  // namespace keratin
