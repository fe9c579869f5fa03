// Element-wise nodes, fused or alone: one sweep over blocks of elements.

#include <algorithm>
#include <array>
#include <cmath>
#include <cstring>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "src/backends/cpu/families.hpp"
#include "src/backends/cpu/fused_program.hpp"
#include "src/backends/reference/common.hpp"
#include "src/core/check.hpp"
#include "src/core/parallel.hpp"
#include "src/ir/op_info.hpp"

namespace keratin::cpu {

namespace {

// Element operations that are worth a second thread.
constexpr std::int64_t kGrain = 32 << 10;

// Copies elements [begin, begin + n) of an operand of repeated rows.
template <class T>
void gather_as(
    const SweepOperand& operand,
    const void* from_data,
    std::int64_t begin,
    std::int64_t n,
    void* to_data) {
  constexpr std::size_t kMaxLoops = 16;
  const auto* from = static_cast<const T*>(from_data);
  auto* to = static_cast<T*>(to_data);
  const std::size_t loops = operand.dims.size();
  std::array<std::int64_t, kMaxLoops> index = {};
  std::int64_t offset = operand.offset;
  std::int64_t rest = begin;
  for (std::size_t d = loops; d-- > 0;) {
    index[d] = rest % operand.dims[d];
    rest /= operand.dims[d];
    offset += index[d] * operand.strides[d];
  }
  const std::int64_t row = operand.dims[loops - 1];
  const std::int64_t step = operand.strides[loops - 1];
  std::int64_t done = 0;
  while (done < n) {
    const std::int64_t count = std::min(n - done, row - index[loops - 1]);
    if (step == 0) {
      std::fill_n(to + done, count, from[offset]);
    } else if (step == 1) {
      std::copy_n(from + offset, count, to + done);
    } else {
      for (std::int64_t i = 0; i < count; ++i) {
        to[done + i] = from[offset + i * step];
      }
    }
    done += count;
    if (done == n) break;
    // The next row: the counter of the innermost loop wraps.
    offset -= index[loops - 1] * step;
    index[loops - 1] = 0;
    for (std::size_t d = loops - 1; d-- > 0;) {
      offset += operand.strides[d];
      if (++index[d] < operand.dims[d]) break;
      offset -= operand.strides[d] * operand.dims[d];
      index[d] = 0;
    }
  }
}

void gather(
    const SweepOperand& operand,
    const void* from,
    std::int64_t begin,
    std::int64_t n,
    void* to) {
  switch (size_of(operand.dtype)) {
    case 1:
      return gather_as<std::uint8_t>(operand, from, begin, n, to);
    case 2:
      return gather_as<std::uint16_t>(operand, from, begin, n, to);
    case 4:
      return gather_as<std::uint32_t>(operand, from, begin, n, to);
    default:
      return gather_as<std::uint64_t>(operand, from, begin, n, to);
  }
}

/// The rows of an operand of Access::rows, in order: each names its next with
/// the same number.
class RowChains {
 public:
  RowChains(std::int64_t rows, const SweepOperand& operand)
      : rows_(rows), count_(operand.count), row_(operand.row) {}

  std::int64_t bytes() const {
    return (rows_ + count_) * static_cast<std::int64_t>(sizeof(std::int32_t));
  }

  void bind(const host::View& numbers, const host::View& rows, void* memory) {
    numbers_ = numbers;
    data_ = rows.as<const float>();
    first_ = static_cast<std::int32_t*>(memory);
    next_ = first_ + rows_;
  }

  void build() const {
    std::fill_n(first_, rows_, -1);
    for (std::int64_t i = count_ - 1; i >= 0; --i) {
      const std::int64_t row = reference::load_index(numbers_, i);
      if (row < 0 || row >= rows_) continue;
      next_[i] = std::exchange(first_[row], static_cast<std::int32_t>(i));
    }
  }

  /// Whether elements [begin, begin + n) are all of rows that nobody names.
  bool are_zero(std::int64_t begin, std::int64_t n) const {
    const std::int32_t* const first = first_ + begin / row_;
    const std::int32_t* const last = first_ + (begin + n - 1) / row_ + 1;
    return std::all_of(first, last, [](std::int32_t i) { return i < 0; });
  }

  /// Elements [begin, begin + n) of the sum.
  void load(std::int64_t begin, std::int64_t n, float* to) const {
    std::fill_n(to, n, 0.0F);
    std::int64_t row = begin / row_;
    std::int64_t column = begin % row_;
    while (n > 0) {
      const std::int64_t part = std::min(n, row_ - column);
      for (std::int32_t i = first_[row]; i >= 0; i = next_[i]) {
        const float* from = data_ + i * row_ + column;
        for (std::int64_t c = 0; c < part; ++c) to[c] += from[c];
      }
      n -= part;
      to += part;
      ++row;
      column = 0;
    }
  }

