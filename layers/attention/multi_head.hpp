#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <keratin/layers/attention.hpp>
#include <keratin/layers/core.hpp>

#include "layers/attention/scores.hpp"
#include "layers/support/keras_layer.hpp"

namespace keratin::layers {

/// What MultiHeadAttention and GroupQueryAttention share: arguments, masks, the
/// product of attention itself.
class MultiHeadBase : public KerasLayer {
 public:
  MultiHeadBase() = default;

  template <class Options>
  explicit MultiHeadBase(const Options& options)
      : KerasLayer(options),
        dropout_(options.dropout),
        use_bias_(options.use_bias),
        use_gate_(options.use_gate),
        sliding_window_(options.sliding_window),
        flash_attention_(options.flash_attention),
        kernel_initializer_(options.kernel_initializer),
        bias_initializer_(options.bias_initializer),
        kernel_regularizer_(options.kernel_regularizer),
        bias_regularizer_(options.bias_regularizer),
        kernel_constraint_(options.kernel_constraint),
        bias_constraint_(options.bias_constraint),
        seed_(options.seed) {
    inner_activity_regularizer_ = options.activity_regularizer;
  }

  bool supports_masking() const override { return true; }

  Config build_config() const override;

  std::vector<Value> compute_masks(
      CallContext& ctx,
      const CallInputs& inputs,
      const std::vector<Value>& outputs) override;

 protected:
  /// A call's arguments, masks merged.
  struct Call {
    Value query;
    Value value;
    Value key;
    Value mask;  // [batch or 1, t or 1, s], or as attention_mask; may be none
    bool scores = false;
  };

  void visit_base(FieldVisitor& visit);
  void visit_shared(FieldVisitor& visit);

  bool writes_activity_regularizer() const override { return true; }

  void settle() override;

  /// `mask_argument`: whether a query_mask given as argument counts.
  Call read(CallContext& ctx, const CallInputs& inputs, bool mask_argument);

  /// A projection inside, made and built for inputs of a shape.
  EinsumDense projection(
      const Shape& input,
      const std::string& attribute,
      const std::string& name,
      const std::string& equation,
      std::vector<std::int64_t> output_shape,
      const std::string& bias_axes,
      const char* activation = "linear");

  /// Of query, value and key. Called from build where the shapes tell which is
  /// which, else from the first call.
  virtual void make_projections(
      const Shape& query, const Shape& value, const Shape& key) = 0;

  bool projected() const { return !sublayers().empty(); }

  /// Two tensors are query and value; a third may be the key or a mask.
  void build(const std::vector<Shape>& inputs) override;

  /// As weights are made for: any batch size.
  static Shape build_shape(const Value& x);

  /// The projection of x, whose mask stays with x: it is merged into the
  /// call's.
  static Value project(CallContext& ctx, const Layer& layer, const Value& x);

  struct Attended {
    Value y;
    Value scores;  // before dropout
  };

  /// Heads as [batch, steps..., heads, features]; `axes` are those attended
  /// over, from the front.
  Attended attend(
      CallContext& ctx,
      const Value& query,
      const Value& key,
      const Value& value,
      Value mask,
      const std::vector<std::int64_t>& axes,
      double scale,
      bool scores) const;

  double dropout_ = 0;
  bool use_bias_ = true;
  bool use_gate_ = false;
  std::optional<std::int64_t> sliding_window_;
  std::optional<bool> flash_attention_;
  Initializer kernel_initializer_ = "glorot_uniform";
  Initializer bias_initializer_ = "zeros";
  Regularizer kernel_regularizer_;
  Regularizer bias_regularizer_;
  Constraint kernel_constraint_;
  Constraint bias_constraint_;
  std::optional<std::int64_t> seed_;
  /// The argument, for the projections; whether it is for the result, too, is
  /// the layer's matter.
  Regularizer inner_activity_regularizer_;

 private:
  void expect_heads(const Shape& query, const Shape& value) const;

  Variable random_;
  Shape query_shape_;  // of the first call
  Shape value_shape_;
  std::optional<Shape> key_shape_;
};

/// The arguments of a call as Keras records them.
SymbolicInputs multi_head_arguments(
    const SymbolicTensor& query,
    const SymbolicTensor& value,
    const MultiHeadAttentionCall& call,
    bool scores);

}  // namespace keratin::layers
