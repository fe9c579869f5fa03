#pragma once

#include <cstddef>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include <keratin/layer.hpp>

namespace keratin::testing {

/// What a layer must do, checked by check_layer.
struct LayerCase {
  /// Makes the layer; called several times.
  std::function<Layer()> layer;
  /// Shapes of the inputs, batch axis included. Several: given as a list.
  std::vector<Shape> inputs;
  /// Shape of the result.
  Shape output;
  std::size_t weights = 0;
  /// Values of the inputs in place of numbers in [-1, 1]; integers or bools for
  /// layers that take such.
  std::vector<Tensor> values = {};
  /// Largest difference of a gradient by finite differences, in float64.
  double gradient_tolerance = 1e-6;
  /// Largest difference between backends in float32.
  double tolerance = 1e-5;
};

/// Checks the contract that all layers keep:
/// - the shape of the result is inferred from symbolic inputs of unknown batch
///   size, and is that of the result;
/// - the number of weights;
/// - the layer read back from its config has the same config and, with the same
///   weights, gives the same result;
/// - weights go out and in;
/// - results, gradients and assigned variables on every backend are those of
///   the reference, training or not;
/// - gradients by inputs and weights are those of finite differences, training
///   or not;
/// - a training step moves every weight with a gradient, on every backend to
///   where the reference moves it.
void check_layer(const LayerCase& test);

/// Numbers in [-1, 1] that look random, the same for the same seed.
Tensor noise(const Shape& shape, unsigned seed, DType dtype = DType::f64);

struct RunOptions {
  bool training = false;
  std::string backend = "reference";
};

struct LayerRun {
  std::vector<Tensor> outputs;
  Tensor loss;  // the sum of the layer's losses
  /// Of the sum of outputs times `noise`, and the losses: by each floating
  /// input, then by each trainable weight.
  std::vector<Tensor> gradients;
  std::vector<Tensor> assigned;  // new values of variables
  Tensor mask;                   // of the first output; empty: none
};

/// Calls a layer on arrays. Variables stay as they are.
LayerRun run_layer(
    const Layer& layer,
    const std::vector<Tensor>& inputs,
    const RunOptions& options = {});

/// As above, each array with a mask where one is given.
LayerRun run_masked(
    const Layer& layer,
    const std::vector<Tensor>& inputs,
    const std::vector<std::optional<Tensor>>& masks,
    const RunOptions& options = {});

/// The layer's config as a config of the same layer in another dtype.
Layer in_dtype(const Layer& layer, const std::string& dtype);

/// CHECKs that shapes are equal and elements differ by no more than `tolerance`
/// times max(1, the largest element).
void check_close(const Tensor& got, const Tensor& want, double tolerance);

}  // namespace keratin::testing
