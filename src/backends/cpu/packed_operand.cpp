#include "src/backends/cpu/packed_operand.hpp"

#include <mutex>
#include <utility>

#include "src/ir/variable_state.hpp"

namespace keratin::cpu {

PackedOperand::PackedOperand(
    const host::KernelFactory& factory, const Graph& graph, ValueId id) {
  const Node& producer = graph.node(graph.producer(id));
  fixed_ = producer.op == Op::constant || factory.is_invariant(graph, id);
  if (producer.op != Op::read) return;
  variable_ = producer.attrs.get<Variable>("variable");
  fixed_ = true;
  for (const Node& node : graph.nodes()) {
    if (node.op == Op::assign &&
        node.attrs.get<Variable>("variable") == variable_) {
      fixed_ = false;
    }
  }
}

void PackedOperand::bind(const void* address) {
  if (std::exchange(address_, address) != address) forget();
}

bool PackedOperand::changed() {
  if (variable_) {
    const VariableState& state = variable_.state();
    const std::lock_guard lock(state.mutex);
    if (std::exchange(version_, state.version) != state.version) forget();
  }
  return !seen_;
}

}  // namespace keratin::cpu