 private:
  std::int64_t rows_;   // of the result
  std::int64_t count_;  // that are added
  std::int64_t row_;    // elements of one
  host::View numbers_;
  const float* data_ = nullptr;
  std::int32_t* first_ = nullptr;  // by row of the result; -1: none
  std::int32_t* next_ = nullptr;   // by row that is added
};

class SweepKernel final : public host::Kernel {
 public:
  SweepKernel(const Graph& graph, const Node& node) {
    std::string why_not;
    const bool compiled = compile_sweep(graph, node, program_, why_not);
    KERATIN_CHECK(compiled, "{}: {}", graph.who(node), why_not);
    // A cyclic operand is gathered like any other where no block holds whole
    // periods of it.
    for (SweepOperand& operand : program_.operands) {
      if (operand.access == Access::cyclic && operand.dims.empty()) {
        operand.dims = {program_.size};
        operand.strides = {0};
      }
    }
    chains_.resize(program_.operands.size());
    for (std::size_t i = 0; i < chains_.size(); ++i) {
      const SweepOperand& operand = program_.operands[i];
      if (operand.access != Access::rows) continue;
      chains_[i].emplace(program_.size / operand.row, operand);
      scratch_bytes_ += chains_[i]->bytes();
    }
    addresses_.resize(program_.register_at.size());
    staged_.resize(program_.results.size());
    const std::int64_t work =
        program_.block *
        static_cast<std::int64_t>(program_.instructions.size());
    grain_ = std::max<std::int64_t>(1, kGrain / work);
  }

  std::int64_t scratch_bytes() const override { return scratch_bytes_; }

  bool can_overwrite(int operand, int result) const override {
    return program_.operands[operand].access == Access::direct &&
           size_of(program_.operands[operand].dtype) ==
               size_of(program_.results[result].dtype);
  }

  void bind(const host::Binding& binding) override {
    for (std::size_t i = 0; i < program_.operands.size(); ++i) {
      addresses_[i] = binding.inputs[i].as<std::byte>();
    }
    std::byte* scratch = binding.scratch;
    for (std::size_t i = 0; i < chains_.size(); ++i) {
      if (!chains_[i]) continue;
      chains_[i]->bind(
          binding.inputs[program_.operands[i].numbers],
          binding.inputs[i],
          scratch);
      scratch += chains_[i]->bytes();
    }
    // A result that shares memory with an operand goes to a register while
    // later instructions read that operand, and to memory at the end of the
    // block.
    for (std::size_t r = 0; r < program_.results.size(); ++r) {
      const SweepResult& result = program_.results[r];
      addresses_[result.slot] = binding.outputs[r].as<std::byte>();
      staged_[r] = false;
      for (std::size_t i = 0; i < program_.operands.size(); ++i) {
        if (addresses_[i] == addresses_[result.slot] &&
            program_.operands[i].last_use > result.made_by) {
          staged_[r] = true;
        }
      }
    }
  }

  void run() override {
    for (const auto& chains : chains_) {
      if (chains) chains->build();
    }
    sparse_ = keeps_the_rest();
    const std::int64_t blocks =
        (program_.size + program_.block - 1) / program_.block;
    parallel_for(blocks, grain_, [this](std::int64_t first, std::int64_t last) {
      run_blocks(first, last);
    });
  }

 private:
  // The rows that decide alone what changes, where the results are where the
  // operands were that they keep.
  const RowChains* keeps_the_rest() const {
    const RowChains* only = nullptr;
    for (const auto& chains : chains_) {
      if (!chains) continue;
      if (only != nullptr) return nullptr;
      only = &*chains;
    }
    for (const SweepResult& result : program_.results) {
      if (result.keeps < 0 ||
          addresses_[result.keeps] != addresses_[result.slot]) {
        return nullptr;
      }
    }
    for (const std::int32_t slot : program_.factors) {
      const float factor = *reinterpret_cast<const float*>(addresses_[slot]);
      if (!std::isfinite(factor) || std::signbit(factor)) return nullptr;
    }
    return only;
  }

