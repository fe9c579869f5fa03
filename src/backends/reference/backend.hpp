#pragma once

#include <memory>
#include <vector>

#include "src/runtime/backend.hpp"

namespace keratin::reference {

/// The backend of plain loops: every op, every dtype, no hurry.
std::unique_ptr<Backend> make_backend();

/// One node computed on the host: what fold_constants needs.
std::vector<Tensor> evaluate(
    const Graph& graph, const Node& node, const std::vector<Tensor>& inputs);

}  // namespace keratin::reference
