#include <keratin/error.hpp>
#include <keratin/host_layer.hpp>

#include "src/core/format.hpp"

namespace keratin {

HostLayer::~HostLayer() = default;

bool HostLayer::needs_host(const Arguments<LayerImpl::Spec>& inputs) const {
  (void)inputs;
  return true;
}

Adaptable::~Adaptable() = default;

Adaptable& adaptable(const Layer& layer) {
  auto* const adaptable = dynamic_cast<Adaptable*>(&layer.impl());
  if (adaptable == nullptr) {
    throw InvalidArgument(
        format("{} has nothing to adapt to data", layer.impl().who()));
  }
  return *adaptable;
}

void adapt(const Layer& layer, const Tensor& data) {
  adaptable(layer).adapt(data);
}

}  // namespace keratin
