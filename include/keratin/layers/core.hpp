#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include <keratin/activations.hpp>
#include <keratin/export.hpp>
#include <keratin/layer.hpp>
#include <keratin/layers/input.hpp>

/// Keras's layers. Constructors take Keras's required arguments in Keras's
/// order, then a struct with the others under their names and defaults. Shapes
/// in comments have the batch axis first. Wrong arguments throw
/// InvalidArgument from the constructor, wrong shapes from the first call.
namespace keratin::layers {

struct DenseOptions {
  keratin::Activation activation = {};
  bool use_bias = true;
  Initializer kernel_initializer = "glorot_uniform";
  Initializer bias_initializer = "zeros";
  Regularizer kernel_regularizer = {};
  Regularizer bias_regularizer = {};
  Regularizer activity_regularizer = {};
  Constraint kernel_constraint = {};
  Constraint bias_constraint = {};
  /// Trains the kernel's change only, as a product of two thin matrices:
  /// kernel + lora_a . lora_b * (lora_alpha / lora_rank). Files hold the sum.
  std::optional<std::int64_t> lora_rank = {};
  std::optional<double> lora_alpha = {};  // lora_rank when not given
  std::string name = {};
  DTypePolicy dtype = {};
  bool trainable = true;
};

/// Fully connected layer: y = activation(x . kernel + bias).
///
///   x: [batch, ..., in]      kernel: [in, units]
///   y: [batch, ..., units]   bias: [units]
class KERATIN_API Dense : public Layer {
 public:
  explicit Dense(std::int64_t units, DenseOptions options = {});
};

/// What layers without arguments of their own take.
struct LayerOptions {
  std::string name = {};
  DTypePolicy dtype = {};
  bool trainable = true;
};

/// y = activation(x). (keratin::Activation is the function itself.)
class KERATIN_API Activation : public Layer {
 public:
  explicit Activation(
      keratin::Activation activation, LayerOptions options = {});
};

struct EmbeddingOptions {
  Initializer embeddings_initializer = "uniform";
  Regularizer embeddings_regularizer = {};
  Regularizer activity_regularizer = {};
  Constraint embeddings_constraint = {};
  /// Index 0 is padding: the layer makes a mask that leaves it out.
  bool mask_zero = false;
  /// First value of the embeddings, in place of the initializer's.
  std::optional<Tensor> weights = {};
  std::optional<std::int64_t> lora_rank = {};  // as Dense's
  std::optional<double> lora_alpha = {};
  std::string name = {};
  DTypePolicy dtype = {};
  bool trainable = true;
};

/// Rows of a table by index. Floating-point indices are truncated; an index
/// out of range gives NaN.
///
///   x: [batch, ...]              embeddings: [input_dim, output_dim]
///   y: [batch, ..., output_dim]
class KERATIN_API Embedding : public Layer {
 public:
  Embedding(
      std::int64_t input_dim,
      std::int64_t output_dim,
      EmbeddingOptions options = {});
};

struct EinsumDenseOptions {
  keratin::Activation activation = {};
  std::optional<std::string> bias_axes = {};  // letters of the output
  Initializer kernel_initializer = "glorot_uniform";
  Initializer bias_initializer = "zeros";
  Regularizer kernel_regularizer = {};
  Regularizer bias_regularizer = {};
  Regularizer activity_regularizer = {};
  Constraint kernel_constraint = {};
  Constraint bias_constraint = {};
  std::optional<std::int64_t> lora_rank = {};  // as Dense's
  std::optional<double> lora_alpha = {};
  std::string name = {};
  DTypePolicy dtype = {};
  bool trainable = true;
};

/// y = activation(einsum(equation, x, kernel) + bias).
///
///   equation: "ab,bc->ac", "...x,xy->...y" or "ab...,bc->ac..."
///   output_shape: of y without the batch axis and what "..." stands for;
///     kUnknown for an extent that x decides
///   kernel: an axis per letter of the second term
///   bias: an axis per letter of y from the first of bias_axes on, of extent 1
///     for letters not among them
class KERATIN_API EinsumDense : public Layer {
 public:
  EinsumDense(
      std::string equation, Dims output_shape, EinsumDenseOptions options = {});
};

struct ReversibleEmbeddingOptions {
  bool tie_weights = true;  // one table for both directions
  Initializer embeddings_initializer = "uniform";
  Regularizer embeddings_regularizer = {};
  Constraint embeddings_constraint = {};
  bool mask_zero = false;
  std::optional<std::string> reverse_dtype = {};
  std::optional<double> logit_soft_cap = {};  // logits end at +-this, smoothly
  std::string name = {};
  DTypePolicy dtype = {};
  bool trainable = true;
};

/// An Embedding that also goes back: `reverse` takes what a model made of the
/// rows to one logit per index.
///
///   x: [batch, ..., output_dim]   embeddings: [input_dim, output_dim]
///   y: [batch, ..., input_dim]    reverse_embeddings, when not tied:
///                                   [output_dim, input_dim]
class KERATIN_API ReversibleEmbedding : public Layer {
 public:
  ReversibleEmbedding(
      std::int64_t input_dim,
      std::int64_t output_dim,
      ReversibleEmbeddingOptions options = {});

  SymbolicTensor reverse(const SymbolicTensor& x) const;
  Value reverse(CallContext& ctx, const Value& x) const;
};

struct MaskingOptions {
  double mask_value = 0;
  std::string name = {};
  DTypePolicy dtype = {};
  bool trainable = true;
};

/// Masks the steps whose features all equal mask_value, and zeroes them.
///
///   x, y: [batch, steps..., features]   mask: [batch, steps...]
class KERATIN_API Masking : public Layer {
 public:
  explicit Masking(MaskingOptions options = {});
};

/// y = x.
class KERATIN_API Identity : public Layer {
 public:
  explicit Identity(LayerOptions options = {});
};

/// A layer made from a C++ function of values (Keras's Lambda). Files name the
/// function; the program that loads them registers it under that name first,
/// by making such a layer or with register_function.
class KERATIN_API Function : public Layer {
 public:
  using Unary = std::function<Value(const Value&)>;
  using Nary = std::function<Value(const std::vector<Value>&)>;

  Function(std::string function, Unary body, LayerOptions options = {});

  /// Of a list of tensors.
  Function(std::string function, Nary body, LayerOptions options = {});

  /// Of a function registered before.
  explicit Function(std::string function, LayerOptions options = {});
};

/// Makes a function known under a name, in place of what was there.
KERATIN_API void register_function(
    const std::string& function, Function::Unary body);
KERATIN_API void register_function(
    const std::string& function, Function::Nary body);

}  // namespace keratin::layers
