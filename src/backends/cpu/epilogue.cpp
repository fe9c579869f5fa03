#include "src/backends/cpu/epilogue.hpp"

#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <utility>

#include "src/ir/rewriter.hpp"

namespace keratin::cpu {

namespace {

using GraphPtr = std::shared_ptr<const Graph>;

bool is_product(Op op) {
  return op == Op::conv || op == Op::matmul;
}

bool is_norm(Op op) {
  return op == Op::batch_norm_training || op == Op::batch_norm_inference;
}

// A stem and the nodes after it that are fused with it, in order.
struct Chain {
  std::vector<NodeId> nodes;
  std::vector<ValueId> operands;  // the stem's, then bias and residual
};

class Fusion {
 public:
  explicit Fusion(const Graph& graph)
      : graph_(graph), uses_(graph.use_counts()), user_(graph.value_count()) {
    for (std::size_t i = 0; i < graph.nodes().size(); ++i) {
      for (const ValueId input : graph.nodes()[i].inputs) {
        user_[input] = static_cast<NodeId>(i);
      }
    }
    for (std::size_t i = 0; i < graph.nodes().size(); ++i) {
      find_chain(static_cast<NodeId>(i));
    }
  }

  Graph run() const {
    return rewrite(
        graph_, [this](RewriteArgs& r) -> std::optional<std::vector<Value>> {
          if (const auto found = ends_.find(r.id); found != ends_.end()) {
            return {{r.mapped[found->second]}};
          }
          const auto found = chains_.find(r.id);
          if (found == chains_.end()) return {};
          return fused(found->second, r);
        });
  }

 private:
  // The node that uses what `id` makes, when it is the only one.
  const Node* sole_user(NodeId id) const {
    const ValueId result = graph_.node(id).outputs[0];
    if (uses_[result] != 1) return nullptr;
    const Node& user = graph_.node(user_[result]);
    const bool same = user.outputs.size() == 1 &&
                      graph_.type(user.outputs[0]) == graph_.type(result);
    return same ? &user : nullptr;
  }

  // The operand of an element-wise node of two that is not `id`.
  static ValueId other_operand(const Node& node, ValueId id) {
    return node.inputs[node.inputs[0] == id ? 1 : 0];
  }

  bool is_scalar_constant(ValueId id) const {
    const Node& node = graph_.node(graph_.producer(id));
    return node.op == Op::constant && graph_.type(id).shape.rank() == 0;
  }

  // Whether a value is there when node `id` is copied. A read may move.
  bool is_before(ValueId value, NodeId id) const {
    const NodeId maker = graph_.producer(value);
    return maker < id || graph_.node(maker).op == Op::read ||
           is_scalar_constant(value);
  }

  void find_chain(NodeId id) {
    const Node& stem = graph_.node(id);
    if (!is_product(stem.op) && !is_norm(stem.op)) return;
    const ValueId value = stem.outputs[0];
    const ValueType& type = graph_.type(value);
    if (type.dtype != DType::f32 || type.shape.rank() < 2) return;
    Chain chain = {{id}, stem.inputs};
    // Of a stem with several results the others may be used before the chain's
    // end: it is put in the stem's place.
    const bool at_stem = stem.outputs.size() > 1;
    NodeId last = id;
    const auto take = [&](std::optional<ValueId> operand) {
      last = user_[graph_.node(last).outputs[0]];
      chain.nodes.push_back(last);
      if (operand) chain.operands.push_back(*operand);
    };
    const auto operand_after = [&](Op op) -> std::optional<ValueId> {
      const Node* next = sole_user(last);
      if (next == nullptr || next->op != op) return {};
      const ValueId other = other_operand(*next, graph_.node(last).outputs[0]);
      if (at_stem && !is_before(other, id)) return {};
      return other;
    };
    const ValueType channel = {type.dtype, {type.shape.back()}};
    if (auto bias = operand_after(Op::add);
        bias && is_product(stem.op) && graph_.type(*bias) == channel) {
      take(bias);
    }
    if (auto residual = operand_after(Op::add);
        residual && stem.op != Op::matmul && graph_.type(*residual) == type) {
      take(residual);
    }
    const Node* next = sole_user(last);
    if (is_norm(stem.op) && next != nullptr && next->op == Op::relu) {
      take({});
      if (auto limit = operand_after(Op::minimum);
          limit && is_scalar_constant(*limit)) {
        take(limit);
      }
    }
    if (chain.nodes.size() == 1) return;
    if (at_stem) ends_.emplace(last, value);
    chains_.emplace(at_stem ? id : last, std::move(chain));
  }

