#pragma once

#include <cstdint>

#include "src/backends/host/kernel.hpp"
#include "src/ir/graph.hpp"

namespace keratin::cpu {

/// An operand that keeps its value between runs, if it does: a constant, a
/// variable that the program reads and never assigns, or in a loop what is the
/// same in all rounds. What a kernel makes of it can be kept, too.
class PackedOperand {
 public:
  PackedOperand() = default;
  PackedOperand(
      const host::KernelFactory& factory, const Graph& graph, ValueId id);

  bool fixed() const { return fixed_; }

  /// Calls pack() when the value may be another than when it last returned.
  template <class F>
  void update(const F& pack) {
    if (!changed()) return;
    pack();
    seen_ = true;
  }

  /// The next update() packs: before a loop.
  void forget() { seen_ = false; }

  /// Tells where the operand is; elsewhere than before it may be another.
  void bind(const void* address);

 private:
  // Forgets when it is so.
  bool changed();

  bool fixed_ = false;
  bool seen_ = false;
  Variable variable_;  // empty for a constant
  std::uint64_t version_ = 0;
  const void* address_ = nullptr;
};

}  // namespace keratin::cpu
