#include <utility>

#include <keratin/symbolic.hpp>

#include "layers/base/symbolic_state.hpp"

namespace keratin {

const Shape& SymbolicTensor::shape() const {
  return state_->shape;
}

DType SymbolicTensor::dtype() const {
  return state_->dtype;
}

const std::string& SymbolicTensor::name() const {
  return state_->name;
}

SymbolicTensor make_symbolic(
    const std::shared_ptr<LayerImpl::CallNode>& node,
    Shape shape,
    DType dtype,
    std::string name) {
  auto state = std::make_shared<SymbolicState>();
  state->shape = std::move(shape);
  state->dtype = dtype;
  state->name = std::move(name);
  state->node = node;
  state->index = node->outputs.size();
  node->outputs.push_back(state);
  return SymbolicTensor(std::move(state));
}

}  // namespace keratin
