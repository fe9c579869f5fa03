#pragma once

#include <limits>

#include "src/ir/graph.hpp"

namespace keratin::cpu {

/// A batch normalisation's gradient, and the ReLU behind the normalisation
/// whose gradient comes first, if any.
struct GatedNormGrad {
  const Node* node = nullptr;  // null: it is no such gradient
  int beta = -1;               // operand of the outer node; -1: no ReLU
  double limit = std::numeric_limits<double>::infinity();  // of ReLU6
};

/// A fused node is one when its body is what fuse_norm_gates makes.
GatedNormGrad gated_norm_grad_of(const Node& node);

/// A pass: where the gradient of relu(batch_norm(x)) is masked before that of
/// the normalisation, both become one `fused` node, which finds out from x
/// where the ReLU was open. Nobody has to keep or read the ReLU's result for
/// it.
///
///   y = batch_norm(x)           y = batch_norm(x)
///   r = relu(y)            =>   r = relu(y)
///   g = select(r > 0, dr, 0)    dx = fused{mask and gradient}(x, ..., dr)
///   dx = batch_norm_grad(x, ..., g)
Graph fuse_norm_gates(const Graph& graph);

}  // namespace keratin::cpu
