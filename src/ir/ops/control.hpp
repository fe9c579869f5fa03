#pragma once

#include <vector>

#include "src/ir/op_info.hpp"

/// What the ops with sub-graphs and their gradients (control_gradient.cpp)
/// share.
namespace keratin::rules {

/// The results of a while_loop node with max_iterations, by a scan of as many
/// steps whose carried values stand still once the condition fails.
std::vector<Value> bounded_loop(
    Graph& graph, const Attrs& attrs, const std::vector<Value>& inputs);

std::vector<Value> gradient_scan(const GradientArgs& args);
std::vector<Value> gradient_cond(const GradientArgs& args);
std::vector<Value> gradient_while_loop(const GradientArgs& args);

}  // namespace keratin::rules
