#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include <keratin/ops.hpp>

#include "src/ir/graph.hpp"
#include "src/runtime/backend.hpp"

namespace keratin::testing {

/// Builds results from parameters of the given types.
using Build = std::function<std::vector<Value>(const std::vector<Value>&)>;

struct CheckOptions {
  double absolute = 1e-5;  // times the largest expected magnitude, or 1
  double low = -1;         // of the operands' elements
  double high = 1;
  bool optimized = true;  // false: the nodes as they are, nothing fused
  std::uint64_t seed = 1;
};

/// A tensor of numbers spread over [low, high] (integers: whole numbers).
Tensor spread(
    DType dtype,
    const Shape& shape,
    double low,
    double high,
    std::uint64_t seed);

/// Runs what `build` builds on cpu and on reference, on the same operands.
/// Returns what differs, empty when nothing does.
std::string cpu_difference(
    const std::vector<ValueType>& types,
    const Build& build,
    const CheckOptions& options = {});

/// The kernels that cpu chose for the nodes of `build`'s graph, from the log:
/// "cpu.reduce runs [reduce_sum %3]".
std::vector<std::string> kernels_chosen(
    const std::vector<ValueType>& types, const Build& build);

}  // namespace keratin::testing
