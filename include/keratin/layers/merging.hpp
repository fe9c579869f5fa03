#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include <keratin/export.hpp>
#include <keratin/layer.hpp>
#include <keratin/layers/core.hpp>

/// Layers of several tensors: `Add()({a, b})`. Inputs of lower rank get axes
/// of extent 1 after the batch axis; then NumPy's broadcasting applies.
namespace keratin::layers {

class KERATIN_API Add : public Layer {
 public:
  explicit Add(LayerOptions options = {});
};

/// Of two tensors: the first less the second.
class KERATIN_API Subtract : public Layer {
 public:
  explicit Subtract(LayerOptions options = {});
};

/// Masked steps count as ones.
class KERATIN_API Multiply : public Layer {
 public:
  explicit Multiply(LayerOptions options = {});
};

class KERATIN_API Average : public Layer {
 public:
  explicit Average(LayerOptions options = {});
};

class KERATIN_API Maximum : public Layer {
 public:
  explicit Maximum(LayerOptions options = {});
};

class KERATIN_API Minimum : public Layer {
 public:
  explicit Minimum(LayerOptions options = {});
};

struct ConcatenateOptions {
  std::int64_t axis = -1;
  std::string name = {};
  DTypePolicy dtype = {};
  bool trainable = true;
};

class KERATIN_API Concatenate : public Layer {
 public:
  explicit Concatenate(ConcatenateOptions options = {});
};

struct DotOptions {
  bool normalize = false;  // divide both by their L2 norms over the axes first
  std::string name = {};
  DTypePolicy dtype = {};
  bool trainable = true;
};

/// Sums of products over one axis of each of two tensors, sample by sample.
/// `axes` is one number for both or one for each; not the batch axis.
class KERATIN_API Dot : public Layer {
 public:
  explicit Dot(Dims axes, DotOptions options = {});
};

/// Keras's functional forms.
KERATIN_API SymbolicTensor add(const std::vector<SymbolicTensor>& inputs);
KERATIN_API SymbolicTensor subtract(const std::vector<SymbolicTensor>& inputs);
KERATIN_API SymbolicTensor multiply(const std::vector<SymbolicTensor>& inputs);
KERATIN_API SymbolicTensor average(const std::vector<SymbolicTensor>& inputs);
KERATIN_API SymbolicTensor maximum(const std::vector<SymbolicTensor>& inputs);
KERATIN_API SymbolicTensor minimum(const std::vector<SymbolicTensor>& inputs);
KERATIN_API SymbolicTensor
concatenate(const std::vector<SymbolicTensor>& inputs, std::int64_t axis = -1);
KERATIN_API SymbolicTensor
dot(const std::vector<SymbolicTensor>& inputs,
    Dims axes = -1,
    bool normalize = false);

}  // namespace keratin::layers
