#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "src/core/plugin_export.hpp"
#include "src/ir/graph.hpp"
#include "src/ir/op.hpp"

namespace keratin {

enum class AttrKind {
  boolean,
  integer,
  number,
  text,
  ints,
  dtype,
  tensor,
  variable,
  graph,
};

struct AttrSpec {
  std::string_view name;
  AttrKind kind;
};

/// What a shape rule sees.
struct InferArgs {
  Op op;
  std::span<const ValueType> inputs;
  const Attrs& attrs;
  std::string who;  // "[matmul @dense_1]", for messages
};

/// What a gradient rule sees: build with ops on `inputs`, `outputs`, `grads`.
struct GradientArgs {
  Graph& graph;
  Op op;
  const Attrs& attrs;
  std::vector<Value> inputs;
  std::vector<Value> outputs;
  std::vector<Value> grads;       // by output; an empty Value where none flows
  std::vector<bool> wanted = {};  // by input: whether anybody asks for its
                                  // gradient; empty: for all

  bool wants(std::size_t input) const {
    return wanted.empty() || wanted[input];
  }
};

/// What a decomposition sees.
struct DecomposeArgs {
  Graph& graph;
  Op op;
  const Attrs& attrs;
  std::vector<Value> inputs;
};

/// The types of the results. Throws InvalidArgument when the rule is broken.
using InferRule = std::vector<ValueType> (*)(const InferArgs&);

/// One value per input: the gradient of the loss by it, of its very type, or an
/// empty Value where none flows (integers, indices).
using GradientRule = std::vector<Value> (*)(const GradientArgs&);

/// The same results by simpler ops.
using Decomposition = std::vector<Value> (*)(const DecomposeArgs&);

inline constexpr int kVariadic = -1;

/// Everything the library knows about an op, in one place.
struct OpInfo {
  Op op;
  std::string_view name;
  int input_count = 1;  // kVariadic: any number
  std::vector<AttrSpec> attrs = {};
  InferRule infer = nullptr;
  GradientRule gradient = nullptr;    // null: no gradient flows through it
  Decomposition decompose = nullptr;  // null: a primitive
  bool elementwise = false;           // result i depends on element i of the
                                      // (broadcast) operands only
};

/// The declaration of an op.
KERATIN_PLUGIN_EXPORT const OpInfo& op_info(Op op);

/// The op of that name, or null.
const OpInfo* find_op(std::string_view name);

/// All ops, in the order of the enumeration.
std::span<const OpInfo> all_ops();

}  // namespace keratin
