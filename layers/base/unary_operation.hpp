#pragma once

#include <vector>

#include "layers/base/operation_table.hpp"

/// Operations of one operand and no arguments, for the tables of families.
namespace keratin::unary {

using Results = std::vector<Value>;
using Unary = Value (*)(const Value& x);

constexpr const char* kNone = "{}";

/// f of the operand as it is.
template <Unary f>
Results plain(const OperationCall& call) {
  call.expect_operands(1);
  return {f(call.tensor())};
}

/// f of the operand as a floating-point tensor.
template <Unary f>
Results floating(const OperationCall& call) {
  call.expect_operands(1);
  return {f(call.floating())};
}

}  // namespace keratin::unary
