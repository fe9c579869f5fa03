#pragma once

#include <oneapi/dnnl/dnnl.hpp>

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "src/backends/host/kernel.hpp"
#include "src/backends/host/memory.hpp"
#include "src/core/cpu_features.hpp"

/// oneDNN as the kernels here use it: one engine and stream per process, and
/// primitives that run from argument arrays made beforehand.
namespace keratin::cpu {

/// The instruction set that oneDNN must not go beyond on such a machine.
std::optional<dnnl::cpu_isa> isa_cap(const CpuFeatures& features);

/// The process's engine. The first call, which must come before any other of
/// oneDNN, applies the guard against half-announced AMX.
const dnnl::engine& onednn_engine();

/// f32 or bf16 in oneDNN's words.
dnnl::memory::data_type data_type(DType dtype);

/// A dense array of these dimensions and strides (in elements).
dnnl::memory::desc strided_desc(
    const dnnl::memory::dims& dims,
    const dnnl::memory::dims& strides,
    DType dtype = DType::f32);

/// In a layout that the primitive chooses.
dnnl::memory::desc any_desc(
    const dnnl::memory::dims& dims, DType dtype = DType::f32);

/// Where an argument of a primitive is while its kernel runs.
struct Slot {
  enum class Kind : std::uint8_t { input, output, scratch, packed };

  Kind kind = Kind::input;
  std::int64_t at = 0;  // operand or result number, else an offset in bytes
};

/// An argument: what oneDNN calls it, its layout, its place.
struct Argument {
  int name;
  dnnl::memory::desc desc;
  Slot slot;
};

/// Primitives to run one after the other, reorders between layouts included.
/// Everything is made before bind(); run() makes nothing.
class Sequence {
 public:
  Sequence();
  Sequence(Sequence&&) = default;
  Sequence& operator=(Sequence&&) = default;

  static Slot input(int operand) { return {Slot::Kind::input, operand}; }

  static Slot output(int result) { return {Slot::Kind::output, result}; }

  /// Room for an array of this layout in the kernel's scratch.
  Slot scratch(const dnnl::memory::desc& desc);

  /// Appends a primitive. `scratchpad` is what its descriptor asks for.
  void add(
      const dnnl::primitive& primitive,
      std::vector<Argument> arguments,
      const dnnl::memory::desc& scratchpad);

  /// `from` in layout `want`: the slot itself where the layouts agree, else
  /// scratch that a reorder, appended here, fills.
  Slot reordered(
      Slot from,
      const dnnl::memory::desc& have,
      const dnnl::memory::desc& want);

  /// As reordered, into memory that lives as long as the sequence and is filled
  /// by pack() alone: for operands that seldom change.
  Slot packed(
      Slot from,
      const dnnl::memory::desc& have,
      const dnnl::memory::desc& want);

  /// Appends a copy from one layout to another, left out at run time where both
  /// are the same memory in the same layout.
  void copy(
      Slot from,
      const dnnl::memory::desc& have,
      Slot to,
      const dnnl::memory::desc& want);

  /// Room for a result in layout `made` that finish() brings to `want` in `to`.
  Slot result(
      Slot to, const dnnl::memory::desc& want, const dnnl::memory::desc& made);

  /// Appends the reorder for result(), where the layouts differ.
  void finish(
      Slot made_in,
      const dnnl::memory::desc& made,
      Slot to,
      const dnnl::memory::desc& want);

  std::int64_t scratch_bytes() const { return scratch_bytes_; }

  bool has_packing() const { return !packing_.empty(); }

  void bind(const host::Binding& binding);

  /// The candidate it was made as; see details().
  void set_name(std::string name) { name_ = std::move(name); }

  /// "winograd, jit_wino:avx512_core, 2 reorders": the candidate's name, the
  /// implementations, and how often a run copies from one layout to another.
  std::string details() const;

  /// Fills packed operands from their sources.
  void pack();
  void run();

 private:
  struct Step {
    dnnl::primitive primitive;
    std::vector<Slot> slots;
    std::vector<dnnl::memory> memories;
    std::vector<dnnl_exec_arg_t> arguments;
    bool is_copy = false;  // from the first argument to the second
    bool idle = false;     // a copy to where it comes from
  };

  Step make_step(
      const dnnl::primitive& primitive, const std::vector<Argument>& arguments);
  void bind_step(Step& step, const host::Binding& binding);
  void run_steps(const std::vector<Step>& steps) const;

  // Primitives are laid out for this many threads and run on as many.
  int threads_;
  std::string name_;
  std::vector<Step> steps_;
  std::vector<Step> packing_;
  std::int64_t scratch_bytes_ = 0;
  std::int64_t packed_bytes_ = 0;
  host::AlignedBuffer packed_memory_;
};

/// Whether oneDNN would run this by the plain loops of its reference.
bool is_plain_loop(const_dnnl_primitive_desc_t descriptor);

}  // namespace keratin::cpu
