#include "src/backends/cpu/fused_program.hpp"

#include <algorithm>
#include <numeric>
#include <string>
#include <utility>

#include "src/core/format.hpp"
#include "src/ir/op_info.hpp"

namespace keratin::cpu {

namespace {

constexpr std::int64_t kMaxBlock = 1024;

// Registers and the arrays streamed past them should fit the cache together.
constexpr std::int64_t kCacheBytes = 24 << 10;

constexpr std::int64_t kRegisterAlignment = 64;

// A nest of loops in which the operand has one stride per loop; loops that can
// be run as one are merged.
void collapse(const Shape& shape, const Shape& operand, SweepOperand& access) {
  const std::vector<std::int64_t> own = operand.strides();
  const std::size_t lead = shape.rank() - operand.rank();
  for (std::size_t i = 0; i < shape.rank(); ++i) {
    if (shape[i] == 1) continue;
    const bool repeats = i < lead || operand[i - lead] == 1;
    const std::int64_t stride = repeats ? 0 : own[i - lead];
    if (!access.dims.empty() && access.strides.back() == stride * shape[i]) {
      access.dims.back() *= shape[i];
      access.strides.back() = stride;
      continue;
    }
    access.dims.push_back(shape[i]);
    access.strides.push_back(stride);
  }
}

SweepOperand operand_of(const Shape& shape, const ValueType& type) {
  SweepOperand operand;
  operand.dtype = type.dtype;
  const std::int64_t size = type.shape.size();
  if (size == shape.size()) return operand;
  if (size == 1) {
    operand.access = Access::scalar;
    return operand;
  }
  collapse(shape, type.shape, operand);
  const bool cyclic = operand.dims.size() == 2 && operand.strides[0] == 0 &&
                      operand.strides[1] == 1;
  operand.access = cyclic ? Access::cyclic : Access::general;
  operand.period = cyclic ? operand.dims[1] : 0;
  return operand;
}

/// The part of an operand of `type` that `slice`, all of whose steps are 1,
/// takes.
SweepOperand operand_of_slice(const Node& slice, const ValueType& type) {
  const std::vector<std::int64_t> start = slice.attrs.ints("start");
  const std::vector<std::int64_t> stop = slice.attrs.ints("stop");
  const std::vector<std::int64_t> own = type.shape.strides();
  SweepOperand operand;
  operand.dtype = type.dtype;
  operand.access = Access::general;
  for (std::size_t i = 0; i < start.size(); ++i) {
    operand.offset += start[i] * own[i];
    operand.dims.push_back(stop[i] - start[i]);
    operand.strides.push_back(own[i]);
  }
  return operand;
}

/// The rows that `scatter`, along the first axis, adds up; operand `numbers`
/// names them.
SweepOperand operand_of_scatter(
    const Graph& body, const Node& scatter, std::int32_t numbers) {
  SweepOperand operand;
  operand.dtype = body.type(scatter.inputs[1]).dtype;
  operand.access = Access::rows;
  operand.numbers = numbers;
  operand.count = body.type(scatter.inputs[0]).shape.size();
  const Shape& shape = body.type(scatter.outputs[0]).shape;
  operand.row = shape.size() / shape[0];
  return operand;
}

class Compiler {
 public:
  explicit Compiler(SweepProgram& program) : program_(program) {}

  bool compile(const Graph& graph, const Node& node) {
    const Shape& shape = graph.type(node.outputs[0]).shape;
    program_.size = shape.size();
    for (const ValueId id : node.inputs) {
      program_.operands.push_back(operand_of(shape, graph.type(id)));
    }
    if (node.op == Op::fused) {
      if (!add_body(node.attrs.graph("body"), shape)) return false;
    } else {
      std::vector<std::int32_t> operands(node.inputs.size());
      std::iota(operands.begin(), operands.end(), 0);
      dtypes_ = operand_dtypes();
      if (!add(graph, node, operands)) return false;
      program_.results = {
          {graph.type(node.outputs[0]).dtype,
           static_cast<std::int32_t>(operands.size()),
           0}};
    }
    if (slot_count() > kMaxSweepSlots) return fail("too many values");
    return place();
  }

  const std::string& why_not() const { return why_not_; }

 private:
  std::int32_t slot_count() const {
    return static_cast<std::int32_t>(dtypes_.size());
  }

  bool fail(std::string why) {
    why_not_ = std::move(why);
    return false;
  }

  // What the body makes of parameters before it computes: the parameter's slot
  // is read in that way. Returns the slot.
  std::int32_t sink(
      const Graph& body,
      const Node& node,
      const std::vector<std::int32_t>& slots) {
    const std::int32_t slot = slots[node.inputs.back()];
    if (node.op == Op::slice) {
      program_.operands[slot] =
          operand_of_slice(node, body.type(node.inputs[0]));
    } else {
      const std::int32_t numbers = slots[node.inputs[0]];
      program_.operands[slot] = operand_of_scatter(body, node, numbers);
      program_.operands[numbers].access = Access::numbers;
    }
    return slot;
  }

