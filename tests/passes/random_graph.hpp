#pragma once

#include "src/ir/graph.hpp"

namespace keratin::testing {

/// A graph of a few dozen random nodes over parameters "a": f32[4,6],
/// "b": f32[6] and "c": f32[], with constants, masks, broadcasts, reductions,
/// products, shape ops and composite ops: something for every pass. Repeats
/// itself, has dead ends and assigns two variables, which it makes.
Graph random_graph(unsigned seed);

}  // namespace keratin::testing