  std::vector<Value> fused(const Chain& chain, RewriteArgs& r) const {
    const auto body = std::make_shared<Graph>();
    std::unordered_map<ValueId, Value> inner;
    std::vector<Value> operands;
    for (const ValueId id : chain.operands) {
      if (is_scalar_constant(id)) {
        const Node& node = graph_.node(graph_.producer(id));
        inner[id] = body->constant(node.attrs.get<Tensor>("value"));
        continue;
      }
      // A value that comes twice is two operands.
      inner[id] = body->parameter(
          graph_.type(id), "x" + std::to_string(operands.size()));
      const Node& maker = graph_.node(graph_.producer(id));
      operands.push_back(
          maker.op == Op::read
              ? r.to.read(maker.attrs.get<Variable>("variable"))
              : r.mapped[id]);
    }
    for (const NodeId id : chain.nodes) {
      const Node& node = graph_.node(id);
      std::vector<Value> inputs;
      for (const ValueId input : node.inputs) inputs.push_back(inner.at(input));
      body->set_origin(node.origin);
      const std::vector<Value> results = body->add(node.op, inputs, node.attrs);
      for (std::size_t k = 0; k < results.size(); ++k) {
        inner[node.outputs[k]] = results[k];
      }
    }
    const Node& stem = graph_.node(chain.nodes[0]);
    std::vector<Value> outputs = {
        inner.at(graph_.node(chain.nodes.back()).outputs[0])};
    for (std::size_t k = 1; k < stem.outputs.size(); ++k) {
      outputs.push_back(inner.at(stem.outputs[k]));
    }
    body->set_outputs(outputs);
    r.to.set_origin(stem.origin);
    return r.to.add(Op::fused, operands, {{"body", GraphPtr(body)}});
  }

  const Graph& graph_;
  std::vector<std::int32_t> uses_;
  std::vector<NodeId> user_;  // the last one, by value
  std::unordered_map<NodeId, Chain>
      chains_;  // by the node whose place it takes
  // Last nodes of chains that are in their stem's place: the stem's value.
  std::unordered_map<NodeId, ValueId> ends_;
};

}  // namespace

dnnl::post_ops Epilogue::post_ops() const {
  dnnl::post_ops ops;
  if (residual >= 0) ops.append_sum(1.0F);
  return ops;
}

std::string Epilogue::str() const {
  return std::string(bias >= 0 ? " + bias" : "") +
         (residual >= 0 ? " + residual" : "");
}

Stem stem_of(const Node& node) {
  if (is_product(node.op) || is_norm(node.op)) return {&node, {}};
  if (node.op != Op::fused) return {};
  const Graph& body = *node.attrs.get<GraphPtr>("body");
  Stem stem;
  int operand = 0;  // the next of the outer node that is not the stem's
  for (const Node& inner : body.nodes()) {
    if (inner.op == Op::parameter || inner.op == Op::constant) continue;
    if (stem.node == nullptr) {
      if (!is_product(inner.op) && !is_norm(inner.op)) return {};
      stem.node = &inner;
      operand = static_cast<int>(inner.inputs.size());
    } else if (inner.op == Op::add) {
      const bool is_bias = body.type(inner.inputs[0]).shape.rank() !=
                           body.type(inner.inputs[1]).shape.rank();
      (is_bias ? stem.epilogue.bias : stem.epilogue.residual) = operand++;
    } else if (inner.op == Op::relu && is_norm(stem.node->op)) {
      stem.epilogue.activation = Epilogue::Activation::relu;
    } else if (inner.op == Op::minimum && is_norm(stem.node->op)) {
      stem.epilogue.activation = Epilogue::Activation::clip;
      for (const ValueId id : inner.inputs) {
        const Node& maker = body.node(body.producer(id));
        if (maker.op != Op::constant) continue;
        stem.epilogue.limit = maker.attrs.get<Tensor>("value").item<double>();
      }
    } else {
      return {};
    }
  }
  return stem;
}

Graph fuse_epilogues(const Graph& graph) {
  return Fusion(graph).run();
}

}  // namespace keratin::cpu
