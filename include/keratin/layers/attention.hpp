#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>

#include <keratin/export.hpp>
#include <keratin/layer.hpp>

/// Attention. Masks are bool, true where an element counts; those that travel
/// with query, value and key are taken as Keras takes them.
namespace keratin::layers {

struct AttentionOptions {
  bool use_scale = false;          // multiply the scores by a learnt scalar
  std::string score_mode = "dot";  // or "concat"
  double dropout = 0;              // of the scores, while training
  std::optional<std::int64_t> seed = {};
  std::string name = {};
  DTypePolicy dtype = {};
  bool trainable = true;
};

struct AdditiveAttentionOptions {
  bool use_scale = true;  // weigh the features by a learnt vector
  double dropout = 0;
  std::optional<std::int64_t> seed = {};
  std::string name = {};
  DTypePolicy dtype = {};
  bool trainable = true;
};

/// What Attention and AdditiveAttention are called with beside query and value.
struct AttentionCall {
  SymbolicTensor key = {};  // the value when not given
  SymbolicTensor query_mask = {};
  SymbolicTensor value_mask = {};
  bool use_causal_mask = false;  // step i does not see steps after i
};

/// y = softmax(query . key^T) . value (Luong et al., 2015). "concat" scores by
/// sum(tanh(query + key)) times a learnt scalar.
///
///   query: [batch, tq, dim]   value: [batch, tv, width]   key: [batch, tv,
///   dim] y: [batch, tq, width]     scores: [batch, tq, tv]
///
/// Also called on a list: layer({query, value}) or {query, value, key}.
class KERATIN_API Attention : public Layer {
 public:
  explicit Attention(AttentionOptions options = {});

  using Layer::operator();
  SymbolicTensor operator()(
      const SymbolicTensor& query,
      const SymbolicTensor& value,
      const AttentionCall& call = {}) const;

  /// y and the scores (return_attention_scores).
  std::pair<SymbolicTensor, SymbolicTensor> with_scores(
      const SymbolicTensor& query,
      const SymbolicTensor& value,
      const AttentionCall& call = {}) const;
};

/// As Attention, with scores sum(scale * tanh(query + key)) (Bahdanau et al.,
/// 2014).
///
///   scale: [dim]
class KERATIN_API AdditiveAttention : public Layer {
 public:
  explicit AdditiveAttention(AdditiveAttentionOptions options = {});

  using Layer::operator();
  SymbolicTensor operator()(
      const SymbolicTensor& query,
      const SymbolicTensor& value,
      const AttentionCall& call = {}) const;

  std::pair<SymbolicTensor, SymbolicTensor> with_scores(
      const SymbolicTensor& query,
      const SymbolicTensor& value,
      const AttentionCall& call = {}) const;
};

/// What the multi-head layers are called with beside query and value.
struct MultiHeadAttentionCall {
  SymbolicTensor key = {};             // the value when not given
  SymbolicTensor query_mask = {};      // [batch, t]; see use_causal_mask
  SymbolicTensor value_mask = {};      // [batch, s]
  SymbolicTensor key_mask = {};        // [batch, s]
  SymbolicTensor attention_mask = {};  // [batch, t, s], or [batch, heads, t, s]
  bool use_causal_mask = false;        // step i does not see steps after i
};

struct MultiHeadAttentionOptions {
  std::optional<std::int64_t> value_dim = {};  // key_dim when not given
  double dropout = 0;                          // of the scores, while training
  bool use_bias = true;
  Dims output_shape = {};    // the query's features when not given
  Dims attention_axes = {};  // all but batch, heads and features
  /// Steps see no others this far away or farther.
  std::optional<std::int64_t> sliding_window = {};
  /// Keras's choice of a fused kernel, which neither dropout nor returned
  /// scores may go with: true checks that. How scores are computed is the
  /// backend's choice either way.
  std::optional<bool> flash_attention = {};
  Initializer kernel_initializer = "glorot_uniform";
  Initializer bias_initializer = "zeros";
  Regularizer kernel_regularizer = {};
  Regularizer bias_regularizer = {};
  Regularizer activity_regularizer = {};
  Constraint kernel_constraint = {};
  Constraint bias_constraint = {};
  bool use_gate = false;  // multiply by a sigmoid of the query
  std::optional<std::int64_t> seed = {};
  std::string name = {};
  DTypePolicy dtype = {};
  bool trainable = true;
};

/// Attention of several heads at once (Vaswani et al., 2017): query, key and
/// value are projected, softmax(query . key^T / sqrt(key_dim)) . value is taken
/// per head, and the heads are projected back.
///
///   query: [batch, t, q]   value: [batch, s, v]   key: [batch, s, k]
///   y: [batch, t, q]       scores: [batch, num_heads, t, s]
///
///   weights: query, key, (gate,) value and attention_output, kernel and bias
///   each: [features, num_heads, key_dim or value_dim] and back
///
/// As in Keras, a mask of the query is taken only when it travels with the
/// query, not as the argument query_mask.
class KERATIN_API MultiHeadAttention : public Layer {
 public:
  MultiHeadAttention(
      std::int64_t num_heads,
      std::int64_t key_dim,
      MultiHeadAttentionOptions options = {});

  using Layer::operator();
  SymbolicTensor operator()(
      const SymbolicTensor& query,
      const SymbolicTensor& value,
      const MultiHeadAttentionCall& call = {}) const;

  /// y and the scores (return_attention_scores).
  std::pair<SymbolicTensor, SymbolicTensor> with_scores(
      const SymbolicTensor& query,
      const SymbolicTensor& value,
      const MultiHeadAttentionCall& call = {}) const;

  /// Inside another layer's call.
  Value operator()(
      CallContext& ctx,
      const Value& query,
      const Value& value,
      bool use_causal_mask = false) const;
};

struct GroupQueryAttentionOptions {
  double dropout = 0;
  bool use_bias = true;
  std::optional<std::int64_t> sliding_window = {};
  std::optional<bool> flash_attention = {};  // as MultiHeadAttention's
  Initializer kernel_initializer = "glorot_uniform";
  Initializer bias_initializer = "zeros";
  Regularizer kernel_regularizer = {};
  Regularizer bias_regularizer = {};
  Regularizer activity_regularizer = {};
  Constraint kernel_constraint = {};
  Constraint bias_constraint = {};
  bool use_gate = false;
  std::optional<std::int64_t> seed = {};
  std::string name = {};
  DTypePolicy dtype = {};
  bool trainable = true;
};

/// Multi-head attention whose heads of the query share fewer heads of key and
/// value (Ainslie et al., 2023).
///
///   query: [batch, t, dim]   value, key: [batch, s, dim]
///   y: [batch, t, dim]       scores: [batch, num_query_heads, t, s]
class KERATIN_API GroupQueryAttention : public Layer {
 public:
  /// REQUIRES: num_key_value_heads divides num_query_heads.
  GroupQueryAttention(
      std::int64_t head_dim,
      std::int64_t num_query_heads,
      std::int64_t num_key_value_heads,
      GroupQueryAttentionOptions options = {});

  using Layer::operator();
  SymbolicTensor operator()(
      const SymbolicTensor& query,
      const SymbolicTensor& value,
      const MultiHeadAttentionCall& call = {}) const;

  std::pair<SymbolicTensor, SymbolicTensor> with_scores(
      const SymbolicTensor& query,
      const SymbolicTensor& value,
      const MultiHeadAttentionCall& call = {}) const;
};

/// Keras's other name.
using GroupedQueryAttention = GroupQueryAttention;

}  // namespace keratin::layers
