#pragma once

#include <vector>

#include <keratin/gradients.hpp>

#include "src/ir/graph.hpp"

namespace keratin {

// keratin::gradients is public: <keratin/gradients.hpp>.

/// As gradients, for several values of one graph at once: the derivative of
/// the sum of all sum(ys[i] * dys[i]). An empty dys[i] leaves ys[i] out; when
/// nothing is left, the results are zeros.
std::vector<Value> vjp(
    const std::vector<Value>& ys,
    const std::vector<Value>& xs,
    const std::vector<Value>& dys);

}  // namespace keratin
