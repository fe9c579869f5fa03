#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "layers/support/keras_layer.hpp"
#include "src/core/format.hpp"

namespace keratin::layers {

/// What the layers of several tensors share.
class MergeLayer : public KerasLayer {
 public:
  using KerasLayer::KerasLayer;

  bool supports_masking() const override { return true; }

 protected:
  /// Fails unless there are enough inputs, all with a batch axis and of one
  /// batch size.
  void expect_inputs(
      const std::vector<Shape>& inputs, std::size_t minimum) const;

  /// Fails unless the shapes broadcast, aligned after the batch axis.
  void check_broadcast(const std::vector<Shape>& inputs) const;

  /// x in the dtype that `all` have, or in the compute dtype when they differ.
  Value same_dtype(const Value& x, const std::vector<Value>& all) const;

  /// Unknown extents that another input knows, but for those of `own_axis`:
  /// the inputs must agree there. REQUIRES: one rank.
  static Arguments<Spec> agreed(
      const Arguments<Spec>& inputs, std::optional<std::size_t> own_axis);

  /// "[?,3], [?,4]"
  static std::string list(const std::vector<Shape>& shapes);
};

}  // namespace keratin::layers
