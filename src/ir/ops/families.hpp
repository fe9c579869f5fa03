#pragma once

#include <vector>

#include "src/ir/op_info.hpp"

/// The declarations of the ops, one function per file of this folder. Only
/// registry.cpp calls them.
namespace keratin::families {

std::vector<OpInfo> structure_ops();
std::vector<OpInfo> unary_ops();
std::vector<OpInfo> binary_ops();  // and select
std::vector<OpInfo> reduce_ops();
std::vector<OpInfo> matmul_ops();
std::vector<OpInfo> shape_ops();
std::vector<OpInfo> index_ops();
std::vector<OpInfo> conv_ops();
std::vector<OpInfo> pool_ops();
std::vector<OpInfo> nn_ops();
std::vector<OpInfo> norm_ops();
std::vector<OpInfo> attention_ops();
std::vector<OpInfo> random_ops();
std::vector<OpInfo> control_ops();  // and fused

}  // namespace keratin::families