  std::vector<DType> operand_dtypes() const {
    std::vector<DType> dtypes;
    for (const SweepOperand& operand : program_.operands) {
      dtypes.push_back(operand.dtype);
    }
    return dtypes;
  }

  // By value: casts to bfloat16 that are all cast back.
  static std::vector<bool> rounded(const Graph& body) {
    std::vector<bool> back(body.value_count(), false);
    for (const Node& node : body.nodes()) {
      const bool to_bfloat16 =
          node.op == Op::cast &&
          body.type(node.outputs[0]).dtype == DType::bf16 &&
          body.type(node.inputs[0]).dtype == DType::f32;
      back[node.outputs[0]] = to_bfloat16;
      for (const ValueId id : node.inputs) {
        if (node.op != Op::cast ||
            body.type(node.outputs[0]).dtype != DType::f32) {
          back[id] = false;
        }
      }
    }
    for (const ValueId id : body.outputs()) back[id] = false;
    return back;
  }

  bool add_body(const Graph& body, const Shape& shape) {
    dtypes_ = operand_dtypes();
    const std::vector<bool> back = rounded(body);
    std::vector<std::int32_t> slots(body.value_count(), -1);
    for (std::size_t i = 0; i < body.parameters().size(); ++i) {
      slots[body.parameters()[i]] = static_cast<std::int32_t>(i);
    }
    for (const Node& node : body.nodes()) {
      if (node.op == Op::parameter) continue;
      if (node.op == Op::slice || node.op == Op::scatter_add) {
        slots[node.outputs[0]] = sink(body, node, slots);
        continue;
      }
      if (!op_info(node.op).elementwise) {
        return fail(keratin::format("{} in the body", op_name(node.op)));
      }
      if (body.type(node.outputs[0]).shape.size() != shape.size()) {
        return fail("a value of another size in the body");
      }
      std::vector<std::int32_t> operands;
      for (const ValueId id : node.inputs) operands.push_back(slots[id]);
      if (back[node.outputs[0]]) {
        slots[node.outputs[0]] = operands[0];
        continue;
      }
      if (back[node.inputs[0]]) {
        repeat_if_scalar(operands[0]);
        append(
            bfloat16_row(DType::f32, DType::f32),
            {operands[0], operands[0], operands[0]},
            DType::f32);
        slots[node.outputs[0]] = slot_count() - 1;
        continue;
      }
      if (!add(body, node, operands)) return false;
      slots[node.outputs[0]] = slot_count() - 1;
    }
    std::vector<std::int32_t> keeps = kept(body, slots);
    for (const ValueId id : body.outputs()) {
      std::int32_t slot = slots[id];
      const DType dtype = body.type(id).dtype;
      const auto taken = std::find_if(
          program_.results.begin(),
          program_.results.end(),
          [&](const SweepResult& result) { return result.slot == slot; });
      const bool is_operand =
          slot < static_cast<std::int32_t>(program_.operands.size());
      if (is_operand || taken != program_.results.end()) {
        append(copy_row(dtype), {slot, slot, slot}, dtype);
        slot = slot_count() - 1;
      }
      program_.results.push_back(
          {dtype,
           slot,
           slot - static_cast<std::int32_t>(program_.operands.size()),
           keeps[id]});
    }
    return true;
  }

  // By value: the operand that it is where no row was added to. Notes factors.
  std::vector<std::int32_t> kept(
      const Graph& body, const std::vector<std::int32_t>& slots) {
    std::vector<bool> zero(body.value_count(), false);  // +0 where no row is
    std::vector<std::int32_t> keeps(body.value_count(), -1);
    for (const Node& node : body.nodes()) {
      const auto& in = node.inputs;
      if (node.op == Op::scatter_add) {
        zero[node.outputs[0]] = true;
      } else if (node.op == Op::multiply) {
        for (const std::size_t i : {0U, 1U}) {
          const std::int32_t factor = slots[in[1 - i]];
          if (!zero[in[i]] || !is_scalar(factor)) continue;
          zero[node.outputs[0]] = true;
          program_.factors.push_back(factor);
        }
      } else if (node.op == Op::subtract && zero[in[1]]) {
        const std::int32_t whole = slots[in[0]];
        const bool in_place =
            whole < static_cast<std::int32_t>(program_.operands.size()) &&
            program_.operands[whole].access == Access::direct;
        if (in_place) keeps[node.outputs[0]] = whole;
      }
    }
    return keeps;
  }

  bool add(
      const Graph& graph,
      const Node& node,
      const std::vector<std::int32_t>& operands) {
    std::array<std::int32_t, 3> slots = {};
    DType dtypes[3];
    unsigned scalars = 0;
    for (std::size_t i = 0; i < 3; ++i) {
      slots[i] = operands[i < operands.size() ? i : 0];
      dtypes[i] = dtypes_[slots[i]];
      if (i < operands.size() && is_scalar(slots[i])) scalars |= 1U << i;
    }
    const DType result = graph.type(node.outputs[0]).dtype;
    Row row = find_row(node.op, dtypes, result, scalars);
    if (row == nullptr && scalars != 0) {
      // Repeated in a register, then.
      row = find_row(node.op, dtypes, result, 0);
      for (std::size_t i = 0; i < operands.size(); ++i) {
        if (is_scalar(slots[i])) repeat(slots[i]);
      }
    }
    if (row == nullptr) {
      return fail(keratin::format("{} of {}", op_name(node.op), dtypes[0]));
    }
    append(row, slots, result);
    return true;
  }

