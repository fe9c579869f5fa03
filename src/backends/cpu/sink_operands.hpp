#pragma once

#include "src/ir/graph.hpp"

namespace keratin::cpu {

/// A pass, after element-wise nodes were fused. A slice that only these use is
/// taken inside them, which read the part where it is:
///
///   slice(x)
///     |          =>   fused{exp(slice(x))}
///    exp
///
/// So are rows that are scattered over many for one of them alone, as an
/// embedding's gradient is for its optimizer: few of the rows it reads are
/// anything but zero, and none are written down.
///
///   scatter_add(i, u)   w
///             \        /    =>   fused{subtract(w, scatter_add(i, u))}
///             subtract
Graph sink_operands(const Graph& graph);

}  // namespace keratin::cpu
