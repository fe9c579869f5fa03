#pragma once

#include <vector>

#include "src/ir/graph.hpp"

namespace keratin {

/// Adds to the graph of `y` the nodes that compute the derivative of the scalar
/// `y` (or of sum(y * dy)) by each of `xs`, and returns them; each has the type
/// of its x, zeros where y does not depend on it. Reverse mode; may be applied
/// to its own results. Values named in `xs` count as independent.
///
/// Throws InvalidArgument when the path from an x to y goes through an op that
/// has no gradient where one is needed (a while loop without max_iterations).
std::vector<Value> gradients(
    const Value& y, const std::vector<Value>& xs, const Value& dy = {});

/// As above for several values of one graph at once: the derivative of the sum
/// of all sum(ys[i] * dys[i]). An empty dys[i] leaves ys[i] out; when nothing
/// is left, the results are zeros.
std::vector<Value> vjp(
    const std::vector<Value>& ys,
    const std::vector<Value>& xs,
    const std::vector<Value>& dys);

}  // namespace keratin
