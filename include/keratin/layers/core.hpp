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
