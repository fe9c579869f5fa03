#pragma once

#include <memory>
#include <vector>

#include <keratin/variable.hpp>

#include "src/backends/cuda/backend.hpp"
#include "src/backends/cuda/lowering.hpp"
#include "src/ir/graph.hpp"

/// Graphs for the tests of the CUDA backend, and what becomes of them.
namespace keratin::cuda::testing {

using Kernels = std::vector<std::shared_ptr<const KernelSource>>;

/// The backend on the stand-in, once per process.
Backend& stand_in_backend();

/// The graph as Program hands it to the backend.
Graph optimized(const Graph& graph);

/// The steps that a graph becomes, with cuBLASLt's from the stand-in.
Steps steps_of(const Graph& graph, bool deterministic = true);

/// The kernels among them, those of loops included.
Kernels kernels_of(const Steps& steps);

/// One training step of a perceptron with one hidden layer and SGD with
/// momentum: parameters x f32[8,20] and labels i32[8], no outputs but `loss`
/// when asked for.
struct Perceptron {
  std::vector<Variable> weights;  // w1, b1, w2, b2
  std::vector<Variable> momenta;

  Perceptron();
  Graph step(bool with_loss) const;
};

/// A batch for it; `turn` varies the numbers.
std::vector<Tensor> perceptron_batch(int turn);

/// What must not have happened on the stand-in: fails the test case for each.
void check_violations();

}  // namespace keratin::cuda::testing
