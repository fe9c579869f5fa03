#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string_view>
#include <vector>

#include "src/backends/cuda/steps.hpp"
#include "src/passes/memory_plan.hpp"
#include "src/passes/pass.hpp"

namespace keratin::cuda {

class MatmulLibrary;
class ConvolutionLibrary;

/// What lowering must know of the device, which need not be there.
struct Target {
  int capability = 90;  // 90: Hopper
  int processors = 132;
  bool deterministic = false;
  MatmulLibrary* matmul = nullptr;            // null: plain kernels
  ConvolutionLibrary* convolution = nullptr;  // null: plain kernels

  /// How many blocks share `items`, `per_block` each: enough to fill the
  /// device a few times over; loops in the kernel do the rest.
  std::int64_t blocks(std::int64_t items, std::int64_t per_block) const;
};

/// The constants of a program, each stored once.
class ConstantPool {
 public:
  Place add(const Tensor& value);

  const std::vector<Tensor>& all() const { return tensors_; }

 private:
  std::vector<Tensor> tensors_;
};

/// Where a node's operands, results and scratch are, and where its steps go.
struct Emission {
  std::vector<Place> in;
  std::vector<Place> out;
  Place scratch;
  Steps& steps;
  ConstantPool& constants;
  std::string who;
  NodeId node = -1;

  void launch(
      std::shared_ptr<const KernelSource> kernel,
      std::int64_t blocks,
      std::vector<Argument> arguments);
  void copy(const Place& to, const Place& from, std::int64_t bytes);
  void zero(const Place& at, std::int64_t bytes);
  void call(
      std::shared_ptr<const LibraryCall> call, std::vector<Place> buffers);
};

/// A node made ready: kernels are generated and library plans made; what is
/// left is to say where everything is.
struct Lowering {
  std::function<void(Emission&)> emit;
  std::int64_t scratch_bytes = 0;
  std::function<bool(int operand, int result)> can_overwrite = {};
  bool is_alias = false;  // nothing but another name for operand 0
};

struct LowerArgs {
  const Target& target;
  const Graph& graph;
  const Node& node;

  const ValueType& in(std::size_t i = 0) const {
    return graph.type(node.inputs[i]);
  }

  const ValueType& out(std::size_t i = 0) const {
    return graph.type(node.outputs[i]);
  }
};

/// Whether there is a lowering for the node.
Support supports(const Graph& graph, const Node& node);

/// REQUIRES: supports(graph, node).
Lowering lower(const LowerArgs& args);

// The families; each names its ops in the table of lowering.cpp.
Lowering lower_elementwise(const LowerArgs& args);  // and fused
Lowering lower_alias(const LowerArgs& args);
Lowering lower_reduce(const LowerArgs& args);
Lowering lower_arg(const LowerArgs& args);
Lowering lower_softmax(const LowerArgs& args);
Lowering lower_cross_entropy(const LowerArgs& args);
Lowering lower_matmul(const LowerArgs& args);
Lowering lower_gather(const LowerArgs& args);
Lowering lower_concatenate(const LowerArgs& args);
Lowering lower_pad(const LowerArgs& args);
Lowering lower_iota(const LowerArgs& args);
Lowering lower_take(const LowerArgs& args);
Lowering lower_scatter(const LowerArgs& args);
Lowering lower_one_hot(const LowerArgs& args);
Lowering lower_sort(const LowerArgs& args);
Lowering lower_cumsum(const LowerArgs& args);
Lowering lower_conv(const LowerArgs& args);
Lowering lower_pool(const LowerArgs& args);
Lowering lower_batch_norm(const LowerArgs& args);
Lowering lower_layer_norm(const LowerArgs& args);
Lowering lower_random(const LowerArgs& args);
Lowering lower_scan(const LowerArgs& args);
Lowering lower_cond(const LowerArgs& args);
Lowering lower_while(const LowerArgs& args);

/// A product with its epilogue (epilogues.hpp).
Lowering lower_product(const LowerArgs& args);

/// The steps of the node's sub-graph in the place of the node.
Lowering lower_inlined(const LowerArgs& args, std::string_view name);

/// A kernel (x, y, n) that copies element from(i) of x to element to(i) of y
/// for every i below n, the size of `dims`.
std::shared_ptr<const KernelSource> strided_copy(
    std::string_view stem,
    DType dtype,
    const std::vector<std::int64_t>& dims,
    const std::vector<std::int64_t>& from,
    std::int64_t from_offset,
    const std::vector<std::int64_t>& to,
    std::int64_t to_offset);

/// A graph as steps over a planned arena: a whole program or a sub-graph.
/// REQUIRES: the graph outlives it, unmoved.
class GraphLowering {
 public:
  GraphLowering(const Target& target, const Graph& graph);

  const MemoryPlan& plan() const { return plan_; }

  std::int64_t arena_bytes() const { return plan_.arena_bytes; }

  /// Where the values are when the arena starts at `arena` and parameters are
  /// at `inputs`.
  std::vector<Place> places(
      const Place& arena,
      std::span<const Place> inputs,
      ConstantPool& constants) const;

  /// Appends the steps of all nodes. `outer`: the program's node that they are
  /// counted for; -1: their own.
  void emit(
      const std::vector<Place>& places,
      const Place& arena,
      Steps& steps,
      ConstantPool& constants,
      NodeId outer = -1) const;

 private:
  const Graph& graph_;
  std::vector<std::unique_ptr<Lowering>> lowerings_;  // by NodeId
  MemoryPlan plan_;
};

}  // namespace keratin::cuda
