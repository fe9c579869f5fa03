#pragma once

#include <functional>
#include <string>

#include "src/ir/graph.hpp"

namespace keratin::testing {

using PassFunction = std::function<Graph(const Graph&)>;

/// Statements of a graph in the text form, parsed: "graph {" + text + "}".
Graph graph_of(const std::string& statements);

/// The graph after the pass, without dead code, as text; also verified.
std::string after_pass(const PassFunction& pass, const std::string& statements);

/// The graph itself without dead code, in the same form.
std::string as_it_is(const std::string& statements);

/// "%0 = parameter("a") : f32[2,3]" and so on, for types separated by ", ".
std::string parameters(const std::string& types);

}  // namespace keratin::testing
