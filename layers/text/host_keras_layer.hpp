#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include <keratin/host_layer.hpp>

#include "layers/support/keras_layer.hpp"

namespace keratin::layers {

/// What the layers that compute on the host derive from.
class HostKerasLayer : public KerasLayer, public HostLayer {
 public:
  using KerasLayer::KerasLayer;

  bool casts_inputs() const override { return false; }

  /// Layers that only work on the host have no place in a graph.
  std::vector<Value> call_many(
      CallContext& ctx, const CallInputs& inputs) override;

  std::vector<Spec> compute_output_spec(const Arguments<Spec>& inputs) override;

 protected:
  /// The shape and dtype of the one result for one input.
  virtual Spec output_spec(const Spec& input) const;

  /// The one array given. Fails for more or less.
  const Tensor& one_input(const HostInputs& inputs) const;

  void check_sparse(bool sparse, const std::string& output_mode) const;

  /// Two keys, or none. Fails for another number of them.
  std::optional<std::pair<std::uint64_t, std::uint64_t>> salt_keys(
      const Config& salt) const;
};

/// [a, b] as configs have salts; null when there is none.
Config salt_config(const std::vector<std::int64_t>& salt);

}  // namespace keratin::layers
