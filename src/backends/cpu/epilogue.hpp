#pragma once

#include <cstdint>
#include <string>

#include "src/backends/cpu/onednn.hpp"
#include "src/ir/graph.hpp"

namespace keratin::cpu {

/// What becomes of a convolution's or product's sums, or of normalised values,
/// before they are stored:
///
///   y = activation(value + bias + residual)
struct Epilogue {
  enum class Activation : std::uint8_t { none, relu, clip };

  int bias = -1;      // operand with a number per channel; -1: none
  int residual = -1;  // operand of the result's type; -1: none
  Activation activation = Activation::none;
  double limit = 0;  // of clip, which begins at 0

  /// Residual and activation as oneDNN's post-ops. The residual is added to
  /// what is in the result's memory.
  dnnl::post_ops post_ops() const;

  /// " + bias + residual, relu": part of the name of the work.
  std::string str() const;
};

/// A convolution, matmul or batch normalisation: a node of its own, or the
/// first of a fused one.
struct Stem {
  const Node* node = nullptr;  // null: it is none of these
  Epilogue epilogue;           // operands are those of the outer node
};

/// REQUIRES: fused nodes with stems come from fuse_epilogues.
Stem stem_of(const Node& node);

/// A pass: bias, residual sum, ReLU and ReLU6 after a convolution, bias and
/// ReLU after a matmul, residual sum and ReLU after a batch normalisation,
/// become one `fused` node with it, where nobody else uses what is in between.
///
///   conv(x, w)
///      add b        =>    fused{relu(conv(x, w) + b)}
///      relu
Graph fuse_epilogues(const Graph& graph);

}  // namespace keratin::cpu
