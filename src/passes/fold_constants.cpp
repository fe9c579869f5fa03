#include <atomic>
#include <cstdint>
#include <optional>
#include <utility>
#include <vector>

#include "src/ir/op_info.hpp"
#include "src/ir/rewriter.hpp"
#include "src/passes/pass.hpp"

namespace keratin {
namespace {

std::atomic<NodeEvaluator> evaluator = nullptr;

// Bytes by which the results of a node may exceed its operands.
constexpr std::int64_t kMaxGrowth = 1 << 20;

// Operands and results of a node that does more than a pass over them.
constexpr std::int64_t kMaxHeavy = 1 << 16;

// A longer ramp is sooner made than read.
constexpr std::int64_t kMaxIota = 1 << 14;

bool can_fold(const Graph& graph, const Node& node) {
  std::int64_t in = 0;
  std::int64_t out = 0;
  for (const ValueId id : node.inputs) in += graph.type(id).size_bytes();
  for (const ValueId id : node.outputs) {
    if (graph.type(id).dtype == DType::string) return false;
    out += graph.type(id).size_bytes();
  }
  if (out > in + kMaxGrowth) return false;
  if (op_info(node.op).elementwise) return true;
  switch (node.op) {
    case Op::parameter:
    case Op::constant:
    case Op::read:
    case Op::assign:
    // The point of these is that their results need no memory.
    case Op::random_bits:
    case Op::random_uniform:
    case Op::random_normal:
    // Loops may be long or endless.
    case Op::scan:
    case Op::cond:
    case Op::while_loop:
      return false;
    case Op::iota:
      return out <= kMaxIota;
    case Op::broadcast_to:  // the small one is worth more
      return out <= in;
    case Op::reshape:
    case Op::transpose:
    case Op::concatenate:
    case Op::slice:
    case Op::pad:
    case Op::reverse:
      return true;
    default:
      return in + out <= kMaxHeavy;
  }
}

}  // namespace

void set_node_evaluator(NodeEvaluator function) {
  evaluator = function;
}

//   2   3
//    add    =>   5
Graph fold_constants(const Graph& graph) {
  const NodeEvaluator evaluate = evaluator;
  if (evaluate == nullptr) return graph;
  return rewrite(
      graph, [&](RewriteArgs& r) -> std::optional<std::vector<Value>> {
        std::vector<Tensor> inputs;
        for (const Value& input : r.inputs) {
          const Node& producer = r.to.node(r.to.producer(input.id()));
          if (producer.op != Op::constant) return {};
          inputs.push_back(producer.attrs.get<Tensor>("value"));
        }
        if (!can_fold(r.from, r.node)) return {};
        std::vector<Value> results;
        for (Tensor& result : evaluate(r.from, r.node, inputs)) {
          results.push_back(r.to.constant(std::move(result)));
        }
        return results;
      });
}

}  // namespace keratin
