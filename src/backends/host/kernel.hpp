#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "src/ir/graph.hpp"
#include "src/passes/memory_plan.hpp"
#include "src/passes/pass.hpp"
#include "src/runtime/backend.hpp"

namespace keratin::host {

/// An operand or result of a kernel in host memory: dense, row-major.
struct View {
  void* data = nullptr;
  const ValueType* type = nullptr;

  template <class T>
  T* as() const {
    return static_cast<T*>(data);
  }
};

/// Where a node's operands, results and scratch are. Addresses change only when
/// the workspace grows; then bind() is called again.
struct Binding {
  std::vector<View> inputs;
  std::vector<View> outputs;
  std::byte* scratch = nullptr;
};

/// One node made ready: everything that can be chosen, created or packed is
/// chosen at construction and in bind(); run() allocates nothing.
class Kernel {
 public:
  Kernel() = default;
  virtual ~Kernel() = default;
  Kernel(const Kernel&) = delete;
  Kernel& operator=(const Kernel&) = delete;

  virtual void bind(const Binding& binding) = 0;
  virtual void run() = 0;

  /// In a loop's body, before the first round: operands that
  /// KernelFactory::is_invariant names may have other values than before.
  virtual void renew() {}

  virtual std::int64_t scratch_bytes() const { return 0; }

  /// Whether result `result` may share memory with operand `operand`.
  virtual bool can_overwrite(int operand, int result) const {
    (void)operand;
    (void)result;
    return false;
  }

  /// How it computes, for profiles: "own layout, jit:avx2". REQUIRES: bound.
  virtual std::string details() const { return ""; }

  /// Whether the kernel is nothing but another name for its operand 0.
  virtual bool is_alias() const { return false; }
};

/// Makes kernels for the nodes of sub-graphs too (scan, cond, while, fused).
class KernelFactory {
 public:
  virtual ~KernelFactory() = default;
  virtual std::unique_ptr<Kernel> make(
      const Graph& graph, const Node& node) = 0;

  /// What the program is compiled with.
  virtual const CompileOptions& options() const = 0;

  /// From now on `body` is known as that of a loop, whose parameters from
  /// `varying` on stay as they are from round to round. Returns *this.
  KernelFactory& in_loop(const Graph& body, std::size_t varying) {
    loops_.emplace_back(&body, varying);
    return *this;
  }

  /// Whether a value is a parameter that stays so in a loop's body.
  bool is_invariant(const Graph& graph, ValueId id) const;

 private:
  std::vector<std::pair<const Graph*, std::size_t>> loops_;
};

/// One way to run some nodes. Tables of these are tried in order; the first
/// that supports the node wins; the rejected say why in the log channel
/// `dispatch`.
struct KernelEntry {
  std::string_view name;  // "onednn.conv"
  /// A refusal with an empty reason means "not my op" and is not logged.
  Support (*supports)(const Graph& graph, const Node& node);
  std::unique_ptr<Kernel> (*make)(
      KernelFactory& factory, const Graph& graph, const Node& node);
};

}  // namespace keratin::host