  void run_blocks(std::int64_t first, std::int64_t last) const {
    alignas(64) std::byte registers[kSweepRegisterBytes];
    std::array<std::byte*, kMaxSweepSlots> at;
    std::array<std::int64_t, kMaxSweepSlots> step;  // bytes per element
    const std::size_t slots = addresses_.size();
    for (std::size_t slot = 0; slot < slots; ++slot) {
      step[slot] = 0;
      at[slot] = program_.register_at[slot] >= 0
                     ? registers + program_.register_at[slot]
                     : addresses_[slot];
    }
    prepare_operands(first, last, at.data(), step.data());
    for (std::size_t r = 0; r < program_.results.size(); ++r) {
      const SweepResult& result = program_.results[r];
      if (staged_[r]) continue;
      at[result.slot] = addresses_[result.slot];
      step[result.slot] = static_cast<std::int64_t>(size_of(result.dtype));
    }
    std::array<std::byte*, kMaxSweepSlots> now;
    for (std::int64_t block = first; block < last; ++block) {
      const std::int64_t begin = block * program_.block;
      const std::int64_t n = std::min(program_.block, program_.size - begin);
      if (sparse_ != nullptr && sparse_->are_zero(begin, n)) continue;
      for (std::size_t slot = 0; slot < slots; ++slot) {
        now[slot] = at[slot] + begin * step[slot];
      }
      load_operands(begin, n, now.data());
      for (const SweepInstruction& instruction : program_.instructions) {
        instruction.row(
            now[instruction.y],
            now[instruction.operands[0]],
            now[instruction.operands[1]],
            now[instruction.operands[2]],
            n);
      }
      for (std::size_t r = 0; r < program_.results.size(); ++r) {
        if (!staged_[r]) continue;
        const SweepResult& result = program_.results[r];
        const std::size_t size = size_of(result.dtype);
        std::memcpy(
            addresses_[result.slot] + begin * static_cast<std::int64_t>(size),
            now[result.slot],
            static_cast<std::size_t>(n) * size);
      }
    }
  }

  bool laid_out_once(const SweepOperand& operand) const {
    return operand.access == Access::cyclic &&
           program_.block % operand.period == 0;
  }

  void prepare_operands(
      std::int64_t first,
      std::int64_t last,
      std::byte** at,
      std::int64_t* step) const {
    for (std::size_t i = 0; i < program_.operands.size(); ++i) {
      const SweepOperand& operand = program_.operands[i];
      if (operand.access == Access::direct) {
        step[i] = static_cast<std::int64_t>(size_of(operand.dtype));
      } else if (laid_out_once(operand)) {
        // Every block begins with a period; the last may be shorter.
        const std::int64_t begin = first * program_.block;
        const std::int64_t n = std::min(
            program_.block,
            std::min(program_.size, last * program_.block) - begin);
        gather(operand, addresses_[i], begin, n, at[i]);
      }
    }
  }

  void load_operands(
      std::int64_t begin, std::int64_t n, std::byte** now) const {
    for (std::size_t i = 0; i < program_.operands.size(); ++i) {
      const SweepOperand& operand = program_.operands[i];
      if (operand.register_at < 0 || laid_out_once(operand)) continue;
      if (operand.access == Access::cyclic &&
          begin % operand.period + n <= operand.period) {
        // Within one period: read where it is.
        now[i] = addresses_[i] +
                 begin % operand.period *
                     static_cast<std::int64_t>(size_of(operand.dtype));
        continue;
      }
      if (chains_[i]) {
        chains_[i]->load(begin, n, reinterpret_cast<float*>(now[i]));
        continue;
      }
      gather(operand, addresses_[i], begin, n, now[i]);
    }
  }

  SweepProgram program_;
  std::vector<std::byte*> addresses_;  // by slot; null for inner values
  std::vector<bool> staged_;           // by result
  std::vector<std::optional<RowChains>> chains_;  // by operand
  const RowChains* sparse_ = nullptr;             // see keeps_the_rest
  std::int64_t scratch_bytes_ = 0;
  std::int64_t grain_ = 1;
};

Support supports(const Graph& graph, const Node& node) {
  if (node.op != Op::fused && !op_info(node.op).elementwise) {
    return Support::no("");
  }
  // These are mere names, for reference's kernels to say so.
  if (node.op == Op::stop_gradient) return Support::no("");
  if (node.op == Op::cast &&
      graph.type(node.inputs[0]) == graph.type(node.outputs[0])) {
    return Support::no("");
  }
  SweepProgram program;
  std::string why_not;
  if (compile_sweep(graph, node, program, why_not)) return Support::yes();
  return Support::no(std::move(why_not));
}

std::unique_ptr<host::Kernel> make(
    host::KernelFactory&, const Graph& graph, const Node& node) {
  return std::make_unique<SweepKernel>(graph, node);
}

}  // namespace

std::vector<host::KernelEntry> families::elementwise_kernels() {
  return {{"cpu.sweep", supports, make}};
}

}  // namespace keratin::cpu
