#pragma once

#include <span>
#include <string>
#include <string_view>

#include "src/core/plugin_export.hpp"
#include "src/ir/graph.hpp"

namespace keratin {

/// The graph as text, one node a line:
///
///   graph {
///     %0 = parameter("x") : f32[32,128]
///     %1 = read("dense_1/kernel") : f32[128,10]
///     %2 = matmul(%0, %1) {transpose_a=false, transpose_b=false} : f32[32,10]
///     @dense_1 assign("dense_1/bias", %1) return %2
///   }
///
/// A node of a gradient has two signs: `@@dense_1`. Large constants are printed
/// in full, as hexadecimal bytes.
KERATIN_PLUGIN_EXPORT std::string print(const Graph& graph);

/// The graph that print() wrote: print(parse(print(g))) == print(g). Variables
/// are looked up by path in `variables`; an unknown path makes a new variable
/// of zeros. Throws InvalidArgument with line and column.
Graph parse_graph(
    std::string_view text, std::span<const Variable> variables = {});

/// Graphviz's DOT.
std::string to_dot(const Graph& graph);

}  // namespace keratin
