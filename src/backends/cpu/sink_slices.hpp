#pragma once

#include "src/ir/graph.hpp"

namespace keratin::cpu {

/// A pass, after element-wise nodes were fused: a slice that only these use is
/// taken inside them, which read the part where it is.
///
///   slice(x)
///     |          =>   fused{exp(slice(x))}
///    exp
Graph sink_slices(const Graph& graph);

}  // namespace keratin::cpu
