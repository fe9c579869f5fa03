#pragma once

#include "src/passes/pass.hpp"

namespace keratin::cuda {

/// Gathers what may follow a product in cuBLASLt's own kernel:
///
///   a   b
///   matmul   bias        a  b  bias
///     \      /            \ |  /
///       add         =>   fused{matmul, add, relu}
///        |                   |
///       relu              (users)
///
/// where nobody else reads what is in between. relu may be missing.
Graph gather_epilogues(const Graph& graph);

/// Whether a fused node is one of these, rather than an element-wise chain.
bool is_product(const Node& node);

}  // namespace keratin::cuda
