#pragma once

#include <optional>
#include <string>
#include <vector>

#include <keratin/export.hpp>
#include <keratin/layer.hpp>
#include <keratin/layers/recurrent.hpp>

/// Layers around layers.
namespace keratin::layers {

/// What layers around one other layer derive from (Keras's Wrapper).
class KERATIN_API WrapperImpl : public LayerImpl {
 public:
  WrapperImpl() = default;
  explicit WrapperImpl(
      Layer layer,
      std::string name = {},
      DTypePolicy dtype = {},
      bool trainable = true);

  std::string class_name() const override { return "Wrapper"; }

  std::string module() const override;

  /// The layer inside, under the key "layer".
  void fields(FieldVisitor& visit) override;
  Config get_config() const override;
  void from_config(const Config& config, const std::string& where) override;

  /// Builds the layer inside.
  void build(const std::vector<Shape>& inputs) override;

  /// The base calls the layer inside.
  std::vector<Value> call_many(
      CallContext& ctx, const CallInputs& inputs) override;

  bool supports_masking() const override { return true; }

  const Layer& layer() const { return layer_; }

 private:
  Layer layer_;
  Config layer_config_;
};

struct WrapperOptions {
  std::string name = {};
  DTypePolicy dtype = {};
  bool trainable = true;
};

class KERATIN_API Wrapper : public Layer {
 public:
  explicit Wrapper(Layer layer, WrapperOptions options = {});
};

/// Applies a layer to every step of a sequence, with the same weights.
///
///   x: [batch, steps, ...]   y: [batch, steps, ...of the layer]
class KERATIN_API TimeDistributed : public Layer {
 public:
  explicit TimeDistributed(Layer layer, WrapperOptions options = {});
};

struct BidirectionalOptions {
  /// "concat", "sum", "mul", "ave"; none: the outputs are yielded side by side.
  std::optional<std::string> merge_mode = "concat";
  std::vector<Tensor> weights = {};  // forward layer's, then backward layer's
  Layer backward_layer = {};         // a copy of the layer when not given
  Regularizer activity_regularizer = {};
  std::string name = {};
  DTypePolicy dtype = {};
  bool trainable = true;
};

/// Runs a copy of a recurrent layer forwards and one backwards and merges the
/// outputs. Of `layer` only the arguments are taken, not the weights.
class KERATIN_API Bidirectional : public RecurrentLayer {
 public:
  explicit Bidirectional(Layer layer, BidirectionalOptions options = {});
};

}  // namespace keratin::layers
