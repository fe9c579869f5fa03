#pragma once

#include <optional>
#include <string>

#include <keratin/export.hpp>
#include <keratin/layer.hpp>

/// Activations as layers. All keep the shape of x and pass its mask on.
namespace keratin::layers {

struct ReLUOptions {
  std::optional<double> max_value = {};
  double negative_slope = 0;
  double threshold = 0;
  std::string name = {};
  DTypePolicy dtype = {};
  bool trainable = true;
};

/// x >= max_value: max_value; x > threshold: x; else
/// negative_slope * (x - threshold).
class KERATIN_API ReLU : public Layer {
 public:
  explicit ReLU(ReLUOptions options = {});
};

struct LeakyReLUOptions {
  double negative_slope = 0.3;
  std::string name = {};
  DTypePolicy dtype = {};
  bool trainable = true;
};

/// x > 0: x; else negative_slope * x.
class KERATIN_API LeakyReLU : public Layer {
 public:
  explicit LeakyReLU(LeakyReLUOptions options = {});
};

struct PReLUOptions {
  Initializer alpha_initializer = "zeros";
  Regularizer alpha_regularizer = {};
  Constraint alpha_constraint = {};
  /// Axes along which alpha is one number; the batch axis, 0, is no choice.
  Dims shared_axes = {};
  std::string name = {};
  DTypePolicy dtype = {};
  bool trainable = true;
};

/// x > 0: x; else alpha * x, alpha learnt: x.shape without the batch axis.
class KERATIN_API PReLU : public Layer {
 public:
  explicit PReLU(PReLUOptions options = {});
};

struct ELUOptions {
  double alpha = 1;
  std::string name = {};
  DTypePolicy dtype = {};
  bool trainable = true;
};

/// x > 0: x; else alpha * (exp(x) - 1).
class KERATIN_API ELU : public Layer {
 public:
  explicit ELU(ELUOptions options = {});
};

struct SoftmaxOptions {
  Dims axis = -1;  // one or several
  std::string name = {};
  DTypePolicy dtype = {};
  bool trainable = true;
};

/// Softmax over one or several axes. Elements that a mask (keyword argument
/// "mask", or the one that travels with x; broadcast against x) leaves out are
/// zero.
class KERATIN_API Softmax : public Layer {
 public:
  explicit Softmax(SoftmaxOptions options = {});
};

}  // namespace keratin::layers