  bool is_scalar(std::int32_t slot) const {
    return slot < static_cast<std::int32_t>(program_.operands.size()) &&
           program_.operands[slot].access == Access::scalar;
  }

  void repeat_if_scalar(std::int32_t slot) {
    if (is_scalar(slot)) repeat(slot);
  }

  // Rows found before that take the operand as a scalar read its first element.
  void repeat(std::int32_t slot) {
    program_.operands[slot].access = Access::cyclic;
    program_.operands[slot].period = 1;
  }

  void append(
      Row row, const std::array<std::int32_t, 3>& operands, DType dtype) {
    const auto index = static_cast<std::int32_t>(program_.instructions.size());
    for (const std::int32_t slot : operands) {
      if (slot < static_cast<std::int32_t>(program_.operands.size())) {
        program_.operands[slot].last_use = index;
      }
    }
    program_.instructions.push_back({row, slot_count(), operands});
    dtypes_.push_back(dtype);
  }

  // Gives registers to what instructions make (each until its last use) and to
  // operands that are not read where they are, and chooses the block.
  bool place() {
    const auto operands = static_cast<std::int32_t>(program_.operands.size());
    std::vector<std::int32_t> last_use(dtypes_.size(), -1);
    std::int64_t widest = 1;
    for (std::size_t i = 0; i < program_.instructions.size(); ++i) {
      for (const std::int32_t slot : program_.instructions[i].operands) {
        last_use[slot] = static_cast<std::int32_t>(i);
      }
    }
    // A result that is written at the end of the block stays until then.
    const auto end = static_cast<std::int32_t>(program_.instructions.size());
    for (const SweepResult& result : program_.results) {
      last_use[result.slot] = end;
    }
    for (const DType dtype : dtypes_) {
      widest = std::max<std::int64_t>(
          widest, static_cast<std::int64_t>(size_of(dtype)));
    }

    std::vector<std::int32_t> numbers(dtypes_.size(), -1);
    std::vector<std::int32_t> free;
    std::int32_t count = 0;
    std::int64_t arrays = static_cast<std::int64_t>(program_.results.size());
    for (std::int32_t slot = 0; slot < operands; ++slot) {
      const Access access = program_.operands[slot].access;
      if (access == Access::direct) ++arrays;
      if (access == Access::cyclic || access == Access::general ||
          access == Access::rows) {
        numbers[slot] = count++;
      }
    }
    for (std::int32_t i = 0; i < end; ++i) {
      const SweepInstruction& instruction = program_.instructions[i];
      if (free.empty()) free.push_back(count++);
      numbers[instruction.y] = free.back();
      free.pop_back();
      std::array<std::int32_t, 3> done = instruction.operands;
      std::sort(done.begin(), done.end());
      const auto unique_end = std::unique(done.begin(), done.end());
      for (auto it = done.begin(); it != unique_end; ++it) {
        if (*it >= operands && last_use[*it] == i) free.push_back(numbers[*it]);
      }
    }
    choose_block(count, arrays, widest);
    const std::int64_t stride =
        (program_.block * widest + kRegisterAlignment - 1) /
        kRegisterAlignment * kRegisterAlignment;
    program_.register_bytes = stride * count;
    if (program_.register_bytes > kSweepRegisterBytes) {
      return fail("too many values alive at once");
    }
    program_.register_at.resize(dtypes_.size(), -1);
    for (std::size_t slot = 0; slot < dtypes_.size(); ++slot) {
      if (numbers[slot] >= 0)
        program_.register_at[slot] = numbers[slot] * stride;
    }
    for (std::int32_t slot = 0; slot < operands; ++slot) {
      program_.operands[slot].register_at = program_.register_at[slot];
    }
    return true;
  }

  // A multiple of the first short period, so that a bias is laid out once.
  void choose_block(
      std::int64_t registers, std::int64_t arrays, std::int64_t widest) {
    std::int64_t block = kCacheBytes / ((registers + arrays) * widest);
    block = std::clamp<std::int64_t>(block / 64 * 64, 64, kMaxBlock);
    for (const SweepOperand& operand : program_.operands) {
      if (operand.access == Access::cyclic && operand.period > 1 &&
          operand.period <= block) {
        block = block / operand.period * operand.period;
        break;
      }
    }
    program_.block = block;
  }

  SweepProgram& program_;
  std::vector<DType> dtypes_;  // by slot
  std::string why_not_;
};

}  // namespace

bool compile_sweep(
    const Graph& graph,
    const Node& node,
    SweepProgram& program,
    std::string& why_not) {
  Compiler compiler(program);
  if (compiler.compile(graph, node)) return true;
  why_not = compiler.why_not();
  return false;
}

}  // namespace keratin::cpu
