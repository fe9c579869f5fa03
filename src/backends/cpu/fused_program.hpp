#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "src/backends/cpu/rows.hpp"
#include "src/ir/graph.hpp"

namespace keratin::cpu {

/// How an operand of a sweep lies over the elements that the sweep visits.
enum class Access : std::uint8_t {
  direct,   // one element each: read where it is
  scalar,   // one element for all, and every op that reads it takes that
  cyclic,   // repeats every `period` elements (a bias)
  general,  // gathered element by element
  rows,     // zeros and, by the rows' numbers in another operand, sums of rows
  numbers,  // those numbers: no instruction reads them
};

struct SweepOperand {
  Access access = Access::direct;
  DType dtype = DType::f32;
  std::int64_t period = 0;  // of cyclic

  // Of general: loops, outermost first, and the operand's stride in each.
  std::vector<std::int64_t> dims = {};
  std::vector<std::int64_t> strides = {};
  std::int64_t offset = 0;  // of the first element, where a slice is read

  // Of rows: which operand names them, how many of that, and their length.
  std::int32_t numbers = -1;
  std::int64_t count = 0;
  std::int64_t row = 0;

  std::int32_t last_use = -1;     // the last instruction that reads it
  std::int64_t register_at = -1;  // bytes into the registers; -1: needs none
};

/// y = row(a, b, c): each is a slot.
struct SweepInstruction {
  Row row = nullptr;
  std::int32_t y = 0;
  std::array<std::int32_t, 3> operands = {};
};

struct SweepResult {
  DType dtype = DType::f32;
  std::int32_t slot = 0;
  std::int32_t made_by = 0;  // instruction

  // The operand, read in place, whose elements these are where no row was added
  // to and no factor of SweepProgram::factors is negative or not finite, as in
  // w - rate * rows; -1: none.
  std::int32_t keeps = -1;
};

/// An element-wise node, or the body of a fused one, as a list of instructions
/// over blocks of elements small enough to stay in the first-level cache.
///
/// Slots name values: operands first, then what instructions make.
struct SweepProgram {
  std::int64_t size = 0;   // elements of each result
  std::int64_t block = 0;  // elements of a block
  std::vector<SweepOperand> operands;
  std::vector<SweepInstruction> instructions;
  std::vector<SweepResult> results;
  std::vector<std::int32_t> factors;  // scalar operands: see SweepResult::keeps
  std::vector<std::int64_t> register_at;  // by slot: bytes; -1: none
  std::int64_t register_bytes = 0;
};

/// Bytes of registers a program may have: they are on the stack.
inline constexpr std::int64_t kSweepRegisterBytes = 48 << 10;

/// Slots a program may have.
inline constexpr std::int32_t kMaxSweepSlots = 192;

/// Compiles the node. Returns false, with the reason, when some op or dtype in
/// it has no row.
bool compile_sweep(
    const Graph& graph,
    const Node& node,
    SweepProgram& program,
    std::string& why_not);

}  // namespace keratin::cpu
