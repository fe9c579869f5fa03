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
///
/// The activation is for normalised values alone: oneDNN's ReLU makes 0 of NaN.
struct Epilogue {
  enum class Activation : std::uint8_t { none, relu, clip };

  int bias = -1;      // operand with a number per channel; -1: none
  int residual = -1;  // operand of the result's type; -1: none
  Activation activation = Activation::none;
  double limit = 0;  // of clip, which begins at 0

  /// The residual as oneDNN's post-op: added to what is in the result's memory.
  dnnl::post_ops post_ops() const;

  /// " + bias + residual": part of the name of the work.
  std::string str() const;
};

/// A convolution, matmul or batch normalisation: a node of its own, or the
/// first of a fused one.
struct Stem {
  const Node* node = nullptr;  // null: it is none of these
  Epilogue epilogue;           // operands are those of the outer node
};

/// A fused node has a stem when its body is one that fuse_epilogues makes.
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
