#pragma once

#include <string>
#include <vector>

#include <keratin/tensor.hpp>

#include "src/ir/graph.hpp"

namespace keratin::testing {

/// One operation, its operands, and what it should give.
struct OpCase {
  std::string name;   // "reduce_sum {axes=[0], keepdims=false} f32[2,3]"
  std::string graph;  // the operation on parameters, as IR text
  std::vector<Tensor> inputs;
  std::vector<Tensor> outputs;
};

/// The cases of tests/data/backends/reference_cases.txt, which NumPy computed.
const std::vector<OpCase>& reference_cases();

/// How far results may lie from expectations: |difference| <= absolute +
/// relative * |expected|. The one place where tolerances are stated; integers
/// and booleans have none.
struct Tolerance {
  double absolute;
  double relative;
};

/// For results that are correctly rounded but for a few last bits.
Tolerance tolerance(DType dtype);

/// Empty when all elements agree (NaN with NaN), else what differs most.
std::string difference(
    const Tensor& expected, const Tensor& got, const Tolerance& allowed);

}  // namespace keratin::testing
