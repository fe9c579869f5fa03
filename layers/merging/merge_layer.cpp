#include "layers/merging/merge_layer.hpp"

#include <algorithm>

namespace keratin::layers {

void MergeLayer::expect_inputs(
    const std::vector<Shape>& inputs, std::size_t minimum) const {
  if (inputs.size() < minimum) {
    fail(format(
        "expected a list of at least {} tensors, got {}",
        minimum,
        inputs.size()));
  }
  std::int64_t batch = kUnknown;
  for (const Shape& shape : inputs) {
    if (shape.empty()) fail("expected tensors with a batch axis, got a scalar");
    if (shape[0] == kUnknown) continue;
    if (batch != kUnknown && batch != shape[0]) {
      fail(format("expected one batch size, got {}", list(inputs)));
    }
    batch = shape[0];
  }
}

void MergeLayer::check_broadcast(const std::vector<Shape>& inputs) const {
  std::size_t rank = 0;
  for (const Shape& shape : inputs) rank = std::max(rank, shape.rank());
  // Counted from the end, batch axes left out.
  for (std::size_t i = 1; i < rank; ++i) {
    std::int64_t extent = 1;
    for (const Shape& shape : inputs) {
      if (i >= shape.rank()) continue;
      const std::int64_t own = shape[shape.rank() - i];
      if (own == kUnknown || own == 1 || own == extent) continue;
      if (extent != 1) {
        fail(format(
            "expected shapes that broadcast to each other, got {}",
            list(inputs)));
      }
      extent = own;
    }
  }
}

Value MergeLayer::same_dtype(
    const Value& x, const std::vector<Value>& all) const {
  for (const Value& other : all) {
    if (other.dtype() != x.dtype()) return ops::cast(x, compute_dtype());
  }
  return x;
}

Arguments<LayerImpl::Spec> MergeLayer::agreed(
    const Arguments<Spec>& inputs, std::optional<std::size_t> own_axis) {
  Arguments<Spec> out = inputs;
  if (out.items.empty() || out.items[0].tensors.empty()) return out;
  std::vector<Spec>& specs = out.items[0].tensors;
  const std::size_t rank = specs[0].shape.rank();
  for (const Spec& spec : specs) {
    if (spec.shape.rank() != rank) return out;
  }
  for (std::size_t axis = 1; axis < rank; ++axis) {
    if (own_axis == axis) continue;
    std::int64_t known = kUnknown;
    for (const Spec& spec : specs) {
      if (spec.shape[axis] > 1) known = spec.shape[axis];
    }
    if (known == kUnknown) continue;
    for (Spec& spec : specs) {
      if (spec.shape[axis] == kUnknown) spec.shape[axis] = known;
    }
  }
  return out;
}

std::string MergeLayer::list(const std::vector<Shape>& shapes) {
  std::string out;
  for (const Shape& shape : shapes) {
    out += format("{}{}", out.empty() ? "" : ", ", shape);
  }
  return out;
}

}  // namespace keratin::layers
