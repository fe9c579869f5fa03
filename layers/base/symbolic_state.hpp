#pragma once

#include <memory>
#include <string>

#include <keratin/layer.hpp>

namespace keratin {

struct SymbolicState {
  Shape shape;
  DType dtype = DType::f32;
  std::string name;
  std::shared_ptr<LayerImpl::CallNode> node;  // the call it comes from
  std::size_t index = 0;                      // which of the call's results
};

/// A result of `node`; adds itself to the node's outputs.
SymbolicTensor make_symbolic(
    const std::shared_ptr<LayerImpl::CallNode>& node,
    Shape shape,
    DType dtype,
    std::string name);

}  // namespace keratin
