#pragma once

#include <cstdint>
#include <string>

#include "models/zoo/builder.hpp"

/// What EfficientNet and EfficientNetV2 share.
namespace keratin::applications::efficient {

/// A row of the paper's table, widened and deepened.
struct Row {
  std::int64_t kernel;
  int repeats;
  std::int64_t filters_in;
  std::int64_t filters_out;
  std::int64_t expansion;
  std::int64_t stride;  // of the first
  double squeeze;       // share of filters_in; 0: no squeeze and excitation
  bool fused;           // one convolution in place of expansion and depthwise
};

/// he_normal over the results.
Initializer convolution_initializer();
Initializer dense_initializer();

SymbolicTensor swish(const SymbolicTensor& x, const std::string& name);

/// 1x1, no bias.
SymbolicTensor pointwise(
    const SymbolicTensor& x, std::int64_t filters, const std::string& name);

/// Channels weighed by what the whole picture holds.
SymbolicTensor squeeze_excite(
    const SymbolicTensor& x, std::int64_t squeezed, const std::string& prefix);

/// input + x, x dropped for whole samples at `rate`.
SymbolicTensor residual(
    const SymbolicTensor& input,
    const SymbolicTensor& x,
    double rate,
    const std::string& prefix);

/// Average, dropout and the last layer; or what pooling asks for.
SymbolicTensor top(
    const SymbolicTensor& x,
    const Request& r,
    double dropout,
    const Initializer& bias = "zeros");

/// repeats * depth, rounded up.
int deeper(int repeats, double depth);

}  // namespace keratin::applications::efficient
