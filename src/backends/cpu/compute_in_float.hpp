#pragma once

#include "src/ir/graph.hpp"

namespace keratin::cpu {

/// Whether this machine multiplies bfloat16 faster than float32.
bool multiplies_bfloat16();

/// A pass, before all others of this backend: what is bfloat16 is computed in
/// float32 and rounded after every op, which is what bfloat16 means. Sweeps,
/// reductions and normalisations then run as they do in float32:
///
///   x   y                 cast   cast
///    \ /                     \   /
///   add : bf16    =>       add : f32
///                             |
///                           cast : bf16
///
/// What merely moves values stays as it is, and so do convolutions and products
/// where `native`: oneDNN has kernels for them.
Graph compute_in_float(const Graph& graph, bool native);

}  // namespace keratin::cpu
