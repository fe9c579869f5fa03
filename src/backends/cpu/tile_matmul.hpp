#pragma once

#include <memory>

#include "src/backends/host/kernel.hpp"

namespace keratin::cpu {

/// A kernel for the product that `node` is: of few rows by a small matrix that
/// keeps its value, as a recurrent layer's step has, where oneDNN's dispatch
/// takes as long as the work. Null where another does better.
std::unique_ptr<host::Kernel> make_tile_matmul(
    const host::KernelFactory& factory, const Graph& graph, const Node& node);

}  // namespace keratin::cpu
